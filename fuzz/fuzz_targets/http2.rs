//! The bytes of an HTTP/2 connection, before the library reads them: they pass unchanged, up to the first read with which
//! the client has sent too many frames that cost work without a request. Then the last bytes sent are a GOAWAY frame.
#![no_main]

use fuzz_targets::{ScriptedStream, block_on, split_choice};
use libfuzzer_sys::fuzz_target;
use platform::runtime::testing::guard_http2;
use tokio::io::AsyncReadExt;

const PREFACE_BYTES: usize = 24;
const MAX_CONTROL_FRAMES: usize = 100;

/// The header of a frame, and where in the bytes of the connection it is complete.
#[derive(Clone, Copy)]
struct Frame {
    end: usize,
    kind: u8,
    is_flagged: bool,
    length: usize,
    stream: u32,
}

impl Frame {
    /// DATA that is not empty or ends its stream, HEADERS and CONTINUATION.
    fn is_message(&self) -> bool {
        matches!(self.kind, 1 | 9) || self.kind == 0 && (self.length > 0 || self.is_flagged)
    }

    /// What follows from messages: a reset, a window update or an acknowledgement.
    fn is_consequence(&self) -> bool {
        matches!(self.kind, 3 | 8) || matches!(self.kind, 4 | 6) && self.is_flagged
    }
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut found = Vec::new();
    let mut rest = bytes.get(PREFACE_BYTES..).unwrap_or_default();
    while let [l2, l1, l0, kind, flags, s3, s2, s1, s0, payload @ ..] = rest {
        let length = usize::from(*l2) << 16 | usize::from(*l1) << 8 | usize::from(*l0);
        found.push(Frame {
            end: bytes.len() - payload.len(),
            kind: *kind,
            is_flagged: flags & 1 != 0,
            length,
            stream: u32::from_be_bytes([*s3, *s2, *s1, *s0]) & 0x7fff_ffff,
        });
        rest = payload.get(length..).unwrap_or_default();
    }
    found
}

/// The end of the first piece after which there are more control frames than are accepted.
fn flood(frames: &[Frame], bytes: usize, size: usize) -> Option<usize> {
    let mut frames = frames.iter().peekable();
    let mut control = 0;
    for piece in 1..=bytes.div_ceil(size) {
        let end = bytes.min(piece * size);
        while let Some(frame) = frames.next_if(|frame| frame.end <= end) {
            if frame.is_message() {
                control = 0;
            } else if !frame.is_consequence() {
                control += 1;
            }
        }
        if control > MAX_CONTROL_FRAMES {
            return Some(end);
        }
    }
    None
}

/// The frame with which a connection ends after these bytes.
fn goaway(frames: &[Frame], end: usize) -> Vec<u8> {
    let known = frames.iter().take_while(|frame| frame.end <= end);
    let messages = known.filter(|frame| frame.is_message());
    let last = messages.map(|frame| frame.stream).max().unwrap_or_default();
    let mut frame = vec![0, 0, 8, 7, 0, 0, 0, 0, 0];
    frame.extend(last.to_be_bytes());
    frame.extend(0xb_u32.to_be_bytes());
    frame
}

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = split_choice(data) else {
        return;
    };
    let size = size.max(1);
    let stream = ScriptedStream::waiting(bytes, size).then_closed();
    let written = stream.written();
    let mut read = Vec::with_capacity(bytes.len() + size);
    block_on(async {
        let mut guarded = guard_http2(stream);
        let mut buffer = [0; 256];
        while let Ok(length @ 1..) = guarded.read(&mut buffer).await {
            read.extend_from_slice(&buffer[..length]);
        }
    });
    let frames = frames(bytes);
    match flood(&frames, bytes.len(), size) {
        None => {
            assert_eq!(read, bytes);
            assert!(written.bytes().is_empty());
        }
        Some(end) => {
            assert_eq!(read, bytes[..(end - 1) / size * size]);
            assert_eq!(written.bytes(), goaway(&frames, end));
        }
    }
});
