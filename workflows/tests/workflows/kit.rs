//! What the tests share: a migrated database, a simulated CRM, a worker in this process.

use std::slice;
use std::time::Duration;

use leadrail_connections::links::LinkSettings;
use leadrail_connections::{
    Connection, ConnectionFilter, Connections, Doors, NewConnection, VaultKey,
};
use leadrail_crm_sim::{CrmSim, HOUSECALL_PRO, serve};
use leadrail_engine::{
    Engine, Event, Registry, RetrySchedule, RunId, RunState, RunView, WorkerConfig, run_worker,
};
use leadrail_lead::sample::{sample_lead, sample_phone};
use leadrail_outbound::{Guard, Outbound};
use leadrail_postgres::testing::TestDatabase;
use leadrail_workflows::{Submission, Submitted, gates_of, registry, submit, timeline};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The account of all samples.
pub(crate) const ACME: &str = "acme";

/// How the account `acme` is connected to its company in a simulated CRM.
#[derive(Clone, Copy)]
pub(crate) struct Access {
    /// The CRM's name, in payloads as in the simulator's addresses.
    pub(crate) crm: &'static str,
    /// Every way in, with the secrets that open it; the first one is connected.
    pub(crate) ways: &'static [Way],
    /// What the connection sets besides the delivery settings of a test.
    pub(crate) settings: fn() -> Value,
}

/// A way into a CRM.
pub(crate) struct Way {
    /// The way's id in the adapter's vocabulary.
    pub(crate) method: &'static str,
    /// Its secrets, by name.
    pub(crate) secrets: &'static [(&'static str, &'static str)],
}

/// The CRM of tests that are about anything but a CRM.
pub(crate) static HOUSECALL: Access = Access {
    crm: HOUSECALL_PRO,
    ways: HOUSECALL_WAYS,
    settings: || json!({}),
};

/// The ways into it, whatever its mode.
pub(crate) static HOUSECALL_WAYS: &[Way] = &[
    Way {
        method: "api_key",
        secrets: &[("api_key", "sim-acme")],
    },
    Way {
        method: "bearer_token",
        secrets: &[("access_token", "sim-acme")],
    },
];

const VAULT_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A database, a CRM and everything between them.
pub(crate) struct Scene {
    pub(crate) engine: Engine,
    pub(crate) connections: Connections,
    pub(crate) sim: CrmSim,
    pub(crate) crm_url: String,
    /// Where links are that the CRM is told of; a change is for workers that start later.
    pub(crate) links: LinkSettings,
    access: &'static Access,
    shutdown: CancellationToken,
    worker: Option<JoinHandle<()>>,
    _database: TestDatabase,
}

impl Scene {
    /// Nobody is connected and nobody works.
    pub(crate) async fn quiet() -> Self {
        Self::quiet_at(&HOUSECALL).await
    }

    /// The same, with another CRM.
    pub(crate) async fn quiet_at(access: &'static Access) -> Self {
        let database = TestDatabase::fresh().await;
        let engine = Engine::connect(database.url()).await.expect("a database");
        leadrail_connections::migrate(engine.pool())
            .await
            .expect("migrated");
        let key = VaultKey::parse(VAULT_KEY).expect("a key");
        let connections = Connections::new(engine.pool().clone(), key);
        let shutdown = CancellationToken::new();
        let (sim, crm_url) = serve_crm(access.crm, shutdown.clone()).await;
        Self {
            engine,
            connections,
            sim,
            crm_url,
            links: LinkSettings {
                public_url: Some("https://leads.example.com".parse().expect("an address")),
                ..LinkSettings::default()
            },
            access,
            shutdown,
            worker: None,
            _database: database,
        }
    }

    /// A worker works.
    pub(crate) async fn working() -> Self {
        Self::working_at(&HOUSECALL).await
    }

    /// The same, with another CRM.
    pub(crate) async fn working_at(access: &'static Access) -> Self {
        let mut scene = Self::quiet_at(access).await;
        scene.start_worker();
        scene
    }

    /// A worker works and the account is connected.
    pub(crate) async fn connected() -> Self {
        Self::connected_with(json!({})).await
    }

    pub(crate) async fn connected_with(settings: Value) -> Self {
        let scene = Self::working().await;
        scene.connect(settings).await;
        scene
    }

    /// Every workflow, with the connections of this scene.
    pub(crate) fn registry(&self) -> Registry {
        registry(&self.engine, self.doors())
    }

    pub(crate) fn start_worker(&mut self) {
        let registry = self.registry();
        let config = WorkerConfig {
            concurrency: 32,
            poll: Duration::from_millis(100),
            ..WorkerConfig::default()
        };
        let (engine, shutdown) = (self.engine.clone(), self.shutdown.clone());
        self.worker = Some(tokio::spawn(async move {
            run_worker(&engine, registry, config, shutdown).await;
        }));
    }

    /// The ways into the CRM.
    pub(crate) fn doors(&self) -> Doors {
        let http = Outbound::new(Guard::with_loopback()).expect("a client");
        Doors::new(self.connections.clone(), http).with_links(self.links.clone())
    }

    /// Drains the worker and waits for its end.
    pub(crate) async fn end(mut self) {
        self.shutdown.cancel();
        if let Some(worker) = self.worker.take() {
            worker.await.expect("the worker ends in order");
        }
    }

    /// The account's usual connection; `settings` come before those of its CRM.
    pub(crate) fn new_connection(&self, settings: Value) -> NewConnection {
        self.connection_by(&self.access.ways[0], settings)
    }

    /// The account's connection by one of its CRM's ways in.
    pub(crate) fn connection_by(&self, way: &Way, settings: Value) -> NewConnection {
        let mut all = (self.access.settings)();
        for (name, value) in serde_json::from_value::<Map<_, _>>(settings).expect("an object") {
            all[name] = value;
        }
        let secrets = way.secrets.iter();
        NewConnection {
            account: ACME.into(),
            crm: self.access.crm.into(),
            crm_account_id: None,
            base_url: Some(self.crm_url.clone()),
            auth_method: way.method.into(),
            secrets: secrets
                .map(|&(name, secret)| (name.to_owned(), SecretString::from(secret)))
                .collect(),
            settings: all,
        }
    }

    pub(crate) async fn connect(&self, settings: Value) -> Connection {
        let new = self.new_connection(settings);
        self.connections.add(new).await.expect("connected")
    }

    /// Lets the leads go that wait for one of the connections; returns how many.
    pub(crate) async fn open_gates(&self) -> u32 {
        let all = ConnectionFilter::default();
        let mut opened = 0;
        for connection in self.connections.list(&all).await.expect("listed") {
            let gates = gates_of(&connection);
            let released = self.engine.open_gates(&gates, Duration::ZERO).await;
            opened += released.expect("opened");
        }
        opened
    }

    /// Adds a fault to the CRM.
    pub(crate) fn fault(&self, matching: &Value, fault: &Value) {
        let rule = json!({"match": matching, "fault": fault});
        let rule = serde_json::from_value(rule).expect("a rule");
        self.sim.add_fault(self.access.crm, rule).expect("added");
    }

    /// Lets people at the company do something in the CRM.
    pub(crate) fn happen(&self, event: &Value) {
        let happened = self.sim.happen(self.access.crm, ACME, event);
        happened.expect("it can happen");
    }

    /// How many records of a kind there are in the CRM's books.
    pub(crate) fn count(&self, collection: &str) -> usize {
        self.books(collection).len()
    }

    /// All that the CRM has.
    pub(crate) fn all_books(&self) -> Value {
        self.sim.records(self.access.crm)
    }

    pub(crate) fn books(&self, collection: &str) -> Vec<Value> {
        self.all_books()[collection]
            .as_array()
            .expect("a list")
            .clone()
    }

    pub(crate) async fn submit(&self, payload: Value) -> Submitted {
        let lead = Submission::read(payload).expect("a valid lead");
        loop {
            match submit(&self.engine, slice::from_ref(&lead)).await {
                Ok(mut answers) => return answers.remove(0),
                // All sessions are in use, and nothing was written: whoever hands it over asks again.
                Err(sqlx::Error::PoolTimedOut) => {}
                Err(error) => panic!("not submitted: {error}"),
            }
        }
    }

    pub(crate) async fn run(&self, id: RunId) -> RunView {
        self.engine
            .run(id)
            .await
            .expect("read")
            .expect("the run is there")
    }

    /// Waits until the run is in this state; fails with its history after a while.
    pub(crate) async fn until(&self, id: RunId, state: RunState) -> RunView {
        self.until_any(id, &[state]).await
    }

    /// Waits until the run is in one of these states.
    pub(crate) async fn until_any(&self, id: RunId, states: &[RunState]) -> RunView {
        let patience = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let run = self.run(id).await;
            if states.contains(&run.state) {
                return run;
            }
            if tokio::time::Instant::now() > patience {
                panic!(
                    "not {states:?} but {:?}: {:#?}",
                    run.state,
                    self.told(id).await
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets the time come at which the run goes on, as often as that takes, until it has ended.
    pub(crate) async fn to_the_end(&self, id: RunId) -> RunView {
        use RunState::{Completed, Dead, Retrying, Waiting};
        loop {
            let run = self
                .until_any(id, &[Completed, Dead, Retrying, Waiting])
                .await;
            if matches!(run.state, Completed | Dead) {
                return run;
            }
            self.pass_until_due(&run).await;
            self.until_changed(&run).await;
        }
    }

    /// Waits until something has become of a run that was seen as it stood.
    async fn until_changed(&self, seen: &RunView) {
        let patience = tokio::time::Instant::now() + Duration::from_secs(20);
        while self.run(seen.id).await.changed_at == seen.changed_at {
            let told = self.told(seen.id).await;
            assert!(
                tokio::time::Instant::now() < patience,
                "stands still: {told:#?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets the time come at which a run that waits goes on, and a minute more, in which a lane whose
    /// budget was used up has one again.
    pub(crate) async fn pass_until_due(&self, run: &RunView) {
        let due = run.due_at.unwrap_or(run.changed_at);
        let wait = (due - run.changed_at).num_seconds();
        self.pass(u64::try_from(wait).unwrap_or(0) + 60).await;
    }

    pub(crate) async fn history(&self, id: RunId) -> Vec<Event> {
        self.engine.history(id).await.expect("read")
    }

    /// The run's story as people read it.
    pub(crate) async fn told(&self, id: RunId) -> Vec<String> {
        let (run, history) = (self.run(id).await, self.history(id).await);
        let told = timeline(&run, &history, &RetrySchedule::default(), None);
        told.entries.into_iter().map(|entry| entry.text).collect()
    }

    /// The output of a completed run.
    pub(crate) async fn output(&self, id: RunId) -> Value {
        let (run, history) = (self.run(id).await, self.history(id).await);
        let told = timeline(&run, &history, &RetrySchedule::default(), None);
        told.result.expect("an output")
    }

    pub(crate) async fn pass(&self, seconds: u64) {
        let ahead = Duration::from_secs(seconds);
        self.engine.shift_clock(ahead).await.expect("shifted");
    }
}

async fn serve_crm(crm: &str, shutdown: CancellationToken) -> (CrmSim, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    let sim = CrmSim::new();
    let ended = shutdown.cancelled_owned();
    tokio::spawn(serve(listener, sim.clone(), ended));
    (sim, format!("http://{address}/{crm}"))
}

/// The `n`th caller's lead.
pub(crate) fn lead(n: u64) -> Value {
    sample_lead(n, ACME, HOUSECALL_PRO)
}

/// Another lead of the `n`th lead's caller.
pub(crate) fn second_lead_of(n: u64) -> Value {
    let mut second = lead(n + 50_000);
    second["contact"] = lead(n)["contact"].clone();
    assert_eq!(second["contact"]["phone"], sample_phone(n));
    second
}

/// A row of `leadrail.lead`, as far as both doors decide it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeadRow {
    pub(crate) run_id: Uuid,
    pub(crate) account: String,
    pub(crate) crm: Option<String>,
    pub(crate) crm_account_id: Option<String>,
    pub(crate) connection_id: Option<Uuid>,
    pub(crate) event: String,
    pub(crate) event_id: Uuid,
    pub(crate) phone_hash: Option<Vec<u8>>,
}

impl Scene {
    /// All rows, in the order of their runs.
    pub(crate) async fn lead_rows(&self) -> Vec<LeadRow> {
        sqlx::query_as!(
            LeadRow,
            "
            select run_id, account, crm, crm_account_id, connection_id, event, event_id, phone_hash
            from leadrail.lead
            order by run_id
            "
        )
        .fetch_all(self.engine.pool())
        .await
        .expect("read")
    }
}
