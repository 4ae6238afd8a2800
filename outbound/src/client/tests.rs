use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::*;

/// A deadline that no test waits for, and one that a test does.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);
const BOUND: usize = 64;

pub(super) const HELLO: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

/// A server on this machine that says the same to everyone and counts who connects.
pub(super) struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn saying(answer: impl Into<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (connections.clone(), answer.into());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 1024]).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    // Until the client hangs up.
                    let _ = stream.read(&mut [0; 1]).await;
                });
            }
        });
        Self { port, connections }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn url(&self, host: &str) -> Url {
        let url = format!("http://{host}:{}/", self.port);
        url.parse().unwrap_or_else(|_| panic!("{url}"))
    }
}

fn outbound(guard: Guard) -> Outbound {
    Outbound::new(guard).unwrap()
}

/// A client whose resolver answers with these addresses, one list after the other, round and round.
pub(super) fn resolving(guard: Guard, answers: &[&[&str]]) -> Outbound {
    let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
    let answers: Vec<Vec<IpAddr>> = answers.iter().map(parse).collect();
    let asked = AtomicUsize::new(0);
    let lookup: Lookup = Arc::new(move |_| {
        let next = asked.fetch_add(1, Ordering::SeqCst) % answers.len();
        let answer = answers[next].clone();
        Box::pin(async move { Ok(answer) })
    });
    Outbound::resolving_with(guard, &lookup).unwrap()
}

pub(super) async fn get(outbound: &Outbound, url: Url) -> Received {
    let request = reqwest::Request::new(Method::GET, url);
    outbound.call(request, LONG, BOUND).await
}

#[tokio::test]
async fn an_answer_comes_back_with_status_headers_and_body() {
    let server = Server::saying(HELLO).await;
    let received = get(&outbound(Guard::with_loopback()), server.url("127.0.0.1")).await;
    let (status, headers) = received.head.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-length"], "5");
    assert_eq!((&*received.body, received.fault), (&b"hello"[..], None));
}

#[tokio::test]
async fn an_address_in_the_url_is_refused_before_anything_is_connected_to() {
    let server = Server::saying(HELLO).await;
    let client = outbound(Guard::public_only());
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
    ] {
        let received = get(&client, server.url(host)).await;
        assert_eq!(received.fault, Some(Fault::Forbidden), "{host}");
        assert!(received.head.is_none() && received.body.is_empty());
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_local_name_is_refused_until_the_configuration_allows_it() {
    let server = Server::saying(HELLO).await;
    let refused = get(&outbound(Guard::public_only()), server.url("localhost")).await;
    assert_eq!(refused.fault, Some(Fault::Forbidden));
    assert_eq!(server.connections(), 0);
    for allowed in [&["localhost"][..], &["127.0.0.0/8", "::1"]] {
        let guard = Guard::allow(allowed).unwrap();
        let received = get(&outbound(guard), server.url("localhost")).await;
        assert_eq!(received.fault, None, "{allowed:?}");
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn of_several_addresses_the_allowed_ones_are_connected_to_and_none_beside_a_forbidden_one() {
    let server = Server::saying(HELLO).await;
    let guard = Guard::allow(["127.0.0.1"]).unwrap();
    let mixed = ["10.0.0.1", "::1", "127.0.0.1"];
    let client = resolving(guard.clone(), &[&mixed]);
    let received = get(&client, server.url("crm.example")).await;
    assert_eq!(received.fault, None);
    let worse = [&mixed[..], &["169.254.169.254"]].concat();
    for client in [
        resolving(guard, &[&worse]),
        resolving(Guard::public_only(), &[&mixed]),
    ] {
        let received = get(&client, server.url("crm.example")).await;
        assert_eq!(received.fault, Some(Fault::Forbidden));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_name_that_changes_its_address_after_it_was_judged_gains_nothing() {
    let (outside, inside) = (Server::saying(HELLO).await, Server::saying(HELLO).await);
    // Here 127.0.0.1 stands for the outside; ::ffff:127.0.0.2 reaches the machine by another way.
    let guard = Guard::allow(["127.0.0.1"]).unwrap();
    let flipping: &[&[&str]] = &[
        &["127.0.0.1"],
        &["127.0.0.2"],
        &["::ffff:127.0.0.2"],
        &["::1"],
    ];
    let client = resolving(guard, flipping);
    for _ in 0..50 {
        let received = get(&client, outside.url("rebinding.example")).await;
        assert_eq!(received.fault, None);
        for _ in 1..flipping.len() {
            let received = get(&client, inside.url("rebinding.example")).await;
            assert_eq!(received.fault, Some(Fault::Forbidden));
        }
    }
    assert_eq!((outside.connections(), inside.connections()), (50, 0));
}

#[tokio::test]
async fn a_name_without_addresses_or_with_an_answer_that_fails_is_a_fault_of_dns() {
    let url: Url = "http://crm.example/".parse().unwrap();
    let empty = resolving(Guard::with_loopback(), &[&[]]);
    assert_eq!(get(&empty, url.clone()).await.fault, Some(Fault::Dns));
    let failing: Lookup = Arc::new(|_| Box::pin(async { Err(io::Error::other("away")) }));
    let failing = Outbound::resolving_with(Guard::with_loopback(), &failing).unwrap();
    assert_eq!(get(&failing, url).await.fault, Some(Fault::Dns));
    let url: Url = "https://nowhere.invalid/".parse().unwrap();
    let system = outbound(Guard::public_only());
    assert_eq!(get(&system, url).await.fault, Some(Fault::Dns));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = Server::saying(HELLO).await;
    let location = target.url("127.0.0.1");
    let server = Server::saying(format!(
        "HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    ))
    .await;
    let received = get(&outbound(Guard::with_loopback()), server.url("127.0.0.1")).await;
    let (status, headers) = received.head.unwrap();
    assert_eq!(status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(headers["location"], location.as_str());
    assert_eq!((received.fault, target.connections()), (None, 0));
}

#[tokio::test]
async fn a_body_is_read_up_to_its_bound_and_no_further() {
    let body = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{}",
            "x".repeat(length)
        )
    };
    let client = outbound(Guard::with_loopback());
    for (length, fault) in [
        (BOUND - 1, None),
        (BOUND, None),
        (BOUND + 1, Some(Fault::BodyTooLarge)),
        (100 * BOUND, Some(Fault::BodyTooLarge)),
    ] {
        let server = Server::saying(body(length)).await;
        let received = get(&client, server.url("127.0.0.1")).await;
        assert_eq!(received.fault, fault, "{length}");
        assert_eq!(received.body.len(), length.min(BOUND));
        assert_eq!(received.head.unwrap().0, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_deadline_ends_a_call_with_what_came_until_then() {
    let client = outbound(Guard::with_loopback());
    let silent = Server::saying("").await;
    let half = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    for (server, status, body) in [
        (silent, None, &b""[..]),
        (half, Some(StatusCode::OK), b"half"),
    ] {
        let request = reqwest::Request::new(Method::GET, server.url("127.0.0.1"));
        let received = client.call(request, SHORT, BOUND).await;
        assert_eq!(received.fault, Some(Fault::Timeout));
        assert_eq!(received.head.map(|head| head.0), status);
        assert_eq!(received.body, body);
    }
}

#[tokio::test]
async fn each_way_to_fail_on_the_wire_has_its_own_fault() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let http = Server::saying("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let nonsense = Server::saying("nonsense\r\n\r\n").await;
    let client = outbound(Guard::with_loopback());
    for (url, fault) in [
        (format!("http://{closed}/"), Fault::Connect),
        (format!("https://127.0.0.1:{}/", http.port), Fault::Tls),
        (
            format!("http://127.0.0.1:{}/", nonsense.port),
            Fault::ConnectionLost,
        ),
        ("ftp://127.0.0.1/".to_owned(), Fault::Unsendable),
    ] {
        let received = get(&client, url.parse().unwrap()).await;
        assert_eq!(received.fault, Some(fault), "{url}");
    }
}
