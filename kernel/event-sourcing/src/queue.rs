//! Takes queued jobs as one batch, without a delay.

use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::mpsc;
use tokio::task::yield_now;

/// Waits for a job and moves it to `taken`, together with the jobs queued after it, up to `most`. Returns false if the
/// queue is closed and empty.
///
/// Jobs arrive in bursts, because callers whose batch has completed send their next jobs at the same time. The first
/// job of a burst would be taken alone, so the task yields once to callers that are ready to run. If there are none
/// this takes no time.
pub async fn take_batch<T>(jobs: &mut mpsc::Receiver<T>, taken: &mut Vec<T>, most: usize) -> bool {
    let Some(first) = jobs.recv().await else {
        return false;
    };
    taken.push(first);
    yield_now().await;
    let more = most.saturating_sub(taken.len());
    poll_fn(|context| {
        // Polled once only: it takes what is queued now and does not wait for more.
        let _queued = jobs.poll_recv_many(context, taken, more);
        Poll::Ready(())
    })
    .await;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_of_a_burst_are_taken_together() {
        let (sender, mut jobs) = mpsc::channel(10);
        let burst = (0..5).map(|number| {
            let sender = sender.clone();
            tokio::spawn(async move {
                if number > 0 {
                    yield_now().await;
                }
                sender.send(number).await
            })
        });
        let burst: Vec<_> = burst.collect();
        let mut taken = Vec::new();
        assert!(take_batch(&mut jobs, &mut taken, 4).await);
        assert_eq!(taken.len(), 4);
        assert!(take_batch(&mut jobs, &mut taken, 10).await);
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2, 3, 4]);
        for sent in burst {
            assert!(sent.await.is_ok_and(|sent| sent.is_ok()));
        }
        drop(sender);
        assert!(!take_batch(&mut jobs, &mut taken, 10).await);
    }
}
