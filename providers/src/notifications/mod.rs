//! Notifications to customers about their orders.
//!
//! [`port`] has the trait with its guarantees; [`config`] reads the URL that selects an implementation.

mod config;
mod email;
mod log;
mod port;
mod smtp;

pub use config::{NotificationsConfig, SmtpSettings, SmtpTls};
pub use log::LogNotifications;
pub use port::{Notification, NotificationKind, Notifications};
pub use smtp::SmtpNotifications;
