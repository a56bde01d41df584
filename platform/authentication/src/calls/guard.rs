//! Decides which calls a service accepts.

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use event_sourcing::Clock;
use grpc_calls::metadata;
use grpc_calls::status::Reason;
use http::{Extensions, HeaderMap, HeaderName};
use platform::runtime::AdmitCall;
use tonic::Status;

use super::secret::ServiceSecret;
use super::{ANONYMOUS, rules};
use crate::access::Access;
use crate::bearer::bearer;
use crate::caller::{Caller, Denied};
use crate::error::TokenError;
use crate::verifier::TokenVerifier;

const USER_ID: HeaderName = HeaderName::from_static(metadata::USER_ID);

/// Who may call a method; `None` if there is no such method. The path is `/package.Service/Method`.
pub type CallAccess = fn(&str) -> Option<Access>;

/// Accepts the calls that a [`CallSigner`](super::CallSigner) with the same secret has signed, if their principals may make them.
/// Handlers get the caller from [`caller_of`], and event metadata its subject.
#[derive(Clone, Debug)]
pub struct CallGuard(Option<TokenVerifier>);

impl CallGuard {
    /// Without a secret, authentication is off and every call is accepted.
    #[must_use]
    pub fn new(secret: Option<&ServiceSecret>, clock: &Arc<dyn Clock>) -> Self {
        Self(secret.map(|secret| {
            let key = secret.verifying.clone();
            TokenVerifier::of_secret(key, rules(), Arc::clone(clock))
        }))
    }

    /// The guard of a service whose methods have this access.
    #[must_use]
    pub fn with(self, access: CallAccess) -> Arc<dyn AdmitCall> {
        Arc::new(Admission {
            guard: self,
            access,
        })
    }

    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Status> {
        let Some(verifier) = &self.0 else {
            return Ok(Caller::Unchecked);
        };
        let token = bearer(headers).map_err(|_| unauthenticated("is malformed"))?;
        let token = token.ok_or_else(|| unauthenticated("is missing"))?;
        match verifier.verify_by_secret(token) {
            Ok(principal) if principal.subject == ANONYMOUS && principal.roles.is_empty() => {
                Ok(Caller::Anonymous)
            }
            Ok(principal) => Ok(Caller::Principal(principal)),
            Err(TokenError::Expired) => Err(unauthenticated("has expired")),
            Err(_) => Err(unauthenticated("is not of a process with the same secret")),
        }
    }
}

fn unauthenticated(fault: &str) -> Status {
    Reason::CallNotSigned.status(format!("the signature of the call (authorization) {fault}"))
}

struct Admission {
    guard: CallGuard,
    access: CallAccess,
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.fmt(f)
    }
}

impl AdmitCall for Admission {
    fn admit(&self, path: &str, call: &mut Request) -> Result<(), Status> {
        let caller = self.guard.caller(call.headers())?;
        let needed = (self.access)(path).unwrap_or(Access::Admin);
        needed.require_of(&caller).map_err(denied)?;
        if caller != Caller::Unchecked {
            // What the call itself says about its user is not signed.
            let stated = caller.subject().map(metadata::user_id_value);
            match stated.and_then(|stated| stated.parse().ok()) {
                Some(stated) => call.headers_mut().insert(USER_ID, stated),
                None => call.headers_mut().remove(USER_ID),
            };
        }
        call.extensions_mut().insert(caller);
        Ok(())
    }
}

/// The caller of a call that was admitted.
///
/// # Errors
/// It was not, which is a bug: nothing may be done for it.
pub fn caller_of(extensions: &Extensions) -> Result<&Caller, Status> {
    let caller = extensions.get();
    caller.ok_or_else(|| denied(Denied::Unauthenticated))
}

/// The status of a call that its caller may not make.
#[must_use]
pub fn denied(denied: Denied) -> Status {
    match denied {
        Denied::Unauthenticated => Status::unauthenticated("authentication is required"),
        Denied::Forbidden => Status::permission_denied("the caller's roles do not allow this"),
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
