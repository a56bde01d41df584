//! A timeout for clients that do not read.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How long a client may take to receive all pending data.
const WRITE_TIMEOUT: Duration = Duration::from_mins(1);
/// The same while the process stops, which must not wait for a client that does not read.
const STOPPING_WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream whose writes fail if its peer does not read.
#[derive(Debug)]
pub(in crate::runtime) struct TimedWrites<S> {
    stream: S,
    /// Set while data is pending: from the first write that blocked until the next flush.
    timeout: Option<Pin<Box<Sleep>>>,
    /// Ready when the process stops; set until then.
    stopping: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    limit: Duration,
}

impl<S> TimedWrites<S> {
    pub(in crate::runtime) const fn new(stream: S) -> Self {
        Self {
            stream,
            timeout: None,
            stopping: None,
            limit: WRITE_TIMEOUT,
        }
    }

    /// Gives its peer less time when `stopping` is cancelled.
    pub(in crate::runtime) fn until(mut self, stopping: CancellationToken) -> Self {
        self.stopping = Some(Box::pin(stopping.cancelled_owned()));
        self
    }

    /// Whether the peer has not received all sent data yet.
    pub(in crate::runtime) const fn is_blocked(&self) -> bool {
        self.timeout.is_some()
    }

    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            return done;
        }
        let stopping = self.stopping.as_mut();
        if stopping.is_some_and(|it| it.as_mut().poll(context).is_ready()) {
            self.stopping = None;
            self.limit = STOPPING_WRITE_TIMEOUT;
            if let Some(timeout) = &mut self.timeout {
                let end = timeout.deadline().min(Instant::now() + self.limit);
                timeout.as_mut().reset(end);
            }
        }
        let limit = self.limit;
        let timeout = self.timeout.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timeout.as_mut().poll(context));
        let message = "the client does not read the data sent to it";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedWrites<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS accepts writes before it sends them.
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        ready!(self.in_time(context, flushed))?;
        self.timeout = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_shutdown(context);
        self.in_time(context, closed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Duration, Instant};

    use tokio_util::sync::CancellationToken;

    use super::{STOPPING_WRITE_TIMEOUT, TimedWrites, WRITE_TIMEOUT};

    #[tokio::test(start_paused = true)]
    async fn a_write_to_a_peer_that_does_not_read_times_out() {
        let (stream, _peer) = duplex(16);
        let mut stream = TimedWrites::new(stream);
        let start = Instant::now();
        let written = stream.write_all(&[0; 100]).await;
        assert_eq!(
            written.expect_err("the peer does not read").kind(),
            ErrorKind::TimedOut
        );
        assert!(start.elapsed() >= WRITE_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_wait_for_a_peer_that_does_not_read() {
        let (stream, _peer) = duplex(16);
        let stopping = CancellationToken::new();
        let mut stream = TimedWrites::new(stream).until(stopping.clone());
        let start = Instant::now();
        let stop = tokio::spawn(async move {
            tokio::time::sleep(WRITE_TIMEOUT / 2).await;
            stopping.cancel();
        });
        let written = stream.write_all(&[0; 100]).await;
        assert_eq!(written.expect_err("stopped").kind(), ErrorKind::TimedOut);
        let after_stop = start.elapsed().saturating_sub(WRITE_TIMEOUT / 2);
        assert!(after_stop >= STOPPING_WRITE_TIMEOUT, "{after_stop:?}");
        assert!(after_stop < STOPPING_WRITE_TIMEOUT * 2, "{after_stop:?}");
        stop.await.expect("it ends");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_too_slowly_times_out() {
        let (stream, mut peer) = duplex(16);
        let mut stream = TimedWrites::new(stream);
        let start = Instant::now();
        let slow = tokio::spawn(async move {
            while peer.read_u8().await.is_ok() {
                tokio::time::sleep(WRITE_TIMEOUT / 10).await;
            }
        });
        let written = stream.write_all(&[0; 100]).await;
        assert_eq!(written.expect_err("too slow").kind(), ErrorKind::TimedOut);
        assert!(start.elapsed() < WRITE_TIMEOUT * 2);
        drop(stream);
        slow.await.expect("it ends");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_in_time_never_times_out() {
        let (stream, mut peer) = duplex(16);
        let mut stream = TimedWrites::new(stream);
        let start = Instant::now();
        let slow = tokio::spawn(async move {
            let mut buffer = [0; 16];
            while peer.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                tokio::time::sleep(Duration::from_secs(20)).await;
            }
        });
        for _ in 0..20 {
            stream.write_all(&[0; 20]).await.expect("in time");
            stream.flush().await.expect("in time");
        }
        assert!(start.elapsed() > WRITE_TIMEOUT * 2);
        drop(stream);
        slow.await.expect("it ends");
    }
}
