//! A limit for the time that a client takes to read.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client may take to receive all that waits to be sent to it.
const WRITE_TIMEOUT: Duration = Duration::from_mins(1);

/// A stream whose writes fail if its peer does not read.
#[derive(Debug)]
pub(in crate::runtime) struct TimedWrites<S> {
    stream: S,
    /// Set while something waits to be sent: from the first write that had to wait to the next flush.
    timeout: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedWrites<S> {
    pub(in crate::runtime) const fn new(stream: S) -> Self {
        Self {
            stream,
            timeout: None,
        }
    }

    /// Whether the peer has yet to read what was sent.
    pub(in crate::runtime) const fn is_blocked(&self) -> bool {
        self.timeout.is_some()
    }

    fn in_time(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            return written;
        }
        let timeout = self
            .timeout
            .get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        ready!(timeout.as_mut().poll(context));
        let message = "the client does not read what it is sent";
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
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.timeout = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Duration, Instant};

    use super::{TimedWrites, WRITE_TIMEOUT};

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_not_waited_for() {
        let (stream, _peer) = duplex(16);
        let mut stream = TimedWrites::new(stream);
        let begin = Instant::now();
        let written = stream.write_all(&[0; 100]).await;
        assert_eq!(
            written.expect_err("nobody reads").kind(),
            ErrorKind::TimedOut
        );
        assert!(begin.elapsed() >= WRITE_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn one_byte_now_and_then_is_not_reading() {
        let (stream, mut peer) = duplex(16);
        let mut stream = TimedWrites::new(stream);
        let begin = Instant::now();
        let slow = tokio::spawn(async move {
            while peer.read_u8().await.is_ok() {
                tokio::time::sleep(WRITE_TIMEOUT / 10).await;
            }
        });
        let written = stream.write_all(&[0; 100]).await;
        assert_eq!(written.expect_err("too slow").kind(), ErrorKind::TimedOut);
        assert!(begin.elapsed() < WRITE_TIMEOUT * 2);
        drop(stream);
        slow.await.expect("it ends");
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_in_time_may_do_so_for_ever() {
        let (stream, mut peer) = duplex(16);
        let mut stream = TimedWrites::new(stream);
        let begin = Instant::now();
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
        assert!(begin.elapsed() > WRITE_TIMEOUT * 2);
        drop(stream);
        slow.await.expect("it ends");
    }
}
