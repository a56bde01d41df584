//! When and in which direction a link is cut.

/// A direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client.
    There,
    Back,
}

impl Way {
    pub const BOTH: [Self; 2] = [Self::There, Self::Back];
}

/// When a link is cut: after this many bytes in one direction, summed over all connections.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub way: Way,
    pub after: u64,
    /// Whether connections are refused afterwards, until the link is mended.
    pub stays: bool,
}
