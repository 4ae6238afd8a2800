//! A connection is opened in one way, whoever asks.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use leadrail_adapters::AdapterError;
use leadrail_connections::{Connection, DoorError, Doors};
use leadrail_outbound::{Guard, Outbound};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{CANARY, Setup, api_key, new_connection};

const MINUTE: Duration = Duration::from_secs(60);

fn doors(setup: &Setup) -> Doors {
    let http = Outbound::new(Guard::with_loopback()).expect("a client");
    Doors::new(setup.connections.clone(), http)
}

/// A CRM that knows one key, and the URL of it.
async fn crm_that_takes(key: &'static str) -> String {
    let company = async move |headers: HeaderMap| match headers["authorization"].to_str() {
        Ok(given) if given == format!("Token {key}") => {
            (StatusCode::OK, r#"{"id": "1", "name": "Acme"}"#)
        }
        _ => (StatusCode::UNAUTHORIZED, "{}"),
    };
    let app = Router::new().route("/company", get(company));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn connect(setup: &Setup, url: &str, key: &str) -> Connection {
    let mut new = new_connection("acct_1", None);
    new.base_url = Some(url.to_owned());
    new.secrets = api_key(key);
    setup.connections.add(new).await.expect("added")
}

#[tokio::test]
async fn a_door_opens_with_the_secrets_and_settings_of_its_connection() {
    let setup = Setup::new().await;
    let url = crm_that_takes(CANARY).await;
    let mut new = new_connection("acct_1", None);
    new.base_url = Some(url);
    new.settings = json!({"lead_source": "Radio"});
    let tried = doors(&setup).open_new(new.clone()).await.expect("opened");
    let account = tried.0.check(&tried.1).await.expect("checked");
    assert_eq!(account.name, "Acme");

    let added = setup.connections.add(new).await.expect("added");
    let door = doors(&setup).open(added.id, MINUTE).await.expect("opened");
    assert_eq!(door.session.settings().text("lead_source"), Some("Radio"));
    assert!(door.adapter.check(&door.session).await.is_ok());
}

#[tokio::test]
async fn a_closed_connection_opens_for_checks_only() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    setup
        .connections
        .disable(added.id, "on holiday")
        .await
        .expect("disabled");
    let doors = doors(&setup);
    let Err(DoorError::Closed(closed)) = doors.open(added.id, MINUTE).await else {
        panic!("leads went through a closed connection");
    };
    assert_eq!(closed.reason, "disabled");
    assert!(doors.open_whatever_its_state(added.id).await.is_ok());
}

#[tokio::test]
async fn a_call_that_meets_a_reconnected_account_goes_on_with_the_new_secret() {
    let setup = Setup::new().await;
    let url = crm_that_takes("the-new-key").await;
    let added = connect(&setup, &url, "the-old-key").await;
    let door = doors(&setup).open(added.id, MINUTE).await.expect("opened");
    connect(&setup, &url, "the-new-key").await;
    assert!(door.adapter.check(&door.session).await.is_ok());
    assert_eq!(door.session.secret_version(), 2);
    let statuses: Vec<_> = door
        .session
        .take_exchanges()
        .into_iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [Some(401), Some(200)]);
}

#[tokio::test]
async fn a_refused_secret_without_a_newer_one_stays_refused() {
    let setup = Setup::new().await;
    let url = crm_that_takes("another-key").await;
    let added = connect(&setup, &url, CANARY).await;
    let door = doors(&setup).open(added.id, MINUTE).await.expect("opened");
    let refused = door.adapter.check(&door.session).await;
    assert!(matches!(refused.err(), Some(AdapterError::Auth(_))));
    assert_eq!(door.session.take_exchanges().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_connected_cannot_be_tried_either() {
    let setup = Setup::new().await;
    let mut new = new_connection("acct_1", None);
    new.auth_method = "carrier_pigeon".into();
    let refused = doors(&setup).open_new(new.clone()).await;
    let refused = refused.err().expect("refused");
    let stored = setup.connections.add(new).await.expect_err("refused");
    assert_eq!(refused.to_string(), stored.to_string());
    assert!(!refused.to_string().contains(CANARY));
}
