//! gRPC: the fields of each message, and what is no message, no metadata and no method.

use std::future::poll_fn;

use anyhow::{Context, Result, ensure};
use contract::business::ErrorType;
use contract::proto;
use http_body_util::{BodyExt, Full};
use prost::Message;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue, Request};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::names::names_of;
use super::protoscope::{encode, of_length};
use super::run::check_shop;
use super::table::{Answer, EntryPoint};
use super::wire::Parts;
use crate::support::{Shop, Topology, on};

pub const GRPC: EntryPoint = EntryPoint {
    name: "gRPC",
    files: &[
        include_str!("cases/grpc/calls.toml"),
        include_str!("cases/grpc/commands.toml"),
        include_str!("cases/grpc/queries.toml"),
    ],
};

/// The two services.
struct Channels {
    command: Channel,
    query: Channel,
}

impl Channels {
    /// Sends a call as the table has it: the method, metadata, and after an empty line the message, or in one line the method
    /// and the message. With `body: frames` the bytes are all that is sent, without the prefix of a message.
    async fn send(&self, call: &[u8]) -> Result<Answer> {
        let parts = Parts::of(call);
        let space = parts.first.iter().position(|byte| *byte == b' ');
        let (method, inline) = parts.first.split_at(space.unwrap_or(parts.first.len()));
        let method = std::str::from_utf8(method)?;
        let mut channel = match method.strip_prefix("/query.") {
            Some(_) => self.query.clone(),
            None => self.command.clone(),
        };
        let message = encode(&[inline, parts.body].concat())?;
        let body = if parts.header("body") == Some("frames") {
            message
        } else {
            let length = u32::try_from(message.len())?.to_be_bytes();
            [&[0], &length[..], &message].concat()
        };
        let mut request = Request::post(method).body(Body::new(Full::new(body.into())))?;
        let headers = request.headers_mut();
        headers.insert("te", HeaderValue::from_static("trailers"));
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        let mut own = HeaderMap::new();
        for line in &parts.headers {
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = line.split_at(colon.context("no header")?);
            if name != b"body" {
                let value = HeaderValue::from_bytes(value[1..].trim_ascii())?;
                own.append(HeaderName::from_bytes(name)?, value);
            }
        }
        headers.extend(own);
        poll_fn(|context| GrpcService::<Body>::poll_ready(&mut channel, context)).await?;
        answer(GrpcService::call(&mut channel, request).await?).await
    }
}

/// The status of a call with its message, or the error in its reply.
async fn answer(response: tonic::codegen::http::Response<Body>) -> Result<Answer> {
    let (head, body) = response.into_parts();
    let of_http = head.status.as_u16();
    let in_head = Status::from_header_map(&head.headers);
    let (status, reply) = match (in_head, body.collect().await) {
        (Some(status), _) | (None, Err(status)) => (status, Vec::new()),
        (None, Ok(body)) => {
            let status = body.trailers().and_then(Status::from_header_map);
            let Some(status) = status else {
                return Ok(Answer::new(of_http.to_string(), ""));
            };
            (status, body.to_bytes().to_vec())
        }
    };
    if status.code() != Code::Ok {
        let code = format!("{:?}", status.code());
        return Ok(Answer::new(code, status.message()));
    }
    let reply = reply.get(5..).context("a reply without a message")?;
    for field in of_length(reply)? {
        if let Ok(error) = proto::Error::decode(field)
            && let Some(kind) = ErrorType::of(&error)
        {
            return business(kind, error);
        }
    }
    Ok(Answer::new("OK", ""))
}

/// An error in a reply. One of a field begins with the field.
fn business(kind: ErrorType, error: proto::Error) -> Result<Answer> {
    ensure!(kind.code() == error.code, "{error:?}");
    let field = error.details.get(contract::business::FIELD);
    let message = match field.filter(|field| !error.message.starts_with(field.as_str())) {
        Some(field) => format!("[{field}] {}", error.message),
        None => error.message,
    };
    Ok(Answer::new(format!("OK {}", kind.name()), message))
}

async fn check(shop: &mut Shop) -> Result<()> {
    let names = names_of(shop).await?;
    let channels = Channels {
        command: shop.command_channel().await?,
        query: shop.query_channel().await?,
    };
    check_shop(&GRPC, &names, (&*shop).into(), async |call| {
        channels.send(&call).await
    })
    .await
}

#[tokio::test]
async fn bad_calls_are_rejected_as_the_tables_say_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, check).await
}

#[tokio::test]
async fn bad_calls_are_rejected_as_the_tables_say_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, check).await
}
