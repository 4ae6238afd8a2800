//! A simulated provider with its CRM, and somebody who signs in there.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use leadrail_connections::{
    Connection, ConnectionId, Connections, Departure, Doors, NewConnection, NewProviderClient,
    Return, SignInError, SignedIn, WantedSignIn,
};
use leadrail_crm_sim::{CrmSim, FaultRule};
use leadrail_outbound::{Guard, Outbound};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use url::Url;

use crate::support::Setup;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A store, and the simulator beside it.
pub(crate) struct Scene {
    pub(crate) setup: Setup,
    pub(crate) sim: CrmSim,
    pub(crate) sim_url: String,
    pub(crate) crm: &'static str,
    http: reqwest::Client,
}

impl Scene {
    /// With our client at this CRM's provider.
    pub(crate) async fn at(crm: &'static str) -> Self {
        let setup = Setup::new().await;
        // Makes the process's TLS provider, which every client needs.
        Outbound::new(Guard::with_loopback()).expect("a client");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let sim_url = format!("http://{}", listener.local_addr().expect("an address"));
        let sim = CrmSim::new();
        let serving = leadrail_crm_sim::serve(listener, sim.clone(), std::future::pending());
        tokio::spawn(serving);
        #[expect(clippy::disallowed_methods, reason = "the simulator is called")]
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let scene = Self {
            setup,
            sim,
            sim_url,
            crm,
            http,
        };
        scene.set_client("sim-app", "sim-app-secret").await;
        scene
    }

    pub(crate) async fn set_client(&self, id: &str, secret: &str) {
        self.set_client_at(id, secret, self.base_url()).await;
    }

    /// Sends whoever asks for tokens to this address.
    pub(crate) async fn set_client_at(&self, id: &str, secret: &str, base_url: String) {
        let client = NewProviderClient {
            provider: self.crm.to_owned(),
            environment: None,
            client_id: id.to_owned(),
            client_secret: SecretString::from(secret),
            base_url: Some(base_url),
        };
        let set = self.setup.connections.set_client(&client).await;
        set.expect("our client");
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}/{}", self.sim_url, self.crm)
    }

    /// The doors of a process of its own.
    pub(crate) fn process(&self) -> Doors {
        let http = Outbound::new(Guard::with_loopback()).expect("a client");
        Doors::new(self.setup.elsewhere(), http)
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.setup.connections
    }

    pub(crate) fn callback(&self) -> Url {
        let url = format!("https://leads.example.com/oauth/{}/callback", self.crm);
        Url::parse(&url).expect("a URL")
    }

    pub(crate) fn wanted(&self, account: &str) -> WantedSignIn {
        WantedSignIn {
            connection: NewConnection {
                account: account.to_owned(),
                crm: self.crm.to_owned(),
                crm_account_id: None,
                base_url: None,
                auth_method: "oauth".to_owned(),
                secrets: [].into(),
                settings: json!({}),
            },
            revision: 0,
            environment: None,
            by: "system:test".to_owned(),
        }
    }

    /// A browser that has opened a new link.
    pub(crate) async fn left(&self, doors: &Doors, account: &str) -> Departure {
        let begun = doors.begin_sign_in(self.wanted(account)).await;
        let begun = begun.unwrap_or_else(|error| panic!("begun: {error}"));
        let begun = begun.expect("nobody changed it meanwhile");
        let callback = self.callback();
        let left = doors.depart(self.crm, &begun.ticket, &callback).await;
        left.unwrap_or_else(|error| panic!("left: {error}"))
    }

    /// What the browser comes back with once the company has consented.
    pub(crate) async fn consented(&self, left: &Departure, company: &str) -> Return {
        let mut url = left.url.clone();
        url.query_pairs_mut().append_pair("company", company);
        self.followed(left, url).await
    }

    /// What the browser comes back with from this page.
    pub(crate) async fn followed(&self, left: &Departure, url: Url) -> Return {
        let answer = self.http.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 302);
        let back = answer.headers()["location"].to_str().expect("text");
        let back = Url::parse(back).expect("a URL");
        let asked = |name: &str| {
            let mut pairs = back.query_pairs();
            let found = pairs.find(|(known, _)| known == name);
            found.map(|(_, value)| value.into_owned())
        };
        Return {
            state: asked("state").map(SecretString::from),
            code: asked("code").map(SecretString::from),
            error: asked("error"),
            browser: Some(left.browser.clone()),
            ..Return::default()
        }
    }

    /// Signs the company in for the account.
    pub(crate) async fn sign_in(
        &self,
        account: &str,
        company: &str,
    ) -> Result<SignedIn, SignInError> {
        let doors = self.process();
        let left = self.left(&doors, account).await;
        let back = self.consented(&left, company).await;
        doors.arrive(self.crm, &back, &self.callback()).await
    }

    pub(crate) async fn signed_in(&self, account: &str) -> Connection {
        let signed_in = self.sign_in(account, account).await;
        let signed_in = signed_in.unwrap_or_else(|error| panic!("signed in: {error}"));
        signed_in.connection
    }

    /// A call of the simulator's control API about tokens.
    pub(crate) async fn tokens(&self, change: &Value) {
        let url = format!("{}/_sim/{}/tokens", self.sim_url, self.crm);
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json");
        let answer = request.body(change.to_string()).send().await;
        assert!(answer.expect("an answer").status().is_success());
    }

    /// The provider's own books.
    pub(crate) async fn counts(&self) -> Value {
        let url = format!("{}/_sim/{}/tokens", self.sim_url, self.crm);
        let answer = self.http.get(url).send().await.expect("an answer");
        let text = answer.text().await.expect("text");
        serde_json::from_str(&text).expect("JSON")
    }

    /// One figure of them.
    pub(crate) async fn count(&self, name: &str) -> u64 {
        self.counts().await[name].as_u64().expect("a number")
    }

    /// Lets something happen to token requests.
    pub(crate) fn fault(&self, matching: &Value, fault: &Value) {
        let mut matching = matching.clone();
        matching["method"] = json!("POST");
        matching["path_prefix"] = match self.crm {
            "housecall_pro" => json!("/oauth/token"),
            "servicetitan" => json!("/connect/token"),
            _ => json!("/api/oauth/token"),
        };
        let rule = json!({"match": matching, "fault": fault});
        let rule: FaultRule = serde_json::from_value(rule).expect("a rule");
        self.sim.add_fault(self.crm, rule).expect("added");
    }

    /// Lets the token of a connection be as old as this part of its life, by the database's clock.
    pub(crate) async fn age(&self, id: ConnectionId, seconds_left: f64) {
        sqlx::query(
            "update leadrail.oauth_grant
             set expires_at = leadrail.now() + $2 * interval '1 second', refresh_at = leadrail.now()
             where connection_id = $1",
        )
        .bind(id.0)
        .bind(seconds_left)
        .execute(&self.setup.pool)
        .await
        .expect("aged");
    }

    /// Lets the claim of a connection be one of a process that died so many seconds ago.
    pub(crate) async fn orphan_claim(&self, connection: &Connection, seconds_ago: f64) {
        sqlx::query(
            "update leadrail.oauth_grant
             set claim = gen_random_uuid(), claimed_version = $2,
                 claimed_at = leadrail.now() - $3 * interval '1 second',
                 claim_ends_at = leadrail.now() - interval '1 millisecond'
             where connection_id = $1",
        )
        .bind(connection.id.0)
        .bind(connection.secret_version)
        .bind(seconds_ago)
        .execute(&self.setup.pool)
        .await
        .expect("orphaned");
    }
}

/// A provider that says when it is asked for newer tokens, and refuses them only once it may.
#[derive(Clone)]
pub(crate) struct SlowProvider {
    pub(crate) url: String,
    asked: Arc<Semaphore>,
    may_answer: Arc<Semaphore>,
}

impl SlowProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let slow = Self {
            url: format!("http://{}", listener.local_addr().expect("an address")),
            asked: Arc::new(Semaphore::new(0)),
            may_answer: Arc::new(Semaphore::new(0)),
        };
        let here = slow.clone();
        let refuse = async move || {
            here.asked.add_permits(1);
            here.may_answer.acquire().await.expect("open").forget();
            (StatusCode::BAD_REQUEST, r#"{"error": "invalid_grant"}"#)
        };
        let app = Router::new().route("/api/oauth/token", post(refuse));
        tokio::spawn(async move { axum::serve(listener, app).await });
        slow
    }

    /// Returns when somebody waits for its answer.
    pub(crate) async fn asked(&self) {
        self.asked.acquire().await.expect("open").forget();
    }

    pub(crate) fn answer(&self) {
        self.may_answer.add_permits(1);
    }
}
