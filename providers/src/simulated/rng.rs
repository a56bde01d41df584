//! Random decisions, from a seed that a test can choose.

use std::fmt;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Rate;

/// Draws the events of a [`Rate`].
pub struct Rng(Mutex<StdRng>);

impl Rng {
    /// The same draws for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Draws from a random seed.
    #[must_use]
    pub fn random() -> Self {
        Self::seeded(rand::random())
    }

    /// Whether an event of this probability occurs now.
    #[must_use]
    pub fn hits(&self, rate: Rate) -> bool {
        if rate == Rate::NEVER {
            return false;
        }
        let mut generator = self.0.lock();
        generator.random::<f64>() < rate.share()
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng")
    }
}
