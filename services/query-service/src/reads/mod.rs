//! What can be asked about the read model, without a word of gRPC.

mod all;
mod categories;
mod conditions;
mod gate;
mod models;
mod orders;
mod products;
mod question;
mod read;
mod sagas;
mod table;

pub use all::Reads;
pub use categories::CategoryReads;
pub use gate::{Gate, Reached};
pub use orders::{OrderReads, OrderSearch};
pub use products::{Order, ProductFigures, ProductReads, ProductSearch, SortBy};
pub use read::{At, Found, MOST_ROWS, ReadError, Row, Window};
pub use sagas::{SagaReads, SagaSearch};
pub use table::{Cached, List, Table};
