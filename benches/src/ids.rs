//! Random numbers and ids, without a lock shared by clients.

use std::hash::{BuildHasher, RandomState};

use event_sourcing::{Clock, CommandId, SystemClock};

/// The generator of one client (`SplitMix64`, with a random seed).
#[derive(Debug)]
pub struct Ids(u64);

impl Ids {
    pub fn new() -> Self {
        Self(RandomState::new().hash_one(0_u64))
    }

    pub fn random(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.random() % from.len() as u64;
        &from[usize::try_from(at).unwrap_or(0)]
    }

    /// A new command id: a `UUIDv7`, as in the services.
    pub fn command_id(&mut self) -> CommandId {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.random().to_le_bytes());
        random[8..].copy_from_slice(&self.random().to_le_bytes()[..2]);
        CommandId::from_parts(SystemClock.now(), random)
    }

    /// A new aggregate id of the same form.
    pub fn aggregate_id(&mut self) -> String {
        self.command_id().to_string()
    }
}
