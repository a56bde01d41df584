//! Given / when / then for event handlers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Log;
use crate::handler::{Delivery, EventHandler, Reactions, name_of};
use crate::stream::StreamId;

/// The result of delivering a log.
#[derive(Debug)]
pub struct Delivered {
    parked: BTreeMap<StreamId, String>,
}

impl Log {
    /// Delivers the log to a handler as its runner would: the events of each stream in order, up to the first failed
    /// one. Each event is delivered `times` times with the same key, which shows whether the handler is idempotent: its
    /// effects must be the same for any `times`.
    ///
    /// ```
    /// # use event_sourcing::testing::doc::{Counter, Incremented};
    /// # use event_sourcing::handler::{Delivery, EventHandler, HandlerError, Reactions, Start};
    /// use event_sourcing::testing::given_log;
    /// # use std::collections::BTreeMap;
    /// # use std::sync::Mutex;
    /// # #[derive(Default)]
    /// # struct Ledger(Mutex<BTreeMap<String, u64>>);
    /// # impl EventHandler for Ledger {
    /// #     const NAME: &'static str = "ledger";
    /// #     const START: Start = Start::Now;
    /// #     fn reactions(&self, on: &mut Reactions<Self>) {
    /// #         on.aggregate::<Counter>(Self::on_counter);
    /// #     }
    /// # }
    /// # impl Ledger {
    /// #     async fn on_counter(&self, event: &Incremented, of: Delivery<'_>) -> Result<(), HandlerError> {
    /// #         if event.by == 13 {
    /// #             return Err(HandlerError::permanent("13 is not entered"));
    /// #         }
    /// #         self.0.lock().unwrap().insert(of.idempotency_key(), event.by);
    /// #         Ok(())
    /// #     }
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let ledger = Ledger::default();
    /// given_log()
    ///     .with::<Counter>("a", &Incremented { by: 2 })
    ///     .with::<Counter>("b", &Incremented { by: 13 })
    ///     .with::<Counter>("a", &Incremented { by: 3 })
    ///     .when_delivered(&ledger, 3)
    ///     .await
    ///     .then_parked("counter/b", "13 is not entered");
    /// assert_eq!(ledger.0.lock().unwrap().values().sum::<u64>(), 5);
    /// # });
    /// ```
    pub async fn when_delivered<H: EventHandler>(self, handler: &H, times: u32) -> Delivered {
        let reactions = Reactions::of(handler);
        let (filter, name) = (reactions.filter(), name_of(handler));
        let mut parked = BTreeMap::new();
        for envelope in self.into_events().into_iter().map(Arc::new) {
            let stream = &envelope.stream;
            let is_concerned = filter.matches(stream.aggregate_type(), &envelope.event_type);
            if !is_concerned || parked.contains_key(stream) {
                continue;
            }
            for attempt in 1..=times {
                let delivery = Delivery {
                    handler: &name,
                    envelope: &envelope,
                    attempt,
                };
                if let Err(error) = reactions.run(handler, delivery, &envelope).await {
                    parked.insert(stream.clone(), error.reason().to_owned());
                    break;
                }
            }
        }
        Delivered { parked }
    }
}

impl Delivered {
    /// Expects that every event was handled.
    ///
    /// # Panics
    /// If one was not.
    #[track_caller]
    pub fn then_done(self) {
        assert!(self.parked.is_empty(), "{:?}", self.parked);
    }

    /// Expects that this stream (`type/id`) is parked for this reason, and no other.
    ///
    /// # Panics
    /// If it is not parked, or another stream is.
    #[track_caller]
    pub fn then_parked(self, stream: &str, reason: &str) {
        let parked = self.parked.iter();
        let parked: Vec<_> = parked
            .map(|(stream, reason)| (stream.to_string(), reason.as_str()))
            .collect();
        assert_eq!(parked, [(stream.to_owned(), reason)]);
    }
}
