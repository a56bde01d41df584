//! Outgoing webhooks.

pub mod receiver;

mod delivery;
mod file;
mod foreign;

use std::path::PathBuf;
use std::sync::Arc;

use event_sourcing::clock::ManualClock;
use event_sourcing::envelope::DecodedOnce;
use event_sourcing::{Clock, CommandId, Envelope, Metadata, Position, StreamId, Version};
use platform::config::{ConfigErrors, Settings};
use providers::{WebhookPublisher, WebhookSettings};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::noon;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const NEXT_SECRET: &str = "whsec_bmV4dCBzZWNyZXQgb2YgdGhlIHNob3AhIQ==";
/// The event types for subscriptions.
pub const TYPES: [&str; 3] = ["OrderCreated", "OrderConfirmed", "ProductCreated"];

/// A file of endpoints.
pub struct File {
    pub path: PathBuf,
    _folder: TempDir,
}

impl File {
    pub fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("webhooks.toml");
        std::fs::write(&path, text).expect("a file");
        Self {
            path,
            _folder: folder,
        }
    }

    pub fn read(&self) -> Result<WebhookSettings, ConfigErrors> {
        let path = self.path.to_str().expect("a path");
        let settings = Settings::from_environment([("WEBHOOKS_FILE", path)]);
        let read = settings.read(|reader| WebhookSettings::read(reader, &TYPES));
        read.map(|settings| settings.expect("the file is named"))
    }
}

/// A file with one endpoint, `name` "warehouse", whose other fields are `more`.
pub fn endpoint(url: &str, more: &str) -> String {
    format!(
        "[[endpoint]]\nname = \"warehouse\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nevents = \"all\"\n{more}\n"
    )
}

/// The publisher of a file with one endpoint, and its clock.
pub fn publisher(text: &str) -> (WebhookPublisher, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(noon()));
    let settings = File::new(text).read().expect("endpoints");
    let publishers = settings.publishers(&(Arc::clone(&clock) as Arc<dyn Clock>));
    let publisher = publishers.expect("publishers").pop();
    (publisher.expect("an endpoint"), clock)
}

/// The event at `position`.
pub fn event(position: u64) -> Envelope {
    let command = CommandId(Uuid::from_u128(1));
    Envelope {
        position: Position(position),
        stream: StreamId::new("order", "o-1"),
        version: Version(1),
        event_id: command.event_id(0),
        command_id: Some(command),
        event_type: "OrderCreated".to_owned(),
        schema_version: 1,
        data: r#"{"total":19.90,"city":"Köln"}"#.to_owned(),
        metadata: Metadata {
            user_id: Some("anna@example.com".to_owned()),
            ..Metadata::default()
        },
        recorded_at: noon(),
        decoded: DecodedOnce::default(),
    }
}
