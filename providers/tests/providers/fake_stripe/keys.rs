//! Idempotency keys, by Stripe's documented rules.

use std::collections::HashMap;

use super::objects::Reply;

/// How long a key is known.
const KEPT_SECONDS: u64 = 24 * 60 * 60;

#[derive(Default)]
pub struct Keys {
    now: u64,
    known: HashMap<String, StoredAnswer>,
}

struct StoredAnswer {
    at: u64,
    parameters: String,
    /// None while it runs.
    reply: Option<Reply>,
}

/// What a key says to a request.
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

    /// Keeps the answer, or if nothing was executed forgets the key.
    pub fn end(&mut self, key: &str, reply: &Reply) {
        if !reply.executed {
            self.known.remove(key);
        } else if let Some(known) = self.known.get_mut(key) {
            known.reply = Some(reply.clone());
        }
    }
}
