//! Who calls a simulator by another name than this machine's gets nothing.

use leadrail_crm_sim::{CrmSim, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the books are answered with to these headers.
async fn ask(address: std::net::SocketAddr, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request =
        format!("GET /_sim/housecall_pro/records HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

#[tokio::test]
async fn only_names_of_this_machine_are_answered_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(listener, CrmSim::new(), std::future::pending()));
    for host in [
        "localhost",
        "LOCALHOST:4010",
        "127.0.0.1:4010",
        "[::1]:4010",
        "127.9.9.9",
    ] {
        let answer = ask(address, &format!("host: {host}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host}: {answer}");
    }
    for headers in [
        "host: evil.com\r\n",
        "host: 127.0.0.1.evil.com\r\n",
        "host: localhost@evil.com\r\n",
        "host: 10.0.0.1\r\n",
        "host: localhost\r\nhost: evil.com\r\n",
        "",
    ] {
        let answer = ask(address, headers).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{headers}: {answer}");
        assert!(!answer.contains("customers"), "{headers}: {answer}");
    }
}
