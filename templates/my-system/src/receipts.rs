//! The event handler `receipts`: sends a receipt for each deposit. It gets each event at least once, so what it calls must
//! recognise a key that it has seen.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use event_sourcing::EventHandler;
use event_sourcing::handler::{Delivery, HandlerError, Reactions, Start};

use crate::account::{Account, AccountEvent};

/// Sends messages. A message with a key that was used before is not sent again.
#[async_trait]
pub trait Mailer: Debug + Send + Sync {
    /// # Errors
    /// Retryable if another try may succeed; the event is then delivered again.
    async fn send(&self, key: &str, message: String) -> Result<(), HandlerError>;
}

/// Stands for a mail service: it writes the message to the log.
#[derive(Debug)]
pub struct LogMailer;

#[async_trait]
impl Mailer for LogMailer {
    async fn send(&self, key: &str, message: String) -> Result<(), HandlerError> {
        tracing::info!("mail {key}: {message}");
        Ok(())
    }
}

#[derive(Debug)]
pub struct Receipts {
    pub mailer: Arc<dyn Mailer>,
}

impl EventHandler for Receipts {
    /// The stored name of its progress. Another name starts again at `START`.
    const NAME: &'static str = "receipts";
    const START: Start = Start::Now;

    fn reactions(&self, on: &mut Reactions<Self>) {
        on.aggregate::<Account>(Self::on_account);
    }
}

impl Receipts {
    async fn on_account(&self, event: &AccountEvent, of: Delivery<'_>) -> Result<(), HandlerError> {
        match event {
            AccountEvent::Deposited(amount) => {
                let message = format!("{} cents were deposited", amount.cents);
                self.mailer.send(&of.idempotency_key(), message).await
            }
            AccountEvent::Opened(_) | AccountEvent::Withdrawn(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use event_sourcing::testing::given_log;

    use super::*;
    use crate::account::{Amount, Opened};

    #[derive(Debug, Default)]
    struct Sent(Mutex<BTreeMap<String, String>>);

    #[async_trait]
    impl Mailer for Sent {
        async fn send(&self, key: &str, message: String) -> Result<(), HandlerError> {
            self.0.lock().unwrap().insert(key.to_owned(), message);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_deposit_has_one_receipt_however_often_it_is_delivered() {
        let sent = Arc::new(Sent::default());
        let receipts = Receipts {
            mailer: Arc::clone(&sent) as Arc<dyn Mailer>,
        };
        let owner = "ann".to_owned();
        given_log()
            .with::<Account>("a", &AccountEvent::Opened(Opened { owner }))
            .with::<Account>("a", &AccountEvent::Deposited(Amount { cents: 5 }))
            .when_delivered(&receipts, 3)
            .await
            .then_done();
        let sent = sent.0.lock().unwrap();
        assert_eq!(
            sent.values().collect::<Vec<_>>(),
            ["5 cents were deposited"]
        );
    }
}
