//! Chooses the places at which a link is cut.

use anyhow::Result;
use test_faults::{Cut, Way};

use super::run::Run;

/// Cuts a link at `places` places in each direction, distributed over the bytes of a mutation, and with `staying` lasting
/// cuts.
pub async fn sweep(run: &mut Run<'_>, link: usize, places: u64, staying: u64) -> Result<()> {
    let system = run.system;
    let link = &system.links[link];
    let [there, back] = run.measure(link).await?;
    for (way, bytes) in [(Way::There, there), (Way::Back, back)] {
        for place in 0..places {
            let after = 1 + bytes * place / places;
            let stays = false;
            run.strike(link, Cut { way, after, stays }).await?;
        }
    }
    for place in 0..staying {
        // In the middle of equal parts.
        let after = 1 + there * (2 * place + 1) / (2 * staying);
        let (way, stays) = (Way::There, true);
        run.strike(link, Cut { way, after, stays }).await?;
    }
    Ok(())
}
