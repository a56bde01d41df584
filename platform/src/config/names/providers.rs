//! Settings of the providers.

use crate::config::setting::{Secrecy, Setting};
use crate::config::values::text;

const A_SECRET: &str = "one line of text, from a variable or the settings file";
const A_SECRET_FILE: &str = "a readable file";

pub const PAYMENTS_URL: Setting<String> = Setting::new(
    "PAYMENTS_URL",
    text,
    "simulated:// or stripe+https://HOST",
    "The payment provider",
)
.or("simulated://")
.hide(Secrecy::Credentials);
pub const SHIPPING_URL: Setting<String> = Setting::new(
    "SHIPPING_URL",
    text,
    "simulated:// or https://HOST",
    "The shipping provider",
)
.or("simulated://")
.hide(Secrecy::Credentials);
pub const NOTIFICATIONS_URL: Setting<String> = Setting::new(
    "NOTIFICATIONS_URL",
    text,
    "log:// or smtp://HOST?from=ADDRESS",
    "The provider of notifications to customers",
)
.or("log://")
.hide(Secrecy::Credentials);
pub const STRIPE_SECRET_KEY: Setting<String> = secret(
    "STRIPE_SECRET_KEY",
    "The secret API key of the Stripe account",
);
pub const STRIPE_SECRET_KEY_FILE: Setting<String> =
    secret_file("STRIPE_SECRET_KEY_FILE", "A file with STRIPE_SECRET_KEY");
pub const STRIPE_WEBHOOK_SECRET: Setting<String> = secret(
    "STRIPE_WEBHOOK_SECRET",
    "The secret with which Stripe signs its webhooks",
);
pub const STRIPE_WEBHOOK_SECRET_FILE: Setting<String> = secret_file(
    "STRIPE_WEBHOOK_SECRET_FILE",
    "A file with STRIPE_WEBHOOK_SECRET",
);
pub const SHIPPING_TOKEN: Setting<String> = secret(
    "SHIPPING_TOKEN",
    "The token that authenticates the shop at the shipping provider",
);
pub const SHIPPING_TOKEN_FILE: Setting<String> =
    secret_file("SHIPPING_TOKEN_FILE", "A file with SHIPPING_TOKEN");
pub const SMTP_PASSWORD: Setting<String> =
    secret("SMTP_PASSWORD", "The password of the mail server's user");
pub const SMTP_PASSWORD_FILE: Setting<String> =
    secret_file("SMTP_PASSWORD_FILE", "A file with SMTP_PASSWORD");
pub const WEBHOOKS_FILE: Setting<String> = Setting::new(
    "WEBHOOKS_FILE",
    text,
    "a TOML file with [[endpoint]] tables",
    "The endpoints that receive events (see docs/webhooks.md)",
);

const fn secret(name: &'static str, help: &'static str) -> Setting<String> {
    Setting::new(name, text, A_SECRET, help).hide(Secrecy::Everything)
}

const fn secret_file(name: &'static str, help: &'static str) -> Setting<String> {
    Setting::new(name, text, A_SECRET_FILE, help)
}
