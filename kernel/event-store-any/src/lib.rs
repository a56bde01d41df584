//! Opens the event store that a URL names: `sqlite://…` for a file, `postgres://…` or `postgresql://…` for a server.
//!
//! A program that runs on either engine names neither: it opens an [`AnyEventStore`] and uses it through the traits of
//! `event-sourcing`.
//!
//! ```no_run
//! # async fn run() -> Result<(), event_store_any::OpenError> {
//! use event_store_any::{AnyEventStore, Settings};
//!
//! let opened = AnyEventStore::open("sqlite://data/events.db", Settings::default()).await?;
//! let (events, leases) = (opened.store(), opened.leases());
//! # drop((events, leases));
//! opened.close().await;
//! # Ok(())
//! # }
//! ```

mod engine;
mod error;
mod reservation;
mod restore_marker;
mod settings;
mod store;

pub use error::OpenError;
pub use reservation::Reservation;
pub use restore_marker::RestoreMarker;
pub use settings::Settings;
pub use store::{AnyEventStore, head_in};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
