//! The rules, stated as given / when / then.

mod category;
mod category_name;
mod money;
mod names;
mod product;
mod stock;
mod stored_shapes;
mod support;
mod values;
