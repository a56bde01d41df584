//! `WEBHOOKS_FILE`.

use std::path::PathBuf;
use std::sync::Arc;

use event_sourcing::Clock;
use platform::config::{Read, Reader, names};
use sql_database::sqlite::private::warn_if_shared;

use super::endpoint::WebhookEndpoint;
use super::file::{self, Contents};
use super::publisher::WebhookPublisher;
use crate::error::ProvidersError;

/// The endpoints that events are sent to.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// The file that they are listed in.
    pub file: PathBuf,
    /// The `source` of the events: it distinguishes this shop from others.
    pub source: String,
    /// At least one, with unique names.
    pub endpoints: Vec<WebhookEndpoint>,
}

impl WebhookSettings {
    /// Reads the setting and its file, if it is set. An endpoint can subscribe to some or all of `known_types`.
    ///
    /// # Errors
    /// The file cannot be read, or is invalid; the error lists all problems.
    pub fn read(reader: &mut Reader, known_types: &[&str]) -> Read<Option<Self>> {
        let setting = &names::WEBHOOKS_FILE;
        let Some(path) = reader.find(setting)? else {
            return Ok(None);
        };
        match in_file(&path, known_types) {
            Ok(Contents { source, endpoints }) => Ok(Some(Self {
                file: PathBuf::from(path),
                source,
                endpoints,
            })),
            Err(why) => {
                let accepts = format!("{}, but {why}", setting.spec.accepts);
                Err(reader.reject(&setting.spec, accepts))
            }
        }
    }

    /// Creates a publisher for each endpoint. Warns if other users can read the file, since it holds secrets.
    ///
    /// # Errors
    /// The certificates that HTTPS needs cannot be read.
    pub fn publishers(
        &self,
        clock: &Arc<dyn Clock>,
    ) -> Result<Vec<WebhookPublisher>, ProvidersError> {
        warn_if_shared(&self.file);
        let publisher = |endpoint: &WebhookEndpoint| {
            let ca_file = endpoint.ca_file.as_deref();
            WebhookPublisher::try_new(endpoint.clone(), &self.source, Arc::clone(clock))
                .map_err(|error| error.of_setting(names::WEBHOOKS_FILE.spec.name, ca_file))
        };
        self.endpoints.iter().map(publisher).collect()
    }
}

/// The contents of the file, or all its problems in one line.
fn in_file(path: &str, known_types: &[&str]) -> Result<Contents, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("this one cannot be read: {}", error.kind()))?;
    file::parse(&text, known_types).map_err(|problems| problems.join("; "))
}
