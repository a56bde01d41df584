//! Taking what is queued as one batch, without a delay.

use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::mpsc;
use tokio::task::yield_now;

/// Waits for a job and moves it to `taken`, and with it jobs that are queued behind it, until `taken` has `most`. Gives
/// `false` if no job will ever come.
///
/// Jobs come in swarms: whoever was answered together comes back together. The first of a swarm would be taken alone, so
/// the task gives way once, to those that are ready to run on its thread. Where there are none this takes no time.
pub async fn take_batch<T>(jobs: &mut mpsc::Receiver<T>, taken: &mut Vec<T>, most: usize) -> bool {
    let Some(first) = jobs.recv().await else {
        return false;
    };
    taken.push(first);
    yield_now().await;
    let more = most.saturating_sub(taken.len());
    poll_fn(|context| {
        // Whether there are any more makes no difference.
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
    async fn those_who_are_about_to_come_are_waited_for() {
        let (sender, mut jobs) = mpsc::channel(10);
        let swarm = (0..5).map(|number| {
            let sender = sender.clone();
            tokio::spawn(async move {
                if number > 0 {
                    yield_now().await;
                }
                sender.send(number).await
            })
        });
        let swarm: Vec<_> = swarm.collect();
        let mut taken = Vec::new();
        assert!(take_batch(&mut jobs, &mut taken, 4).await);
        assert_eq!(taken.len(), 4);
        assert!(take_batch(&mut jobs, &mut taken, 10).await);
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2, 3, 4]);
        for sent in swarm {
            assert!(sent.await.is_ok_and(|sent| sent.is_ok()));
        }
        drop(sender);
        assert!(!take_batch(&mut jobs, &mut taken, 10).await);
    }
}
