//! Notifications: how customers hear about their orders.
//!
//! [`port`] says what any way of telling promises; [`config`] reads the URL that chooses one.

mod config;
mod email;
mod log;
mod port;
mod smtp;

pub use config::{NotificationsConfig, SmtpSettings, SmtpTls};
pub use log::LogNotifications;
pub use port::{Notification, NotificationKind, Notifications};
pub use smtp::SmtpNotifications;
