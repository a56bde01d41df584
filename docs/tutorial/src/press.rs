//! The event handler: tells the press about new shows.

use std::collections::BTreeMap;
use std::sync::Mutex;

use event_sourcing::EventHandler;
use event_sourcing::handler::{Delivery, HandlerError, Reactions, Start};

use crate::show::{Show, ShowEvent};

/// Stands for a mail service: a message with a key that it has seen before is not sent again.
#[derive(Debug, Default)]
pub struct MailService(Mutex<BTreeMap<String, String>>);

impl MailService {
    pub async fn send(&self, key: String, message: String) -> Result<(), HandlerError> {
        let mut sent = self
            .0
            .lock()
            .map_err(|error| HandlerError::retryable(&error))?;
        if !sent.contains_key(&key) {
            println!("mail to the press: {message}");
            sent.insert(key, message);
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub struct Press {
    pub mail: MailService,
}

impl EventHandler for Press {
    const NAME: &'static str = "press";
    const START: Start = Start::Beginning;

    fn reactions(&self, on: &mut Reactions<Self>) {
        on.aggregate::<Show>(Self::on_show);
    }
}

impl Press {
    async fn on_show(&self, event: &ShowEvent, of: Delivery<'_>) -> Result<(), HandlerError> {
        let ShowEvent::Planned(planned) = event else {
            return Ok(());
        };
        let message = format!("{}, {} seats", planned.title, planned.seats);
        self.mail.send(of.idempotency_key(), message).await
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::testing::given_log;

    use super::*;
    use crate::show::{Planned, Seats};

    #[tokio::test]
    async fn a_show_is_announced_once() {
        let title = "Hamlet".to_owned();
        let planned = ShowEvent::Planned(Planned { title, seats: 3 });
        let press = Press::default();
        given_log()
            .with::<Show>("hamlet", &planned)
            .with::<Show>("hamlet", &ShowEvent::Reserved(Seats { count: 2 }))
            .when_delivered(&press, 3)
            .await
            .then_done();
        let sent = press.mail.0.into_inner().unwrap();
        assert_eq!(sent.into_values().collect::<Vec<_>>(), ["Hamlet, 3 seats"]);
    }
}
