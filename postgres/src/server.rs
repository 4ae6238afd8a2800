//! A server from its start to its end.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::cluster::Cluster;
use crate::database;
use crate::download::download;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::supervisor::{Command, Supervisor};

/// How often another free port is tried when somebody took the first one in between.
pub(crate) const PORT_TRIES: usize = 5;

/// A running private server. When this value is dropped, or its process dies in whatever way, the
/// server stops and a temporary folder is removed.
///
/// The methods need a tokio runtime, but the server belongs to none: it may be used from several,
/// one after another.
#[derive(Debug)]
pub struct PrivateServer {
    pub(crate) supervisor: Supervisor,
    pub(crate) cluster: Arc<Cluster>,
    /// Where PostgreSQL's programs are.
    pub(crate) programs: PathBuf,
    pub(crate) port: u16,
    pub(crate) major: u32,
}

impl PrivateServer {
    /// Finds PostgreSQL's programs, makes the cluster if there is none yet, and starts it.
    ///
    /// Takes about two seconds for a new cluster and a fraction of one for a kept one.
    ///
    /// # Errors
    /// Whatever keeps the server from running, see [`Error`]. Nothing stays behind then, but for
    /// a folder that the caller named.
    pub async fn start(options: Options) -> Result<Self> {
        options.check()?;
        let account = Account::choose()?;
        let programs = match Binaries::find(&account) {
            Some(installed) => installed,
            None => download(&account).await?,
        };
        blocking(move || Self::start_on(&options, &programs)).await
    }

    fn start_on(options: &Options, programs: &Binaries) -> Result<Self> {
        let cluster = match &options.data_dir {
            Some(folder) => Cluster::kept(folder)?,
            None => Cluster::temporary()?,
        };
        let lock = cluster.lock()?;
        let supervisor = Supervisor::spawn(
            &cluster.account,
            &programs.folder,
            &cluster.folder,
            cluster.keep,
            lock,
        )?;
        if !cluster.is_initialized() && !supervisor.tell(Command::Init)? {
            return Err(Error::Init {
                log: cluster.log_end("supervisor.log"),
            });
        }
        let port = start_on_a_port(options, &cluster, &supervisor)?;
        Ok(Self {
            supervisor,
            cluster: Arc::new(cluster),
            programs: programs.folder.clone(),
            port,
            major: programs.major,
        })
    }

    /// The address of a database on this server, password included: for connecting, not for logs.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (password, port) = (self.cluster.password.expose_secret(), self.port);
        let database = database::url_segment(database);
        format!("postgres://postgres:{password}@127.0.0.1:{port}/{database}")
    }

    /// The port on 127.0.0.1. It stays the same through stops and starts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// PostgreSQL's major version, such as 15.
    #[must_use]
    pub fn major_version(&self) -> u32 {
        self.major
    }

    /// The folder with the cluster, the password and PostgreSQL's log (`server.log`).
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.cluster.folder
    }

    /// Creates a database unless it is there.
    ///
    /// # Errors
    /// [`Error::Database`] if the server refuses the name or does not answer.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        Ok(database::create(&self.url("postgres"), name).await?)
    }

    /// Stops the server: connections are cut, what was committed is written down. It can be
    /// started again. Stopping a stopped server does nothing.
    ///
    /// # Errors
    /// [`Error::Supervisor`] if the supervisor is gone.
    pub async fn stop(&self) -> Result<()> {
        self.tell(Command::Fast).await
    }

    /// Stops the server at once without writing anything down: the next start recovers.
    ///
    /// # Errors
    /// As [`stop`](Self::stop).
    pub async fn stop_immediate(&self) -> Result<()> {
        self.tell(Command::Immediate).await
    }

    /// Kills the server's first process with `kill -9`, as a crash would.
    ///
    /// # Errors
    /// As [`stop`](Self::stop).
    pub async fn kill(&self) -> Result<()> {
        self.tell(Command::Kill).await
    }

    /// Starts a stopped or killed server again, with the same data on the same port.
    ///
    /// # Errors
    /// [`Error::Start`] if it does not come up, with the end of its log.
    pub async fn start_again(&self) -> Result<()> {
        let supervisor = self.supervisor.clone();
        let cluster = Arc::clone(&self.cluster);
        blocking(move || {
            if supervisor.tell(Command::Start)? {
                return Ok(());
            }
            Err(Error::Start {
                log: cluster.log_end("server.log"),
            })
        })
        .await
    }

    /// Ends the server for good and returns when it is down and a temporary folder is gone.
    /// Dropping it does the same without waiting.
    pub async fn close(self) {
        let _ = tokio::task::spawn_blocking(move || self.supervisor.let_go()).await;
    }

    async fn tell(&self, command: Command) -> Result<()> {
        let supervisor = self.supervisor.clone();
        blocking(move || supervisor.tell(command).map(drop)).await
    }
}

/// Writes the settings and starts the server, on another free port if the first one was taken in
/// the moment between looking and binding.
pub(crate) fn start_on_a_port(
    options: &Options,
    cluster: &Cluster,
    supervisor: &Supervisor,
) -> Result<u16> {
    let mut tries = PORT_TRIES;
    loop {
        let port = match options.port {
            Some(port) => port,
            None => free_port()?,
        };
        cluster.write(
            "leadrail.conf",
            &options.settings_file(&cluster.folder, port),
        )?;
        if supervisor.tell(Command::Start)? {
            return Ok(port);
        }
        let log = cluster.log_end("server.log");
        tries -= 1;
        if options.port.is_some() || tries == 0 || !log.contains("could not bind") {
            return Err(Error::Start { log });
        }
    }
}

/// A port of 127.0.0.1 that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("find a free port on", "127.0.0.1"))
}

/// Runs blocking work away from the runtime's own threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(Error::CutOff))
}
