//! Appends an event of a type that only a newer binary knows, while the shop is stopped.

use std::time::Duration;

use anyhow::{Context, Result};
use command_service::open_event_store;
use event_sourcing::{
    Clock, CommandId, Commit, EncodedEvent, ExpectedVersion, Metadata, NewEvent, SteadyClock,
    StreamId, SystemClock, Write,
};
use platform::config::{DatabaseUrl, Databases};
use test_shop::Folder;

/// Appends an event of this type to a new stream.
pub async fn append(folder: &Folder, stream: StreamId, event_type: &'static str) -> Result<()> {
    let url = format!(
        "sqlite://{}",
        folder.path().join("event_store.db").display()
    );
    let url = DatabaseUrl::parse(&url).context("a URL")?;
    let databases = Databases {
        event_store: url.clone(),
        database: url,
        database_setting: "COMMAND_DATABASE_URL",
        pool_size: 1,
        migrate: true,
        start_timeout: Duration::from_secs(30),
    };
    let opened = open_event_store(&databases, SteadyClock::start()).await?;
    let event = EncodedEvent {
        event_type,
        schema_version: 1,
        data: "{}".to_owned(),
    };
    let metadata = Metadata::default();
    let write = Write {
        stream,
        expected: ExpectedVersion::NoStream,
        events: vec![NewEvent { event, metadata }],
    };
    let now = SystemClock.now();
    let id = CommandId::from_parts(now, [0; 10]);
    let commit = Commit::try_new(id, now, vec![write], None)?;
    for answer in opened.store().append(&[commit]).await? {
        answer.ok().context("the event is accepted")?;
    }
    opened.close().await;
    Ok(())
}
