//! One HTTP/1.1 connection that opens itself again.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// How long an answer may take; longer than the gateway's own deadlines.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Where the shop is, such as `http://127.0.0.1:4000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    host: String,
    port: u16,
    path: String,
}

impl BaseUrl {
    /// Reads one; `None` if it is not `http://HOST[:PORT][/PATH]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let plain = uri.scheme_str() == Some("http") && uri.query().is_none();
        Some(Self {
            host: uri.host().filter(|_| plain)?.to_owned(),
            port: uri.port_u16().unwrap_or(80),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}{}", self.host, self.port, self.path)
    }
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Nobody listens.
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    /// The connection ended before the answer did.
    #[error("the connection broke")]
    Lost(#[source] hyper::Error),
    /// The answer took too long.
    #[error("no answer within {} seconds", ANSWER_LIMIT.as_secs())]
    Late,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

/// Carries one request at a time.
#[derive(Debug)]
pub struct Connection {
    base: BaseUrl,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Opens when it is first used.
    pub fn new(base: BaseUrl) -> Self {
        Self { base, open: None }
    }

    /// Posts to `path`, and opens a new connection next time if that failed.
    ///
    /// # Errors
    /// [`Broken`]; whether the request had an effect is unknown unless it could not connect.
    pub async fn post(
        &mut self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Broken> {
        let mut open = match self.open.take() {
            Some(open) if !open.sender.is_closed() => open,
            _ => self.connect().await?,
        };
        let sent =
            tokio::time::timeout(ANSWER_LIMIT, self.exchange(&mut open, path, headers, body));
        let answer = sent
            .await
            .map_err(|_| Broken::Late)?
            .map_err(Broken::Lost)?;
        self.open = Some(open);
        Ok(answer)
    }

    async fn connect(&self) -> Result<Open, Broken> {
        let host = self.base.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.base.port))
            .await
            .map_err(Broken::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(Broken::Lost)?;
        // Its error reaches the request that is under way.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Open { sender, driver })
    }

    async fn exchange(
        &self,
        open: &mut Open,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, hyper::Error> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers;
        let target = format!("{}{path}", self.base.path);
        if let Ok(uri) = target.parse() {
            *request.uri_mut() = uri;
        }
        let host = format!("{}:{}", self.base.host, self.base.port);
        if let Ok(host) = host.parse() {
            request.headers_mut().insert(header::HOST, host);
        }
        open.sender.ready().await?;
        let (head, body) = open.sender.send_request(request).await?.into_parts();
        Ok(Answer {
            status: head.status,
            body: body.collect().await?.to_bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;

    #[test]
    fn a_base_url_is_plain_http() {
        let shown = |text| BaseUrl::parse(text).map(|url| url.to_string());
        assert_eq!(
            shown("http://127.0.0.1:4000/"),
            Some("http://127.0.0.1:4000".to_owned())
        );
        assert_eq!(
            shown("http://shop.test/a"),
            Some("http://shop.test:80/a".to_owned())
        );
        assert_eq!(
            shown("http://[::1]:4000"),
            Some("http://[::1]:4000".to_owned())
        );
        for bad in [
            "",
            "127.0.0.1:4000",
            "https://shop.test",
            "http://",
            "http://a/?b=c",
            "/x",
        ] {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
