//! The accounts' connections, against the simulated CRM.

use leadrail_connections::{Connection, ConnectionState, NewConnection};
use leadrail_crm_sim::CrmSim;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Api, lead};

/// The simulated CRMs, served until the test ends; their address.
async fn crms() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listening");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(leadrail_crm_sim::serve(
        listener,
        CrmSim::new(),
        std::future::pending(),
    ));
    format!("http://{address}")
}

async fn connect(api: &Api, base_url: &str, secret: &str) -> Connection {
    let new = NewConnection {
        account: "acme".to_owned(),
        crm: "housecall_pro".to_owned(),
        crm_account_id: None,
        base_url: Some(base_url.to_owned()),
        auth_method: "api_key".to_owned(),
        secrets: [("api_key".to_owned(), secret.to_owned().into())].into(),
        settings: json!({}),
    };
    api.connections().add(new).await.expect("connected")
}

async fn test(api: &Api, id: impl std::fmt::Display) -> crate::support::Answer {
    api.call(Method::POST, &format!("/v1/connections/{id}/test"))
        .await
}

#[tokio::test]
async fn connections_are_listed_without_their_secrets() {
    let api = Api::start().await;
    connect(&api, "https://crm.example", "sk-canary").await;
    let answer = api.get("/v1/connections?account=acme&state=active").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["connections"][0]["crm"], "housecall_pro");
    assert!(!answer.text.contains("canary"), "{}", answer.text);
    let none = api.get("/v1/connections?account=other").await.json();
    assert_eq!(none, json!({"connections": []}));
}

#[tokio::test]
async fn a_test_that_the_crm_passes_names_the_account_and_lets_waiting_leads_go() {
    let api = Api::start().await;
    let connection = connect(&api, &format!("{}/housecall_pro", crms().await), "sim-acme").await;
    let connections = api.connections();
    connections
        .mark_needs_reauth(connection.id, connection.secret_version, "refused")
        .await
        .expect("marked");
    api.post_lead(&lead(1)).await;
    wait_at_the_gate(&api).await;
    let listed = api.get("/v1/connections").await.json();
    let queue = json!({"waiting": 1, "released": 0, "last_turn_at": null});
    assert_eq!(listed["connections"][0]["queue"], queue);

    let answer = test(&api, connection.id).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let tested = answer.json();
    assert_eq!(
        (&tested["ok"], &tested["state"]),
        (&json!(true), &json!("active")),
        "{tested}"
    );
    assert!(
        tested["account_name"]
            .as_str()
            .is_some_and(|name| !name.is_empty())
    );
    assert_eq!(tested["released"], 1, "{tested}");
    let now = connections.get(connection.id).await.expect("there");
    assert!(now.last_verified_at.is_some());
}

/// Puts the only lead where a worker leaves it when its connection must be connected again.
async fn wait_at_the_gate(api: &Api) {
    let mut db = api.pool().begin().await.expect("a transaction");
    for state in ["running", "waiting"] {
        sqlx::query(
            "update leadrail.workflow_run set state = $1::leadrail.run_state, due_at = null",
        )
        .bind(state)
        .execute(&mut *db)
        .await
        .expect("moved");
    }
    sqlx::query(
        "insert into leadrail.run_gate (run_id, gate)
         select id, 'address:acme/housecall_pro' from leadrail.workflow_run",
    )
    .execute(&mut *db)
    .await
    .expect("parked");
    db.commit().await.expect("committed");
}

#[tokio::test]
async fn a_refused_credential_fails_the_test_and_closes_the_connection() {
    let api = Api::start().await;
    let base = format!("{}/housecall_pro", crms().await);
    let connection = connect(&api, &base, "wrong-canary").await;
    let answer = test(&api, connection.id).await;
    let tested = answer.json();
    assert_eq!(answer.status, 200, "{tested}");
    assert_eq!(tested["ok"], false);
    assert_eq!(tested["state"], "needs_reauth", "{tested}");
    assert_eq!(tested["reason"], "http_401");
    assert!(!answer.text.contains("canary"));
}

#[tokio::test]
async fn a_crm_that_is_away_fails_the_test_and_leaves_the_connection_as_it_is() {
    let api = Api::start().await;
    let connection = connect(&api, "http://127.0.0.1:1/housecall_pro", "sim-acme").await;
    let tested = test(&api, connection.id).await.json();
    assert_eq!(
        (&tested["ok"], &tested["state"]),
        (&json!(false), &json!("active")),
        "{tested}"
    );
}

#[tokio::test]
async fn a_connection_that_a_person_switched_off_stays_off() {
    let api = Api::start().await;
    let connection = connect(&api, &format!("{}/housecall_pro", crms().await), "sim-acme").await;
    let connections = api.connections();
    connections
        .disable(connection.id, "moving house")
        .await
        .expect("off");
    let tested = test(&api, connection.id).await.json();
    assert_eq!(
        (&tested["ok"], &tested["state"]),
        (&json!(true), &json!("disabled")),
        "{tested}"
    );
    let now = connections.get(connection.id).await.expect("there");
    assert_eq!(now.state, ConnectionState::Disabled);
}

#[tokio::test]
async fn a_connection_that_is_not_there_cannot_be_tested() {
    let api = Api::start().await;
    test(&api, "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")
        .await
        .assert_problem(404);
    test(&api, "none").await.assert_problem(400);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_take_its_test_along() {
    let api = Api::start().await;
    let crm = TcpListener::bind("127.0.0.1:0").await.expect("listening");
    let base = format!("http://{}/hcp", crm.local_addr().expect("an address"));
    let id = connect(&api, &base, "sim-acme").await.id;
    let mut caller = TcpStream::connect(api.address).await.expect("connected");
    let call = format!(
        "POST /v1/connections/{id}/test HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
    );
    caller.write_all(call.as_bytes()).await.expect("sent");
    let (mut asked, _) = crm.accept().await.expect("the CRM is asked");
    drop(caller);
    // Calls that come later are answered, so the end of that connection was heard.
    for _ in 0..3 {
        assert_eq!(api.get("/readyz").await.status, 200);
    }
    let question = asked.read(&mut [0; 4_096]).await.expect("the question");
    assert!(question > 0);
    let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    asked.write_all(refusal).await.expect("answered");
    let state = async || api.connections().get(id).await.expect("there").state;
    while state().await != ConnectionState::NeedsReauth {
        tokio::task::yield_now().await;
    }
}
