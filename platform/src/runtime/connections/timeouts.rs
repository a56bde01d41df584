//! Timeouts of requests, in both versions of HTTP.

use std::time::Duration;

/// How long a connection may be idle between two requests: longer than the 60 s of common proxies, so that the proxy
/// closes first and never sends a request on a connection that is being closed.
pub(in crate::runtime) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// The maximum pause within a body.
pub(in crate::runtime) const BODY_PAUSE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send a request, including the body.
pub(in crate::runtime) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
