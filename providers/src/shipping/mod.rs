//! Shipping: who brings the goods.
//!
//! [`port`] says what any provider of shipping promises; [`choice`] reads the URL that chooses one. The protocol of
//! [`HttpShipping`] is described in `docs/providers.md`.

mod choice;
mod http;
mod port;
mod simulated;

pub use choice::{HttpShippingSettings, ShippingChoice};
pub use http::HttpShipping;
pub use port::{Address, Arrangement, Parcel, Shipment, Shipping};
pub use simulated::SimulatedShipping;
