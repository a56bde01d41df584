//! The read side: projections and queries over gRPC.
