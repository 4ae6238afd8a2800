//! A real PgBouncer in front of a database.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use crate::account::Account;

/// Debian keeps it where an ordinary user does not look.
const PATH: &str = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/bin";

/// A PgBouncer of a test's own; killed when dropped.
#[derive(Debug)]
pub struct Pooler {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Pooler {
    /// Starts one in front of this database, as its database `pooled`, which asks nobody for a password.
    /// `mode` is `session` or `transaction`; `ignored` are start-up parameters that it drops.
    ///
    /// # Panics
    /// Where there is no `pgbouncer`, saying what to install, or it does not start.
    #[must_use]
    pub fn start(url: &str, mode: &str, ignored: &str) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().expect("a folder");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("permissions");
        let settings = folder.path().join("pgbouncer.ini");
        fs::write(&settings, ini(url, port, mode, ignored)).expect("written");
        let account = Account::choose().expect("an unprivileged user");
        let mut command = account.command("pgbouncer");
        let command = command.env("PATH", PATH).arg(&settings);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.unwrap_or_else(|_| {
            panic!(
                "pgbouncer is missing: install it (`.ci/setup pgbouncer`, or your system's package)"
            )
        });
        let pooler = Self {
            process,
            port,
            _folder: folder,
        };
        pooler.until_it_listens();
        pooler
    }

    /// The address of the database behind it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://anybody@127.0.0.1:{}/pooled", self.port)
    }

    fn until_it_listens(&self) {
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < patience, "pgbouncer does not listen");
            std::thread::yield_now();
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn ini(url: &str, port: u16, mode: &str, ignored: &str) -> String {
    let server: PgConnectOptions = url.parse().expect("a database URL");
    format!(
        "[databases]\n\
         pooled = host={} port={} dbname={} user={} password={}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
         pool_mode = {mode}\nignore_startup_parameters = {ignored}\n",
        server.get_host(),
        server.get_port(),
        server.get_database().unwrap_or("postgres"),
        server.get_username(),
        password(url).unwrap_or_default(),
    )
}

/// The password of a test server's URL, which has nothing in it that must be escaped.
fn password(url: &str) -> Option<&str> {
    let (user, _) = url.split_once("://")?.1.split_once('@')?;
    user.split_once(':').map(|(_, password)| password)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
