//! The promises of an event store, as tests that any adapter can be held against.
