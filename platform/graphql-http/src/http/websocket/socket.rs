//! One WebSocket.
//!
//! ```text
//! open ──connection_init in time──► acknowledged ──subscribe──► operations run as tasks
//!   │                                    │   ▲                     │ messages
//!   └─ timeout, wrong order, bad frame   │   └────── inbox ◄───────┘
//!                ▼                       ▼
//!              close code ◄── too slow, the service stops, the client is silent
//! ```
//!
//! This task never waits for an operation, and no operation waits for this task. A message of an operation that has ended
//! meanwhile is dropped, so that an id that is used again only gets its own messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::time::{Instant, Interval, interval_at, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::handshake::Handshake;
use super::protocol::{self, Close, Incoming};
use crate::errors::{ApiError, Code};
use crate::http::clients::Account;
use crate::http::expiry::Expiry;
use crate::http::operation::{self, Operation};
use crate::http::outbox::{Inbox, Item, Outbox, outbox};
use crate::http::subscriptions::{Hub, SocketPermit};
use crate::origin::Origin;

const MAX_MESSAGE_BYTES: usize = 64 * 1024;
const BUFFER_BYTES: usize = 4 * 1024;
/// The maximum number of messages that are sent at once.
const MAX_BATCH: usize = 32;
const INIT_TIMEOUT: Duration = Duration::from_secs(3);
/// A client that has sent nothing since the last ping is gone.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long a client may take to confirm the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a stop waits for queries and mutations.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

type Stream = WebSocketStream<TokioIo<Upgraded>>;

/// Serves an accepted WebSocket until it is closed.
pub async fn serve(
    handshake: Handshake,
    hub: Arc<Hub>,
    (origin, account): (Origin, Account),
    permit: SocketPermit,
) {
    let Ok(upgraded) = handshake.upgrade.await else {
        // The client has left before the response was sent.
        return;
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let io = TokioIo::new(upgraded);
    let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let (outbox, inbox) = outbox();
    let mut socket = Socket {
        stopping: hub.responder().tasks().stopping(),
        too_slow: inbox.too_slow(),
        hub,
        origin,
        account,
        stream,
        outbox,
        operations: HashMap::new(),
        ids: HashMap::new(),
        next_operation: 0,
        is_acknowledged: false,
        expiry: Expiry::after(None),
        is_alive: true,
    };
    let end = if handshake.is_known_protocol {
        socket.run(inbox).await
    } else {
        End::Close(Close::UnknownProtocol)
    };
    let code = match &end {
        End::Gone => "none".to_owned(),
        End::Close(close) => close.code().to_string(),
    };
    metrics::counter!("graphql_sockets_closed_total", "transport" => "ws", "code" => code)
        .increment(1);
    if let End::Close(close) = end {
        socket.close(&close).await;
    }
    drop(permit);
}

/// Why the socket ends.
enum End {
    /// The client has closed it, or the connection is lost.
    Gone,
    Close(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

struct Socket {
    hub: Arc<Hub>,
    origin: Origin,
    account: Account,
    stream: Stream,
    outbox: Outbox,
    operations: HashMap<u64, Entry>,
    /// The operations by the client's ids.
    ids: HashMap<String, u64>,
    next_operation: u64,
    stopping: CancellationToken,
    too_slow: CancellationToken,
    is_acknowledged: bool,
    expiry: Expiry,
    /// Whether the client has sent anything since the last ping.
    is_alive: bool,
}

/// A running operation, which ends when this is dropped.
struct Entry {
    id: String,
    is_subscription: bool,
    _running: DropGuard,
}

impl Socket {
    async fn run(&mut self, mut inbox: Inbox) -> End {
        let opened = Instant::now();
        let mut pings = interval_at(opened + PING_INTERVAL, PING_INTERVAL);
        loop {
            match self
                .step(&mut inbox, &mut pings, opened + INIT_TIMEOUT)
                .await
            {
                Ok(()) => {}
                Err(End::Close(Close::GoingAway)) => {
                    self.drain(&mut inbox).await;
                    return Close::GoingAway.into();
                }
                Err(end) => return end,
            }
        }
    }

    async fn step(
        &mut self,
        inbox: &mut Inbox,
        pings: &mut Interval,
        init_end: Instant,
    ) -> Result<(), End> {
        tokio::select! {
            () = self.stopping.cancelled() => Err(Close::GoingAway.into()),
            () = self.too_slow.cancelled() => Err(Close::TooSlow.into()),
            () = self.expiry.reached() => {
                let reason = "the token has expired".to_owned();
                Err(Close::Forbidden(reason).into())
            }
            () = sleep_until(init_end), if !self.is_acknowledged => {
                Err(Close::InitialisationTimeout.into())
            }
            _ = pings.tick() => {
                if !std::mem::take(&mut self.is_alive) {
                    return Err(End::Gone);
                }
                self.send([Message::Ping(bytes::Bytes::new())]).await
            }
            item = inbox.next() => self.pass_on(item, inbox).await,
            received = self.stream.next() => {
                self.is_alive = true;
                self.receive(received).await
            }
        }
    }

    /// Sends an item, and those that wait already.
    async fn pass_on(&mut self, first: Option<Item>, inbox: &mut Inbox) -> Result<(), End> {
        let mut messages = Vec::new();
        let mut next = first;
        while let Some(item) = next {
            messages.extend(self.message(&item));
            if messages.len() == MAX_BATCH {
                break;
            }
            next = inbox.try_next();
        }
        self.send(messages).await
    }

    /// The message of an item; `None` if its operation has ended.
    fn message(&mut self, item: &Item) -> Option<Message> {
        let (number, is_last) = match item {
            Item::Next { operation, .. } => (*operation, false),
            Item::Error { operation, .. } | Item::Complete { operation } => (*operation, true),
        };
        let text = protocol::message(&self.operations.get(&number)?.id, item);
        if is_last && let Some(ended) = self.operations.remove(&number) {
            self.ids.remove(&ended.id);
        }
        Some(Message::text(text))
    }

    async fn send(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), End> {
        let (stream, too_slow) = (&mut self.stream, &self.too_slow);
        let sending = async {
            for message in messages {
                stream.feed(message).await?;
            }
            stream.flush().await
        };
        // Whole messages are buffered, so a close frame can follow if the sending is given up.
        match too_slow.run_until_cancelled(sending).await {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(End::Gone),
            None => Err(Close::TooSlow.into()),
        }
    }

    async fn receive(&mut self, received: Option<Result<Message, Error>>) -> Result<(), End> {
        match received {
            None | Some(Err(Error::Io(_) | Error::ConnectionClosed)) => Err(End::Gone),
            Some(Ok(Message::Close(_))) => {
                // The library sends its answer with the next read, which is also the end.
                drop(timeout(CLOSE_TIMEOUT, self.stream.next()).await);
                Err(End::Gone)
            }
            Some(Ok(Message::Text(text))) => self.handle(Incoming::parse(&text)?).await,
            Some(Ok(Message::Binary(_))) => {
                let rule = "a message must be text".to_owned();
                Err(Close::InvalidMessage(rule).into())
            }
            // The library answers pings.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
            Some(Err(Error::Capacity(_))) => Err(Close::TooBig.into()),
            Some(Err(Error::Utf8(_))) => Err(Close::InvalidText.into()),
            Some(Err(_)) => Err(Close::ProtocolError.into()),
        }
    }

    async fn handle(&mut self, message: Incoming) -> Result<(), End> {
        match message {
            Incoming::Init(_) if self.is_acknowledged => Err(Close::SecondInitialisation.into()),
            Incoming::Init(payload) => {
                self.authenticate(payload.as_ref()).await?;
                self.is_acknowledged = true;
                let acknowledgement = Message::text(protocol::acknowledgement());
                self.send([acknowledgement]).await
            }
            Incoming::Ping(payload) => {
                let pong = Message::text(protocol::pong(payload.as_ref()));
                self.send([pong]).await
            }
            Incoming::Pong => Ok(()),
            Incoming::Complete { id } => {
                if let Some(number) = self.ids.remove(&id) {
                    self.operations.remove(&number);
                }
                Ok(())
            }
            Incoming::Subscribe { .. } if !self.is_acknowledged => Err(Close::Unauthorized.into()),
            Incoming::Subscribe { id, .. } if self.ids.contains_key(&id) => {
                Err(Close::DuplicateId(id).into())
            }
            Incoming::Subscribe {
                id,
                payload,
                replaced,
            } => {
                let parsed = if self.operations.len() < self.hub.limits().operations {
                    let client = (self.origin.caller(), &mut self.account);
                    operation::parse(&self.hub, client, payload, replaced).await
                } else {
                    let limit = self.hub.limits().operations;
                    let message = format!("a WebSocket has at most {limit} operations");
                    Err(ApiError::new(Code::BadRequest, message))
                };
                self.start(id, parsed);
                Ok(())
            }
        }
    }

    /// A token in the payload stands in place of that of the handshake, where pages cannot send any.
    async fn authenticate(&mut self, payload: Option<&Map<String, Value>>) -> Result<(), End> {
        let named = self.hub.authentication().caller_in(payload).await;
        let named = named.map_err(|error| match error.code {
            Code::ServiceUnavailable => Close::TryAgainLater(error.message),
            _ => Close::Forbidden(error.message),
        })?;
        if let Some(caller) = named {
            self.origin = self.origin.sent_by(caller);
        }
        let end = self.origin.caller().valid_until();
        self.expiry = Expiry::after(self.hub.responder().time_until(end));
        Ok(())
    }

    fn start(&mut self, id: String, parsed: Result<Operation, ApiError>) {
        let number = self.next_operation;
        self.next_operation += 1;
        let running = CancellationToken::new();
        let entry = Entry {
            id: id.clone(),
            is_subscription: parsed.as_ref().is_ok_and(Operation::is_subscription),
            _running: running.clone().drop_guard(),
        };
        self.ids.insert(id, number);
        self.operations.insert(number, entry);
        let outbox = self.outbox.clone();
        match parsed {
            Ok(operation) => {
                let (hub, origin) = (Arc::clone(&self.hub), self.origin.clone());
                let run = operation::run(hub, operation, origin, (number, outbox));
                self.hub.responder().tasks().spawn_job(async move {
                    running.run_until_cancelled_owned(run).await;
                });
            }
            Err(error) => outbox.push(Item::Error {
                operation: number,
                body: self.hub.responder().errors(&error),
            }),
        }
    }

    /// Ends the subscriptions, and completes queries and mutations.
    async fn drain(&mut self, inbox: &mut Inbox) {
        self.operations.retain(|_, it| !it.is_subscription);
        let draining = async {
            while !self.operations.is_empty() {
                let item = inbox.next().await;
                if self.pass_on(item, inbox).await.is_err() {
                    return;
                }
            }
        };
        // What is not complete by then is dropped, as with any other request.
        let _drained = timeout(DRAIN_TIMEOUT, draining).await;
    }

    /// Sends the close code, and waits until the client has confirmed it.
    async fn close(&mut self, close: &Close) {
        self.operations.clear();
        let frame = CloseFrame {
            code: close.code().into(),
            reason: close.reason().into(),
        };
        let closing = async {
            self.stream.close(Some(frame)).await?;
            while let Some(received) = self.stream.next().await {
                received?;
            }
            Ok::<(), Error>(())
        };
        // A client that does not answer is disconnected without it.
        let _closed = timeout(CLOSE_TIMEOUT, closing).await;
    }
}
