//! Both sagas meet every fault at every step: the order and the stock are as they must be at each end.

mod cancel_order;
mod order;
mod shop;
