//! `NOTIFICATIONS_URL`.

use std::path::PathBuf;

use lettre::Address;
use platform::config::{Read, Reader, names};

use crate::Secret;
use crate::url::{Accepts, ProviderUrl};

const SCHEMES: &[&str] = &[
    "log://",
    "smtp://HOST?from=ADDRESS",
    "smtps://HOST?from=ADDRESS",
];
/// The port for mail submission with STARTTLS.
const SUBMISSION: u16 = 587;
/// The port for mail submission with TLS from the first byte.
const SUBMISSIONS: u16 = 465;

/// How customers are notified.
#[derive(Clone, Debug)]
pub enum NotificationsConfig {
    /// Notifications are only logged.
    Log,
    Smtp(SmtpSettings),
}

#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The server's certificate must be for this host name.
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// A file with certificates to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
    pub login: Option<(String, Secret)>,
    pub from: Address,
    /// The recipient of all mails; if unset, each customer whose user id is a mail address.
    pub to: Option<Address>,
}

/// TLS with the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte.
    Wrapped,
    /// After STARTTLS; nothing is sent without it.
    StartTls,
    /// None; only for a server on this machine.
    None,
}

impl NotificationsConfig {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Smtp(_) => "smtp",
        }
    }

    /// Reads the URL and the password.
    ///
    /// # Errors
    /// The URL is not supported, or the password cannot be read.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let setting = &names::NOTIFICATIONS_URL;
        let text = reader.get(setting)?;
        let url = ProviderUrl::parse(&text, SCHEMES)
            .map_err(|accepts| reader.reject(&setting.spec, accepts))?;
        if url.scheme() == "log" {
            let nowhere = url.nowhere().and_then(|()| url.finish());
            nowhere.map_err(|accepts| reader.reject(&setting.spec, accepts))?;
            return Ok(Self::Log);
        }
        let password = Secret::find(reader, &names::SMTP_PASSWORD, &names::SMTP_PASSWORD_FILE);
        let credentials = url.credentials();
        let server = smtp(url).map_err(|accepts| reader.reject(&setting.spec, accepts));
        let (password, server) = (password?, server?);
        let login = login(credentials, password)
            .map_err(|accepts| reader.reject(&setting.spec, accepts))?;
        Ok(Self::Smtp(SmtpSettings { login, ..server }))
    }
}

/// The settings of the server, without the login.
fn smtp(mut url: ProviderUrl) -> Result<SmtpSettings, Accepts> {
    let wrapped = url.scheme() == "smtps";
    let tls = match url.text("tls")?.as_deref() {
        None if wrapped => SmtpTls::Wrapped,
        None | Some("starttls") if !wrapped => SmtpTls::StartTls,
        Some("none") if !wrapped && url.is_loopback() => SmtpTls::None,
        _ => {
            return Err(
                "smtps://, or smtp:// with tls=starttls, or on this machine with tls=none"
                    .to_owned(),
            );
        }
    };
    if !matches!(url.path(), "" | "/") {
        return Err("smtp://HOST without a path".to_owned());
    }
    let from = address(&mut url, "from")?.ok_or("from as a mail address")?;
    let to = address(&mut url, "to")?;
    let ca_file = url.text("ca_file")?.map(PathBuf::from);
    let host = url.host()?.trim_matches(['[', ']']).to_owned();
    let default_port = if wrapped { SUBMISSIONS } else { SUBMISSION };
    let port = url.port().unwrap_or(default_port);
    url.finish()?;
    Ok(SmtpSettings {
        host,
        port,
        tls,
        ca_file,
        login: None,
        from,
        to,
    })
}

/// The user is in the URL; the password is in the URL or in its own setting.
fn login(
    credentials: Option<(String, Option<String>)>,
    password: Option<Secret>,
) -> Result<Option<(String, Secret)>, Accepts> {
    let in_url = |text: String| Secret::parse(&text).ok_or("a printable password".to_owned());
    match (credentials, password) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err("smtp://USER@HOST, because SMTP_PASSWORD is given".to_owned()),
        (Some((user, None)), Some(password)) => Ok(Some((user, password))),
        (Some((user, Some(password))), None) => Ok(Some((user, in_url(password)?))),
        (Some(_), None) => Err("a user with a password, in the URL or in SMTP_PASSWORD".to_owned()),
        (Some((_, Some(_))), Some(_)) => {
            Err("a password in the URL or in SMTP_PASSWORD, not in both".to_owned())
        }
    }
}

fn address(url: &mut ProviderUrl, name: &'static str) -> Result<Option<Address>, Accepts> {
    url.value(name, "a mail address", |_: &Address| true)
}
