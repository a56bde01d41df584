//! Tokens, their secrets and an `OpenID` provider, for tests of authentication.
//!
//! Tokens are made from the standards alone (RFC 7515 and 7519), without the code that the tests are about. [`Secrets`] has the
//! files that a system with `AUTH=jwt` needs, [`Token`] any claims, and [`Provider`] the keys of an issuer.

mod key_pair;
mod provider;
mod secrets;
mod token;

pub use key_pair::KeyPair;
pub use provider::Provider;
pub use secrets::Secrets;
pub use token::Token;
