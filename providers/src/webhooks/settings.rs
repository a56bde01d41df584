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
    /// The `source` of the events that are sent: it tells this shop from others.
    pub source: String,
    /// At least one, each with a name of its own.
    pub endpoints: Vec<WebhookEndpoint>,
}

impl WebhookSettings {
    /// Reads the setting and the file that it names, if it is given. An endpoint can ask for events of `known_types`,
    /// and gets all of these if it asks for all.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong; all of that is named.
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
                Err(reader.refuse(&setting.spec, accepts))
            }
        }
    }

    /// The publishers, one an endpoint. It warns of a file that others can read, since its secrets are in it.
    ///
    /// # Errors
    /// The certificates that HTTPS needs cannot be read.
    pub fn publishers(
        &self,
        clock: &Arc<dyn Clock>,
    ) -> Result<Vec<WebhookPublisher>, ProvidersError> {
        warn_if_shared(&self.file);
        let publisher = |endpoint: &WebhookEndpoint| {
            WebhookPublisher::try_new(endpoint.clone(), &self.source, Arc::clone(clock))
        };
        self.endpoints.iter().map(publisher).collect()
    }
}

/// What the file says, or all that is wrong with it in one line.
fn in_file(path: &str, known_types: &[&str]) -> Result<Contents, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("this one cannot be read: {}", error.kind()))?;
    file::parse(&text, known_types).map_err(|problems| problems.join("; "))
}
