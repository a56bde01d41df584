//! Chance, from a seed that a test can choose.

use std::fmt;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Rate;

/// Decides what a [`Rate`] leaves to chance.
pub struct Rng(Mutex<StdRng>);

impl Rng {
    /// The same throws for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Throws that nobody knows beforehand.
    #[must_use]
    pub fn random() -> Self {
        Self::seeded(rand::random())
    }

    /// Whether this time is one of the share.
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
        f.write_str("Dice")
    }
}
