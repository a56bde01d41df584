//! Settings of authentication.

use crate::config::auth_mode::AuthMode;
use crate::config::setting::Setting;
use crate::config::values::text;

pub const AUTH: Setting<AuthMode> = Setting::new(
    "AUTH",
    AuthMode::parse,
    "off or jwt",
    "Whether clients must send a signed token (JSON Web Token)",
)
.or("off");
pub const AUTH_JWT_SECRET_FILE: Setting<String> = Setting::new(
    "AUTH_JWT_SECRET_FILE",
    text,
    "a path",
    "File with the secret that tokens are signed with (HS256), at least 32 bytes",
);
pub const AUTH_JWT_KEY_FILE: Setting<String> = Setting::new(
    "AUTH_JWT_KEY_FILE",
    text,
    "a path",
    "File with the public key of the tokens' issuer in PEM (RSA, EC or Ed25519)",
);
pub const AUTH_JWKS_URL: Setting<String> = Setting::new(
    "AUTH_JWKS_URL",
    text,
    "an https URL",
    "URL of the issuer's keys (JSON Web Key Set); without it and without a file they are found by AUTH_ISSUER (OpenID Connect)",
);
pub const AUTH_ISSUER: Setting<String> = Setting::new(
    "AUTH_ISSUER",
    text,
    "the exact claim iss of the tokens",
    "Who issues the tokens; of an OpenID provider its URL",
)
.or("rust-cqrs");
pub const AUTH_AUDIENCE: Setting<String> = Setting::new(
    "AUTH_AUDIENCE",
    text,
    "one of the claim aud of the tokens",
    "The name of this system in tokens",
)
.or("rust-cqrs");
pub const AUTH_ROLES_CLAIM: Setting<String> = Setting::new(
    "AUTH_ROLES_CLAIM",
    text,
    "the path of a claim, such as roles or realm_access.roles",
    "The claim with the roles, admin and customer",
)
.or("roles");
pub const SERVICE_SECRET_FILE: Setting<String> = Setting::new(
    "SERVICE_SECRET_FILE",
    text,
    "a path",
    "File with the secret that the gateway and the services share, at least 32 bytes; calls are signed with it",
);
