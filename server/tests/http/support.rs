//! A served API and what a caller sees of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leadrail_connections::links::LinkSettings;
use leadrail_connections::{BaseUrl, Connections, VaultKey};
use leadrail_desk::Desk;
use leadrail_engine::{DatabaseHosts, Engine, RetrySchedule};
use leadrail_outbound::{Guard, Outbound};
use leadrail_postgres::testing::TestDatabase;
use leadrail_server::{Admission, Limits, Tls, bind_with, serve_within};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const JSON: &str = "application/json";
pub(crate) const NDJSON: &str = "application/x-ndjson";
pub(crate) const PROBLEM: &str = "application/problem+json";

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A served API. Its database goes with it.
pub(crate) struct Api {
    pub(crate) desk: Desk,
    scheme: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    pub(crate) shutdown: CancellationToken,
    pub(crate) served: JoinHandle<()>,
    database: Option<TestDatabase>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Api {
    /// On a migrated database of its own, as a role behind the wall between accounts.
    pub(crate) async fn start() -> Self {
        Self::admitting(Admission::default()).await
    }

    /// On an empty database of its own.
    pub(crate) async fn unmigrated() -> Self {
        let database = TestDatabase::fresh().await;
        let pool = PgPool::connect(database.url()).await.expect("connected");
        let mut api = Self::on(pool, Limits::default()).await;
        api.database = Some(database);
        api
    }

    /// On a database that may not be there.
    pub(crate) async fn on_url(url: &str) -> Self {
        let pool = PgPoolOptions::new().acquire_timeout(Duration::from_secs(5));
        Self::on(pool.connect_lazy(url).expect("a URL"), Limits::default()).await
    }

    /// Without a database, with these limits.
    pub(crate) async fn limited(limits: Limits) -> Self {
        let pool = PgPoolOptions::new().connect_lazy("postgres://u@127.0.0.1:1/d");
        Self::on(pool.expect("a URL"), limits).await
    }

    /// On a migrated database of its own, for callers under these names, with or without keys.
    pub(crate) async fn admitting(admission: Admission) -> Self {
        Self::linking(admission, LinkSettings::default()).await
    }

    /// The same, with links of ours.
    pub(crate) async fn linking(admission: Admission, links: LinkSettings) -> Self {
        let database = TestDatabase::fresh().await;
        let pool = PgPool::connect(database.url()).await.expect("connected");
        leadrail_connections::migrate(&pool)
            .await
            .expect("migrated");
        let behind = behind_the_wall(&pool).await;
        let mut api = Self::served((pool, behind), admission, links, Limits::default(), None).await;
        api.database = Some(database);
        api
    }

    async fn on(pool: PgPool, limits: Limits) -> Self {
        let (anybody, none) = (Admission::default(), LinkSettings::default());
        Self::served((pool.clone(), pool), anybody, none, limits, None).await
    }

    /// Without a database, with TLS, for callers who trust this authority.
    pub(crate) async fn secured(tls: Tls, authority: &str, limits: Limits) -> Self {
        let pool = PgPoolOptions::new().connect_lazy("postgres://u@127.0.0.1:1/d");
        let pool = pool.expect("a URL");
        let (admission, links) = (Admission::default(), LinkSettings::default());
        let pools = (pool.clone(), pool);
        let api = Self::served(pools, admission, links, limits, Some(tls)).await;
        Self {
            client: trusting(authority),
            ..api
        }
    }

    /// For the test by the first pool, for the API by the second.
    async fn served(
        (pool, serving): (PgPool, PgPool),
        admission: Admission,
        links: LinkSettings,
        limits: Limits,
        tls: Option<Tls>,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = bind_with(([127, 0, 0, 1], 0).into(), &admission, tls).await;
        let listener = listener.expect("listening");
        let address = listener.local_addr().expect("an address");
        let public_url = BaseUrl::parse(&format!("http://{address}")).expect("a URL");
        let desk = |pool| desk(pool, links.clone()).with_public_url(Some(public_url.clone()));
        let (desk, served) = (desk(pool), desk(serving));
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve_within(
            listener,
            served,
            admission,
            limits,
            shutdown.clone(),
        ));
        #[expect(clippy::disallowed_methods, reason = "our own API is called")]
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            desk,
            scheme,
            address,
            client,
            shutdown,
            served,
            database: None,
        }
    }

    /// Where its own database is.
    pub(crate) fn database_url(&self) -> &str {
        self.database.as_ref().expect("its own").url()
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.desk.engine().pool()
    }

    pub(crate) fn connections(&self) -> &Connections {
        self.desk.connections().expect("a vault key")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.expect("text"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.url(path))).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str) -> Answer {
        self.send(self.client.request(method, self.url(path))).await
    }

    pub(crate) async fn post(&self, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.client.post(self.url("/v1/leads"));
        self.send(request.header("content-type", kind).body(body))
            .await
    }

    pub(crate) async fn post_lead(&self, lead: &Value) -> Answer {
        self.post(JSON, lead.to_string()).await
    }

    /// Hands a lead over as a caller does: a 503 is an honest answer, and it is sent again. Also whether
    /// it was, for then it may have been kept the first time.
    pub(crate) async fn hand_over(&self, lead: &Value) -> (Answer, bool) {
        let mut again = false;
        loop {
            let answer = self.post_lead(lead).await;
            if answer.status != 503 {
                return (answer, again);
            }
            again = true;
        }
    }

    /// How many leads are kept.
    pub(crate) async fn kept(&self) -> i64 {
        sqlx::query_scalar!(r#"select count(*) as "kept!" from leadrail.workflow_run"#)
            .fetch_one(self.pool())
            .await
            .expect("counted")
    }
}

fn desk(pool: PgPool, links: LinkSettings) -> Desk {
    let http = Outbound::new(Guard::with_loopback()).expect("a client");
    Desk::new(Engine::new(pool), RetrySchedule::default())
        .with_vault(VaultKey::parse(KEY).expect("a key"), http)
        .with_links(links)
}

/// A pool of a new role that was let serve the API, and nothing else.
pub(crate) async fn behind_the_wall(owner: &PgPool) -> PgPool {
    let role = format!("api_{}", Uuid::new_v4().simple());
    let made = format!("create role {role} login password 'secret'");
    sqlx::raw_sql(AssertSqlSafe(made))
        .execute(owner)
        .await
        .expect("made");
    leadrail_connections::grant_api(owner, &role)
        .await
        .expect("granted");
    let options = owner.connect_options().as_ref().clone();
    let options = DatabaseHosts::from(options.username(&role).password("secret"));
    options.pool(PgPoolOptions::new().max_connections(10))
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// That it is an error as all of ours are.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some(PROBLEM), "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        for field in ["type", "title", "detail"] {
            let text = problem[field].as_str();
            assert!(text.is_some_and(|text| !text.is_empty()), "{problem}");
        }
        problem
    }
}

/// A client on new connections that trusts this authority, a certificate in PEM.
pub(crate) fn trusting(authority: &str) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(authority.as_bytes()).expect("a certificate");
    #[expect(clippy::disallowed_methods, reason = "our own API is called")]
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .tls_certs_only([authority])
        .no_proxy();
    client.build().expect("a client")
}

/// The `n`th sample lead of the account `acme`.
pub(crate) fn lead(n: u64) -> Value {
    leadrail_lead::sample::sample_lead(n, "acme", "housecall_pro")
}

pub(crate) fn event_id(lead: &Value) -> &str {
    lead["event_id"].as_str().expect("an id")
}

/// What this thread logs, for as long as it listens.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// Ends the listening when it is dropped.
pub(crate) struct Listening {
    _heard: tracing::subscriber::DefaultGuard,
    _second: tracing::Dispatch,
}

impl Log {
    /// Hears everything that is said from now on. The runtime of a test has one thread, so that is all
    /// that the server says.
    pub(crate) fn listen() -> (Self, Listening) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        // With one subscriber, whichever thread meets a call site first decides for all whether it is
        // heard; with a second one all subscribers are asked.
        let second = tracing::Dispatch::new(tracing_subscriber::registry());
        let heard = tracing::subscriber::set_default(subscriber);
        let listening = Listening {
            _heard: heard,
            _second: second,
        };
        (log, listening)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("a log").clone()).expect("text")
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a log").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
