//! The product on this machine, for one command: a private PostgreSQL, a simulated CRM, the API.
//!
//! The parts are the real ones, but for the CRM. Whoever puts a rig up adds workers, connections and
//! trouble.

use crate::places::{HOME, Place};
use crate::program::Program;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use leadrail_connections::{BaseUrl, Connection, Connections, VaultKey};
use leadrail_crm_sim::{CrmSim, HOUSECALL_PRO};
use leadrail_desk::Desk;
use leadrail_engine::{DatabaseHosts, Engine, RetrySchedule, WorkerConfig, run_worker};
use leadrail_outbound::{Guard, Outbound};
use leadrail_postgres::{Options, PrivateServer};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The CRM in which the accounts of a rig are, but for a few of the demo's.
pub(crate) const CRM: &str = HOUSECALL_PRO;
const DATABASE: &str = "leadrail";
/// The API and the simulated CRM are on this machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a rig is to be.
pub(crate) struct RigOptions {
    /// What its workers are processes of.
    pub(crate) program: Program,
    /// Where database and vault key are kept; a temporary folder if not given.
    pub(crate) data_dir: Option<PathBuf>,
    /// PostgreSQL's.
    pub(crate) settings: Vec<(String, String)>,
    /// Of workers and timelines.
    pub(crate) schedule: RetrySchedule,
    /// A second PostgreSQL follows the first.
    pub(crate) with_standby: bool,
}

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
    program: Program,
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
    /// Puts everything up but the workers.
    pub(crate) async fn up(options: RigOptions) -> anyhow::Result<Self> {
        let (folder, temporary) = folder(options.data_dir.as_deref())?;
        let (postgres, standby) = servers(&options).await?;
        let database_url = address(&postgres, standby.as_ref());
        let pool = database_url.parse::<DatabaseHosts>()?.durable_pool();
        leadrail_connections::migrate(&pool).await?;
        let vault_file = folder.join("vault.key");
        if !vault_file.exists() {
            VaultKey::generate()?.write_new(&vault_file)?;
        }
        let mut rig = Self {
            program: options.program,
            engine: Engine::new(pool),
            database_url,
            vault_file,
            folder,
            api: String::new(),
            http: client()?,
            sim: CrmSim::new(),
            sim_url: String::new(),
            postgres,
            standby,
            schedule: options.schedule,
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
        let serving = leadrail_server::serve(
            listener,
            self.desk()?,
            leadrail_server::Admission::default(),
            self.stop.clone(),
        );
        self.tasks.push(tokio::spawn(serving));
        Ok(())
    }

    /// The desk on the rig's database.
    pub(crate) fn desk(&self) -> anyhow::Result<Desk> {
        let desk = Desk::new(self.engine.clone(), self.schedule.clone());
        let desk = desk.with_public_url(BaseUrl::parse(&self.api).ok());
        Ok(desk.with_vault(self.vault_key()?, Outbound::new(Guard::with_loopback())?))
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
        arguments: &[String],
        name: &str,
        concurrency: u32,
    ) -> Command {
        let waits = self.schedule.waits().iter().map(ToString::to_string);
        let waits: Vec<_> = waits.collect();
        let mut command = self.program.command(&self.folder);
        command
            .args(arguments)
            .args(["--name", name, "--concurrency"])
            .arg(concurrency.to_string())
            .env("DATABASE_URL", &self.database_url)
            .env("LEADRAIL_VAULT_KEY_FILE", &self.vault_file)
            .env("LEADRAIL_WORKER_RETRY_SCHEDULE", waits.join(","))
            .env("LEADRAIL_OUTBOUND_ALLOW", "127.0.0.0/8")
            .env("LEADRAIL_LOG", "warn");
        command
    }

    /// Where the process of this name prints what it has to say.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// Connects an account to the company of its name in the simulated CRM: how long a call may take,
    /// and after what time an effect must show.
    pub(crate) async fn connect(
        &self,
        account: &str,
        call_timeout_ms: u64,
        settle_seconds: u64,
    ) -> anyhow::Result<Connection> {
        self.connect_at(&HOME, account, call_timeout_ms, settle_seconds)
            .await
    }

    /// The same, in whichever CRM.
    pub(crate) async fn connect_at(
        &self,
        place: &Place,
        account: &str,
        call_timeout_ms: u64,
        settle_seconds: u64,
    ) -> anyhow::Result<Connection> {
        let new = place.connection(&self.sim_url, account, call_timeout_ms, settle_seconds);
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

    /// What stands in the CRM's own books.
    pub(crate) fn records(&self) -> Value {
        self.sim.records(CRM)
    }

    /// What stands in the books of each simulated CRM, by its name.
    pub(crate) fn all_records(&self) -> Vec<(&'static str, Value)> {
        let crms = self.sim.crms().into_iter();
        crms.map(|crm| (crm, self.sim.records(crm))).collect()
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

/// The database's server, and one that follows it if that is wanted.
async fn servers(options: &RigOptions) -> anyhow::Result<(PrivateServer, Option<PrivateServer>)> {
    let data_dir = options.data_dir.as_ref();
    let postgres = PrivateServer::start(Options {
        data_dir: data_dir.map(|dir| dir.join("postgres")),
        settings: options.settings.clone(),
        ..Options::default()
    })
    .await?;
    postgres.create_database(DATABASE).await?;
    let standby = match options.with_standby {
        true => Some(postgres.standby(&options.settings).await?),
        false => None,
    };
    Ok((postgres, standby))
}

#[expect(
    clippy::disallowed_methods,
    reason = "our own API and the simulator are called"
)]
fn client() -> reqwest::Result<reqwest::Client> {
    let client = reqwest::Client::builder().no_proxy();
    client.timeout(ANSWER_WITHIN).build()
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
