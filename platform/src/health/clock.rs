//! Whether the machine's clock is right.

use std::time::Duration;

use chrono::TimeDelta;
use event_sourcing::SteadyClock;

use super::{ComponentState, Health};
use crate::runtime::Tasks;

/// How often the clocks are compared.
const INTERVAL: Duration = Duration::from_secs(5);
/// By how much the machine's clock may be off.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// Adds the part `clock`: how far the machine's clock is from the one that decides, which on PostgreSQL is the server's
/// and on SQLite the machine's own at the start of the process, moved by the time that has elapsed. A clock that is off
/// harms nothing, because the process does not follow it, so it leaves the process ready.
pub async fn watch_clock(health: &Health, tasks: &Tasks, clock: SteadyClock) {
    health
        .probe("clock", INTERVAL, tasks, move || {
            let offset = clock.machine_offset();
            metrics::gauge!("clock_offset_seconds").set(offset.as_seconds_f64());
            std::future::ready(state(offset))
        })
        .await;
}

fn state(offset: TimeDelta) -> ComponentState {
    let word = if offset > TOLERANCE {
        "fast"
    } else if offset < -TOLERANCE {
        "slow"
    } else {
        return ComponentState::up("synchronized");
    };
    ComponentState::impaired(format!("{word} ({} s)", offset.abs().num_seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_reported_and_keeps_nothing_from_serving() {
        for (seconds, word) in [
            (600, "fast (600 s)"),
            (-600, "slow (600 s)"),
            (90_000, "fast (90000 s)"),
            (-90_000, "slow (90000 s)"),
        ] {
            assert_eq!(
                state(TimeDelta::seconds(seconds)),
                ComponentState::impaired(word)
            );
        }
        for seconds in [-5, 0, 5] {
            let state = state(TimeDelta::seconds(seconds));
            assert_eq!(state, ComponentState::up("synchronized"));
        }
    }
}
