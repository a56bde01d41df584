//! End-to-end tests: real binaries, real HTTP, both engines.
