//! Settings of TLS: of this process's listeners, and of its calls to the services.

use crate::config::setting::Setting;
use crate::config::values::text;

const A_PATH: &str = "a path";

pub const TLS_CERT_FILE: Setting<String> = Setting::new(
    "TLS_CERT_FILE",
    text,
    A_PATH,
    "File with the certificate of the GraphQL and gRPC listeners in PEM, and after it those of its issuers; with it they speak TLS",
);
pub const TLS_KEY_FILE: Setting<String> = Setting::new(
    "TLS_KEY_FILE",
    text,
    A_PATH,
    "File with the private key of that certificate in PEM",
);
pub const TLS_CLIENT_CA_FILE: Setting<String> = Setting::new(
    "TLS_CLIENT_CA_FILE",
    text,
    A_PATH,
    "File with the authorities in PEM of which clients of gRPC must have a certificate (mutual TLS)",
);
pub const SERVICE_CA_FILE: Setting<String> = Setting::new(
    "SERVICE_CA_FILE",
    text,
    A_PATH,
    "File with the authorities in PEM that the certificates of the called services are verified with; with it calls use TLS",
);
pub const SERVICE_CERT_FILE: Setting<String> = Setting::new(
    "SERVICE_CERT_FILE",
    text,
    A_PATH,
    "File with the certificate in PEM that calls of the services present (mutual TLS)",
);
pub const SERVICE_KEY_FILE: Setting<String> = Setting::new(
    "SERVICE_KEY_FILE",
    text,
    A_PATH,
    "File with the private key of that certificate in PEM",
);
