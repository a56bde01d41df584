//! The fake's HTTP interface: authentication, idempotency keys, faults.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::any;
use futures::stream;
use http::{HeaderMap, Method, Uri};

use super::fault::{Fault, On};
use super::keys::KeyLookup;
use super::objects::{Objects, Reply};
use super::{SECRET_KEY, Shared};

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(any(serve)).with_state(shared)
}

/// The relevant parts of a request.
struct Call {
    method: Method,
    path: String,
    fields: HashMap<String, String>,
    key: Option<String>,
    /// Must be the same for the same key.
    parameters: String,
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let query = query.unwrap_or_default();
    let fields: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .chain(form_urlencoded::parse(&body))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if let Some(command) = uri.path().strip_prefix("/_control/") {
        control(&shared, command, &fields);
        return answer(200, "{}".to_owned(), false);
    }
    if header("authorization") != Some(&format!("Bearer {SECRET_KEY}")) {
        let error = Reply::error(401, "invalid_request_error", "", "Invalid API Key provided");
        return answer(401, error.body.to_string(), false);
    }
    let call = Call {
        parameters: format!("{} {}", uri.path(), String::from_utf8_lossy(&body)),
        key: header("idempotency-key")
            .filter(|_| method == Method::POST)
            .map(str::to_owned),
        path: uri.path().to_owned(),
        method,
        fields,
    };
    perform(&shared, &call).await
}

async fn perform(shared: &Shared, call: &Call) -> Response {
    let on = call.on();
    let name = format!("{on:?}").to_lowercase();
    shared.calls.lock().expect("calls").push(name);
    if let Some(key) = &call.key {
        let found = shared
            .keys
            .lock()
            .expect("keys")
            .begin(key, &call.parameters);
        match found {
            KeyLookup::New => {}
            KeyLookup::Replay(reply) => return answer(reply.status, reply.body.to_string(), true),
            KeyLookup::OtherParameters => {
                let error = Reply::error(400, "idempotency_error", "", "Keys are for one request");
                return answer(400, error.body.to_string(), false);
            }
            KeyLookup::Running => return answer(409, in_use().body.to_string(), false),
        }
    }
    let fault = take_fault(shared, on);
    if let Some(Fault::Hold { came, go }) = &fault {
        came.notify_one();
        go.notified().await;
    }
    let reply = execute(shared, call, on, fault.as_ref());
    if let Some(key) = &call.key {
        shared.keys.lock().expect("keys").end(key, &reply);
    }
    if matches!(fault, Some(Fault::Lose)) {
        let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
        return Response::new(Body::from_stream(broken));
    }
    answer(reply.status, reply.body.to_string(), false)
}

fn execute(shared: &Shared, call: &Call, on: On, fault: Option<&Fault>) -> Reply {
    let failed = || {
        Reply::error(
            500,
            "api_error",
            "",
            "Something went wrong on Stripe's end.",
        )
    };
    match fault {
        Some(Fault::FailBefore) => return failed(),
        Some(Fault::Limit) => {
            return Reply::error(429, "invalid_request_error", "rate_limit", "Slow down")
                .not_executed();
        }
        Some(Fault::Locked) => {
            return Reply::error(429, "invalid_request_error", "lock_timeout", "Locked")
                .not_executed();
        }
        Some(Fault::InUse) => return in_use().not_executed(),
        Some(Fault::FailAfter | Fault::Lose | Fault::Hold { .. }) | None => {}
    }
    let mut objects = shared.objects.lock().expect("objects");
    let reply = call.perform(on, &mut objects);
    if matches!(fault, Some(Fault::FailAfter)) {
        return failed();
    }
    reply
}

impl Call {
    fn on(&self) -> On {
        match (&self.method, self.path.as_str()) {
            (&Method::GET, _) => On::Look,
            (_, "/v1/payment_intents") => On::Create,
            (_, "/v1/refunds") => On::Refund,
            (_, path) if path.ends_with("/confirm") => On::Confirm,
            _ => On::Cancel,
        }
    }

    fn perform(&self, on: On, objects: &mut Objects) -> Reply {
        let field = |name: &str| self.fields.get(name).cloned();
        let mut segments = self.path.split('/').skip(3);
        let id = segments.next().unwrap_or_default();
        let intent = field("payment_intent");
        match on {
            On::Create => objects.create(field),
            On::Confirm => objects.confirm(id),
            On::Cancel => objects.cancel(id),
            On::Refund => objects.refund_reply(&intent.unwrap_or_default()),
            On::Look if self.path == "/v1/refunds" => objects.list(intent.as_deref()),
            On::Look => {
                let expand = self.fields.keys().any(|name| name.starts_with("expand"));
                objects.look(id, expand)
            }
        }
    }
}

fn in_use() -> Reply {
    Reply::error(
        409,
        "idempotency_error",
        "idempotency_key_in_use",
        "It is running",
    )
}

fn take_fault(shared: &Shared, on: On) -> Option<Fault> {
    let mut faults = shared.faults.lock().expect("faults");
    let next = faults.iter().position(|(planned, _)| *planned == on)?;
    Some(faults.remove(next).1)
}

fn control(shared: &Shared, command: &str, fields: &HashMap<String, String>) {
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    match command {
        "advance" => {
            let seconds = field("seconds").parse().expect("seconds");
            shared.keys.lock().expect("keys").advance(seconds);
        }
        "fault" => {
            let on = On::parse(field("on")).expect("a call");
            let fault = Fault::parse(field("kind")).expect("a fault");
            shared.faults.lock().expect("faults").push((on, fault));
        }
        other => panic!("no command {other}"),
    }
}

fn answer(status: u16, body: String, replayed: bool) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("request-id", "req_fake");
    if replayed {
        response = response.header("idempotent-replayed", "true");
    }
    if status == 429 {
        response = response.header("retry-after", "7");
    }
    response.body(Body::from(body)).expect("a response")
}
