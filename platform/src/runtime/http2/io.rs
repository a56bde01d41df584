//! The byte stream of one gRPC connection, between the socket and the library.
//!
//! The library answers every PING and SETTINGS frame, however many there are, and waits for the preface of a connection
//! without a timeout. This layer adds both limits. A connection that it closes gets a GOAWAY frame first, unless a
//! frame is partly sent.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tonic::transport::server::Connected;

use super::frames::{Frames, Kind, PREFACE_BYTES, goaway};
use crate::runtime::connections::{ConnectionPermit, TimedWrites};

/// How long a client may take to send its preface and settings.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);
/// The interval after which the frame counts are reset.
const FLOOD_WINDOW: Duration = Duration::from_secs(10);
/// Limit of control frames per interval without a message in either direction. Clients that measure their bandwidth
/// ping while they receive data; keepalive is a ping every few seconds.
const MAX_CONTROL_FRAMES: u32 = 100;
/// The limit for frames that cost little and follow from earlier messages.
const MAX_CONSEQUENCE_FRAMES: u32 = 10_000;
const NO_ERROR: u32 = 0x0;
const SETTINGS_TIMEOUT: u32 = 0x4;
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// Reads and writes one connection, within limits.
pub(super) struct Http2Io<S> {
    stream: TimedWrites<S>,
    place: ConnectionPermit,
    /// Completes when a connection over the limit must close.
    end: Option<BoxFuture<'static, ()>>,
    /// Set until the client has sent its settings.
    preface_timeout: Option<Pin<Box<Sleep>>>,
    received: Frames,
    sent: Frames,
    last_stream: u32,
    flood: Flood,
    /// GOAWAY was sent: reads return the end of the stream, and writes are discarded.
    is_closed: bool,
}

#[derive(Debug)]
struct Flood {
    since: Instant,
    control: u32,
    consequences: u32,
}

/// The properties of a request's connection that the service can see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub is_over_limit: bool,
}

impl Flood {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            control: 0,
            consequences: 0,
        }
    }

    const fn note(&mut self, kind: Kind) {
        match kind {
            Kind::Message => {
                self.control = 0;
                self.consequences = 0;
            }
            Kind::Control => self.control += 1,
            Kind::Consequence => self.consequences += 1,
        }
    }

    fn is_too_much(&mut self) -> bool {
        let is_flood =
            self.control > MAX_CONTROL_FRAMES || self.consequences > MAX_CONSEQUENCE_FRAMES;
        if !is_flood && self.since.elapsed() >= FLOOD_WINDOW {
            *self = Self::new();
        }
        is_flood
    }
}

impl<S> Http2Io<S> {
    pub(super) fn new(stream: S, place: ConnectionPermit) -> Self {
        Self {
            stream: TimedWrites::new(stream),
            end: place.end(),
            place,
            preface_timeout: Some(Box::pin(sleep(PREFACE_TIMEOUT))),
            received: Frames::after(PREFACE_BYTES),
            sent: Frames::after(0),
            last_stream: 0,
            flood: Flood::new(),
            is_closed: false,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http2Io<S> {
    /// Ready with an error code when a timeout requires to close the connection.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<u32> {
        if let Some(timeout) = &mut self.preface_timeout
            && timeout.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(SETTINGS_TIMEOUT);
        }
        match &mut self.end {
            Some(end) => end.poll_unpin(context).map(|()| NO_ERROR),
            None => Poll::Pending,
        }
    }

    fn close(&mut self, context: &mut Context<'_>, error: u32) {
        self.is_closed = true;
        if self.sent.is_between() && !self.stream.is_blocked() {
            let frame = goaway(self.last_stream, error);
            // Best effort: if it cannot be sent immediately it is dropped.
            let _ = Pin::new(&mut self.stream).poll_write(context, &frame);
        }
    }

    fn follow_sent(&mut self, bytes: &[u8]) {
        let flood = &mut self.flood;
        self.sent.follow(bytes, |frame| {
            if frame.kind == Kind::Message {
                flood.note(frame.kind);
            }
        });
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Http2Io<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_closed {
            return Poll::Ready(Ok(()));
        }
        // Not before the first frame: a request that arrived together with the connection is still answered.
        if this.received.has_complete_frame()
            && let Poll::Ready(error) = this.poll_end(context)
        {
            this.close(context, error);
            return Poll::Ready(Ok(()));
        }
        let start = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(context, buffer) else {
            let error = ready!(this.poll_end(context));
            this.close(context, error);
            return Poll::Ready(Ok(()));
        };
        read?;
        let (flood, last_stream) = (&mut this.flood, &mut this.last_stream);
        this.received.follow(&buffer.filled()[start..], |frame| {
            flood.note(frame.kind);
            if frame.kind == Kind::Message {
                *last_stream = frame.stream.max(*last_stream);
            }
        });
        if this.received.has_complete_frame() {
            this.preface_timeout = None;
        }
        if this.flood.is_too_much() {
            // The library must not see this read, or it would still answer each of the frames.
            buffer.set_filled(start);
            this.close(context, ENHANCE_YOUR_CALM);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Http2Io<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_closed {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(context, slices))?;
        let mut left = written;
        for slice in slices {
            let of_slice = left.min(slice.len());
            this.follow_sent(&slice[..of_slice]);
            left -= of_slice;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S> Connected for Http2Io<S> {
    type ConnectInfo = Connection;

    fn connect_info(&self) -> Connection {
        Connection {
            is_over_limit: self.place.is_over_limit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, advance};

    use super::{Flood, Kind, MAX_CONTROL_FRAMES};

    #[tokio::test(start_paused = true)]
    async fn keepalive_is_not_a_flood() {
        let mut flood = Flood::new();
        for _ in 0..MAX_CONTROL_FRAMES * 10 {
            flood.note(Kind::Control);
            assert!(!flood.is_too_much());
            advance(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pings_between_messages_are_not_a_flood() {
        let mut flood = Flood::new();
        for _ in 0..MAX_CONTROL_FRAMES * 10 {
            flood.note(Kind::Control);
            flood.note(Kind::Message);
            assert!(!flood.is_too_much());
        }
    }
}
