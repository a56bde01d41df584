//! Finds the boundaries of requests in the bytes of a connection.
//!
//! hyper's parser accepts a bare LF as the end of a line. A proxy in front of the process may not, and then the two see
//! different requests in the same bytes (request smuggling). So bytes pass through this scanner before hyper reads
//! them: it replaces a bare LF by a NUL, which no line may contain, and hyper responds with 400 and closes the
//! connection.
//!
//! ```text
//! Start ──► Head ──empty line──► Parsed ──hyper's framing──► Body, Chunked ──► Start
//!             └── bare LF ──► Rejected                   └── bare LF ──► Malformed
//! ```
//!
//! A head and a body cannot be confused: the scanner finds the end of a head, where only CRLF ends a line, and holds
//! back everything after it until hyper has parsed the head and reported the length of the body.

/// The length of a request's body, as hyper parsed it from the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Position {
    /// Before a request; empty lines may precede it.
    #[default]
    Start,
    Head,
    /// After a head, until hyper calls [`Scanner::head_parsed`].
    Parsed,
    Body,
    /// In a body, between its chunks' data.
    Chunks,
    /// In a rejected head.
    Rejected,
    /// In a malformed chunk.
    Malformed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Chunk {
    #[default]
    Size,
    Extension,
    Data,
    DataEnd,
    Trailer,
}

/// Follows the requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    position: Position,
    chunk: Chunk,
    /// The remaining bytes of a body or chunk. While a chunk's size is read: the size so far.
    left: u64,
    /// The digits of a chunk's size, or the bytes of a line.
    in_line: u64,
    after_cr: bool,
}

enum LineByte {
    Inner(u8),
    End,
    Carriage,
    Broken,
}

impl Scanner {
    pub(super) const fn position(&self) -> Position {
        self.position
    }

    /// Receives hyper's parse of a head. Returns false if the scanner did not find the end of a head there: hyper and
    /// the scanner disagree, and the connection must be closed.
    pub(super) fn head_parsed(&mut self, framing: Framing) -> bool {
        if self.position != Position::Parsed {
            self.position = Position::Rejected;
            return false;
        }
        *self = Self::default();
        match framing {
            Framing::Length(0) => {}
            Framing::Length(length) => {
                self.position = Position::Body;
                self.left = length;
            }
            Framing::Chunked => self.position = Position::Chunks,
        }
        true
    }

    /// Scans bytes up to the end of a head, and returns the number of scanned bytes.
    pub(super) fn scan(&mut self, bytes: &mut [u8]) -> usize {
        let mut scanned = 0;
        while scanned < bytes.len() {
            match self.position {
                Position::Parsed | Position::Rejected | Position::Malformed => break,
                Position::Body => scanned += self.pass(bytes.len() - scanned, Position::Start),
                Position::Chunks if self.chunk == Chunk::Data => {
                    scanned += self.pass(bytes.len() - scanned, Position::Chunks);
                }
                Position::Start | Position::Head => {
                    self.head_byte(&mut bytes[scanned]);
                    scanned += 1;
                }
                Position::Chunks => {
                    self.chunk_byte(&mut bytes[scanned]);
                    scanned += 1;
                }
            }
        }
        scanned
    }

    /// Passes body data; `after` is the position after the last byte of it.
    fn pass(&mut self, available: usize, after: Position) -> usize {
        let passed = usize::try_from(self.left).map_or(available, |left| left.min(available));
        self.left -= passed as u64;
        if self.left == 0 {
            self.position = after;
            self.chunk = Chunk::DataEnd;
            self.start_line();
        }
        passed
    }

    fn head_byte(&mut self, byte: &mut u8) {
        match self.line_byte(byte) {
            LineByte::Inner(_) => self.position = Position::Head,
            LineByte::End if self.in_line == 0 && self.position == Position::Head => {
                self.position = Position::Parsed;
            }
            LineByte::End => self.start_line(),
            LineByte::Carriage => {}
            LineByte::Broken => self.position = Position::Rejected,
        }
    }

    fn chunk_byte(&mut self, byte: &mut u8) {
        const MAX_SIZE_DIGITS: u64 = 16;
        let line_byte = self.line_byte(byte);
        match (self.chunk, line_byte) {
            (_, LineByte::Carriage) | (Chunk::Extension | Chunk::Trailer, LineByte::Inner(_)) => {}
            (Chunk::Size, LineByte::Inner(b' ' | b'\t' | b';')) if self.in_line > 1 => {
                self.chunk = Chunk::Extension;
            }
            (Chunk::Size, LineByte::Inner(digit)) => match char::from(digit).to_digit(16) {
                Some(digit) if self.in_line <= MAX_SIZE_DIGITS => {
                    self.left = self.left << 4 | u64::from(digit);
                }
                _ => self.position = Position::Malformed,
            },
            (Chunk::Size | Chunk::Extension, LineByte::End) if self.in_line > 0 => {
                self.chunk = if self.left == 0 {
                    Chunk::Trailer
                } else {
                    Chunk::Data
                };
                self.start_line();
            }
            (Chunk::DataEnd, LineByte::End) => {
                self.chunk = Chunk::Size;
                self.start_line();
            }
            (Chunk::Trailer, LineByte::End) if self.in_line == 0 => *self = Self::default(),
            (Chunk::Trailer, LineByte::End) => self.start_line(),
            (_, LineByte::Broken | LineByte::Inner(_) | LineByte::End) => {
                self.position = Position::Malformed;
            }
        }
    }

    const fn start_line(&mut self) {
        self.in_line = 0;
        self.after_cr = false;
    }

    /// Classifies a byte within its line. A bare LF is replaced.
    const fn line_byte(&mut self, byte: &mut u8) -> LineByte {
        let after_cr = self.after_cr;
        self.after_cr = *byte == b'\r';
        match *byte {
            b'\n' if after_cr => LineByte::End,
            b'\n' => {
                *byte = 0;
                LineByte::Broken
            }
            _ if after_cr => LineByte::Broken,
            b'\r' => LineByte::Carriage,
            byte => {
                self.in_line = self.in_line.saturating_add(1);
                LineByte::Inner(byte)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Framing, Position, Scanner};

    /// Scans a connection's bytes in pieces of `size`; `bodies` are hyper's results for the heads.
    fn scan(bytes: &[u8], size: usize, bodies: &[Framing]) -> (Vec<u8>, Scanner) {
        let mut scanner = Scanner::default();
        let mut bodies = bodies.iter();
        let mut seen = Vec::new();
        for piece in bytes.chunks(size) {
            let mut rest = piece.to_vec();
            while !rest.is_empty() {
                if scanner.position() == Position::Parsed {
                    scanner.head_parsed(*bodies.next().expect("another head"));
                }
                let passed = scanner.scan(&mut rest);
                if passed == 0 {
                    return (seen, scanner);
                }
                seen.extend(rest.drain(..passed));
            }
        }
        (seen, scanner)
    }

    const CONNECTION: &[u8] = b"\r\nGET /a HTTP/1.1\r\nhost: a\r\n\r\n\
        POST /b HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\na\n\r\n\n\
        POST /c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
        3;name=value\r\n\n\n\n\r\n0A\r\n0123456789\r\n0\r\nsum: 1\r\n\r\n\
        GET /d HTTP/1.1\r\nhost: a\r\n\r\n";
    const BODIES: [Framing; 4] = [
        Framing::Length(0),
        Framing::Length(5),
        Framing::Chunked,
        Framing::Length(0),
    ];

    #[test]
    fn pipelined_requests_are_found_however_the_bytes_are_split() {
        for size in 1..=CONNECTION.len() {
            let (seen, mut scanner) = scan(CONNECTION, size, &BODIES);
            assert_eq!(seen, CONNECTION, "{size}");
            assert_eq!(scanner.position(), Position::Parsed, "{size}");
            assert!(scanner.head_parsed(Framing::Length(0)));
            assert_eq!(scanner.position(), Position::Start);
        }
    }

    #[test]
    fn a_bare_lf_is_rejected_at_every_line_end() {
        let lines: Vec<usize> = (1..CONNECTION.len())
            .filter(|at| CONNECTION[at - 1..=*at] == *b"\r\n")
            .collect();
        let in_a_body = b"a\n\r\n\n";
        let body = CONNECTION
            .windows(in_a_body.len())
            .position(|bytes| bytes == in_a_body)
            .expect("a body");
        let mut rejected = 0;
        for at in lines {
            if (body..body + in_a_body.len()).contains(&at) {
                continue;
            }
            let mut bytes = CONNECTION.to_vec();
            bytes.remove(at - 1);
            for size in [1, 7, bytes.len()] {
                let (seen, scanner) = scan(&bytes, size, &BODIES);
                let rejected = [Position::Rejected, Position::Malformed];
                assert!(rejected.contains(&scanner.position()), "{at}");
                assert_eq!(seen.last(), Some(&0), "{at}");
                assert_eq!(seen.len(), at, "{at}");
            }
            rejected += 1;
        }
        assert_eq!(rejected, 22);
    }

    #[test]
    fn a_malformed_chunk_is_rejected() {
        let head = "POST / HTTP/1.1\r\n\r\n";
        for bad in [
            "\r\n",
            ";x\r\n",
            " 1\r\n",
            "g\r\n",
            "-1\r\n",
            "0x1\r\n",
            "11111111111111111\r\n",
            "1\rx",
            "1\r\nab",
            "1\r\na\n",
            "1\r\na\rb",
            "0\r\na\rb",
        ] {
            let bytes = format!("{head}{bad}");
            let (_, scanner) = scan(bytes.as_bytes(), 1, &[Framing::Chunked]);
            assert_eq!(scanner.position(), Position::Malformed, "{bad:?}");
        }
    }

    #[test]
    fn a_head_that_only_hyper_sees_is_rejected() {
        let mut scanner = Scanner::default();
        scanner.scan(&mut b"GET / HTTP/1.1\r\n".to_owned());
        assert!(!scanner.head_parsed(Framing::Length(0)));
        assert_eq!(scanner.position(), Position::Rejected);
    }

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_how_bytes_are_split(bytes in proptest::collection::vec(
            proptest::sample::select(b"\r\n:;0aG \0".as_slice()), 1..200,
        ), size in 1..200_usize) {
            let bodies = [Framing::Chunked; 200];
            let (seen, scanner) = scan(&bytes, size, &bodies);
            let whole = scan(&bytes, bytes.len(), &bodies);
            prop_assert_eq!((&seen, scanner.position()), (&whole.0, whole.1.position()));
            let rejected = [Position::Rejected, Position::Malformed];
            prop_assert!(seen.len() == bytes.len() || rejected.contains(&scanner.position()));
        }
    }
}
