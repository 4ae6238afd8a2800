//! Where the API may listen, and what it asks for before it does.

use crate::kit::{Cli, VAULT_KEY};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

const EVERYWHERE: [&str; 3] = ["serve", "--listen", "0.0.0.0:0"];

/// Without a database that answers.
fn away() -> Cli {
    Cli::new().with("DATABASE_URL", "postgres://u@127.0.0.1:1/d")
}

#[test]
fn each_thing_that_is_missing_beyond_this_machine_is_a_sentence() {
    away().run(&EVERYWHERE).refused(2, "no vault key");
    let cli = away().with("LEADRAIL_VAULT_KEY", VAULT_KEY);
    cli.run(&EVERYWHERE)
        .refused(2, "tls.certificate and tls.key");
    let cli = cli.with("LEADRAIL_API_PROXIES", "10.0.0.0/8");
    cli.run(&EVERYWHERE).refused(2, "api.hosts");
    let cli = cli.with("LEADRAIL_TLS_CERTIFICATE", "certificate.pem");
    cli.run(&EVERYWHERE).refused(2, "tls.key is not; set both");
    let cli = cli.with("LEADRAIL_TLS_KEY", "key.pem");
    cli.run(&EVERYWHERE).refused(2, "cannot be read");
    let cli = cli.with("LEADRAIL_API_PROXIES", "leads.example.com");
    cli.run(&EVERYWHERE).refused(2, "api.proxies");
    let cli = away().with("LEADRAIL_API_KEY_RATE", "0");
    cli.run(&EVERYWHERE).refused(2, "api.key_rate");
}

/// What this request is answered.
fn ask(port: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("connected");
    let request = format!("{head}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[tokio::test]
async fn beyond_this_machine_somebody_must_have_a_key_and_whoever_calls_needs_one() {
    let cli = Cli::migrated()
        .await
        .with("LEADRAIL_API_HOSTS", "leads.example.com")
        .with("LEADRAIL_API_PROXIES", "10.0.0.0/8");
    cli.run(&EVERYWHERE).refused(2, "leadrail key create");
    let key = ["key", "create", "--purpose", "x", "--role", "intake"];
    cli.run(&key).well();
    let mut api = cli.serve(&EVERYWHERE);
    let said = api.ready.trim_end().to_owned();
    let (_, port) = said.rsplit_once(':').expect("a port");
    let local = ask(port, "GET /v1/me HTTP/1.1\r\nhost: localhost\r\n");
    assert!(local.starts_with("HTTP/1.1 401 "), "{local}");
    assert_eq!(api.stop().code, 0);
}

#[tokio::test]
async fn with_a_certificate_it_is_ready_by_https() {
    let names = ["leads.example.com".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let cli = Cli::migrated().await;
    let certificate = cli.write("certificate.pem", &made.cert.pem());
    let key = cli.write("key.pem", &made.signing_key.serialize_pem());
    let cli = cli
        .with("LEADRAIL_TLS_CERTIFICATE", &certificate)
        .with("LEADRAIL_TLS_KEY", &key);
    cli.run(&["serve", "--listen", "127.0.0.1:0"])
        .refused(2, "chmod o-r");
    let mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, mine).expect("set");
    let mut api = cli.serve(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(api.ready.contains("https://127.0.0.1:"), "{}", api.ready);
    assert_eq!(api.stop().code, 0);
}
