//! Notifications: how customers hear about their orders.
//!
//! [`port`] says what any way of telling promises; [`choice`] reads the URL that chooses one.

mod choice;
mod letter;
mod log;
mod port;
mod smtp;

pub use choice::{NotificationsChoice, SmtpSettings, SmtpTls};
pub use log::LogNotifications;
pub use port::{Notice, NoticeKind, Notifications};
pub use smtp::SmtpNotifications;
