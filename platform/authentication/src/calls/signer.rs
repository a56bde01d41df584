//! Signs the calls of the gateway.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event_sourcing::Clock;
use http::header::AUTHORIZATION;
use quick_cache::sync::Cache;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

use super::secret::ServiceSecret;
use super::{ANONYMOUS, rules};
use crate::caller::Caller;
use crate::issue::{TokenIssuer, TokenRequest};
use crate::principal::{Principal, Roles};

/// Longer than any call takes. One that is read from the network can be used for so long.
const VALID_FOR: Duration = Duration::from_mins(1);
/// A token is used for calls of the same principal for so long.
const RENEWED_AFTER: TimeDelta = TimeDelta::seconds(20);

/// Principals with a token that can be used again.
const MAX_PRINCIPALS: usize = 4_096;

/// Signs calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CallSigner(Option<Arc<Signer>>);

struct Signer {
    issuer: TokenIssuer,
    clock: Arc<dyn Clock>,
    signed: Cache<(String, Roles), Signed>,
}

#[derive(Clone)]
struct Signed {
    token: MetadataValue<Ascii>,
    at: DateTime<Utc>,
}

impl CallSigner {
    /// Without a secret, authentication is off and nothing is signed.
    #[must_use]
    pub fn new(secret: Option<&ServiceSecret>, clock: &Arc<dyn Clock>) -> Self {
        Self(secret.map(|secret| {
            Arc::new(Signer {
                issuer: TokenIssuer::of_key(secret.signing.clone()),
                clock: Arc::clone(clock),
                signed: Cache::new(MAX_PRINCIPALS),
            })
        }))
    }

    /// States in a call's metadata for whom it is made.
    pub fn sign(&self, caller: &Caller, metadata: &mut MetadataMap) {
        let Some(signer) = &self.0 else {
            return;
        };
        let token = match caller {
            Caller::Principal(principal) => signer.token(principal),
            Caller::Anonymous | Caller::Unchecked => signer.token(&anonymous()),
        };
        metadata.insert(AUTHORIZATION.as_str(), token);
    }
}

fn anonymous() -> Principal {
    Principal {
        subject: ANONYMOUS.to_owned(),
        roles: Roles::default(),
        expires_at: DateTime::UNIX_EPOCH,
    }
}

impl Signer {
    fn token(&self, principal: &Principal) -> MetadataValue<Ascii> {
        let now = self.clock.now();
        let key = (principal.subject.clone(), principal.roles);
        let known = self.signed.get(&key);
        let usable = known.filter(|known| (now - known.at).abs() < RENEWED_AFTER);
        if let Some(known) = usable {
            return known.token;
        }
        let rules = rules();
        let request = TokenRequest {
            issuer: rules.issuer,
            audience: rules.audience,
            roles_claim: rules.roles_claim,
            subject: principal.subject.clone(),
            roles: principal.roles.iter().collect(),
            valid_for: VALID_FOR,
        };
        let text = format!("Bearer {}", self.issuer.issue(&request, now));
        // A token is ASCII.
        let mut token = MetadataValue::try_from(text).unwrap_or(MetadataValue::from_static(""));
        token.set_sensitive(true);
        let at = now;
        self.signed.insert(
            key,
            Signed {
                token: token.clone(),
                at,
            },
        );
        token
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}
