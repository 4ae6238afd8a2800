//! Who signs in connects the company that was meant, once, in the browser that left.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use leadrail_adapters::{ACCESS_TOKEN, REFRESH_TOKEN};
use leadrail_connections::{
    ConnectionError, ConnectionState, NewProviderClient, Return, SignInError, provider_clients,
};
use leadrail_crm_sim::{HOUSECALL_PRO, JOBBER, PIPEDRIVE};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::provider::{MINUTE, Scene};

#[tokio::test]
async fn a_connection_is_pending_until_somebody_has_signed_in_and_works_then() {
    for crm in [HOUSECALL_PRO, JOBBER] {
        let scene = Scene::at(crm).await;
        let doors = scene.process();
        let begun = doors.begin_sign_in(scene.wanted("acme")).await;
        let begun = begun.unwrap_or_else(|error| panic!("begun: {error}"));
        let begun = begun.expect("nobody changed it meanwhile");
        assert_eq!(begun.connection.state, ConnectionState::Pending);
        let left = doors.depart(crm, &begun.ticket, &scene.callback()).await;
        let left = left.unwrap_or_else(|error| panic!("left: {error}"));
        let back = scene.consented(&left, "acme").await;
        let arrived = doors.arrive(crm, &back, &scene.callback()).await;
        let arrived = arrived.unwrap_or_else(|error| panic!("arrived: {error}"));
        assert_eq!(arrived.connection.id, begun.connection.id);
        assert_eq!(arrived.connection.state, ConnectionState::Active);
        assert_eq!(
            arrived.connection.verified_name.as_ref(),
            Some(&arrived.name)
        );
        let door = doors
            .open(begun.connection.id, MINUTE)
            .await
            .expect("opened");
        assert!(door.adapter.check(&door.session).await.is_ok(), "{crm}");
        let open = scene.connections().open_now(begun.connection.id).await;
        let open = open.expect("opened");
        for name in [ACCESS_TOKEN, REFRESH_TOKEN] {
            assert!(open.secrets.get(name).is_some(), "{name}");
        }
        // The link is used up, and so is the state.
        let again = doors.depart(crm, &begun.ticket, &scene.callback()).await;
        assert!(matches!(again.err(), Some(SignInError::NoLink)));
        let again = doors.arrive(crm, &back, &scene.callback()).await;
        assert!(matches!(again.err(), Some(SignInError::Again)));
        assert!(
            door.adapter.check(&door.session).await.is_ok(),
            "nothing was revoked"
        );
    }
}

#[tokio::test]
async fn where_an_operator_says_that_a_provider_is_its_api_is_too_whatever_the_answer_says() {
    let scene = Scene::at(PIPEDRIVE).await;
    let connection = scene.signed_in("acme").await;
    let kept = connection.base_url.expect("an address");
    assert_eq!(kept.as_str(), scene.base_url(), "the answer says elsewhere");
    let asked = &scene.sim.records(PIPEDRIVE)["requests"]["GET /api/v1/users/me"];
    assert_eq!(*asked, json!({"200": 1}));
}

#[tokio::test]
async fn the_way_to_the_provider_carries_a_state_a_challenge_and_the_exact_address_back() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let doors = scene.process();
    let left = scene.left(&doors, "acme").await;
    let asked = |name: &str| {
        let mut pairs = left.url.query_pairs();
        let found = pairs.find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned())
    };
    assert!(
        left.url.as_str().starts_with(&scene.base_url()),
        "{}",
        left.url.path()
    );
    assert_eq!(
        asked("redirect_uri").as_deref(),
        Some(scene.callback().as_str())
    );
    assert_eq!(asked("response_type").as_deref(), Some("code"));
    assert_eq!(asked("code_challenge_method").as_deref(), Some("S256"));
    assert!(asked("code_challenge").is_some_and(|challenge| challenge.len() == 43));
    assert!(asked("state").is_some_and(|state| state.len() == 43));
    let other = scene.left(&doors, "acme").await;
    assert_ne!(left.browser.expose_secret(), other.browser.expose_secret());
    let kept: Vec<String> = sqlx::query_scalar(
        "select s::text from leadrail.sign_in s union all select l::text from leadrail.sign_in_link l",
    )
    .fetch_all(&scene.setup.pool)
    .await
    .expect("read");
    let kept = kept.join("\n");
    let state = SecretString::from(asked("state").expect("a state"));
    for secret in [&left.browser, &other.browser, &state] {
        let secret = secret.expose_secret();
        let bits = BASE64_URL_SAFE_NO_PAD.decode(secret).expect("bits");
        assert!(!kept.contains(secret) && !kept.contains(&hex(&bits)));
        assert!(kept.contains(&hex(&Sha256::digest(secret))), "its hash is");
    }
}

/// As the database shows bytes.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_state_is_good_once_in_one_browser_at_one_provider_for_ten_minutes() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let doors = scene.process();
    type Change = (&'static str, fn(&mut Return));
    let changes: [Change; 4] = [
        ("another browser", |back| back.browser = Some("x".into())),
        ("no browser", |back| back.browser = None),
        ("another state", |back| back.state = Some("x".into())),
        ("no state", |back| back.state = None),
    ];
    for (what, change) in changes {
        let left = scene.left(&doors, "acme").await;
        let mut back = scene.consented(&left, "acme").await;
        let honest = back.state.clone();
        change(&mut back);
        let refused = doors.arrive(scene.crm, &back, &scene.callback()).await;
        assert!(matches!(refused.err(), Some(SignInError::Again)), "{what}");
        if what.ends_with("browser") {
            back.browser = Some(left.browser);
            back.state = honest;
            let late = doors.arrive(scene.crm, &back, &scene.callback()).await;
            assert!(
                matches!(late.err(), Some(SignInError::Again)),
                "{what} used it up"
            );
        }
    }
    let left = scene.left(&doors, "acme").await;
    let back = scene.consented(&left, "acme").await;
    let elsewhere = doors.arrive(JOBBER, &back, &scene.callback()).await;
    assert!(matches!(elsewhere.err(), Some(SignInError::Again)));

    let left = scene.left(&doors, "acme").await;
    let back = scene.consented(&left, "acme").await;
    sqlx::query("update leadrail.sign_in set expires_at = leadrail.now()")
        .execute(&scene.setup.pool)
        .await
        .expect("late");
    let late = doors.arrive(scene.crm, &back, &scene.callback()).await;
    assert!(matches!(late.err(), Some(SignInError::Again)));
    let asked =
        |scene: &Scene| scene.sim.records(scene.crm)["requests"]["POST /oauth/token"].clone();
    assert_eq!(asked(&scene), Value::Null, "no code was shown to anybody");
    scene.signed_in("acme").await;
    assert_eq!(asked(&scene), json!({"200": 1}));
    let nobodys = SecretString::from("x");
    let unknown = doors.depart(scene.crm, &nobodys, &scene.callback()).await;
    assert!(matches!(unknown.err(), Some(SignInError::NoLink)));
}

#[tokio::test]
async fn a_code_of_somebody_else_does_not_fit_the_browser_that_brings_it() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let doors = scene.process();
    let victim = scene.left(&doors, "victim").await;
    let attacker = scene.left(&doors, "attacker").await;
    let stolen = scene.consented(&victim, "victim").await;
    let mut back = scene.consented(&attacker, "attacker").await;
    back.code = stolen.code;
    let refused = doors.arrive(scene.crm, &back, &scene.callback()).await;
    assert!(matches!(refused.err(), Some(SignInError::Refused { .. })));
}

#[tokio::test]
async fn a_no_a_stranger_and_a_provider_that_is_away_change_nothing() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let doors = scene.process();
    let left = scene.left(&doors, "acme").await;
    let mut url = left.url.clone();
    url.query_pairs_mut().append_pair("deny", "1");
    let back = scene.followed(&left, url).await;
    let denied = doors.arrive(scene.crm, &back, &scene.callback()).await;
    assert!(matches!(denied.err(), Some(SignInError::Denied)));

    let left = scene.left(&doors, "acme").await;
    let mut back = scene.consented(&left, "acme").await;
    back.iss = Some("https://evil.example".to_owned());
    let strange = doors.arrive(scene.crm, &back, &scene.callback()).await;
    assert!(matches!(strange.err(), Some(SignInError::Stranger { .. })));

    let left = scene.left(&doors, "acme").await;
    let mut back = scene.consented(&left, "acme").await;
    back.code = None;
    back.error = Some("<script>server_error".to_owned());
    let failed = doors.arrive(scene.crm, &back, &scene.callback()).await;
    let said = failed.err().expect("refused").to_string();
    assert!(
        said.contains("scriptserver_error") && !said.contains('<'),
        "{said}"
    );

    scene.fault(&json!({}), &json!({"kind": "status_before", "status": 503}));
    let left = scene.left(&doors, "acme").await;
    let back = scene.consented(&left, "acme").await;
    let away = doors.arrive(scene.crm, &back, &scene.callback()).await;
    assert!(matches!(away.err(), Some(SignInError::Away { .. })));
    let connections = scene.connections().list(&Default::default()).await;
    let states: Vec<_> = connections
        .expect("listed")
        .iter()
        .map(|one| one.state)
        .collect();
    assert_eq!(states, [ConnectionState::Pending]);
    scene.sim.clear_faults(scene.crm);
    scene.signed_in("acme").await;
}

#[tokio::test]
async fn another_company_than_before_and_one_of_another_account_are_refused_by_name() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let before = scene.signed_in("acme").await;
    let other = scene.sign_in("acme", "bolt").await.err().expect("refused");
    let said = other.to_string();
    assert!(matches!(other, SignInError::OtherCompany { .. }), "{said}");
    let now = scene.connections().get(before.id).await.expect("there");
    assert_eq!(
        now.secret_version, before.secret_version,
        "nothing was changed"
    );
    let elsewhere = scene.sign_in("someone", "acme").await.err();
    assert!(matches!(elsewhere, Some(SignInError::Elsewhere { .. })));
    let again = scene.signed_in("acme").await;
    assert_eq!(
        (again.id, again.state),
        (before.id, ConnectionState::Active)
    );
}

#[tokio::test]
async fn of_two_accounts_that_sign_in_to_one_company_at_once_one_gets_it() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let (first, second) = tokio::join!(
        scene.sign_in("first", "acme"),
        scene.sign_in("second", "acme"),
    );
    let both = [first.map(drop), second.map(drop)];
    let got = both.iter().filter(|one| one.is_ok()).count();
    assert_eq!(got, 1);
    let refused = both.into_iter().find_map(Result::err);
    assert!(matches!(refused, Some(SignInError::Elsewhere { .. })));
}

#[tokio::test]
async fn a_connection_by_key_works_on_until_somebody_has_signed_in_to_it() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let mut new = crate::support::new_connection("acme", None);
    new.base_url = Some(scene.base_url());
    new.secrets = crate::support::api_key("sim-acme");
    let by_key = scene.connections().add(new).await.expect("added");
    let doors = scene.process();
    let left = scene.left(&doors, "acme").await;
    assert!(
        doors.open(by_key.id, MINUTE).await.is_ok(),
        "until then it stays as it is"
    );
    let back = scene.consented(&left, "acme").await;
    let arrived = doors.arrive(scene.crm, &back, &scene.callback()).await;
    let now = arrived
        .unwrap_or_else(|error| panic!("arrived: {error}"))
        .connection;
    assert_eq!((now.id, now.auth_method.as_str()), (by_key.id, "oauth"));
    assert!(doors.open(by_key.id, MINUTE).await.is_ok());
}

#[tokio::test]
async fn settings_of_a_sign_in_are_written_over_what_they_were_made_from_only() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let doors = scene.process();
    let present = scene.signed_in("acme").await;
    let mut wanted = scene.wanted("acme");
    wanted.connection.settings = json!({"lead_source": "Radio"});
    wanted.revision = present.revision - 1;
    let begun = doors.begin_sign_in(wanted).await.expect("answered");
    assert!(begun.is_none(), "somebody else was faster");
    let now = scene.connections().get(present.id).await.expect("there");
    assert_eq!(now.settings, present.settings);

    let mut wanted = scene.wanted("acme");
    wanted.connection.settings = json!({"lead_source": "Radio"});
    wanted.revision = present.revision;
    let begun = doors.begin_sign_in(wanted).await.expect("answered");
    let now = begun.expect("begun").connection;
    assert_eq!(now.settings.crm.text("lead_source"), Some("Radio"));
    assert_eq!((now.id, now.revision), (present.id, present.revision + 1));
}

#[tokio::test]
async fn who_has_just_signed_in_is_not_asked_about_at_once() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    scene.signed_in("acme").await;
    let due = scene.connections().due_for_probe(10).await;
    assert_eq!(due.expect("read"), []);
}

#[tokio::test]
async fn what_cannot_be_signed_in_to_is_refused_before_anything_is_made() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    let doors = scene.process();
    let mut by_key = scene.wanted("acme");
    by_key.connection.auth_method = "api_key".to_owned();
    let mut nowhere = scene.wanted("acme");
    nowhere.environment = Some("moon".to_owned());
    let mut unset = scene.wanted("acme");
    unset.connection.crm = JOBBER.to_owned();
    let mut secret = scene.wanted("acme");
    secret
        .connection
        .secrets
        .insert(ACCESS_TOKEN.to_owned(), "x".into());
    for (wanted, says) in [
        (by_key, "signs in"),
        (nowhere, "environment"),
        (unset, "provider set"),
        (secret, "secrets"),
    ] {
        let refused = doors.begin_sign_in(wanted).await.err().expect("refused");
        assert!(refused.to_string().contains(says), "{refused}");
    }
    let mut plain = scene.wanted("acme").connection;
    plain.secrets.clear();
    let refused = scene.connections().add(plain).await.expect_err("refused");
    assert!(refused.to_string().contains("sign-in"), "{refused}");
    let made = scene.connections().list(&Default::default()).await;
    assert!(made.expect("listed").is_empty());
}

#[tokio::test]
async fn our_clients_are_sealed_listed_without_secrets_and_move_with_the_vault() {
    let scene = Scene::at(HOUSECALL_PRO).await;
    scene.set_client("sim-app", "canary-secret").await;
    let listed = provider_clients(&scene.setup.pool).await.expect("listed");
    let shown = format!("{listed:?}");
    assert!(
        shown.contains("sim-app") && !shown.contains("canary"),
        "{shown}"
    );
    let raw: String =
        sqlx::query_scalar("select provider_client::text from leadrail.provider_client")
            .fetch_one(&scene.setup.pool)
            .await
            .expect("read");
    assert!(!raw.contains("canary"));
    let other = scene.setup.with_other_key().check_vault_key().await;
    assert!(matches!(other, Err(ConnectionError::ClientVault { .. })));
    let moved = scene
        .setup
        .with_both_keys()
        .rotate(|_| {})
        .await
        .expect("moved");
    assert_eq!((moved.moved, moved.left), (1, 0));
    assert!(scene.setup.with_other_key().check_vault_key().await.is_ok());

    for (change, field) in [
        (
            (|new: &mut NewProviderClient| new.provider = "nobody".into())
                as fn(&mut NewProviderClient),
            "provider",
        ),
        (|new| new.provider = "servicetitan".into(), "provider"),
        (|new| new.environment = Some("moon".into()), "environment"),
        (|new| new.client_id = " ".into(), "client_id"),
        (|new| new.client_id = "x".repeat(501), "client_id"),
        (|new| new.client_secret = "a\nb".into(), "client_secret"),
        (|new| new.client_secret = "".into(), "client_secret"),
        (
            |new| new.base_url = Some("http://169.254.169.254".into()),
            "base URL",
        ),
    ] {
        let mut new = NewProviderClient {
            provider: "jobber".to_owned(),
            environment: None,
            client_id: "id".to_owned(),
            client_secret: "canary".into(),
            base_url: None,
        };
        change(&mut new);
        let refused = scene.connections().set_client(&new).await.expect_err(field);
        let said = refused.to_string();
        assert!(said.contains(field) && !said.contains("canary"), "{said}");
    }
}
