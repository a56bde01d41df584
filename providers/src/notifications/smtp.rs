//! Notifications by mail.

use std::sync::Arc;

use async_trait::async_trait;
use event_sourcing::Clock;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use sagas::{CallError, OperationKey};
use uuid::Uuid;

use super::email::EmailMessage;
use super::{Notification, Notifications, SmtpSettings, SmtpTls};
use crate::certificates;
use crate::error::ProvidersError;

/// Sends a mail for each notification.
#[derive(Debug)]
pub struct SmtpNotifications {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    to: Option<Address>,
    clock: Arc<dyn Clock>,
}

impl SmtpNotifications {
    /// Does not connect: that happens when there is a mail to send.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub fn try_new(settings: &SmtpSettings, clock: Arc<dyn Clock>) -> Result<Self, ProvidersError> {
        let tls = match settings.tls {
            SmtpTls::Wrapped => Tls::Wrapper(tls_parameters(settings)?),
            SmtpTls::StartTls => Tls::Required(tls_parameters(settings)?),
            SmtpTls::None => Tls::None,
        };
        let domain = settings.from.domain().to_owned();
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .hello_name(ClientId::Domain(domain));
        if let Some((user, password)) = &settings.login {
            let password = password.reveal().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self {
            transport: builder.build(),
            from: settings.from.clone(),
            to: settings.to.clone(),
            clock,
        })
    }

    fn recipient(&self, notification: &Notification) -> Result<Address, CallError> {
        let own = || notification.user_id.as_str().parse().ok();
        let address = self.to.clone().or_else(own);
        address.ok_or_else(|| CallError::declined("the customer's user id is not a mail address"))
    }

    fn message(
        &self,
        key: &OperationKey,
        notification: &Notification,
    ) -> Result<Message, CallError> {
        let email = EmailMessage::about(notification);
        // A hash, because a key may hold characters that a message id may not. Stable, so that repeats are recognized.
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("notice:{key}").as_bytes());
        Message::builder()
            .from(Mailbox::new(None, self.from.clone()))
            .to(Mailbox::new(None, self.recipient(notification)?))
            .subject(email.subject)
            .message_id(Some(format!("<{}@{}>", id.simple(), self.from.domain())))
            .date(self.clock.now().into())
            .header(header::ContentType::TEXT_PLAIN)
            .body(email.text)
            .map_err(|_| CallError::declined("the notification cannot be written as a mail"))
    }
}

#[async_trait]
impl Notifications for SmtpNotifications {
    async fn send(&self, key: &OperationKey, notification: &Notification) -> Result<(), CallError> {
        let message = self.message(key, notification)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(call_error(&error)),
        }
    }
}

/// The server's text is left out: it may quote the mail.
fn call_error(error: &lettre::transport::smtp::Error) -> CallError {
    let code = error.status().map(|code| format!(" ({code})"));
    let code = code.unwrap_or_default();
    if error.is_permanent() {
        CallError::declined(format!("the mail server rejected the mail{code}"))
    } else if error.is_transient() {
        CallError::transient(format!(
            "the mail server does not accept the mail now{code}"
        ))
    } else if error.is_tls() || error.is_client() {
        CallError::transient("the mail server's certificate or protocol is not accepted")
    } else {
        CallError::unknown("the mail server did not answer")
    }
}

fn tls_parameters(settings: &SmtpSettings) -> Result<TlsParameters, ProvidersError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        for certificate in certificates::in_file(path)? {
            let certificate = Certificate::from_der(certificate.to_vec())
                .map_err(|error| ProvidersError::certificates(Some(path), error))?;
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder
        .build_rustls()
        .map_err(|error| ProvidersError::Tls(Box::new(error)))
}
