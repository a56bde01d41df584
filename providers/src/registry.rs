//! Creates the providers that the settings select.

use std::sync::Arc;

use axum::Router;
use command_database::CommandDatabase;
use domain::fulfilment::{ArrangeShipping, ProcessPayment};
use event_sourcing::Clock;
use platform::config::names;
use sagas::{EngineBuilder, OperationKey};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::error::ProvidersError;
use crate::http_client::HttpClient;
use crate::notifications::{
    LogNotifications, Notifications, NotificationsConfig, SmtpNotifications,
};
use crate::payments::stripe::{StripePayments, Webhook};
use crate::payments::{Payments, PaymentsConfig, SimulatedPayments};
use crate::settings::ProviderSettings;
use crate::shipping::{HttpShipping, Shipping, ShippingConfig, SimulatedShipping};
use crate::simulated::{
    LedgerTask, Provider, ProviderKind, Rng, SimulatedLedger, SimulationConfig,
};

/// The providers, ready to be called.
#[derive(Debug)]
pub struct Providers {
    pub payments: Arc<Payments>,
    pub shipping: Arc<Shipping>,
    pub notifications: Arc<dyn Notifications>,
    /// The routes that providers call, to be served over HTTP.
    pub webhooks: Router,
    /// Keys whose status has changed, as reported by providers that send such events. They are hints: the status itself is
    /// read with a look-up, and a hint may be lost.
    pub hints: Option<mpsc::Receiver<OperationKey>>,
    /// Calls to simulated providers in flight.
    in_flight: TaskTracker,
    /// The task of the simulated providers' ledger.
    book: LedgerTask,
}

impl Providers {
    /// Creates the providers that `settings` select; they store their state in `database`.
    ///
    /// # Errors
    /// The certificates that HTTPS or mail needs cannot be read.
    pub fn from_settings(
        settings: &ProviderSettings,
        database: &CommandDatabase,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ProvidersError> {
        let on_the_way = TaskTracker::new();
        let (book, book_task) = SimulatedLedger::open(database.clone(), Arc::clone(clock));
        let simulated = |kind, config: &SimulationConfig| {
            let (config, book) = (config.clone(), book.clone());
            Provider::new(kind, config, Rng::random(), book, on_the_way.clone())
        };
        let (payments, webhook): (Arc<Payments>, _) = match &settings.payments {
            PaymentsConfig::Simulated(config) => {
                let provider = simulated(ProviderKind::PAYMENT, config);
                (Arc::new(SimulatedPayments::new(provider)), None)
            }
            PaymentsConfig::Stripe(stripe) => {
                let client = HttpClient::try_new(None)?;
                let payments =
                    StripePayments::new(stripe, client, database.clone(), Arc::clone(clock));
                let webhook = Webhook::open(stripe, database.clone(), Arc::clone(clock));
                (Arc::new(payments), webhook)
            }
        };
        let shipping: Arc<Shipping> = match &settings.shipping {
            ShippingConfig::Simulated(config) => Arc::new(SimulatedShipping::new(simulated(
                ProviderKind::SHIPMENT,
                config,
            ))),
            ShippingConfig::Http(http) => {
                let ca_file = http.ca_file.as_deref();
                let client = HttpClient::try_new(ca_file)
                    .map_err(|error| error.of_setting(names::SHIPPING_URL.spec.name, ca_file))?;
                Arc::new(HttpShipping::new(http, client))
            }
        };
        let notifications: Arc<dyn Notifications> = match &settings.notifications {
            NotificationsConfig::Log => Arc::new(LogNotifications),
            NotificationsConfig::Smtp(smtp) => {
                let mail = SmtpNotifications::try_new(smtp, Arc::clone(clock));
                let (setting, ca_file) = (&names::NOTIFICATIONS_URL, smtp.ca_file.as_deref());
                Arc::new(mail.map_err(|error| error.of_setting(setting.spec.name, ca_file))?)
            }
        };
        let (webhooks, news) = match webhook {
            Some((webhook, news)) => (webhook.router(), Some(news)),
            None => (Router::new(), None),
        };
        Ok(Self {
            payments,
            shipping,
            notifications,
            webhooks,
            hints: news,
            in_flight: on_the_way,
            book: book_task,
        })
    }

    /// Registers them as the providers of the sagas' steps.
    #[must_use]
    pub fn register(&self, engine: EngineBuilder) -> EngineBuilder {
        engine
            .provider::<ProcessPayment>(Arc::clone(&self.payments))
            .provider::<ArrangeShipping>(Arc::clone(&self.shipping))
    }

    /// Waits until all accepted calls are written. Returns after every clone of a provider is dropped.
    pub async fn finished(self) {
        let Self {
            payments,
            shipping,
            notifications,
            webhooks,
            hints: news,
            in_flight: on_the_way,
            book,
        } = self;
        // Otherwise they would live to the end of this function, and the tasks would never end.
        drop((payments, shipping, notifications, webhooks, news));
        on_the_way.close();
        on_the_way.wait().await;
        book.finished().await;
    }
}
