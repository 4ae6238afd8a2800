//! The product on this machine, for one command: a private PostgreSQL, a simulated CRM, the API.
//!
//! The parts are the real ones, but for the CRM. Whoever puts a rig up adds workers, connections and
//! trouble.

pub(crate) mod books;

use crate::database;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use leadrail_connections::{Connection, Connections, NewConnection, VaultKey};
use leadrail_crm_sim::{CrmSim, HOUSECALL_PRO};
use leadrail_desk::Desk;
use leadrail_engine::{Engine, RetrySchedule, WorkerConfig, run_worker};
use leadrail_postgres::{Options, PrivateServer};
use secrecy::SecretString;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The CRM in which the accounts of a rig are.
pub(crate) const CRM: &str = HOUSECALL_PRO;
const DATABASE: &str = "leadrail";

/// Everything but the workers.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) database_url: String,
    pub(crate) vault_file: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) api: String,
    pub(crate) http: reqwest::Client,
    pub(crate) sim: CrmSim,
    pub(crate) sim_url: String,
    pub(crate) postgres: PrivateServer,
    /// Follows the server above, if one was asked for.
    pub(crate) standby: Option<PrivateServer>,
    schedule: RetrySchedule,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    /// Removed with this value.
    _temporary: Option<tempfile::TempDir>,
}

/// What the API said to a batch or to one lead.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Rig {
    /// Puts everything up but the workers, in a temporary folder unless one is named. The settings
    /// are PostgreSQL's; with a standby there are two of it.
    pub(crate) async fn up(
        data_dir: Option<&Path>,
        settings: &[(String, String)],
        schedule: RetrySchedule,
        with_standby: bool,
    ) -> anyhow::Result<Self> {
        let (folder, temporary) = folder(data_dir)?;
        let postgres = PrivateServer::start(Options {
            data_dir: data_dir.map(|dir| dir.join("postgres")),
            settings: settings.to_vec(),
            ..Options::default()
        })
        .await?;
        postgres.create_database(DATABASE).await?;
        let standby = match with_standby {
            true => Some(postgres.standby(settings).await?),
            false => None,
        };
        let database_url = address(&postgres, standby.as_ref());
        let pool = database::pool(&database_url.parse()?);
        leadrail_connections::migrate(&pool).await?;
        let engine = Engine::new(pool);
        let vault_file = folder.join("vault.key");
        if !vault_file.exists() {
            VaultKey::generate()?.write_new(&vault_file)?;
        }
        let mut rig = Self {
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
            postgres,
            standby,
            schedule,
            stop: CancellationToken::new(),
            tasks: Vec::new(),
            _temporary: temporary,
        };
        rig.open_crm().await?;
        rig.open_api().await?;
        Ok(rig)
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
        let serving = leadrail_server::serve(listener, self.desk()?, self.stop.clone());
        self.tasks.push(tokio::spawn(serving));
        Ok(())
    }

    /// The desk on the rig's database.
    pub(crate) fn desk(&self) -> anyhow::Result<Desk> {
        let desk = Desk::new(self.engine.clone(), self.schedule.clone());
        Ok(desk.with_vault(self.vault_key()?)?)
    }

    /// Starts a worker in this process.
    pub(crate) fn start_worker(&mut self, name: &str) -> anyhow::Result<()> {
        let registry = self.desk()?.registry()?;
        let config = WorkerConfig {
            name: name.to_owned(),
            concurrency: 32,
            grace: Duration::from_secs(1),
            schedule: self.schedule.clone(),
            ..WorkerConfig::default()
        };
        let (engine, stop) = (self.engine.clone(), self.stop.clone());
        let working = async move { run_worker(&engine, registry, config, stop).await };
        self.tasks.push(tokio::spawn(working));
        Ok(())
    }

    /// `leadrail worker`, or what takes its place with the same flags, as a process of its own on this
    /// rig, not started yet.
    pub(crate) fn worker_process(
        &self,
        command: &[String],
        name: &str,
        concurrency: u32,
    ) -> anyhow::Result<Command> {
        let program =
            std::env::current_exe().context("this program cannot find itself to start a worker")?;
        let arguments = command;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            // What the person has configured is for another database.
            if name.to_string_lossy().starts_with("LEADRAIL_") {
                command.env_remove(name);
            }
        }
        let waits = self.schedule.waits().iter().map(ToString::to_string);
        let waits: Vec<_> = waits.collect();
        command
            .args(arguments)
            .args(["--name", name, "--concurrency"])
            .arg(concurrency.to_string())
            .current_dir(&self.folder)
            .env("DATABASE_URL", &self.database_url)
            .env("LEADRAIL_VAULT_KEY_FILE", &self.vault_file)
            .env("LEADRAIL_WORKER_RETRY_SCHEDULE", waits.join(","))
            .env("LEADRAIL_LOG", "warn")
            .kill_on_drop(true);
        Ok(command)
    }

    /// Connects an account to the company of its name in the simulated CRM.
    pub(crate) async fn connect(
        &self,
        account: &str,
        settings: Value,
    ) -> anyhow::Result<Connection> {
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

    /// A call of the simulated CRM's control API.
    pub(crate) async fn control(&self, what: &str, change: &Value) -> anyhow::Result<()> {
        let answer = self
            .http
            .post(format!("{}/_sim/{CRM}/{what}", self.sim_url))
            .header("content-type", "application/json")
            .body(change.to_string())
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }

    /// Posts a lead, or a batch of them.
    pub(crate) async fn post(&self, body: &Value) -> anyhow::Result<Answer> {
        let request = self
            .http
            .post(format!("{}/v1/leads", self.api))
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.context("the API did not answer")?;
        let status = answer.status().as_u16();
        let bytes = answer
            .bytes()
            .await
            .context("the API did not answer to the end")?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, body })
    }

    /// The database on the first server, which is the only one without a standby.
    pub(crate) fn first_url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    /// The CRM's own books.
    pub(crate) fn books(&self) -> Value {
        self.sim.records(CRM)
    }

    /// Now, on the database's clock.
    pub(crate) async fn now(&self) -> anyhow::Result<DateTime<Utc>> {
        let now = sqlx::query_scalar!(r#"select leadrail.now() as "now!""#);
        Ok(now.fetch_one(self.engine.pool()).await?)
    }

    /// Takes everything down; returns when the database is gone.
    pub(crate) async fn down(self) {
        self.stop.cancel();
        for task in self.tasks {
            let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
        }
        self.engine.pool().close().await;
        self.postgres.close().await;
        if let Some(standby) = self.standby {
            standby.close().await;
        }
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

/// The database on whichever of the servers takes writes.
fn address(postgres: &PrivateServer, standby: Option<&PrivateServer>) -> String {
    let url = postgres.url(DATABASE);
    let Some(standby) = standby else { return url };
    let own = format!("127.0.0.1:{}", postgres.port());
    let both = format!("{own},127.0.0.1:{}", standby.port());
    url.replace(&own, &both)
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
