//! Finds the frames in the bytes of an HTTP/2 connection.

/// The client's connection preface (RFC 9113, section 3.4).
pub(super) const PREFACE_BYTES: usize = 24;
const HEADER_BYTES: usize = 9;
const GOAWAY: u8 = 0x7;

/// The kinds of frames that flood detection distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A part of a request or response: DATA that is not empty or ends the stream, HEADERS, CONTINUATION.
    Message,
    /// A consequence of a request or response: `WINDOW_UPDATE`, `RST_STREAM`, acknowledgements.
    Consequence,
    /// A frame that costs the receiver work without any request: PING, SETTINGS, PRIORITY, empty DATA and unknown
    /// types.
    Control,
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub kind: Kind,
    pub stream: u32,
}

/// Follows the frames of one direction.
#[derive(Debug)]
pub(super) struct Frames {
    preface: usize,
    header: [u8; HEADER_BYTES],
    in_header: usize,
    payload: usize,
    /// The number of complete frames.
    complete: u64,
}

impl Frames {
    /// The frames after `preface` bytes that belong to no frame.
    pub(super) const fn after(preface: usize) -> Self {
        Self {
            preface,
            header: [0; HEADER_BYTES],
            in_header: 0,
            payload: 0,
            complete: 0,
        }
    }

    /// Whether at least one frame is complete.
    pub(super) const fn has_complete_frame(&self) -> bool {
        self.complete > 0
    }

    /// Whether the next byte starts a frame.
    pub(super) const fn is_between(&self) -> bool {
        self.preface == 0 && self.in_header == 0 && self.payload == 0
    }

    /// Advances by these bytes and passes each frame whose header is complete to `seen`.
    pub(super) fn follow(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Frame)) {
        bytes = skip(&mut self.preface, bytes);
        while !bytes.is_empty() {
            if self.payload > 0 {
                bytes = skip(&mut self.payload, bytes);
            } else {
                let (piece, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.in_header));
                self.header[self.in_header..self.in_header + piece.len()].copy_from_slice(piece);
                self.in_header += piece.len();
                bytes = rest;
                if self.in_header < HEADER_BYTES {
                    return;
                }
                self.in_header = 0;
                seen(self.read_header());
            }
            if self.payload == 0 {
                self.complete += 1;
            }
        }
    }

    fn read_header(&mut self) -> Frame {
        const END_STREAM_OR_ACK: u8 = 0x1;
        let [l2, l1, l0, kind, flags, s3, s2, s1, s0] = self.header;
        let length = u32::from_be_bytes([0, l2, l1, l0]);
        self.payload = usize::try_from(length).unwrap_or(usize::MAX);
        let is_flagged = flags & END_STREAM_OR_ACK != 0;
        let kind = match kind {
            // HEADERS, CONTINUATION.
            0x1 | 0x9 => Kind::Message,
            // DATA.
            0x0 if length > 0 || is_flagged => Kind::Message,
            // RST_STREAM, WINDOW_UPDATE.
            0x3 | 0x8 => Kind::Consequence,
            // SETTINGS, PING.
            0x4 | 0x6 if is_flagged => Kind::Consequence,
            _ => Kind::Control,
        };
        let stream = u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]);
        Frame { kind, stream }
    }
}

fn skip<'b>(count: &mut usize, bytes: &'b [u8]) -> &'b [u8] {
    let skipped = bytes.len().min(*count);
    *count -= skipped;
    &bytes[skipped..]
}

/// A GOAWAY frame: requests on streams above `last_stream` were not processed.
pub(super) fn goaway(last_stream: u32, error: u32) -> [u8; 17] {
    let mut frame = [0, 0, 8, GOAWAY, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    frame[9..13].copy_from_slice(&last_stream.to_be_bytes());
    frame[13..].copy_from_slice(&error.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::{Frame, Frames, Kind, goaway};

    fn frame(length: u8, kind: u8, flags: u8, stream: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0x80, 0, 0, stream];
        frame.extend(std::iter::repeat_n(0xff, length.into()));
        frame
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_split() {
        let bytes = [
            b"preface".to_vec(),
            frame(6, 4, 0, 0),
            frame(3, 1, 4, 1),
            frame(0, 4, 1, 0),
            frame(200, 0, 0, 1),
            frame(0, 0, 0, 1),
            frame(0, 0, 1, 1),
            frame(8, 6, 0, 0),
            frame(8, 6, 1, 0),
            frame(4, 8, 0, 0),
            frame(5, 2, 0, 3),
            frame(0, 99, 0, 0),
            goaway(7, 11).to_vec(),
        ];
        let bytes = bytes.concat();
        let expected = [
            (Kind::Control, 0),
            (Kind::Message, 1),
            (Kind::Consequence, 0),
            (Kind::Message, 1),
            (Kind::Control, 1),
            (Kind::Message, 1),
            (Kind::Control, 0),
            (Kind::Consequence, 0),
            (Kind::Consequence, 0),
            (Kind::Control, 3),
            (Kind::Control, 0),
            (Kind::Control, 0),
        ]
        .map(|(kind, stream)| Frame { kind, stream });
        for size in 1..=bytes.len() {
            let mut frames = Frames::after(7);
            let mut seen = Vec::new();
            for piece in bytes.chunks(size) {
                frames.follow(piece, |frame| seen.push(frame));
            }
            assert_eq!(seen, expected, "{size}");
            assert!(frames.is_between() && frames.complete == 12);
        }
    }
}
