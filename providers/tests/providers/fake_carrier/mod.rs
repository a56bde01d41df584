//! A carrier with the protocol of `docs/providers.md` and programmable faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use futures::stream;
use http::HeaderMap;
use platform::Tasks;
use platform::runtime::HttpListener;
use serde_json::{Value, json};

/// The shop's token.
pub const TOKEN: &str = "carrier-token-0123456789";

/// How the next call of an action fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// With this status, without an effect.
    Status(u16),
    /// With this status, after the effect.
    StatusAfter(u16),
    /// The connection breaks after the effect, instead of the answer.
    Lose,
    /// The answer after the effect is unreadable.
    Garble,
    /// It is declined, with the shop's token in the reason.
    Echo,
}

#[derive(Clone)]
pub struct FakeCarrier {
    pub url: String,
    shared: Arc<Mutex<CarrierState>>,
    _tasks: Tasks,
}

#[derive(Default)]
struct CarrierState {
    entries: BTreeMap<String, Entry>,
    fault: Option<Fault>,
    last: Option<Value>,
}

#[derive(Clone)]
struct Entry {
    body: Option<Value>,
    standing: Value,
}

type Shared = Arc<Mutex<CarrierState>>;

impl FakeCarrier {
    pub async fn start() -> Self {
        let any_port = "127.0.0.1:0".parse().expect("an address");
        let listener = HttpListener::bind("fake carrier", any_port).await;
        let listener = listener.expect("a port");
        let (shared, tasks) = (Shared::default(), Tasks::new());
        let url = format!("http://{}/api", listener.address());
        let router = Router::new()
            .route("/api/shipments", post(arrange))
            .route("/api/shipments/{key}", get(look_up).delete(cancel))
            .with_state(Arc::clone(&shared));
        listener.serve(router, &tasks);
        Self {
            url,
            shared,
            _tasks: tasks,
        }
    }

    pub fn fault(&self, fault: Fault) {
        self.shared.lock().expect("the book").fault = Some(fault);
    }

    /// The body of the last request of a shipment.
    pub fn last(&self) -> Value {
        let book = self.shared.lock().expect("the book");
        book.last.clone().expect("a shipment")
    }

    /// The number of arranged shipments.
    pub fn shipments(&self) -> usize {
        let book = self.shared.lock().expect("the book");
        let done = |entry: &&Entry| entry.standing["state"] == "done";
        book.entries.values().filter(done).count()
    }

    pub fn set(&self, key: &str, standing: Value) {
        let mut book = self.shared.lock().expect("the book");
        let body = None;
        book.entries
            .insert(key.to_owned(), Entry { body, standing });
    }
}

async fn arrange(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers["idempotency-key"]
        .to_str()
        .expect("a key")
        .to_owned();
    serve(&shared, &headers, |book| {
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        book.last = Some(body.clone());
        if let Some(entry) = book.entries.get(&key) {
            return match entry.standing["state"].as_str() {
                Some("cancelled") => (409, json!({ "reason": "the key is closed" })),
                Some("declined") => (422, json!({ "reason": entry.standing["reason"] })),
                _ if entry.body.as_ref() == Some(&body) => (200, entry.standing.clone()),
                _ => (
                    409,
                    json!({ "reason": "the key belongs to another shipment" }),
                ),
            };
        }
        let number = format!("CARRIER-{}", book.entries.len() + 1);
        let standing = if body["address"]["city"] == "Nowhere" {
            json!({ "state": "declined", "reason": "the address is unknown" })
        } else {
            json!({ "state": "done", "tracking_number": number })
        };
        let body = Some(body);
        let entry = Entry { body, standing };
        book.entries.insert(key.clone(), entry.clone());
        match entry.standing["reason"].as_str() {
            Some(reason) => (422, json!({ "reason": reason })),
            None => (201, entry.standing),
        }
    })
}

async fn look_up(
    State(shared): State<Shared>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    serve(&shared, &headers, |book| match book.entries.get(&key) {
        Some(entry) => (200, entry.standing.clone()),
        None => (404, json!({ "reason": "unknown" })),
    })
}

async fn cancel(
    State(shared): State<Shared>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    serve(&shared, &headers, |book| {
        let entry = book.entries.entry(key.clone()).or_insert(Entry {
            body: None,
            standing: json!({ "state": "cancelled" }),
        });
        if entry.standing["state"] == "done" {
            entry.standing = json!({ "state": "cancelled", "reference": format!("cancel-{key}") });
        }
        let reference = &entry.standing["reference"];
        (
            200,
            json!({ "had_effect": reference.is_string(), "reference": reference }),
        )
    })
}

fn serve(
    shared: &Shared,
    headers: &HeaderMap,
    perform: impl FnOnce(&mut CarrierState) -> (u16, Value),
) -> Response {
    let bearer = headers
        .get("authorization")
        .map(http::HeaderValue::as_bytes);
    if bearer != Some(format!("Bearer {TOKEN}").as_bytes()) {
        return answer(401, "{}".to_owned());
    }
    let mut book = shared.lock().expect("the book");
    let fault = book.fault.take();
    if let Some(Fault::Status(status)) = fault {
        return answer(status, json!({ "reason": "no" }).to_string());
    }
    if fault == Some(Fault::Echo) {
        return answer(
            422,
            json!({ "reason": format!("{TOKEN} is new here") }).to_string(),
        );
    }
    let (status, body) = perform(&mut book);
    match fault {
        Some(Fault::StatusAfter(status)) => answer(status, "{}".to_owned()),
        Some(Fault::Lose) => {
            let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
            Response::new(Body::from_stream(broken))
        }
        Some(Fault::Garble) => answer(status, "<html>".to_owned()),
        Some(Fault::Status(_) | Fault::Echo) | None => answer(status, body.to_string()),
    }
}

fn answer(status: u16, body: String) -> Response {
    let response = Response::builder()
        .status(status)
        .header("retry-after", "3");
    response.body(Body::from(body)).expect("a response")
}
