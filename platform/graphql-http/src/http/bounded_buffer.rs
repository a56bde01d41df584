//! A buffer of limited size.

use std::io::{self, Write};

/// Rejects what exceeds its size, so that the memory of a response that is too long is limited while it is written: a
/// response repeats the keys of its request in each object, and a key may be long.
#[derive(Debug)]
pub struct BoundedBuffer {
    bytes: Vec<u8>,
    limit: usize,
}

impl BoundedBuffer {
    pub const fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
        }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for BoundedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::BoundedBuffer;

    #[test]
    fn it_is_filled_up_to_its_limit_and_never_beyond() {
        let mut buffer = BoundedBuffer::new(4);
        buffer.write_all(b"abc").expect("room");
        buffer.write_all(b"de").expect_err("no room");
        buffer.write_all(b"d").expect("room");
        assert_eq!(buffer.into_bytes(), b"abcd");
    }
}
