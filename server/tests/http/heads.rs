//! What the head of a request may be, and what its answer says besides.

use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Api, JSON, lead};

#[tokio::test]
async fn every_refusal_is_a_problem_with_its_own_status() {
    let api = Api::start().await;
    api.get("/nowhere").await.assert_problem(404);
    let wrong = api.call(Method::PUT, "/v1/leads").await;
    wrong.assert_problem(405);
    let allowed = wrong.header("allow").expect("what may be asked instead");
    assert!(
        allowed.contains("GET") && allowed.contains("POST"),
        "{allowed}"
    );
    let large = " ".repeat((256 << 10) + 1);
    api.post(JSON, large).await.assert_problem(413);
    api.post("text/plain", lead(1).to_string())
        .await
        .assert_problem(415);
    let header = "x".repeat(16 << 10);
    let request = api
        .client
        .get(api.url("/healthz"))
        .header("x-large", header);
    let problem = api.send(request).await.assert_problem(431);
    assert_eq!(problem["type"], "urn:leadrail:problem:head-too-large");
    let target = format!("/v1/leads?q={}", "x".repeat(8 << 10));
    api.get(&target).await.assert_problem(414);
    let fits = "x".repeat(15 << 10);
    let request = api.client.get(api.url("/healthz")).header("x-large", fits);
    assert_eq!(api.send(request).await.status, 200);
}

/// What the first line of an answer to these bytes is.
async fn answered(api: &Api, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(api.address).await.expect("connected");
    // Whoever is refused early may find the connection closed.
    let _ = stream.write_all(bytes).await;
    let mut said = vec![];
    let _ = stream.read_to_end(&mut said).await;
    let said = String::from_utf8_lossy(&said).into_owned();
    said.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_head_without_an_end_is_refused_before_it_fills_the_memory() {
    let api = Api::start().await;
    let start = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n";
    let endless = format!("{start}x-large: {}\r\n\r\n", "x".repeat(1 << 20));
    let said = answered(&api, endless.as_bytes()).await;
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 431 "),
        "{said}"
    );
    let many = (0..5_000).map(|n| format!("x-{n}: 1\r\n"));
    let many = format!("{start}{}\r\n", many.collect::<String>());
    let said = answered(&api, many.as_bytes()).await;
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 431 "),
        "{said}"
    );
    assert_eq!(api.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn no_page_of_another_site_is_told_that_it_may_call() {
    let api = Api::start().await;
    let asked = api
        .client
        .request(Method::OPTIONS, api.url("/v1/leads"))
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    let answer = api.send(asked).await;
    answer.assert_problem(403);
    let own = api.get("/v1/leads").await;
    for answer in [answer, own] {
        let names = answer.headers.keys().map(http::HeaderName::as_str);
        let cors = names.filter(|name| name.starts_with("access-control-"));
        assert_eq!(cors.count(), 0);
    }
}

#[tokio::test]
async fn an_answer_is_not_kept_and_not_taken_for_something_else() {
    let api = Api::start().await;
    for path in ["/v1/leads", "/healthz", "/nowhere"] {
        let answer = api.get(path).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            answer.header("strict-transport-security"),
            None,
            "no TLS here"
        );
    }
}
