//! Ten thousand connections that say nothing, or as many as this machine has files for.

use std::net::{Ipv4Addr, SocketAddr};

use leadrail_server::Limits;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::Api;

const MANY: usize = 10_000;
/// Files that a test needs besides: its own, the server's ends, the other tests'.
const OTHERS: u64 = 4_000;

/// How many connections may be open: both ends of one that is served are files of this process.
fn as_many_as_there_are_files_for() -> usize {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).expect("as many files as are allowed");
    let left = files.current;
    let left = left.map_or(u64::MAX, |files| files.saturating_sub(OTHERS));
    usize::try_from(left).map_or(MANY, |left| left.min(MANY))
}

/// A connection from one of many addresses, as many callers have.
async fn connect(api: &Api, number: usize) -> TcpStream {
    let [_, b, c, d] = u32::try_from(number / 100).expect("few").to_be_bytes();
    let from = SocketAddr::from((Ipv4Addr::new(127, b + 1, c, d), 0));
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(from).expect("an address");
    socket.connect(api.address).await.expect("connected")
}

/// What a call that only a place for all calls answers is answered, to its end.
async fn ask(stream: &mut TcpStream) -> String {
    let request = b"GET /v1/me HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("written");
    let mut said = vec![];
    while said.last() != Some(&b'}') {
        said.push(stream.read_u8().await.expect("an answer"));
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    said.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn ten_thousand_silent_connections_keep_nobody_out() {
    let api = Api::limited(Limits::default()).await;
    // Somebody who calls now and then, on a connection that stays.
    let mut regular = connect(&api, 0).await;
    assert_eq!(ask(&mut regular).await, "HTTP/1.1 200 OK");
    let mut silent = vec![];
    for number in 100..as_many_as_there_are_files_for() + 100 {
        silent.push(connect(&api, number).await);
        if number % 1_000 == 0 {
            // Whoever comes new is served, and not only told that we are alive.
            let mut new = connect(&api, 1).await;
            assert_eq!(ask(&mut new).await, "HTTP/1.1 200 OK", "after {number}");
        }
    }
    assert!(
        silent.len() > Limits::default().connections * 2,
        "files for {} connections only: `ulimit -Hn` is too low for this test",
        silent.len()
    );
    assert_eq!(api.get("/healthz").await.status, 200);
    assert_eq!(api.get("/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_flood_from_one_address_costs_another_one_no_connection() {
    let api = Api::limited(Limits::default()).await;
    let mut regular = connect(&api, 0).await;
    assert_eq!(ask(&mut regular).await, "HTTP/1.1 200 OK");
    let mut silent = vec![];
    for _ in 0..Limits::default().connections * 2 {
        silent.push(connect(&api, 100).await);
    }
    assert_eq!(ask(&mut regular).await, "HTTP/1.1 200 OK");
}
