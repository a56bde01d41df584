//! HTTP listeners.
//!
//! Uses hyper directly, because `axum::serve` limits neither the time that a client may take to send its request or
//! read the response, nor the number of connections. Without TLS it speaks HTTP/1.1; with TLS a client chooses between
//! HTTP/2 and HTTP/1.1 in its handshake.

use axum::Router;
use tokio::net::TcpStream;

use super::connections::{ConnectionPermit, Transport, handshake};
use super::listener::{Listener, ListenerKind, Listening};
use super::{Peer, Tasks, http1, http2};
use crate::tls::{Protocols, ServerTls};

/// HTTP/1.1, and over TLS HTTP/2 as well.
#[derive(Debug)]
pub struct Http;

impl ListenerKind for Http {
    const PROTOCOLS: Protocols = Protocols::Http;
}

/// A bound address for HTTP.
pub type HttpListener = Listener<Http>;

impl HttpListener {
    /// Serves `router` until `tasks` stop, then completes the open requests and closes idle connections.
    pub fn serve(self, router: Router, tasks: &Tasks) {
        let listening = self.listen(tasks);
        tasks.spawn("http listener", accept(listening, router, tasks.clone()));
    }
}

async fn accept(listening: Listening, router: Router, tasks: Tasks) {
    let stopping = tasks.stopping();
    let Listening {
        listener,
        admission,
        tls,
    } = listening;
    loop {
        let (stream, peer, place) = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = admission.accept(&listener) => accepted,
        };
        let (tls, router) = (tls.clone(), router.clone());
        tasks.spawn_job(serve_connection(
            tls,
            (stream, peer),
            place,
            router,
            tasks.clone(),
        ));
    }
}

async fn serve_connection(
    tls: Option<ServerTls>,
    (stream, peer): (TcpStream, Peer),
    place: ConnectionPermit,
    router: Router,
    tasks: Tasks,
) {
    let stopping = tasks.stopping();
    let Some(stream) = handshake(tls.as_ref(), stream, &place, &stopping).await else {
        return;
    };
    let is_over_tls = tls.is_some();
    if is_http2(&stream) {
        http2::serve_connection((stream, peer), place, (router, is_over_tls), tasks).await;
    } else {
        http1::serve_connection((stream, peer), place, (router, is_over_tls), &tasks).await;
    }
}

fn is_http2(stream: &Transport) -> bool {
    match stream {
        Transport::Left(_) => false,
        Transport::Right(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
    }
}
