//! The rules of the domain, as given / when / then.

mod category;
mod category_name;
mod money;
mod names;
mod order_cancel;
mod order_create;
mod order_life;
mod order_progress;
mod order_values;
mod orders;
mod product;
mod reservations;
mod snapshots;
mod stock;
mod stored_names;
mod stored_orders;
mod stored_shapes;
mod support;
mod values;
