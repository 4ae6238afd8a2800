//! The stage of a test: a database, a simulated CRM, a vault key, connected accounts.

use crate::wait_for;
use chrono::{DateTime, Utc};
use leadrail_postgres::testing::{TestDatabase, TestServer};
use leadrail_rig::{Books, Process, Program};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The account that tests use.
const ACCOUNT: &str = "acme";

enum Postgres {
    Shared(TestDatabase),
    Own(TestServer),
}

/// Everything a test needs around the processes that it starts.
pub struct Stage {
    program: Program,
    folder: TempDir,
    postgres: Postgres,
    /// Direct access to the database, for looking.
    pub pool: PgPool,
    /// For the HTTP doors.
    pub http: reqwest::Client,
    crm_port: u16,
    _crm: Process,
}

impl Stage {
    /// On a database of its own of the shared server.
    pub async fn new(program: &str) -> Self {
        Self::on(program, Postgres::Shared(TestDatabase::fresh().await)).await
    }

    /// On a server of its own that the test may stop and start.
    pub async fn with_own_server(program: &str) -> Self {
        let server = TestServer::dedicated().await;
        server.create_database("leadrail").await;
        Self::on(program, Postgres::Own(server)).await
    }

    async fn on(program: &str, postgres: Postgres) -> Self {
        // A second call finds it installed; that is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let crm_port = free_port();
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .connect_lazy(&url_of(&postgres))
            .expect("a database URL");
        let program = Program::at(program);
        let mut crm = program.command(folder.path());
        crm.args(["crm-sim", "--listen", &format!("127.0.0.1:{crm_port}")]);
        let crm = started(crm, &folder.path().join("crm-sim.log"));
        #[expect(
            clippy::disallowed_methods,
            reason = "our own API and the simulator are called"
        )]
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let stage = Self {
            program,
            folder,
            postgres,
            pool,
            http,
            crm_port,
            _crm: crm,
        };
        stage.up().await;
        stage
    }

    async fn up(&self) {
        let migrated = self.run(&["migrate"], "");
        assert!(
            migrated.status.success(),
            "{}",
            String::from_utf8_lossy(&migrated.stderr)
        );
        wait_for("the simulated CRM", Duration::from_secs(20), || async {
            self.http.get(self.sim("records")).send().await.ok()
        })
        .await;
        self.connect(
            ACCOUNT,
            &json!({ "settle_seconds": 1, "call_timeout_ms": 1500 }),
        );
    }

    /// Connects an account of this name to the simulated CRM.
    pub fn connect(&self, account: &str, settings: &Value) {
        let base_url = self.crm_url();
        let secret = format!("sim-{account}");
        let settings = settings.to_string();
        let added = self.run(
            &[
                "connection",
                "add",
                "--account",
                account,
                "--crm",
                "housecall_pro",
                "--base-url",
                &base_url,
                "--settings",
                &settings,
            ],
            &secret,
        );
        assert!(
            added.status.success(),
            "{}",
            String::from_utf8_lossy(&added.stderr)
        );
    }

    /// The base URL of the simulated Housecall Pro.
    pub fn crm_url(&self) -> String {
        format!("http://127.0.0.1:{}/housecall_pro", self.crm_port)
    }

    /// The base URL of another simulated CRM.
    pub fn crm_url_of(&self, crm: &str) -> String {
        format!("http://127.0.0.1:{}/{crm}", self.crm_port)
    }

    /// A command of the product with the stage's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program.command(self.folder.path());
        command
            .args(args)
            .env("DATABASE_URL", self.database_url())
            .env(
                "LEADRAIL_VAULT_KEY",
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            )
            .env("LEADRAIL_OUTBOUND_ALLOW", "127.0.0.0/8")
            .env("LEADRAIL_LOG", "debug,hyper=info,sqlx=info,h2=info");
        command
    }

    /// Runs a command to its end with this standard input.
    pub fn run(&self, args: &[&str], input: &str) -> Output {
        self.run_command(self.command(args), input)
    }

    /// The same with a command that was changed.
    pub fn run_command(&self, mut command: Command, input: &str) -> Output {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A command that does not read its input closes the pipe; that is no failure here.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("the command ends")
    }

    /// A worker with a short lease; `environment` adds to it or overrides.
    pub fn worker(&self, name: &str, environment: &[(&str, &str)]) -> Process {
        let mut command = self.command(&["worker"]);
        command
            .env("LEADRAIL_WORKER_NAME", name)
            .env("LEADRAIL_WORKER_LEASE", "15s")
            .env("LEADRAIL_WORKER_POLL", "200ms")
            .env("LEADRAIL_WORKER_CONCURRENCY", "8");
        for (variable, value) in environment {
            command.env(variable, value);
        }
        started(command, &self.log(name))
    }

    /// The HTTP API; comes back when it answers, with its base URL.
    pub async fn serve(&self) -> (Process, String) {
        self.serve_with(&[]).await
    }

    /// The same; `environment` adds to its own or overrides.
    pub async fn serve_with(&self, environment: &[(&str, &str)]) -> (Process, String) {
        let url = format!("http://127.0.0.1:{}", free_port());
        let mut command = self.command(&["serve", "--listen", url.trim_start_matches("http://")]);
        command.env("LEADRAIL_PUBLIC_URL", &url);
        command.envs(environment.iter().copied());
        let process = started(command, &self.log("serve"));
        wait_for("the HTTP API", Duration::from_secs(20), || async {
            let answer = self.http.get(format!("{url}/readyz")).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        (process, url)
    }

    /// Pushes leads through the CLI.
    pub fn push(&self, leads: &[Value]) {
        let body = Value::from(leads.to_vec()).to_string();
        let pushed = self.run(&["lead", "push", "-"], &body);
        assert!(
            pushed.status.success(),
            "{}",
            String::from_utf8_lossy(&pushed.stderr)
        );
    }

    /// Adds a fault rule to the simulated CRM.
    pub async fn fault(&self, rule: Value) {
        self.sim_post("faults", rule).await;
    }

    /// A call of the simulator's control API.
    pub async fn sim_post(&self, what: &str, body: Value) {
        let answer = self
            .http
            .post(self.sim(what))
            .json(&body)
            .send()
            .await
            .expect("the simulator");
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap_or_default()
        );
    }

    /// A change by another simulated CRM's control API.
    pub async fn sim_post_to(&self, crm: &str, what: &str, body: Value) {
        let url = format!("http://127.0.0.1:{}/_sim/{crm}/{what}", self.crm_port);
        let answer = self.http.post(url).json(&body).send().await;
        let answer = answer.expect("the simulator");
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// What another simulated CRM's control API shows.
    pub async fn sim_get(&self, crm: &str, what: &str) -> Value {
        let url = format!("http://127.0.0.1:{}/_sim/{crm}/{what}", self.crm_port);
        let answer = self.http.get(url).send().await.expect("the simulator");
        answer.json().await.expect("JSON")
    }

    /// Lets the simulated CRM behave again.
    pub async fn clear_faults(&self) {
        let answer = self
            .http
            .delete(self.sim("faults"))
            .send()
            .await
            .expect("the simulator");
        assert!(answer.status().is_success());
    }

    /// What really arrived.
    pub async fn books(&self) -> Books {
        let answer = self
            .http
            .get(self.sim("records"))
            .send()
            .await
            .expect("the simulator");
        Books::of(&answer.json().await.expect("JSON"))
    }

    /// How many leads (second looks not counted) are in these states.
    pub async fn count(&self, states: &[&str]) -> i64 {
        let states: Vec<String> = states.iter().map(|&state| state.to_owned()).collect();
        sqlx::query_scalar("select count(*) from leadrail.run where workflow = 'push_lead' and state::text = any ($1)")
            .bind(states)
            .fetch_one(&self.pool)
            .await
            .unwrap_or(-1)
    }

    /// What has not ended well, in a few words each.
    pub async fn unfinished(&self) -> String {
        let rows: Vec<String> = sqlx::query_scalar(
            "select concat_ws(' ', id, state, activity, attempt, reason, due_at - leadrail.now())
             from leadrail.run where workflow = 'push_lead' and state <> 'completed' limit 10",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap_or_default();
        rows.join("; ")
    }

    /// Waits until so many runs have completed.
    pub async fn until_completed(&self, runs: i64, patience: Duration) {
        let what = format!("{runs} completed runs");
        wait_for(&what, patience, || async {
            (self.count(&["completed"]).await >= runs).then_some(())
        })
        .await;
    }

    /// The time on the database's clock; waits for a database that is coming up.
    pub async fn now(&self) -> DateTime<Utc> {
        wait_for("the database's clock", Duration::from_secs(10), || async {
            sqlx::query_scalar("select leadrail.now()")
                .fetch_one(&self.pool)
                .await
                .ok()
        })
        .await
    }

    /// Ends the sessions through which workers write their journals, as they are now.
    pub async fn cut_journals(&self) {
        sqlx::query(
            "select pg_terminate_backend(a.pid) from pg_stat_activity a
             where a.datname = current_database() and a.application_name = 'leadrail-engine'
               and a.query like '%leadrail.journal(%'",
        )
        .execute(&self.pool)
        .await
        .expect("the sessions");
    }

    /// Moves the engine's clock ahead.
    pub async fn shift_clock(&self, seconds: f64) {
        sqlx::query("update leadrail.clock set shift = shift + $1 * interval '1 second'")
            .bind(seconds)
            .execute(&self.pool)
            .await
            .expect("the clock");
    }

    /// The server of its own.
    ///
    /// # Panics
    /// When the stage is on the shared one.
    pub fn server(&self) -> &TestServer {
        match &self.postgres {
            Postgres::Own(server) => server,
            Postgres::Shared(_) => panic!("this stage has no server of its own"),
        }
    }

    /// Every byte that any process of this stage has printed.
    pub fn all_output(&self) -> String {
        let logs = std::fs::read_dir(self.folder.path()).expect("the folder");
        logs.flatten()
            .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "log"))
            .map(|entry| std::fs::read_to_string(entry.path()).unwrap_or_default())
            .collect()
    }

    /// The stage's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the stage's database is.
    pub fn database_url(&self) -> String {
        url_of(&self.postgres)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn sim(&self, what: &str) -> String {
        format!(
            "http://127.0.0.1:{}/_sim/housecall_pro/{what}",
            self.crm_port
        )
    }
}

fn url_of(postgres: &Postgres) -> String {
    match postgres {
        Postgres::Shared(database) => database.url().to_owned(),
        Postgres::Own(server) => server.url("leadrail"),
    }
}

fn started(command: Command, log: &Path) -> Process {
    Process::spawn(command, log).expect("the process starts")
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The n-th lead of a test, as a call pipeline would send it; its caller has a number of his own.
pub fn sample_lead(n: u32) -> Value {
    json!({
        "schema_version": "1.0",
        "event": "lead.qualified",
        "event_id": uuid::Uuid::new_v4(),
        "timestamp_utc": chrono::DateTime::from_timestamp(1_795_000_000 + i64::from(n), 0),
        "callsetter_account_id": ACCOUNT,
        "call": { "call_id": format!("call_{n}"), "transcript_summary": "No heat since midnight." },
        "contact": {
            "first_name": "Ana",
            "last_name": format!("Test{n}"),
            "phone": format!("+1602{}{:04}", 200 + n / 10_000, n % 10_000),
        },
        "service_request": { "service_type": "HVAC", "urgency": "same_day", "issue_description": "No heat" },
        "ai_analysis": { "conversion_intent_score": 0.9 },
        "routing": { "destination_crm": "housecall_pro" },
    })
}
