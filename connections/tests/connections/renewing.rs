//! Tokens are renewed once for all processes, and never lost or used up by accident.

use std::time::{Duration, Instant};

use leadrail_adapters::{ACCESS_TOKEN, AdapterError};
use leadrail_connections::{ConnectionState, DoorError, Doors, NewConnection};
use leadrail_crm_sim::{HOUSECALL_PRO, JOBBER, SERVICETITAN};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::task::JoinSet;

use crate::provider::{MINUTE, Scene, SlowProvider};

/// Opens the connection and asks its CRM, as an attempt does.
async fn works(doors: &Doors, id: leadrail_connections::ConnectionId) -> bool {
    match doors.open(id, MINUTE).await {
        Ok(door) => door.adapter.check(&door.session).await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn sixty_four_processes_that_meet_an_ended_token_renew_it_once() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    for round in 1..=3 {
        scene.age(id, -1.0).await;
        scene.tokens(&json!({"expire": {}})).await;
        let mut all = JoinSet::new();
        for _ in 0..64 {
            let doors = scene.process();
            all.spawn(async move { works(&doors, id).await });
        }
        assert!(all.join_all().await.into_iter().all(|worked| worked));
        assert_eq!(scene.count("refreshed").await, round);
        assert_eq!(scene.count("reused").await, 0);
    }
}

#[tokio::test]
async fn who_waits_for_newer_tokens_to_be_stored_does_not_use_the_old_ones() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    scene.age(id, -1.0).await;
    let mut storing = scene.setup.pool.begin().await.expect("begun");
    for stored in [
        "update leadrail.connection set secret_version = secret_version + 1 where id = $1",
        "update leadrail.oauth_grant set secret_version = secret_version + 1 where connection_id = $1",
    ] {
        let done = sqlx::query(stored).bind(id.0).execute(&mut *storing).await;
        done.expect("stored");
    }
    let doors = scene.process();
    let opening = tokio::spawn(async move { doors.open(id, MINUTE).await.is_ok() });
    let waiting = "select exists (select from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock')";
    loop {
        let seen: bool = sqlx::query_scalar(waiting)
            .fetch_one(&scene.setup.pool)
            .await
            .expect("looked");
        if seen {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    storing.commit().await.expect("committed");
    // These newer ones were never sealed, so nothing opens; nothing was asked for either.
    assert!(!opening.await.expect("ended"));
    assert_eq!(scene.count("refreshed").await, 0);
}

#[tokio::test]
async fn a_token_at_four_fifths_of_its_life_is_renewed_beside_the_work_that_goes_on_with_it() {
    let scene = Scene::at(JOBBER).await;
    let before = scene.signed_in("acme").await;
    let doors = scene.process();
    assert!(works(&doors, before.id).await);
    assert_eq!(scene.count("refreshed").await, 0, "it is young");
    scene.age(before.id, 600.0).await;
    let doors = scene.process();
    let door = doors.open(before.id, MINUTE).await.expect("opened");
    assert_eq!(door.session.secret_version(), before.secret_version);
    doors.settled().await;
    assert_eq!(scene.count("refreshed").await, 1);
    let now = scene.connections().get(before.id).await.expect("there");
    assert_eq!(now.secret_version, before.secret_version + 1);
    assert!(works(&scene.process(), before.id).await);
}

#[tokio::test]
async fn a_refused_token_is_renewed_in_the_middle_of_the_attempt() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    let doors = scene.process();
    let door = doors.open(id, MINUTE).await.expect("opened");
    scene.tokens(&json!({"expire": {}})).await;
    assert!(door.adapter.check(&door.session).await.is_ok());
    let statuses: Vec<_> = door
        .session
        .take_exchanges()
        .into_iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [Some(401), Some(200)]);
    assert_eq!(scene.count("refreshed").await, 1);
}

#[tokio::test]
async fn a_grant_that_is_gone_needs_a_sign_in_and_the_row_says_why() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    scene.tokens(&json!({"revoke": {"company": "acme"}})).await;
    scene.age(id, -1.0).await;
    let doors = scene.process();
    let Err(DoorError::Closed(closed)) = doors.open(id, MINUTE).await else {
        panic!("opened with a grant that is gone");
    };
    assert_eq!(closed.reason, "needs_reauth");
    let now = scene.connections().get(id).await.expect("there");
    assert_eq!(now.state, ConnectionState::NeedsReauth);
    let why = now.state_reason.expect("a reason");
    assert!(
        why.contains("Jobber") && why.contains("sign in again"),
        "{why}"
    );
    let again = scene.signed_in("acme").await;
    assert_eq!((again.id, again.state), (id, ConnectionState::Active));
    assert!(works(&scene.process(), id).await);
}

#[tokio::test]
async fn a_refusal_of_tokens_that_were_replaced_meanwhile_condemns_nobody() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    scene.age(id, -1.0).await;
    let slow = SlowProvider::start().await;
    let theirs = slow.url.clone();
    scene
        .set_client_at("sim-app", "sim-app-secret", theirs)
        .await;
    let doors = scene.process();
    let asking = tokio::spawn({
        let doors = doors.clone();
        async move { works(&doors, id).await }
    });
    slow.asked().await;
    scene.set_client("sim-app", "sim-app-secret").await;
    let again = scene.signed_in("acme").await;
    slow.answer();
    assert!(asking.await.expect("ended"), "it goes on with the new ones");
    doors.settled().await;
    let now = scene.connections().get(id).await.expect("there");
    assert_eq!((now.id, now.state), (again.id, ConnectionState::Active));
    assert_eq!(now.secret_version, again.secret_version);
}

#[tokio::test]
async fn an_attempt_waits_for_no_renewal_beyond_its_own_end() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    let slow = SlowProvider::start().await;
    let theirs = slow.url.clone();
    scene
        .set_client_at("sim-app", "sim-app-secret", theirs)
        .await;
    let (doors, left) = (scene.process(), Duration::from_secs(5));
    let door = doors.open(id, left).await.expect("opened");
    scene.tokens(&json!({"expire": {}})).await;
    let began = Instant::now();
    let waited = door.adapter.check(&door.session).await.err();
    assert!(began.elapsed() < Duration::from_secs(15), "{waited:?}");
    let is_undone = matches!(waited, Some(AdapterError::NotDone(_)));
    assert!(is_undone, "{waited:?}");
    // Who comes from another process waits for the same renewal, and no longer either.
    scene.age(id, -1.0).await;
    let other = scene.process().open(id, Duration::from_millis(300)).await;
    assert!(matches!(other.err(), Some(DoorError::Later { .. })));
    slow.answer();
    doors.settled().await;
}

#[tokio::test]
async fn no_failure_of_the_provider_or_the_network_condemns_a_connection() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    for fault in [
        json!({"kind": "status_before", "status": 500}),
        json!({"kind": "status_before", "status": 503}),
        json!({"kind": "status_before", "status": 418}),
        json!({"kind": "status_before", "status": 302}),
        json!({"kind": "throttle", "retry_after": 7}),
        json!({"kind": "status_before", "status": 400, "body": {"error": "temporarily_unavailable"}}),
    ] {
        scene.age(id, -1.0).await;
        scene.fault(&json!({"times": 1}), &fault);
        let doors = scene.process();
        let refused = doors.open(id, MINUTE).await.err().expect("not open");
        let is_later = matches!(
            refused,
            DoorError::Later { .. } | DoorError::NoClient { .. }
        );
        assert!(is_later, "{fault}: {refused:?}");
        let now = scene.connections().get(id).await.expect("there");
        assert_eq!(now.state, ConnectionState::Active, "{fault}");
        scene.sim.clear_faults(JOBBER);
        sqlx::query("update leadrail.oauth_grant set retry_at = leadrail.now()")
            .execute(&scene.setup.pool)
            .await
            .expect("later");
        assert!(works(&scene.process(), id).await, "{fault}");
    }
    assert_eq!(scene.count("reused").await, 0);
}

#[tokio::test]
async fn a_provider_that_fails_is_left_alone_for_a_while_by_all() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let id = scene.signed_in("acme").await.id;
    scene.age(id, -1.0).await;
    scene.fault(&json!({}), &json!({"kind": "throttle", "retry_after": 600}));
    let mut all = JoinSet::new();
    for _ in 0..16 {
        let doors = scene.process();
        all.spawn(async move { doors.open(id, MINUTE).await.err() });
    }
    for refused in all.join_all().await {
        assert!(
            matches!(refused, Some(DoorError::Later { .. })),
            "{refused:?}"
        );
    }
    let asked: u64 = scene.sim.faults(HOUSECALL_PRO)[0]["fired"]
        .as_u64()
        .expect("a number");
    assert_eq!(asked, 1, "the others took its word");
}

#[tokio::test]
async fn a_lost_answer_spends_nothing_that_is_left_and_a_person_decides_about_the_rest() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    scene.fault(&json!({"times": 1}), &json!({"kind": "reset_after"}));
    scene.age(id, 600.0).await;
    let doors = scene.process();
    assert!(works(&doors, id).await, "the access token still serves");
    doors.settled().await;
    assert!(works(&scene.process(), id).await, "to its end");
    assert_eq!(scene.count("reused").await, 0);

    scene.age(id, -1.0).await;
    let Err(DoorError::Closed(_)) = scene.process().open(id, MINUTE).await else {
        panic!("there is nothing left to open it with");
    };
    let now = scene.connections().get(id).await.expect("there");
    assert_eq!(now.state, ConnectionState::NeedsReauth);
    let why = now.state_reason.expect("a reason");
    assert!(
        why.contains("was lost") && why.contains("connection test"),
        "{why}"
    );
    assert_eq!(
        scene.count("reused").await,
        0,
        "a machine does not try its luck"
    );
    assert_eq!(scene.count("revoked").await, 0);

    let doors = scene.process();
    doors.try_once_more(id).await.expect("a person asks");
    assert!(doors.open_whatever_its_state(id).await.is_err());
    assert_eq!(scene.count("reused").await, 1, "it had been used up");
}

#[tokio::test]
async fn a_request_that_nobody_heard_can_be_tried_once_more_by_a_person() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    scene.fault(&json!({"times": 1}), &json!({"kind": "down"}));
    scene.age(id, -1.0).await;
    assert!(!works(&scene.process(), id).await);
    let now = scene.connections().get(id).await.expect("there");
    assert_eq!(now.state, ConnectionState::NeedsReauth);
    let doors = scene.process();
    doors.try_once_more(id).await.expect("a person asks");
    let door = doors.open_whatever_its_state(id).await.expect("opened");
    assert!(door.adapter.check(&door.session).await.is_ok());
    assert_eq!(scene.count("reused").await, 0);
}

#[tokio::test]
async fn a_claim_of_a_dead_process_is_taken_over_only_where_the_token_may_be_used_again() {
    let scene = Scene::at(JOBBER).await;
    let connection = scene.signed_in("acme").await;
    scene.orphan_claim(&connection, 10.0).await;
    assert!(
        works(&scene.process(), connection.id).await,
        "its token lives"
    );
    scene.age(connection.id, -1.0).await;
    assert!(!works(&scene.process(), connection.id).await);
    assert_eq!(scene.count("refreshed").await, 0);
    let now = scene.connections().get(connection.id).await.expect("there");
    assert_eq!(now.state, ConnectionState::NeedsReauth);
    // A claim on secrets that were replaced says nothing of the new ones.
    let again = scene.signed_in("acme").await;
    scene.age(again.id, -1.0).await;
    assert!(works(&scene.process(), again.id).await);
    assert_eq!(scene.count("refreshed").await, 1);
}

#[tokio::test]
async fn an_account_s_own_client_gets_a_token_when_it_is_needed_and_one_for_all() {
    let scene = Scene::at(SERVICETITAN_BESIDE).await;
    let secrets = [
        ("client_id", "sim-acme"),
        ("client_secret", "sim-acme-secret"),
        ("app_key", "sim-app-key"),
    ];
    let new = NewConnection {
        account: "acme".to_owned(),
        crm: SERVICETITAN.to_owned(),
        crm_account_id: None,
        base_url: Some(format!("{}/{SERVICETITAN}", scene.sim_url)),
        auth_method: "client_credentials".to_owned(),
        secrets: secrets
            .map(|(name, text)| (name.to_owned(), text.into()))
            .into(),
        settings: json!({"tenant_id": 1000, "booking_provider": 99}),
    };
    let id = scene
        .connections()
        .add(new.clone())
        .await
        .expect("added")
        .id;
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let doors = scene.process();
        all.spawn(async move { doors.open(id, MINUTE).await.is_ok() });
    }
    assert!(all.join_all().await.into_iter().all(|opened| opened));
    let books = scene.sim.records(SERVICETITAN);
    let asked = &books["requests"]["POST /connect/token"];
    assert_eq!(asked, &json!({"200": 1}), "fifty processes, one call");

    let open = scene.connections().open_now(id).await.expect("opened");
    let token = open.secrets.get(ACCESS_TOKEN).expect("a token");
    assert!(token.expose_secret().starts_with("at_"));
    // Its process died in the middle: a client's own secret is never used up.
    scene.orphan_claim(&open.connection, 5.0).await;
    scene.age(id, -1.0).await;
    assert!(scene.process().open(id, MINUTE).await.is_ok());

    let mut wrong = new.clone();
    wrong.account = "other".to_owned();
    wrong
        .secrets
        .insert("client_secret".to_owned(), "wrong".into());
    let tried = scene.process().open_new(wrong.clone()).await;
    let Some(DoorError::Closed(closed)) = tried.err() else {
        panic!("opened with a wrong secret");
    };
    assert!(closed.message.contains("give it anew"), "{closed}");
    let (adapter, session) = scene.process().open_new(new).await.expect("opened");
    assert!(adapter.check(&session).await.is_ok(), "before it is stored");
    let id = scene.connections().add(wrong).await.expect("added").id;
    assert!(scene.process().open(id, MINUTE).await.is_err());
    let now = scene.connections().get(id).await.expect("there");
    assert_eq!(
        now.state,
        ConnectionState::NeedsReauth,
        "it is the account's own"
    );
}

/// Our client is with another provider there: `ServiceTitan`'s accounts have their own.
const SERVICETITAN_BESIDE: &str = HOUSECALL_PRO;

#[tokio::test]
async fn without_a_client_of_ours_nothing_is_renewed_and_nobody_is_condemned() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let id = scene.signed_in("acme").await.id;
    scene.age(id, -1.0).await;
    scene.set_client("sim-app", "not-the-secret").await;
    let refused = scene.process().open(id, MINUTE).await.err();
    assert!(
        matches!(refused, Some(DoorError::NoClient { .. })),
        "{refused:?}"
    );
    let removed = scene
        .connections()
        .remove_client(HOUSECALL_PRO, "production");
    assert!(removed.await.expect("removed"));
    sqlx::query("update leadrail.oauth_grant set retry_at = leadrail.now()")
        .execute(&scene.setup.pool)
        .await
        .expect("later");
    let refused = scene
        .process()
        .open(id, MINUTE)
        .await
        .err()
        .expect("closed");
    assert!(
        refused.to_string().contains("leadrail provider set"),
        "{refused}"
    );
    let now = scene.connections().get(id).await.expect("there");
    assert_eq!(now.state, ConnectionState::Active);
    scene.set_client("sim-app", "sim-app-secret").await;
    assert!(works(&scene.process(), id).await, "at once");
}

#[tokio::test]
async fn an_attempt_that_is_cut_off_takes_no_answer_along() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    scene.age(id, -1.0).await;
    scene.fault(
        &json!({"times": 1}),
        &json!({"kind": "slow_bytes", "bytes_per_second": 400}),
    );
    let doors = scene.process();
    let short = doors.open(id, Duration::from_millis(1)).await.err();
    assert!(matches!(short, Some(DoorError::Later { .. })), "{short:?}");
    doors.settled().await;
    assert!(works(&scene.process(), id).await);
    assert_eq!(
        (scene.count("refreshed").await, scene.count("reused").await),
        (1, 0)
    );
}

#[tokio::test]
async fn a_crm_that_refuses_renewed_tokens_is_believed() {
    let scene = Scene::at(JOBBER).await;
    let id = scene.signed_in("acme").await.id;
    let doors = scene.process();
    let door = doors.open(id, MINUTE).await.expect("opened");
    let rule = json!({"match": {"path_prefix": "/api/graphql"}, "fault": {"kind": "unauthorized"}});
    let rule = serde_json::from_value(rule).expect("a rule");
    scene.sim.add_fault(JOBBER, rule).expect("added");
    let refused = door.adapter.check(&door.session).await;
    assert!(matches!(refused.err(), Some(AdapterError::Auth(_))));
    assert_eq!(scene.count("refreshed").await, 1, "once a call");
}
