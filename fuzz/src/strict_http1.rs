//! The requests in the bytes of an HTTP/1.1 connection, by the letter of RFC 9112 alone: CRLF ends a line, and nothing is
//! repaired. Written without the code that it judges.

/// A request, as far as its boundaries depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrictRequest {
    pub method: String,
    pub target: String,
    pub body: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum Length {
    Bytes(usize),
    Chunked,
}

/// The complete requests, up to the first byte that no request may have.
#[must_use]
pub fn requests(mut bytes: &[u8]) -> Vec<StrictRequest> {
    let mut found = Vec::new();
    while let Some((request, rest)) = request(bytes) {
        found.push(request);
        bytes = rest;
    }
    found
}

fn request(mut bytes: &[u8]) -> Option<(StrictRequest, &[u8])> {
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    let (first, mut rest) = line(bytes)?;
    let mut parts = std::str::from_utf8(first).ok()?.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    if !matches!(parts.next()?, "HTTP/1.0" | "HTTP/1.1") || parts.next().is_some() {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let (header, after) = line(rest)?;
        rest = after;
        if header.is_empty() {
            break;
        }
        let colon = header.iter().position(|byte| *byte == b':')?;
        let name = std::str::from_utf8(&header[..colon]).ok()?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return None;
        }
        headers.push((name.to_ascii_lowercase(), header[colon + 1..].trim_ascii()));
    }
    let (body, rest) = match length(&headers)? {
        Length::Bytes(length) => rest
            .split_at_checked(length)
            .map(|(body, rest)| (body.to_vec(), rest))?,
        Length::Chunked => chunks(rest)?,
    };
    let request = StrictRequest {
        method,
        target,
        body,
    };
    Some((request, rest))
}

/// The text up to CRLF, and what follows; none if another control character ends it.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes
        .iter()
        .position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let rest = bytes[end..].strip_prefix(b"\r\n")?;
    Some((&bytes[..end], rest))
}

fn length(headers: &[(String, &[u8])]) -> Option<Length> {
    let values = |wanted: &'static str| {
        let named = headers.iter().filter(move |(name, _)| name == wanted);
        named.map(|(_, value)| *value)
    };
    let codings: Vec<&[u8]> = values("transfer-encoding")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .collect();
    if let Some(last) = codings.last() {
        let is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
        return is_chunked.then_some(Length::Chunked);
    }
    let mut lengths = values("content-length").map(|value| {
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value).ok()?.parse::<usize>().ok()?;
        is_number.then_some(number)
    });
    let Some(first) = lengths.next() else {
        return Some(Length::Bytes(0));
    };
    let first = first?;
    lengths
        .all(|other| other == Some(first))
        .then_some(Length::Bytes(first))
}

fn chunks(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let (head, rest) = line(bytes)?;
        let size = head.split(|byte| *byte == b';').next()?.trim_ascii_end();
        if size.is_empty() || !size.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            return Some((body, trailers(rest)?));
        }
        let (data, rest) = rest.split_at_checked(size)?;
        body.extend_from_slice(data);
        bytes = rest.strip_prefix(b"\r\n")?;
    }
}

fn trailers(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (trailer, rest) = line(bytes)?;
        bytes = rest;
        if trailer.is_empty() {
            return Some(bytes);
        }
    }
}
