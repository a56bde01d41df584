//! One HTTP/1.1 connection that opens itself again.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::location::Place;

/// How long an answer may take; longer than the gateway's own deadlines.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

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
    place: Place,
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
    pub fn new(place: Place) -> Self {
        Self { place, open: None }
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
        let stream = TcpStream::connect((self.place.host.as_str(), self.place.port))
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
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
        if let Ok(host) = self.place.to_string().parse() {
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
