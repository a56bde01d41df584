//! Limits of HTTP/1.1 connections.

use std::net::SocketAddr;
use std::time::Duration;

use platform::Tasks;
use platform::runtime::ConnectionLimits;

use crate::peer::{self, Peer, SLOW};

async fn served() -> (SocketAddr, Tasks) {
    let tasks = Tasks::new();
    let address = peer::http(ConnectionLimits::default(), &tasks).await;
    (address, tasks)
}

fn is_about(after: Duration, seconds: u64) -> bool {
    let limit = Duration::from_secs(seconds);
    after >= limit && after < limit + Duration::from_secs(2)
}

fn ends_in_408(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close\r\n")
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_disconnected_without_a_response() {
    let (address, _tasks) = served().await;
    let (answer, after) = Peer::connect(address).await.text().await;
    assert_eq!(answer, "");
    assert!(is_about(after, 10), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_must_arrive_in_time() {
    let (address, _tasks) = served().await;
    for head in ["G", "GET / HTTP/1.1\r\nhost: a\r\n"] {
        let mut peer = Peer::connect(address).await;
        peer.send(head).await;
        let (answer, after) = peer.text().await;
        assert!(ends_in_408(&answer), "{answer}");
        assert!(is_about(after, 10), "{after:?}");
    }
    let mut peer = Peer::connect(address).await;
    peer.send("GET /").await;
    let (answer, after) = peer.trickle(b'a').await;
    assert!(ends_in_408(&answer), "{answer}");
    assert!(is_about(after, 10), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_later_head_must_arrive_in_time_from_its_first_byte() {
    let (address, _tasks) = served().await;
    let mut peer = Peer::connect(address).await;
    peer.send("GET /else HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(peer.read(16).await.starts_with(b"HTTP/1.1 404"));
    tokio::time::sleep(Duration::from_secs(50)).await;
    peer.send("GET / HT").await;
    let (answer, after) = peer.text().await;
    assert!(answer.contains("HTTP/1.1 408 "), "{answer}");
    assert!(is_about(after, 60), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_without_a_response() {
    let (address, _tasks) = served().await;
    let mut peer = Peer::connect(address).await;
    peer.send("GET /else HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let (answer, after) = peer.text().await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert!(is_about(after, 75), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_must_arrive_in_time() {
    let (address, _tasks) = served().await;
    for (framing, begin) in [
        ("content-length: 100", ""),
        ("content-length: 100", "begin"),
        ("transfer-encoding: chunked", ""),
        ("transfer-encoding: chunked", "5\r\nbegin\r\n1"),
    ] {
        let mut peer = Peer::connect(address).await;
        let head = format!("POST /echo HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n{begin}");
        peer.send(head).await;
        let (answer, after) = peer.text().await;
        assert!(ends_in_408(&answer), "{answer}");
        assert!(is_about(after, 10), "{after:?}");
    }
    // Progress alone is not enough: the whole request has a timeout.
    let mut peer = Peer::connect(address).await;
    peer.send("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n")
        .await;
    let (answer, after) = peer.trickle(b'a').await;
    assert!(ends_in_408(&answer), "{answer}");
    assert!(is_about(after, 30), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_service_does_not_count_against_the_client() {
    let (address, _tasks) = served().await;
    let mut peer = Peer::connect(address).await;
    peer.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\nGET /else HTTP/1.1\r\n")
        .await;
    tokio::time::sleep(SLOW * 9 / 10).await;
    peer.send("host: a\r\nconnection: close\r\n\r\n").await;
    let (answer, after) = peer.text().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("HTTP/1.1 404"), "{answer}");
    assert!(is_about(after, SLOW.as_secs()), "{after:?}");
    // The idle timeout also starts at the end of a slow response.
    let mut peer = Peer::connect(address).await;
    peer.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let (answer, after) = peer.text().await;
    assert!(answer.ends_with("slow"), "{answer}");
    assert!(is_about(after, SLOW.as_secs() + 75), "{after:?}");
}

#[tokio::test]
async fn pipelined_requests_are_all_answered() {
    let (address, tasks) = served().await;
    let requests = "\r\nPOST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\none\n\n\n\
        POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
        2;x=y\r\ntw\r\n2\r\no\n\r\n0\r\na: b\r\n\r\n\
        GET /else HTTP/1.1\r\nhost: a\r\n\r\n\
        POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nconnection: close\r\n\r\nthree";
    for size in [1, 3, 50, requests.len()] {
        let mut peer = Peer::connect(address).await;
        for piece in requests.as_bytes().chunks(size) {
            peer.send(piece).await;
        }
        let (answers, _) = peer.text().await;
        let statuses = ["200 OK", "404 Not Found"].map(|status| answers.matches(status).count());
        assert_eq!(statuses, [3, 1], "{answers}");
        assert!(answers.contains("\r\n\r\none\n\n\nHTTP"), "{answers}");
        assert!(answers.contains("\r\n\r\ntwo\nHTTP"), "{answers}");
        assert!(answers.ends_with("\r\n\r\nthree"), "{answers}");
    }
    drop(tasks);
}

#[tokio::test]
async fn a_bare_lf_in_a_head_is_rejected_and_closes_the_connection() {
    let (address, tasks) = served().await;
    let smuggled = "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";
    for head in [
        "\nGET /else HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /else HTTP/1.1\nhost: a\r\n\r\n",
        "GET /else HTTP/1.1\r\nhost: a\n\r\n",
        "GET /else HTTP/1.1\r\nhost: a\r\n\n",
        "GET /else HTTP/1.1\r\nhost: a\nx: y\r\n\r\n",
        "GET /else HTTP/1.1\r\nhost: a\r\nx: y\n\n",
        "GET /else HTTP/1.1\n\n",
    ] {
        for before in [
            "",
            "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n\n\n",
        ] {
            let mut peer = Peer::connect(address).await;
            peer.send(format!("{before}{head}{smuggled}")).await;
            let (answers, _) = peer.text().await;
            let rejected = answers.matches("HTTP/1.1 400 ").count();
            assert_eq!(rejected, 1, "{head:?}: {answers}");
            assert!(!answers.contains("HTTP/1.1 404"), "{head:?}: {answers}");
            assert!(
                before.is_empty() || answers.starts_with("HTTP/1.1 200"),
                "{answers}"
            );
            let all = answers.matches("HTTP/1.1 ").count();
            assert_eq!(
                all,
                1 + usize::from(!before.is_empty()),
                "{head:?}: {answers}"
            );
        }
    }
    drop(tasks);
}

#[tokio::test]
async fn a_bare_lf_between_chunks_is_rejected_and_closes_the_connection() {
    let (address, tasks) = served().await;
    let head = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let smuggled = "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";
    for body in [
        "1\na\r\n0\r\n\r\n",
        "1;x\na\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1\r\na\r\n0\n\r\n",
        "1\r\na\r\n0\r\n\n",
        "1\r\na\r\n0\r\nx: y\n\r\n",
        "1\r\na\r\n0\r\nx: y\r\n\n",
        "0\r\nx: y\nz: a\r\n\r\n",
    ] {
        let mut peer = Peer::connect(address).await;
        peer.send(format!("{head}{body}{smuggled}")).await;
        let (answers, _) = peer.text().await;
        assert!(answers.starts_with("HTTP/1.1 400 "), "{body:?}: {answers}");
        let all = answers.matches("HTTP/1.1 ").count();
        assert_eq!(all, 1, "{body:?}: {answers}");
    }
    drop(tasks);
}
