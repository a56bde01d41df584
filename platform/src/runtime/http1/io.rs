//! The byte stream of one connection, between the socket and hyper, with timeouts.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::framing::{Framing, Position, Scanner};
use crate::runtime::connections::{BODY_PAUSE_TIMEOUT, IDLE_TIMEOUT, REQUEST_TIMEOUT, TimedWrites};

/// Timeout of a request's head: the first one from the start of the connection, each later one from its first byte.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const LAST_WORDS: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Reads and writes one connection, with timeouts.
#[derive(Debug)]
pub(super) struct Http1Io<S> {
    stream: TimedWrites<S>,
    progress: Progress,
    /// The bytes after a head that hyper has not parsed yet.
    held_back: Vec<u8>,
    /// When the current request started.
    request_since: Instant,
    /// When the wait for the next byte started.
    waiting_since: Option<Instant>,
    is_first: bool,
    timeout: Pin<Box<Sleep>>,
}

/// The progress of a connection's requests, shared between its byte stream and the service that answers them.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    scanner: Scanner,
    /// A request is being answered.
    is_answering: bool,
    /// The connection belongs to another protocol now, whose bytes are passed on as they are and without timeouts.
    is_upgraded: bool,
    /// Why the current body will not be complete.
    flaw: Option<BodyError>,
    /// Wakes the reader when a head was parsed or a response is complete.
    reader: Option<Waker>,
}

/// Why a body is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It did not arrive in time.
    Late,
    /// Its chunks are malformed.
    Malformed,
}

/// A guard: a request is being answered until it is dropped.
#[derive(Debug)]
pub(super) struct ResponseGuard(Progress);

impl Progress {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Called when hyper has parsed a head. `None` if the scanner found no head there.
    pub(super) fn head_parsed(&self, framing: Framing) -> Option<ResponseGuard> {
        let mut state = self.state();
        state.is_answering = true;
        state.flaw = None;
        let is_head = state.scanner.head_parsed(framing);
        state.wake_reader();
        is_head.then(|| ResponseGuard(self.clone()))
    }

    /// Called when the response to an upgrade is 101. A client sends no bytes of the new protocol before that.
    pub(super) fn upgraded(&self) {
        let mut state = self.state();
        state.is_upgraded = true;
        state.wake_reader();
    }
}

impl State {
    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl ResponseGuard {
    /// Why the request's body is incomplete.
    pub(super) fn flaw(&self) -> Option<BodyError> {
        self.0.state().flaw
    }
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_answering = false;
        state.wake_reader();
    }
}

/// The result of a read.
enum Read {
    Bytes,
    Nothing,
    Rejected,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1Io<S> {
    pub(super) fn new(stream: S, progress: Progress, stopping: CancellationToken) -> Self {
        let now = Instant::now();
        Self {
            stream: TimedWrites::new(stream).until(stopping),
            progress,
            held_back: Vec::new(),
            request_since: now,
            waiting_since: None,
            is_first: true,
            timeout: Box::pin(sleep_until(now + HEAD_TIMEOUT)),
        }
    }

    fn read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Read>> {
        let progress = self.progress.clone();
        let mut state = progress.state();
        if state.is_upgraded && self.held_back.is_empty() {
            drop(state);
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            return Poll::Ready(Ok(Read::Bytes));
        }
        match state.scanner.position() {
            Position::Rejected | Position::Malformed => return Poll::Ready(Ok(Read::Rejected)),
            Position::Parsed => return Poll::Pending,
            Position::Start | Position::Head | Position::Body | Position::Chunks => {}
        }
        let start = buffer.filled().len();
        if self.held_back.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        } else {
            let length = self.held_back.len().min(buffer.remaining());
            buffer.put_slice(&self.held_back[..length]);
            self.held_back.drain(..length);
        }
        let bytes = &mut buffer.filled_mut()[start..];
        if bytes.is_empty() {
            return Poll::Ready(Ok(Read::Nothing));
        }
        let before = state.scanner.position();
        let scanned = state.scanner.scan(bytes);
        // Bytes after the end of a head wait until hyper has parsed it: only then is it known whether they are a body.
        self.held_back.splice(..0, bytes[scanned..].iter().copied());
        buffer.set_filled(start + scanned);
        let after = state.scanner.position();
        if after == Position::Malformed {
            state.flaw = Some(BodyError::Malformed);
        }
        self.note_progress(before, after);
        Poll::Ready(Ok(Read::Bytes))
    }

    fn note_progress(&mut self, before: Position, after: Position) {
        self.waiting_since = None;
        if before == Position::Start && after != Position::Start && !self.is_first {
            self.request_since = Instant::now();
        }
        if after == Position::Parsed {
            self.is_first = false;
        }
    }

    /// Waits for the next byte, and returns when the timeout of the current phase has passed.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = self.progress.clone();
        let mut state = progress.state();
        if state.is_upgraded {
            return Poll::Pending;
        }
        state.reader = Some(context.waker().clone());
        let position = state.scanner.position();
        let is_body = matches!(position, Position::Body | Position::Chunks);
        if state.is_answering && !is_body {
            // The timeout of the next request starts when this response is complete.
            self.waiting_since = None;
            self.request_since = Instant::now();
            return Poll::Pending;
        }
        let waiting_since = *self.waiting_since.get_or_insert_with(Instant::now);
        let end = if is_body {
            let pause = waiting_since + BODY_PAUSE_TIMEOUT;
            pause.min(self.request_since + REQUEST_TIMEOUT)
        } else if position == Position::Start && !self.is_first {
            waiting_since + IDLE_TIMEOUT
        } else {
            self.request_since + HEAD_TIMEOUT
        };
        if self.timeout.deadline() != end {
            self.timeout.as_mut().reset(end);
        }
        ready!(self.timeout.as_mut().poll(context));
        if position == Position::Start {
            return Poll::Ready(Ok(()));
        }
        if is_body {
            state.flaw = Some(BodyError::Late);
        } else if !self.stream.is_blocked() {
            // No response is being sent, so a 408 can be. Best effort: if it cannot be sent immediately it is dropped.
            let _ = Pin::new(&mut self.stream).poll_write(context, LAST_WORDS);
        }
        let message = "the request did not arrive in time";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Http1Io<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.read(context, buffer) {
            Poll::Ready(Ok(Read::Bytes | Read::Nothing)) => Poll::Ready(Ok(())),
            Poll::Ready(Ok(Read::Rejected)) => {
                let message = "a line of the request does not end with CRLF";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.wait(context),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Http1Io<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
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
