//! Idempotency keys, by Stripe's documented rules.

use std::collections::HashMap;

use super::objects::Reply;

/// How long a key is stored.
const KEPT_SECONDS: u64 = 24 * 60 * 60;

#[derive(Default)]
pub struct Keys {
    now: u64,
    known: HashMap<String, StoredAnswer>,
}

struct StoredAnswer {
    at: u64,
    parameters: String,
    /// None while it is in flight.
    reply: Option<Reply>,
}

/// What is known of a request's key.
pub enum KeyLookup {
    /// It may be executed.
    New,
    Replay(Reply),
    OtherParameters,
    Running,
}

impl Keys {
    pub fn advance(&mut self, seconds: u64) {
        self.now += seconds;
    }

    pub fn begin(&mut self, key: &str, parameters: &str) -> KeyLookup {
        let now = self.now;
        self.known.retain(|_, known| now - known.at < KEPT_SECONDS);
        let Some(known) = self.known.get(key) else {
            let known = StoredAnswer {
                at: now,
                parameters: parameters.to_owned(),
                reply: None,
            };
            self.known.insert(key.to_owned(), known);
            return KeyLookup::New;
        };
        if known.parameters != parameters {
            return KeyLookup::OtherParameters;
        }
        match &known.reply {
            Some(reply) => KeyLookup::Replay(reply.clone()),
            None => KeyLookup::Running,
        }
    }

    /// Stores the answer, or deletes the key if nothing was executed.
    pub fn end(&mut self, key: &str, reply: &Reply) {
        if !reply.executed {
            self.known.remove(key);
        } else if let Some(known) = self.known.get_mut(key) {
            known.reply = Some(reply.clone());
        }
    }
}
