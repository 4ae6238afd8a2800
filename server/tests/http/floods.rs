//! Clients that hold on to connections: others are served all the same.

use std::time::Duration;

use leadrail_server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Api, JSON, lead};

const FEW: Limits = Limits {
    connections: 4,
    per_address: 4,
    per_neighbor: 4,
    requests: 8,
    reserved: 2,
};

async fn connect(api: &Api) -> TcpStream {
    TcpStream::connect(api.address).await.expect("connected")
}

/// What one request over a connection of its own is answered; nothing where it was closed.
async fn ask(api: &Api, path: &str) -> String {
    let mut stream = connect(api).await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    if stream.write_all(request.as_bytes()).await.is_ok() {
        let _ = stream.read_to_string(&mut answer).await;
    }
    answer.lines().next().unwrap_or_default().to_owned()
}

/// A request whose body does not come.
const HALF: &str = "POST /v1/leads HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ncontent-length: 9\r\n\r\n";

/// Connections with half a request, one for every place. They are known to be held once another call is
/// told to come again.
async fn hold_every_place(api: &Api) -> Vec<TcpStream> {
    let mut held = vec![];
    for _ in 0..FEW.connections {
        let mut stream = connect(api).await;
        stream.write_all(HALF.as_bytes()).await.expect("written");
        held.push(stream);
    }
    while ask(api, "/openapi.json").await != "HTTP/1.1 503 Service Unavailable" {}
    held
}

#[tokio::test]
async fn health_is_answered_while_every_other_place_is_taken() {
    let api = Api::limited(FEW).await;
    let held = hold_every_place(&api).await;
    assert_eq!(ask(&api, "/healthz").await, "HTTP/1.1 200 OK");
    assert_eq!(ask(&api, "/metrics").await, "HTTP/1.1 200 OK");
    // The database is away: that, too, is an answer.
    let ready = ask(&api, "/readyz").await;
    assert_eq!(ready, "HTTP/1.1 503 Service Unavailable");
    drop(held);
    while ask(&api, "/openapi.json").await != "HTTP/1.1 200 OK" {}
}

#[tokio::test]
async fn who_holds_the_reserved_places_too_is_rid_of_them_soon() {
    let api = Api::limited(FEW).await;
    let _held = hold_every_place(&api).await;
    let mut silent = vec![];
    for _ in 0..FEW.reserved {
        silent.push(connect(&api).await);
    }
    // Closed without a word each, and then there is room again.
    for mut stream in silent {
        let mut said = vec![];
        let _ = stream.read_to_end(&mut said).await;
    }
    while ask(&api, "/healthz").await != "HTTP/1.1 200 OK" {}
}

#[tokio::test]
async fn requests_beyond_those_that_are_served_at_a_time_are_told_to_come_again() {
    let api = Api::limited(Limits {
        requests: 1,
        ..Limits::default()
    })
    .await;
    let mut held = connect(&api).await;
    held.write_all(HALF.as_bytes()).await.expect("written");
    while ask(&api, "/openapi.json").await != "HTTP/1.1 503 Service Unavailable" {}
    assert_eq!(ask(&api, "/healthz").await, "HTTP/1.1 200 OK");
    let answer = api.get("/openapi.json").await;
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    assert_eq!(
        answer.assert_problem(503)["type"],
        "urn:leadrail:problem:busy"
    );
    drop(held);
    while ask(&api, "/openapi.json").await != "HTTP/1.1 200 OK" {}
}

#[tokio::test]
async fn a_client_that_never_reads_loses_its_connection() {
    let api = Api::limited(FEW).await;
    let mut stream = connect(&api).await;
    let asked = "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2_000);
    // It writes until nobody takes more from it, or the connection breaks, and never reads.
    let broken = async {
        loop {
            if stream.write_all(asked.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    let broken = tokio::time::timeout(Duration::from_secs(60), broken).await;
    assert!(broken.is_ok(), "the connection is still held");
}

#[tokio::test]
async fn who_stops_in_the_middle_of_large_bodies_does_not_close_the_door_for_others() {
    let api = Api::start().await;
    let mut stopped = vec![];
    for _ in 0..8 {
        let mut stream = connect(&api).await;
        let head = "POST /v1/leads HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ncontent-length: 1000000\r\n\r\n[";
        stream.write_all(head.as_bytes()).await.expect("written");
        let some = vec![b' '; 300 << 10];
        stream.write_all(&some).await.expect("written");
        stopped.push(stream);
    }
    let batch = format!("[{}{}]", lead(1), " ".repeat(300 << 10));
    assert_eq!(api.post(JSON, batch).await.status, 200);
    for mut stream in stopped {
        let mut said = vec![];
        let _ = stream.read_to_end(&mut said).await;
        assert!(
            said.starts_with(b"HTTP/1.1 408 "),
            "{}",
            String::from_utf8_lossy(&said)
        );
    }
}
