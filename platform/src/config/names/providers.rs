//! Those of the providers.

use crate::config::setting::{Secrecy, Setting};
use crate::config::values::text;

const A_SECRET: &str = "text in one line, from a variable or the settings file";
const A_SECRET_FILE: &str = "a file that can be read";

/// Who takes the money.
pub const PAYMENTS_URL: Setting<String> = Setting::new(
    "PAYMENTS_URL",
    text,
    "simulated:// or stripe+https://HOST",
    "Who takes the money",
)
.or("simulated://")
.hide(Secrecy::Credentials);
/// Who brings the goods.
pub const SHIPPING_URL: Setting<String> = Setting::new(
    "SHIPPING_URL",
    text,
    "simulated:// or https://HOST",
    "Who brings the goods",
)
.or("simulated://")
.hide(Secrecy::Credentials);
/// Who tells the customers.
pub const NOTIFICATIONS_URL: Setting<String> = Setting::new(
    "NOTIFICATIONS_URL",
    text,
    "log:// or smtp://HOST?from=ADDRESS",
    "How customers are told about their orders",
)
.or("log://")
.hide(Secrecy::Credentials);
/// The key to Stripe's account.
pub const STRIPE_SECRET_KEY: Setting<String> =
    secret("STRIPE_SECRET_KEY", "The key to Stripe's account");
/// A file with it.
pub const STRIPE_SECRET_KEY_FILE: Setting<String> =
    secret_file("STRIPE_SECRET_KEY_FILE", "A file with STRIPE_SECRET_KEY");
/// What Stripe signs its webhooks with.
pub const STRIPE_WEBHOOK_SECRET: Setting<String> = secret(
    "STRIPE_WEBHOOK_SECRET",
    "What Stripe signs its webhooks with",
);
/// A file with it.
pub const STRIPE_WEBHOOK_SECRET_FILE: Setting<String> = secret_file(
    "STRIPE_WEBHOOK_SECRET_FILE",
    "A file with STRIPE_WEBHOOK_SECRET",
);
/// What the shipping provider knows the shop by.
pub const SHIPPING_TOKEN: Setting<String> = secret(
    "SHIPPING_TOKEN",
    "What the shipping provider knows the shop by",
);
/// A file with it.
pub const SHIPPING_TOKEN_FILE: Setting<String> =
    secret_file("SHIPPING_TOKEN_FILE", "A file with SHIPPING_TOKEN");
/// The password of the mail server's user.
pub const SMTP_PASSWORD: Setting<String> =
    secret("SMTP_PASSWORD", "The password of the mail server's user");
/// A file with it.
pub const SMTP_PASSWORD_FILE: Setting<String> =
    secret_file("SMTP_PASSWORD_FILE", "A file with SMTP_PASSWORD");
/// Where events are sent to, with the secrets that they are signed with.
pub const WEBHOOKS_FILE: Setting<String> = Setting::new(
    "WEBHOOKS_FILE",
    text,
    "a TOML file with [[endpoint]] tables",
    "Who is sent events, as docs/webhooks.md says",
);

const fn secret(name: &'static str, help: &'static str) -> Setting<String> {
    Setting::new(name, text, A_SECRET, help).hide(Secrecy::Everything)
}

const fn secret_file(name: &'static str, help: &'static str) -> Setting<String> {
    Setting::new(name, text, A_SECRET_FILE, help)
}
