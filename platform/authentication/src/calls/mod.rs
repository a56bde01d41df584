//! Authenticates the calls between the gateway and the services.
//!
//! The gateway states in each call for whom it is made, in a token of a minute that it signs with a secret which the services
//! have too. So a service believes the gateway and operators with the secret alone, needs none of the keys of clients' tokens, and
//! checks by itself what the principal may do.

mod guard;
mod secret;
mod signer;

pub use guard::{CallAccess, CallGuard, caller_of, denied};
pub use secret::ServiceSecret;
pub use signer::CallSigner;

use crate::rules::TokenRules;

/// The subject of a call that is made for a client without a token. It has no role.
const ANONYMOUS: &str = "anonymous";

fn rules() -> TokenRules {
    TokenRules {
        issuer: "rust-cqrs/gateway".to_owned(),
        audience: "rust-cqrs/services".to_owned(),
        roles_claim: "roles".to_owned(),
    }
}
