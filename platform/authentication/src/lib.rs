//! Authenticates requests by signed tokens (JSON Web Tokens, RFC 7519).
//!
//! ```text
//!   secret file ─┐
//!   key file ────┼─► key set ──► TokenVerifier ──► Principal: subject, roles, expiry
//!   JWKS URL ────┤      ▲
//!   issuer URL ──┘      └── refreshed every 5 minutes, and when a token names an unknown key
//! ```
//!
//! A token is accepted only if all of this holds (RFC 8725 gives the reasons):
//!
//! - it has at most 8 KiB, and its signature is valid under a key of the set, by the algorithm that belongs to the key: what the
//!   token says of its algorithm chooses nothing;
//! - `iss` is the configured issuer and `aud` contains the configured audience;
//! - `exp` is in the future and `nbf` (of an `OpenID` provider, which may omit it, `iat`) in the past, with 30 s for clocks that
//!   differ;
//! - `sub` has 1 to 255 characters.

mod access;
mod bearer;
mod caller;
mod calls;
mod claims;
mod config;
mod crypto;
mod error;
mod issue;
mod keys;
mod principal;
mod rules;
mod verifier;

pub use access::Access;
pub use bearer::{NotBearer, bearer, bearer_of};
pub use caller::{Caller, Denied, Scope};
pub use calls::{CallAccess, CallGuard, CallSigner, ServiceSecret, caller_of, denied};
pub use config::TokenConfig;
pub use error::{KeyError, TokenError};
pub use issue::{TokenIssuer, TokenRequest};
pub use keys::{KeySource, ProviderUrl};
pub use principal::{Principal, Role, Roles};
pub use rules::TokenRules;
pub use verifier::TokenVerifier;
