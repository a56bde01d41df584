//! The wire contract: generated gRPC types and their conversions.
