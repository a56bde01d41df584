//! An endpoint that records its requests, with programmable answers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures::{future, stream};
use http::{HeaderMap, Uri};
use platform::Tasks;
use platform::runtime::HttpListener;

/// How requests are answered.
#[derive(Clone, Copy, Debug)]
pub enum Behaviour {
    Status(u16),
    /// With the seconds for a `Retry-After`.
    RetryAfter(u16, u64),
    /// With this status and a `Location`.
    Redirect(u16),
    /// 200, and then a body that does not end.
    Endless,
    Silent,
}

/// A received request.
#[derive(Clone, Debug)]
pub struct Received {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("text")
    }
}

pub struct Receiver {
    pub url: String,
    shared: Arc<Shared>,
    _tasks: Tasks,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    received: Mutex<Vec<Received>>,
}

impl Receiver {
    pub async fn start(behaviour: Behaviour) -> Self {
        let any_port = "127.0.0.1:0".parse().expect("an address");
        let listener = HttpListener::bind("webhook receiver", any_port).await;
        let listener = listener.expect("a port");
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            received: Mutex::default(),
        });
        let url = format!("http://{}/hooks", listener.address());
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&shared));
        let tasks = Tasks::new();
        listener.serve(router, &tasks);
        Self {
            url,
            shared,
            _tasks: tasks,
        }
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().expect("no panic") = behaviour;
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("no panic").clone()
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let received = Received { uri, headers, body };
    shared.received.lock().expect("no panic").push(received);
    let behaviour = *shared.behaviour.lock().expect("no panic");
    let response = Response::builder();
    let response = match behaviour {
        Behaviour::Status(status) => response.status(status).body(Body::empty()),
        Behaviour::RetryAfter(status, seconds) => response
            .status(status)
            .header("retry-after", seconds)
            .body(Body::empty()),
        Behaviour::Redirect(status) => response
            .status(status)
            .header("location", "/elsewhere")
            .body(Body::empty()),
        Behaviour::Endless => {
            let begin = Ok::<_, std::io::Error>(Bytes::from_static(b"{"));
            let body = stream::iter([begin]);
            response.body(Body::from_stream(futures::StreamExt::chain(
                body,
                stream::pending(),
            )))
        }
        Behaviour::Silent => future::pending().await,
    };
    response.expect("a response")
}
