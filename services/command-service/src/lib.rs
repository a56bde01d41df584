//! The write side: commands in over gRPC, events out.
