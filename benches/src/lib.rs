//! Measurements, each beside its limit.
