//! Translates the services' errors into those that clients receive.
//!
//! [`from_grpc`] and [`from_business`] are the only translations.

mod business;
mod grpc;

pub use business::from_business;
pub use grpc::from_grpc;
