//! Descriptions of accepted values that several sections use.

pub(super) const A_BOOLEAN: &str = "true or false";
pub(super) const A_DURATION: &str = "1 to 86400000 (milliseconds)";
pub(super) const A_COUNT: &str = "1 to 4294967295";
