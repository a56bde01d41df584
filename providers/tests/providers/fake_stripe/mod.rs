//! A fake of Stripe with Stripe's documented rules for idempotency keys, and programmable faults.
//!
//! The first answer for a key is replayed for 24 hours, failures included; the same key with other parameters is an error;
//! the answer of a request that was not executed is not stored. `stripe/official.rs` validates the fake with Stripe's own
//! client library.

mod fault;
mod http;
mod keys;
mod objects;

use std::sync::{Arc, Mutex};

use platform::Tasks;
use platform::runtime::HttpListener;

pub use fault::{Fault, On};
pub use objects::Money;

use objects::Objects;

pub const SECRET_KEY: &str = "sk_test_51fakefakefakefakefake";

/// A running fake. Clones share it.
#[derive(Clone)]
pub struct FakeStripe {
    pub url: String,
    shared: Arc<Shared>,
    tasks: Tasks,
}

#[derive(Default)]
struct Shared {
    objects: Mutex<Objects>,
    keys: Mutex<keys::Keys>,
    faults: Mutex<Vec<(On, Fault)>>,
    calls: Mutex<Vec<String>>,
}

impl FakeStripe {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let any_port = "127.0.0.1:0".parse().expect("an address");
        let listener = HttpListener::bind("fake Stripe", any_port).await;
        let listener = listener.expect("a port");
        let fake = Self {
            url: format!("http://{}", listener.address()),
            shared: Arc::default(),
            tasks: Tasks::new(),
        };
        listener.serve(http::router(Arc::clone(&fake.shared)), &fake.tasks);
        fake
    }

    /// Injects the fault into the next call of this kind.
    pub fn fault(&self, on: On, fault: Fault) {
        self.shared.faults.lock().expect("faults").push((on, fault));
    }

    pub fn advance(&self, seconds: u64) {
        self.shared.keys.lock().expect("keys").advance(seconds);
    }

    /// The sums taken and refunded, over all intents.
    pub fn money(&self) -> Money {
        self.shared.objects.lock().expect("objects").money()
    }

    /// The status of each intent, in the order of their creation.
    pub fn intents(&self) -> Vec<(String, String)> {
        self.shared.objects.lock().expect("objects").statuses()
    }

    /// Refunds an intent, as an operator does in Stripe's dashboard.
    pub fn refund_by_hand(&self, intent: &str) {
        let mut objects = self.shared.objects.lock().expect("objects");
        objects.refund(intent).expect("a refund");
    }

    /// Settles an intent that is processing.
    pub fn settle(&self, intent: &str) {
        self.shared.objects.lock().expect("objects").settle(intent);
    }

    /// The received calls, such as `create` and `confirm`, replays included.
    pub fn calls(&self) -> Vec<String> {
        self.shared.calls.lock().expect("calls").clone()
    }
}
