//! The text of a notification.

use super::{Notification, NotificationKind};

/// Subject and text of the mail.
pub(super) struct EmailMessage {
    pub subject: String,
    pub text: String,
}

impl EmailMessage {
    pub(super) fn about(notification: &Notification) -> Self {
        let order = &notification.order_id;
        let (subject, body) = match &notification.kind {
            NotificationKind::Confirmed {
                total,
                tracking_number,
            } => (
                format!("Your order {order} is confirmed"),
                format!(
                    "We have your order; it comes to {total}.{}",
                    follow(tracking_number.as_deref())
                ),
            ),
            NotificationKind::Cancelled { reason } => (
                format!("Your order {order} is cancelled"),
                format!(
                    "Your order will not be delivered{}. What you paid for it is given back.",
                    why(reason)
                ),
            ),
            NotificationKind::Shipped { tracking_number } => (
                format!("Your order {order} is on its way"),
                format!(
                    "Your order has left us.{}",
                    follow(tracking_number.as_deref())
                ),
            ),
            NotificationKind::Delivered => (
                format!("Your order {order} is delivered"),
                "Your order has arrived.".to_owned(),
            ),
        };
        Self {
            subject,
            text: format!("Hello,\n\n{body}\n\nOrder: {order}\n"),
        }
    }
}

/// The reason may be empty.
fn why(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    }
}

fn follow(tracking_number: Option<&str>) -> String {
    match tracking_number {
        Some(number) => format!(" You can follow it by the number {number}."),
        None => String::new(),
    }
}
