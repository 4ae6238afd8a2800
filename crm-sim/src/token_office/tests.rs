//! The office's rules, asked without a CRM around it.

use super::*;
use axum::extract::Request;
use serde_json::json;

const CODES: TokenRules = TokenRules {
    grants: &[Grant::AuthorizationCode, Grant::RefreshToken],
    life: Duration::from_secs(3600),
    reads_json: true,
    clients: Clients::App,
    refresh: Refresh::SingleUse {
        reuse_revokes: true,
    },
};

const OWN: TokenRules = TokenRules {
    grants: &[Grant::ClientCredentials],
    life: Duration::from_secs(900),
    reads_json: false,
    clients: Clients::PerCompany,
    refresh: Refresh::Lasting,
};

async fn call(media: &str, authorization: Option<&str>, body: &str) -> Call {
    let mut request = Request::post("http://sim/crm/token").header("content-type", media);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let request = request.body(body.to_owned().into()).expect("a request");
    let call = Call::read("crm", request).await;
    call.unwrap_or_else(|_| panic!("a small request"))
}

async fn ask(office: &TokenOffice, body: &str) -> Result<issuing::Issued, Refusal> {
    office.grant(&call("application/x-www-form-urlencoded", None, body).await)
}

fn app(rest: &str) -> String {
    format!("client_id=sim-app&client_secret=sim-app-secret&{rest}")
}

fn change(office: &TokenOffice, change: Value) -> Option<Value> {
    office.change(serde_json::from_value(change).expect("a change"))
}

fn opens(office: &TokenOffice, issued: &issuing::Issued) -> Option<String> {
    office.company_of(&issued.access_token)
}

async fn redeemed(office: &TokenOffice) -> issuing::Issued {
    let code = office.consent("acme", None, None);
    let body = app(&format!("grant_type=authorization_code&code={code}"));
    ask(office, &body).await.expect("tokens")
}

async fn renewed(
    office: &TokenOffice,
    issued: &issuing::Issued,
) -> Result<issuing::Issued, Refusal> {
    let token = issued.refresh_token.as_deref().expect("a refresh token");
    ask(
        office,
        &app(&format!("grant_type=refresh_token&refresh_token={token}")),
    )
    .await
}

#[tokio::test]
async fn a_client_gets_tokens_for_its_own_company_only_with_its_secret() {
    let office = TokenOffice::new(OWN);
    let own = |secret: &str| {
        format!("grant_type=client_credentials&client_id=sim-acme&client_secret={secret}")
    };
    let issued = ask(&office, &own("sim-acme-secret")).await;
    let issued = issued.unwrap_or_else(|_| panic!("a token"));
    assert_eq!(opens(&office, &issued), Some("acme".to_owned()));
    assert_eq!(issued.to_json()["expires_in"], 900);
    assert!(issued.refresh_token.is_none());
    let refused = Some(Refusal::InvalidClient { is_basic: false });
    assert_eq!(ask(&office, &own("sim-other-secret")).await.err(), refused);
    change(
        &office,
        json!({"secrets": {"client": "sim-acme", "secrets": ["a", "b"]}}),
    );
    assert!(ask(&office, &own("b")).await.is_ok());
    assert_eq!(ask(&office, &own("sim-acme-secret")).await.err(), refused);
    let counts = office.counts();
    assert_eq!(
        (&counts["issued"], &counts["refused"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(counts["companies"]["acme"]["issued"], 2);
}

#[tokio::test]
async fn a_client_may_sign_in_by_basic_and_is_refused_in_its_manner() {
    let office = TokenOffice::new(OWN);
    let grant = "grant_type=client_credentials";
    let media = "application/x-www-form-urlencoded";
    // sim-acme:sim-acme-secret
    let right = call(media, Some("Basic c2ltLWFjbWU6c2ltLWFjbWUtc2VjcmV0"), grant).await;
    assert!(office.grant(&right).is_ok());
    // sim-acme:wrong
    let wrong = call(media, Some("Basic c2ltLWFjbWU6d3Jvbmc="), grant).await;
    let refused = office.grant(&wrong).err();
    assert_eq!(refused, Some(Refusal::InvalidClient { is_basic: true }));
    assert_eq!(office.answer(&wrong).status, 401);
}

#[tokio::test]
async fn a_body_of_the_wrong_kind_or_without_a_grant_is_refused() {
    let json = "application/json";
    let body = json!({"grant_type": "client_credentials", "client_id": "sim-acme",
                      "client_secret": "sim-acme-secret"});
    let strict = TokenOffice::new(OWN);
    let refused = strict
        .grant(&call(json, None, &body.to_string()).await)
        .err();
    assert_eq!(refused, Some(Refusal::InvalidRequest));
    let own = "client_id=sim-acme&client_secret=sim-acme-secret";
    assert_eq!(ask(&strict, own).await.err(), Some(Refusal::InvalidRequest));
    let unknown = format!("{own}&grant_type=password");
    let refused = ask(&strict, &unknown).await.err();
    assert_eq!(refused, Some(Refusal::UnsupportedGrantType));
    let lenient = TokenOffice::new(TokenRules {
        reads_json: true,
        ..OWN
    });
    assert!(
        lenient
            .grant(&call(json, None, &body.to_string()).await)
            .is_ok()
    );
    assert!(lenient.grant(&call(json, None, "[").await).is_err());
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_its_family_where_the_crm_does_so() {
    let office = TokenOffice::new(CODES);
    let first = redeemed(&office).await;
    let second = renewed(&office, &first).await;
    let second = second.unwrap_or_else(|_| panic!("a new pair"));
    assert_ne!(first.refresh_token, second.refresh_token);
    assert!(opens(&office, &first).is_some() && opens(&office, &second).is_some());
    let again = renewed(&office, &first).await.err();
    assert_eq!(again, Some(Refusal::InvalidGrant));
    assert_eq!(opens(&office, &second), None);
    assert!(renewed(&office, &second).await.is_err());
    assert_eq!(office.counts()["refreshed"], 1);
}

#[tokio::test]
async fn a_refresh_token_may_die_alone_or_last() {
    let alone = Refresh::SingleUse {
        reuse_revokes: false,
    };
    for (refresh, second_use) in [(alone, false), (Refresh::Lasting, true)] {
        let office = TokenOffice::new(TokenRules { refresh, ..CODES });
        let first = redeemed(&office).await;
        let second = renewed(&office, &first).await;
        let second = second.unwrap_or_else(|_| panic!("a new pair"));
        assert_eq!(renewed(&office, &first).await.is_ok(), second_use);
        assert!(opens(&office, &second).is_some());
    }
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_where_it_was_asked_for() {
    let office = TokenOffice::new(CODES);
    let code = office.consent("acme", Some("https://here.example/back"), None);
    let elsewhere = app(&format!("grant_type=authorization_code&code={code}"));
    let here = format!("{elsewhere}&redirect_uri=https%3A%2F%2Fhere.example%2Fback");
    assert_eq!(
        ask(&office, &elsewhere).await.err(),
        Some(Refusal::InvalidGrant)
    );
    let issued = ask(&office, &here).await;
    let issued = issued.expect("tokens");
    assert_eq!(opens(&office, &issued), Some("acme".to_owned()));
    assert_eq!(ask(&office, &here).await.err(), Some(Refusal::InvalidGrant));
    assert_eq!(
        opens(&office, &issued),
        None,
        "a code that comes twice was stolen"
    );
}

#[tokio::test]
async fn a_code_that_was_asked_for_with_a_challenge_needs_its_verifier() {
    let office = TokenOffice::new(CODES);
    // RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let code = office.consent("acme", None, Some(challenge));
    let bare = app(&format!("grant_type=authorization_code&code={code}"));
    for wrong in [bare.clone(), format!("{bare}&code_verifier={challenge}")] {
        assert_eq!(
            ask(&office, &wrong).await.err(),
            Some(Refusal::InvalidGrant)
        );
    }
    let right = format!("{bare}&code_verifier={verifier}");
    assert!(ask(&office, &right).await.is_ok());
}

#[tokio::test]
async fn within_its_grace_a_refresh_token_brings_the_same_answer_again() {
    let office = TokenOffice::new(CODES);
    change(&office, json!({"refresh": {"grace": {"ms": 60_000}}}));
    let first = redeemed(&office).await;
    let second = renewed(&office, &first).await.expect("a new pair");
    let again = renewed(&office, &first).await.expect("the same pair");
    assert_eq!(second.access_token, again.access_token);
    assert_eq!(second.refresh_token, again.refresh_token);
    change(&office, json!({"refresh": {"grace": {"ms": 0}}}));
    assert!(renewed(&office, &first).await.is_err());
    assert!(opens(&office, &second).is_some(), "nothing else ends");
}

#[tokio::test]
async fn the_books_say_what_came_twice_and_what_that_ended() {
    let office = TokenOffice::new(CODES);
    let first = redeemed(&office).await;
    assert!(renewed(&office, &first).await.is_ok());
    assert!(renewed(&office, &first).await.is_err());
    let counts = office.counts();
    assert_eq!(
        (&counts["reused"], &counts["revoked"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(counts["companies"]["acme"]["revoked"], 1);
    change(
        &office,
        json!({"refresh": {"single_use": {"reuse_revokes": false}}}),
    );
    let other = redeemed(&office).await;
    assert!(renewed(&office, &other).await.is_ok());
    assert!(renewed(&office, &other).await.is_err());
    let counts = office.counts();
    assert_eq!(
        (&counts["reused"], &counts["revoked"]),
        (&json!(2), &json!(1))
    );
}

#[tokio::test]
async fn tokens_expire_and_are_revoked_company_by_company() {
    let office = TokenOffice::new(CODES);
    let acme = redeemed(&office).await;
    change(&office, json!({"expire": {"company": "other"}}));
    assert!(opens(&office, &acme).is_some());
    change(&office, json!({"expire": {}}));
    assert_eq!(opens(&office, &acme), None);
    let acme = renewed(&office, &acme).await;
    let acme = acme.unwrap_or_else(|_| panic!("a new pair"));
    change(&office, json!({"revoke": {"company": "acme"}}));
    assert_eq!(opens(&office, &acme), None);
    assert!(renewed(&office, &acme).await.is_err());
    assert_eq!(office.company_of("sim-acme"), Some("acme".to_owned()));
    change(&office, json!({"life_ms": 0}));
    let granted = change(&office, json!({"grant": {"company": "acme"}})).expect("tokens");
    let token = granted["access_token"].as_str().expect("a token");
    assert_eq!(office.company_of(token), None);
}
