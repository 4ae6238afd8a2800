//! The parts of the demo, put up and taken down.

use super::cast::{Accounts, CRM, Cast};
use crate::commands::connection::{self, RELEASE_SPACING};
use crate::commands::worker;
use crate::database;
use crate::output;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use leadrail_adapters::{Adapters, CrmHttp};
use leadrail_connections::{Connection, Connections, NewConnection, VaultKey};
use leadrail_crm_sim::CrmSim;
use leadrail_engine::{Engine, RetrySchedule, WorkerConfig, run_worker};
use leadrail_postgres::{Options, PrivateServer};
use leadrail_server::ServerState;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How much faster the retry schedule runs.
pub(super) const FASTER: u32 = 300;
/// Short, so that nobody watches a hanging call for long.
const CALL_TIMEOUT_MS: u64 = 1_500;
const SETTLE_SECONDS: u64 = 1;
const DATABASE: &str = "leadrail";

pub(super) struct Stage {
    pub(super) engine: Engine,
    pub(super) database_url: String,
    pub(super) vault_file: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) api: String,
    pub(super) http: reqwest::Client,
    sim: CrmSim,
    sim_url: String,
    json: bool,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    postgres: PrivateServer,
    /// Removed with this value.
    _temporary: Option<tempfile::TempDir>,
}

impl Stage {
    /// Puts everything up but the workers.
    pub(super) async fn up(data_dir: Option<&Path>, json: bool) -> anyhow::Result<Self> {
        let (folder, temporary) = folder(data_dir)?;
        let postgres = PrivateServer::start(Options {
            data_dir: data_dir.map(|dir| dir.join("postgres")),
            ..Options::default()
        })
        .await?;
        postgres.create_database(DATABASE).await?;
        let database_url = postgres.url(DATABASE);
        let pool = database::pool(&database_url.parse()?);
        leadrail_connections::migrate(&pool).await?;
        let engine = Engine::new(pool);
        let vault_file = folder.join("vault.key");
        if !vault_file.exists() {
            VaultKey::generate()?.write_new(&vault_file)?;
        }
        let mut stage = Self {
            engine,
            database_url,
            vault_file,
            folder,
            api: String::new(),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(30))
                .build()?,
            sim: CrmSim::new(),
            sim_url: String::new(),
            json,
            stop: CancellationToken::new(),
            tasks: Vec::new(),
            postgres,
            _temporary: temporary,
        };
        stage.open_crm().await?;
        stage.open_api().await?;
        stage.greet()?;
        Ok(stage)
    }

    async fn open_crm(&mut self) -> anyhow::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        self.sim_url = format!("http://{}", listener.local_addr()?);
        let serving = leadrail_crm_sim::serve(
            listener,
            self.sim.clone(),
            self.stop.clone().cancelled_owned(),
        );
        self.tasks.push(tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = %error, "The simulated CRM ended");
            }
        }));
        Ok(())
    }

    async fn open_api(&mut self) -> anyhow::Result<()> {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = leadrail_server::bind(any_port).await?;
        self.api = format!("http://{}", listener.local_addr()?);
        let state = ServerState {
            engine: self.engine.clone(),
            connections: self.connections()?,
            adapters: Adapters::all(),
            http: CrmHttp::new()?,
            schedule: schedule(),
        };
        let serving = leadrail_server::serve(listener, state, self.stop.clone());
        self.tasks.push(tokio::spawn(serving));
        Ok(())
    }

    /// Starts the worker of this process.
    pub(super) fn start_worker(&mut self) -> anyhow::Result<()> {
        let registry = worker::registry(&self.engine, self.vault_key()?)?;
        let config = WorkerConfig {
            name: "second".to_owned(),
            concurrency: 32,
            grace: Duration::from_secs(1),
            schedule: schedule(),
            ..WorkerConfig::default()
        };
        let (engine, stop) = (self.engine.clone(), self.stop.clone());
        let working = async move { run_worker(&engine, registry, config, stop).await };
        self.tasks.push(tokio::spawn(working));
        Ok(())
    }

    /// Connects every account to its company in the simulated CRM.
    pub(super) async fn connect(&self, cast: &Cast) -> anyhow::Result<()> {
        for account in cast.accounts.all() {
            self.connect_one(account).await?;
        }
        Ok(())
    }

    async fn connect_one(&self, account: &str) -> anyhow::Result<Connection> {
        let settings = json!({
            "call_timeout_ms": CALL_TIMEOUT_MS, "settle_seconds": SETTLE_SECONDS,
        });
        let new = NewConnection {
            account: account.to_owned(),
            crm: CRM.to_owned(),
            crm_account_id: None,
            base_url: Some(format!("{}/{CRM}", self.sim_url)),
            auth_method: "api_key".to_owned(),
            secret: SecretString::from(format!("sim-{account}")),
            settings,
        };
        Ok(self.connections()?.add(new).await?)
    }

    /// Tells the simulated CRM how to misbehave; not what should come of it.
    pub(super) fn arm(&self, cast: &Cast) -> anyhow::Result<()> {
        for rule in &cast.faults {
            self.sim.add_fault(CRM, rule.clone())?;
        }
        Ok(())
    }

    /// The CRM accepts this account's key no more.
    pub(super) async fn revoke_key(&self, accounts: &Accounts) -> anyhow::Result<()> {
        let key = format!("sim-{}", accounts.refused);
        self.tokens(json!({ "revoke": { "key": key } })).await
    }

    /// Gives the account a key that works again and lets its leads go, as `connection add` does,
    /// spaced as if the clock ran as fast as the retries.
    pub(super) async fn connect_again(&self, accounts: &Accounts) -> anyhow::Result<()> {
        let account = &accounts.refused;
        let key = format!("sim-{account}");
        self.tokens(json!({ "allow": { "key": key, "company": account } }))
            .await?;
        let connection = self.connect_one(account).await?;
        connection::release(&self.engine, &connection, RELEASE_SPACING / FASTER).await?;
        Ok(())
    }

    async fn tokens(&self, change: Value) -> anyhow::Result<()> {
        let answer = self
            .http
            .post(format!("{}/_sim/{CRM}/tokens", self.sim_url))
            .header("content-type", "application/json")
            .body(change.to_string())
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// The CRM's own books.
    pub(super) fn books(&self) -> Value {
        self.sim.records(CRM)
    }

    /// Now, on the database's clock.
    pub(super) async fn now(&self) -> anyhow::Result<DateTime<Utc>> {
        let now = sqlx::query_scalar!(r#"select leadrail.now() as "now!""#);
        Ok(now.fetch_one(self.engine.pool()).await?)
    }

    /// Says something without getting into the way of `--json`.
    pub(super) fn say(&self, text: &str) -> anyhow::Result<()> {
        if self.json {
            eprintln!("{text}");
            return Ok(());
        }
        output::line(text)
    }

    /// Where everything is, for `--serve`.
    pub(super) fn addresses(&self) -> String {
        format!(
            "\nup until Ctrl-C:\n  API            {}/v1/leads?state=dead\n  simulated CRM  {}/_sim/{CRM}/records\n  \
             and for other commands in another shell:\n  export DATABASE_URL='{}' LEADRAIL_VAULT_KEY_FILE='{}'",
            self.api,
            self.sim_url,
            self.database_url,
            self.vault_file.display()
        )
    }

    /// Takes everything down; returns when the database is gone.
    pub(super) async fn down(self) {
        self.stop.cancel();
        for task in self.tasks {
            let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
        }
        self.engine.pool().close().await;
        self.postgres.close().await;
    }

    fn greet(&self) -> anyhow::Result<()> {
        let major = self.postgres.major_version();
        self.say(&format!(
            "PostgreSQL {major} (synchronous_commit on), simulated {CRM}, API at {}",
            self.api
        ))?;
        let wait = |schedule: &RetrySchedule| schedule.waits()[0].delay.as_secs_f64();
        let (usual, fast) = (wait(&RetrySchedule::default()), wait(&schedule()));
        self.say(&format!(
            "retry clock x{FASTER}: waits of {usual} s take {fast} s; calls time out after {} s",
            CALL_TIMEOUT_MS as f64 / 1_000.0
        ))
    }

    fn vault_key(&self) -> anyhow::Result<VaultKey> {
        Ok(VaultKey::read(&self.vault_file)?)
    }

    fn connections(&self) -> anyhow::Result<Connections> {
        Ok(Connections::new(
            self.engine.pool().clone(),
            self.vault_key()?,
        ))
    }
}

/// The usual schedule on a faster clock.
pub(super) fn schedule() -> RetrySchedule {
    RetrySchedule::default().faster(FASTER)
}

fn folder(data_dir: Option<&Path>) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    match data_dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| {
                format!(
                    "the folder {} cannot be made; choose another --data-dir",
                    dir.display()
                )
            })?;
            Ok((dir.canonicalize()?, None))
        }
        None => {
            let temporary =
                tempfile::tempdir().context("no temporary folder can be made; give --data-dir")?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}
