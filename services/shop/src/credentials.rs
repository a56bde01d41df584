//! What commands authenticate with at a running shop.
//!
//! The gateway takes the token of `SHOP_TOKEN`. Without one, and with the secret that tokens are signed with, a command makes a
//! token for an administrator by itself. The services take calls that are signed with their secret.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authentication::{CallSigner, Caller, ServiceSecret, TokenIssuer, TokenRequest};
use contract::metadata;
use event_sourcing::{Clock, SystemClock};
use http::HeaderValue;
use platform::config::{Read, Reader, Secrecy, Setting, Spec, names};
use tonic::metadata::MetadataMap;

use crate::terminal::login_name;

/// Long enough for the longest command, which is a seed of a million products.
const VALID_FOR: Duration = Duration::from_hours(12);

pub const SHOP_TOKEN: Setting<String> = Setting::new(
    "SHOP_TOKEN",
    token,
    "a token",
    "The token that commands send to the gateway",
)
.hide(Secrecy::Everything);
pub const SHOP_TOKEN_FILE: Setting<String> = Setting::new(
    "SHOP_TOKEN_FILE",
    token,
    "a path",
    "File with the token that commands send to the gateway",
);

/// The settings of commands alone.
pub const OWN: &[Spec] = &[SHOP_TOKEN.spec, SHOP_TOKEN_FILE.spec];

fn token(text: &str) -> Option<String> {
    let token = text.trim();
    (!token.is_empty()).then(|| token.to_owned())
}

#[derive(Clone, Debug)]
pub struct Credentials {
    signer: CallSigner,
    /// The value of `Authorization`.
    authorization: Option<HeaderValue>,
}

impl Credentials {
    /// # Errors
    /// A setting is invalid, or its file has no secret or token.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let secret = ServiceSecret::of_file(reader);
        let token = given_token(reader).and_then(|given| match given {
            Some(token) => Ok(Some(token)),
            None => issued_token(reader),
        });
        let authorization = token?.and_then(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Ok(Self {
            signer: CallSigner::new(secret?.as_ref(), &clock),
            authorization,
        })
    }

    /// Adds what a service asks for: that the call is of the operator whom it names, or of the one who is logged in.
    pub fn sign(&self, metadata: &mut MetadataMap) {
        let named = metadata::user_id(metadata).ok().flatten();
        let operator = Caller::operator(named.unwrap_or_else(login_name));
        self.signer.sign(&operator, metadata);
    }

    /// What the gateway asks for, if it does.
    pub const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

fn given_token(reader: &mut Reader) -> Read<Option<String>> {
    let (given, path) = (reader.find(&SHOP_TOKEN), reader.find(&SHOP_TOKEN_FILE));
    let Some(path) = path? else {
        return given;
    };
    if given?.is_some() {
        let rule = "no value next to SHOP_TOKEN";
        return Err(reader.reject(&SHOP_TOKEN_FILE.spec, rule));
    }
    let text = std::fs::read_to_string(path).ok();
    let token = text.as_deref().and_then(token);
    let rule = "a file with a token";
    token
        .map(Some)
        .ok_or_else(|| reader.reject(&SHOP_TOKEN_FILE.spec, rule))
}

/// A token for an administrator, if the secret of tokens is at hand.
fn issued_token(reader: &mut Reader) -> Read<Option<String>> {
    let Some(path) = reader.find(&names::AUTH_JWT_SECRET_FILE)? else {
        return Ok(None);
    };
    let roles = vec![authentication::Role::Admin];
    let (issuer, request) = issuer(reader, &path, login_name(), roles, VALID_FOR)?;
    Ok(Some(issuer.issue(&request, SystemClock.now())))
}

/// What issues tokens that the shop with these settings accepts.
///
/// # Errors
/// A setting is invalid, or the file has no secret.
pub fn issuer(
    reader: &mut Reader,
    secret_file: &str,
    subject: String,
    roles: Vec<authentication::Role>,
    valid_for: Duration,
) -> Read<(TokenIssuer, TokenRequest)> {
    let issuer = TokenIssuer::open(Path::new(secret_file))
        .map_err(|error| reader.reject(&names::AUTH_JWT_SECRET_FILE.spec, error.to_string()));
    let name = reader.get(&names::AUTH_ISSUER);
    let audience = reader.get(&names::AUTH_AUDIENCE);
    let roles_claim = reader.get(&names::AUTH_ROLES_CLAIM);
    let request = TokenRequest {
        issuer: name?,
        audience: audience?,
        roles_claim: roles_claim?,
        subject,
        roles,
        valid_for,
    };
    Ok((issuer?, request))
}
