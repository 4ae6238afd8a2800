//! A connection is in one state at a time, and forgets in none of them what it must not forget.

use crate::support::{CANARY, Setup, new_connection};
use leadrail_connections::{
    Closed, Connection, ConnectionError, ConnectionState, Connections, DoorError, Doors,
};
use leadrail_outbound::{Guard, Outbound};
use std::time::Duration;

async fn state(connections: &Connections, of: &Connection) -> (ConnectionState, Option<String>) {
    let now = connections.get(of.id).await.expect("there");
    (now.state, now.state_reason)
}

fn because(reason: &str) -> Option<String> {
    Some(reason.to_owned())
}

fn doors(setup: &Setup) -> Doors {
    let http = Outbound::new(Guard::with_loopback()).expect("a client");
    Doors::new(setup.connections.clone(), http)
}

#[tokio::test]
async fn a_connection_waits_for_its_secrets_and_keeps_its_id_when_they_come() {
    let setup = Setup::new().await;
    let pending = setup.prepare("acct_1", Some("north")).await;
    assert_eq!(pending.state, ConnectionState::Pending);
    assert_eq!(
        pending.state_reason,
        because("nobody has signed in yet"),
        "people are told what for"
    );
    assert_eq!(pending.secret_version, 0);
    let added = setup.add("acct_1", Some("north")).await;
    assert_eq!((added.id, added.secret_version), (pending.id, 1));
    assert_eq!(
        state(&setup.connections, &added).await,
        (ConnectionState::Active, None)
    );
    let open = setup.connections.open(added.id).await.expect("opens");
    assert_eq!(open.secrets.iter().count(), 1);
}

#[tokio::test]
async fn a_pending_connection_opens_for_nobody_and_says_why() {
    let setup = Setup::new().await;
    let pending = setup.prepare("acct_1", None).await;
    let doors = doors(&setup);
    let minute = Duration::from_secs(60);
    for refused in [
        doors.open(pending.id, minute).await.err(),
        doors.open_whatever_its_state(pending.id).await.err(),
    ] {
        let Some(DoorError::Closed(Closed { reason, message })) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(reason, "pending");
        assert!(message.contains("not signed in yet"), "{message}");
    }
    let nobody = setup
        .connections
        .mark_needs_reauth(pending.id, 0, "HTTP 401");
    assert!(!nobody.await.expect("asked"), "nothing was refused");
}

#[tokio::test]
async fn what_is_there_is_not_made_again_and_nothing_of_it_changes() {
    let setup = Setup::new().await;
    let added = setup.add("acct_1", None).await;
    let mut new = new_connection("acct_1", None);
    new.secrets.clear();
    new.settings = serde_json::json!({"lead_source": "Radio"});
    let refused = setup.connections.prepare(new).await.expect_err("refused");
    assert!(matches!(refused, ConnectionError::Exists { id } if id == added.id));
    assert_eq!(setup.connections.get(added.id).await.expect("there"), added);
}

#[tokio::test]
async fn what_could_never_be_signed_in_to_is_not_made() {
    let setup = Setup::new().await;
    let mut with_secrets = new_connection("acct_1", None);
    let mut method = with_secrets.clone();
    method.secrets.clear();
    method.auth_method = "carrier_pigeon".into();
    let mut crm = method.clone();
    crm.crm = "nonsense".into();
    let mut account = method.clone();
    account.account = "\0".into();
    with_secrets.crm_account_id = Some("x".into());
    for new in [with_secrets, method, crm, account] {
        let refused = setup.connections.prepare(new).await.expect_err("refused");
        assert!(!refused.to_string().contains(CANARY), "{refused}");
    }
    let every = leadrail_connections::ConnectionFilter::default();
    let listed = setup.connections.list(&every).await.expect("listed");
    assert!(listed.is_empty());
}

#[tokio::test]
async fn of_many_who_make_the_same_connection_one_does_and_the_others_are_told_its_id() {
    let setup = Setup::new().await;
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let connections = setup.elsewhere();
            let mut new = new_connection("acct_1", None);
            new.secrets.clear();
            tokio::spawn(async move { connections.prepare(new).await })
        })
        .collect();
    let (mut made, mut told) = (vec![], vec![]);
    for answer in asked {
        match answer.await.expect("no panic") {
            Ok(connection) => made.push(connection.id),
            Err(ConnectionError::Exists { id }) => told.push(id),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((made.len(), told), (1, vec![made[0]; 7]));
}

#[tokio::test]
async fn only_an_active_connection_is_paused_and_only_a_paused_one_goes_on() {
    let setup = Setup::new().await;
    let connections = &setup.connections;
    let added = setup.add("acct_1", None).await;
    assert!(!connections.resume(added.id).await.expect("asked"));
    assert!(
        connections
            .pause(added.id, "in August")
            .await
            .expect("asked")
    );
    assert!(!connections.pause(added.id, "twice").await.expect("asked"));
    let paused = (ConnectionState::Paused, because("in August"));
    assert_eq!(state(connections, &added).await, paused);
    assert!(!connections.enable(added.id).await.expect("asked"));
    assert!(!connections.reactivate(added.id).await.expect("asked"));
    assert_eq!(state(connections, &added).await, paused);
    assert!(connections.resume(added.id).await.expect("asked"));
    assert_eq!(
        state(connections, &added).await,
        (ConnectionState::Active, None)
    );
    connections.disable(added.id, "off").await.expect("off");
    assert!(!connections.pause(added.id, "too").await.expect("asked"));
    assert!(!connections.resume(added.id).await.expect("asked"));
    let pending = setup.prepare("acct_2", None).await;
    assert!(!connections.pause(pending.id, "too").await.expect("asked"));
}

#[tokio::test]
async fn a_paused_connection_that_is_refused_needs_somebody_once_it_goes_on() {
    let setup = Setup::new().await;
    let connections = &setup.connections;
    let added = setup.add("acct_1", None).await;
    connections
        .pause(added.id, "in August")
        .await
        .expect("paused");
    let refused = || connections.mark_needs_reauth(added.id, 1, "HTTP 401");
    assert!(refused().await.expect("marked"), "it is news");
    assert!(!refused().await.expect("marked"), "and news once");
    assert_eq!(
        state(connections, &added).await,
        (ConnectionState::Paused, because("in August"))
    );
    assert!(connections.resume(added.id).await.expect("asked"));
    assert_eq!(
        state(connections, &added).await,
        (ConnectionState::NeedsReauth, because("HTTP 401"))
    );
}

#[tokio::test]
async fn new_secrets_leave_a_paused_connection_paused_and_good_once_it_goes_on() {
    let setup = Setup::new().await;
    let connections = &setup.connections;
    let added = setup.add("acct_1", None).await;
    connections
        .pause(added.id, "in August")
        .await
        .expect("paused");
    let refused = connections.mark_needs_reauth(added.id, 1, "HTTP 401");
    refused.await.expect("marked");
    let again = setup.add("acct_1", None).await;
    assert_eq!((again.id, again.secret_version), (added.id, 2));
    assert_eq!(
        state(connections, &added).await,
        (ConnectionState::Paused, because("in August"))
    );
    assert!(connections.resume(added.id).await.expect("asked"));
    assert_eq!(
        state(connections, &added).await,
        (ConnectionState::Active, None)
    );
}

#[tokio::test]
async fn switching_off_and_on_makes_no_bad_connection_good() {
    let setup = Setup::new().await;
    let connections = &setup.connections;
    let refused = setup.add("acct_1", None).await;
    let marked = connections.mark_needs_reauth(refused.id, 1, "HTTP 401");
    marked.await.expect("marked");
    let pending = setup.prepare("acct_2", None).await;
    for (connection, is) in [
        (&refused, (ConnectionState::NeedsReauth, "HTTP 401")),
        (
            &pending,
            (ConnectionState::Pending, "nobody has signed in yet"),
        ),
    ] {
        connections
            .disable(connection.id, "off")
            .await
            .expect("off");
        assert!(connections.enable(connection.id).await.expect("on"));
        assert_eq!(state(connections, connection).await, (is.0, because(is.1)));
    }
    connections.disable(refused.id, "off").await.expect("off");
    let accepted = connections.mark_verified(refused.id, 1, None);
    assert!(accepted.await.expect("marked"));
    assert!(connections.enable(refused.id).await.expect("on"));
    assert_eq!(
        state(connections, &refused).await,
        (ConnectionState::Active, None),
        "the CRM has taken its refusal back"
    );
}

#[test]
fn states_are_read_as_they_are_written() {
    for state in ConnectionState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
        assert_eq!(serde_json::json!(state), state.as_str());
    }
    let unknown = "Active".parse::<ConnectionState>().expect_err("refused");
    assert!(unknown.contains("pending, active"), "{unknown}");
}
