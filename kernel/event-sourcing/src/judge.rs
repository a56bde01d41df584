//! The judgement of a batch: which commits are accepted, at which positions and versions.
