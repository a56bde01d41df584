//! Health of the machine's clock.

use std::time::Duration;

use chrono::TimeDelta;
use event_sourcing::SteadyClock;

use super::{ComponentState, Health};
use crate::runtime::Tasks;

/// How often the clocks are compared.
const INTERVAL: Duration = Duration::from_secs(5);
/// The tolerated offset of the machine's clock.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// Adds the component `clock`: the offset of the machine's clock from the authoritative one, which on PostgreSQL is the
/// server's and on SQLite the machine's own at the start of the process plus the elapsed time. A wrong clock does no
/// harm, because the process does not follow it, so the process stays ready.
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
    let direction = if offset > TOLERANCE {
        "fast"
    } else if offset < -TOLERANCE {
        "slow"
    } else {
        return ComponentState::up("synchronized");
    };
    ComponentState::impaired(format!("{direction} ({} s)", offset.abs().num_seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_reported_and_leaves_the_process_ready() {
        for (seconds, status) in [
            (600, "fast (600 s)"),
            (-600, "slow (600 s)"),
            (90_000, "fast (90000 s)"),
            (-90_000, "slow (90000 s)"),
        ] {
            assert_eq!(
                state(TimeDelta::seconds(seconds)),
                ComponentState::impaired(status)
            );
        }
        for seconds in [-5, 0, 5] {
            let state = state(TimeDelta::seconds(seconds));
            assert_eq!(state, ComponentState::up("synchronized"));
        }
    }
}
