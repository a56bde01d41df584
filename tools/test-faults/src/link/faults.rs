//! The faults of a link, which its connections follow.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::cut::{Cut, Way};
use super::target::Target;

#[derive(Debug, Default)]
struct State {
    target: Option<Target>,
    /// Bytes passed since the link was armed, in both directions.
    passed: [u64; 2],
    cut: Option<Cut>,
}

/// How bytes are forwarded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    frozen: [bool; 2],
    delay: Duration,
}

/// Every connection ends when it changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    count: u64,
    /// Whether the last end is a reset.
    pub(super) is_reset: bool,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    flow: watch::Sender<Flow>,
    ends: watch::Sender<Ends>,
    /// Whether connections are refused.
    is_away: watch::Sender<bool>,
    accepted: AtomicUsize,
}

fn index(way: Way) -> usize {
    usize::from(way == Way::Back)
}

impl Shared {
    pub(super) fn lead_to(&self, target: Target) {
        self.lock().target = Some(target);
    }

    pub(super) fn target(&self) -> Option<Target> {
        self.lock().target.clone()
    }

    pub(super) fn stop(&self) {
        self.refuse();
        self.end(false);
    }

    pub(super) fn refuse(&self) {
        self.is_away.send_replace(true);
    }

    pub(super) fn freeze(&self, ways: &[Way]) {
        self.flow.send_modify(|flow| {
            for way in ways {
                flow.frozen[index(*way)] = true;
            }
        });
    }

    pub(super) fn slow_down(&self, delay: Duration) {
        self.flow.send_modify(|flow| flow.delay = delay);
    }

    pub(super) fn cut(&self) {
        self.end(true);
    }

    pub(super) fn arm(&self, cut: Option<Cut>) {
        let mut state = self.lock();
        state.passed = [0; 2];
        state.cut = cut;
    }

    pub(super) fn is_armed(&self) -> bool {
        self.lock().cut.is_some()
    }

    pub(super) fn mend(&self) {
        self.lock().cut = None;
        self.flow.send_replace(Flow::default());
        self.is_away.send_replace(false);
    }

    pub(super) fn passed(&self) -> [u64; 2] {
        self.lock().passed
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Relaxed)
    }

    pub(super) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Relaxed);
    }

    pub(super) fn away(&self) -> watch::Receiver<bool> {
        self.is_away.subscribe()
    }

    pub(super) fn ends(&self) -> watch::Receiver<Ends> {
        self.ends.subscribe()
    }

    /// Waits while bytes in this direction have to.
    pub(super) async fn wait(&self, way: Way) {
        let mut flow = self.flow.subscribe();
        let thawed = flow.wait_for(|flow| !flow.frozen[index(way)]).await;
        let delay = thawed.map_or(Duration::ZERO, |flow| flow.delay);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    /// How many of `bytes` may pass before the cut.
    pub(super) fn admit(&self, way: Way, bytes: usize) -> usize {
        let mut state = self.lock();
        let passed = &mut state.passed[index(way)];
        let before = *passed;
        *passed += bytes as u64;
        let now = *passed;
        let Some(cut) = state.cut.filter(|cut| cut.way == way && now >= cut.after) else {
            return bytes;
        };
        state.cut = None;
        drop(state);
        self.is_away.send_replace(cut.stays);
        self.end(false);
        usize::try_from(cut.after.saturating_sub(before)).unwrap_or(bytes)
    }

    fn end(&self, is_reset: bool) {
        self.ends.send_modify(|ends| {
            ends.count += 1;
            ends.is_reset = is_reset;
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
