//! Fake services that reply to every method, and fail at one point.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use client_service::Channels;
use contract::metadata;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, Full};
use platform::runtime::GrpcChannel;
use prost::bytes::{BufMut, Bytes, BytesMut};
use tonic::Status;
use tonic::service::Routes;

use super::POSITION;
use super::answers::Answers;
use crate::test_gateway::TestGateway;

/// Shorter timeouts than the defaults, because the gateway waits for services that hang.
const SETTINGS: [(&str, &str); 6] = [
    // Each call fails.
    ("CLIENT_BREAKER_FAILURES", "1000000"),
    ("CLIENT_WRITE_TRIES", "1"),
    ("CLIENT_READ_TRIES", "1"),
    ("CLIENT_WRITE_TIMEOUT_MS", "1500"),
    ("CLIENT_READ_TIMEOUT_MS", "1500"),
    ("CLIENT_LIST_TIMEOUT_MS", "1500"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    Nowhere,
    Command,
    /// The second command of the request.
    SecondCommand,
    /// The claim of an Idempotency-Key.
    Begin,
    /// Storing a response.
    Finish,
    Read,
}

#[derive(Clone, Debug)]
pub enum Failure {
    /// Nothing listens at the address of the service.
    Away,
    /// The service, or a proxy, returns this status.
    Status(Status),
    /// The service never answers.
    Hangs,
    /// The connection is lost after this many bytes of the reply.
    Cut(usize),
    /// The message is complete, but the trailers are missing.
    Endless,
    /// A reply without any fields.
    Empty,
}

struct Services {
    answers: Answers,
    point: Point,
    failure: Failure,
    commands: AtomicUsize,
}

/// A gateway that calls fake services which fail at `point`.
pub async fn gateway(point: Point, failure: Failure, unchanged: bool) -> Result<TestGateway> {
    let away = matches!(failure, Failure::Away);
    let closed = || -> Result<GrpcChannel> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        drop(listener);
        Ok(GrpcChannel::remote("127.0.0.1", port, None)?)
    };
    let services = Arc::new(Services {
        answers: Answers::read(unchanged)?,
        point,
        failure,
        commands: AtomicUsize::new(0),
    });
    let router = Router::new().fallback(answer).with_state(services);
    let here = || GrpcChannel::in_process(Routes::from(router.clone()));
    let channels = Channels {
        command: if away && point != Point::Read {
            closed()?
        } else {
            here()
        },
        query: if away && point == Point::Read {
            closed()?
        } else {
            here()
        },
    };
    TestGateway::on_channels(channels, &SETTINGS).await
}

impl Services {
    fn fails_at(&self, path: &str) -> bool {
        let point = match path {
            "/proto.Idempotency/Begin" => Point::Begin,
            "/proto.Idempotency/Finish" => Point::Finish,
            path if path.starts_with("/query.") => Point::Read,
            path if path.starts_with("/proto.") && path.contains("Command/") => Point::Command,
            _ => return false,
        };
        if self.point == Point::SecondCommand && point == Point::Command {
            return self.commands.fetch_add(1, Relaxed) % 2 == 1;
        }
        point == self.point
    }
}

async fn answer(State(services): State<Arc<Services>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if !path.starts_with("/proto.") && !path.starts_with("/query.") {
        return Status::unimplemented("only the contract").into_http();
    }
    let message = services
        .answers
        .of(&path)
        .expect("a method of the contract");
    if !services.fails_at(&path) {
        return response(framed(&message), true);
    }
    match &services.failure {
        Failure::Away => Status::internal("it is away for all calls").into_http(),
        Failure::Status(status) => status.clone().into_http(),
        Failure::Hangs => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            Status::internal("no caller waits that long").into_http()
        }
        Failure::Cut(bytes) => {
            let whole = framed(&message);
            response(whole.slice(..whole.len().min(*bytes)), false)
        }
        Failure::Endless => response(framed(&message), false),
        Failure::Empty => response(framed(&Bytes::new()), true),
    }
}

/// A message as it is on the wire.
fn framed(message: &Bytes) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(0);
    out.put_u32(u32::try_from(message.len()).expect("a short message"));
    out.put_slice(message);
    out.freeze()
}

fn response(body: Bytes, with_end: bool) -> Response {
    let end = async move {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        with_end.then_some(Ok(trailers))
    };
    let mut response = Response::new(Body::new(Full::new(body).with_trailers(end)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(metadata::POSITION, HeaderValue::from(POSITION));
    response
}
