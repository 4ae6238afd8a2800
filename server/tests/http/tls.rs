//! TLS here: HTTP/1.1 and HTTP/2, certificates that change, and callers that misuse it.

use std::path::PathBuf;
use std::sync::Arc;

use h2::client::SendRequest;
use http::{Request, Version};
use leadrail_server::{Limits, Tls, TlsError};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Api, Log, trusting};

/// A certificate and its key, in files.
struct Files {
    folder: TempDir,
    certificate: String,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut files = Self {
            folder,
            certificate: String::new(),
        };
        files.renew();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(self.path(name), text).expect("written");
        let mine = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.path(name), mine).expect("set");
    }

    /// Writes another certificate with its key.
    fn renew(&mut self) {
        let (certificate, key) = certificate();
        self.write("key.pem", &key.serialize_pem());
        self.write("certificate.pem", &certificate);
        self.certificate = certificate;
    }

    fn read(&self) -> Result<Tls, TlsError> {
        Tls::read(&self.path("certificate.pem"), &self.path("key.pem"))
    }

    async fn served(&self) -> Api {
        self.served_within(Limits::default()).await
    }

    async fn served_within(&self, limits: Limits) -> Api {
        Api::secured(self.read().expect("TLS"), &self.certificate, limits).await
    }
}

fn certificate() -> (String, KeyPair) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(names).expect("a certificate");
    (cert.pem(), signing_key)
}

/// A connection that has agreed on this protocol.
async fn connect(api: &Api, authority: &str, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(api.address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.expect("a handshake")
}

/// A client of HTTP/2, and its connection's end.
async fn http2(
    api: &Api,
    files: &Files,
) -> (
    SendRequest<bytes::Bytes>,
    tokio::task::JoinHandle<Option<h2::Error>>,
) {
    let stream = connect(api, &files.certificate, b"h2").await;
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let ended = tokio::spawn(async move { connection.await.err() });
    (client.ready().await.expect("ready"), ended)
}

#[tokio::test]
async fn it_speaks_http_2_and_1_and_asks_for_nothing_else_from_then_on() {
    let files = Files::new();
    let api = files.served().await;
    let answer = api
        .client
        .get(api.url("/healthz"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.version()),
        (200, Version::HTTP_2)
    );
    assert_eq!(
        answer.headers()["strict-transport-security"],
        "max-age=31536000"
    );
    let mut old = connect(&api, &files.certificate, b"http/1.1").await;
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    old.write_all(request).await.expect("written");
    let mut said = String::new();
    old.read_to_string(&mut said).await.expect("read");
    assert!(said.starts_with("HTTP/1.1 200 OK"), "{said}");
}

#[tokio::test]
async fn a_new_certificate_is_used_for_new_connections_and_no_old_one_is_dropped() {
    let mut files = Files::new();
    let api = files.served().await;
    let (mut old, _ended) = http2(&api, &files).await;
    let before = files.certificate.clone();
    files.renew();
    let renewed = async {
        let client = trusting(&files.certificate);
        client.get(api.url("/healthz")).send().await.is_ok()
    };
    let mut is_renewed = renewed.await;
    while !is_renewed {
        let client = trusting(&files.certificate);
        is_renewed = client.get(api.url("/healthz")).send().await.is_ok();
    }
    let outdated = trusting(&before).get(api.url("/healthz")).send().await;
    assert!(outdated.is_err(), "the old certificate is used no more");
    let request = Request::get("https://localhost/healthz")
        .body(())
        .expect("a request");
    let (answer, _) = old.send_request(request, true).expect("the old connection");
    assert_eq!(answer.await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_broken_new_certificate_keeps_the_old_one_in_use() {
    let (log, _listening) = Log::listen();
    let mut files = Files::new();
    let api = files.served().await;
    let good = files.certificate.clone();
    let (_, other_key) = certificate();
    for broken in ["", "-----BEGIN CERTIFICATE-----\nx\n", "no PEM"] {
        files.write("certificate.pem", broken);
        assert!(files.read().is_err(), "{broken}");
    }
    files.write("certificate.pem", &good);
    files.write("key.pem", &other_key.serialize_pem());
    assert!(matches!(files.read(), Err(TlsError::Unusable { .. })));
    // Each client begins a connection of its own. The last time, the pair that does not fit was looked at.
    let greet = async || {
        let answer = trusting(&good).get(api.url("/healthz")).send().await;
        assert!(answer.is_ok(), "{answer:?}");
    };
    while !log.text().contains("A new certificate is not used") {
        greet().await;
    }
    greet().await;
    // It goes on looking: what is good again is used.
    files.renew();
    loop {
        let client = trusting(&files.certificate);
        if client.get(api.url("/healthz")).send().await.is_ok() {
            break;
        }
    }
}

#[test]
fn what_is_wrong_with_the_files_is_said_in_a_sentence() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = Files::new();
    let said = |files: &Files| files.read().expect_err("refused").to_string();
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(files.path("key.pem"), open).expect("set");
    assert!(said(&files).contains("chmod o-r"));
    files.write("key.pem", &files.certificate);
    assert!(said(&files).contains("no private key"), "{}", said(&files));
    std::fs::remove_file(files.path("key.pem")).expect("removed");
    assert!(said(&files).contains("cannot be read"));
}

#[tokio::test]
async fn whoever_opens_streams_only_to_reset_them_loses_the_connection() {
    let files = Files::new();
    let api = files.served().await;
    let (mut client, ended) = http2(&api, &files).await;
    while let Ok(mut ready) = client.ready().await {
        let request = Request::post("https://localhost/v1/leads");
        let request = request.body(()).expect("a request");
        for _ in 0..50 {
            if let Ok((_, mut stream)) = ready.send_request(request.clone(), false) {
                stream.send_reset(h2::Reason::CANCEL);
            }
        }
        client = ready;
        // What was written goes out, and the answer comes in.
        tokio::task::yield_now().await;
    }
    assert!(
        ended.await.expect("its end").is_some(),
        "it was ended by the other side"
    );
    assert_eq!(api.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn headers_beyond_their_bound_are_refused_in_http_2_too() {
    let files = Files::new();
    let api = files.served().await;
    let large = api
        .client
        .get(api.url("/healthz"))
        .header("x-large", "x".repeat(64 << 10));
    let refused = large.send().await.map(|answer| answer.status().as_u16());
    assert!(refused.is_err() || refused.is_ok_and(|status| status == 431));
    assert_eq!(api.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn whoever_speaks_plain_http_to_tls_or_never_ends_a_handshake_is_let_go() {
    let files = Files::new();
    let api = files.served().await;
    let mut plain = TcpStream::connect(api.address).await.expect("connected");
    plain
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("written");
    let mut silent = TcpStream::connect(api.address).await.expect("connected");
    for stream in [&mut plain, &mut silent] {
        let mut said = vec![];
        let _ = stream.read_to_end(&mut said).await;
        assert!(!said.starts_with(b"HTTP"));
    }
    assert_eq!(api.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn who_is_silent_on_the_reserved_places_by_http_2_is_rid_of_them_soon() {
    const FEW: Limits = Limits {
        connections: 2,
        per_address: 2,
        per_neighbor: 2,
        requests: 8,
        reserved: 2,
    };
    let files = Files::new();
    let api = files.served_within(FEW).await;
    let half = "POST /v1/leads HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
                content-type: application/json\r\ncontent-length: 9\r\n\r\n";
    let mut held = vec![];
    for _ in 0..FEW.connections {
        let mut stream = connect(&api, &files.certificate, b"http/1.1").await;
        stream.write_all(half.as_bytes()).await.expect("written");
        // Under way from here on: an idle connection would make room.
        let mut asked_for = [0; 12];
        stream.read_exact(&mut asked_for).await.expect("go on");
        assert_eq!(&asked_for, b"HTTP/1.1 100");
        held.push(stream);
    }
    let mut silent = vec![];
    while silent.len() < FEW.reserved {
        silent.push(http2(&api, &files).await);
    }
    for (_client, ended) in silent {
        // Nobody but the server ends it.
        ended.await.expect("an end");
    }
    http2(&api, &files).await;
}
