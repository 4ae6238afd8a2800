//! Several hosts: the one that takes writes is used, and a promoted standby takes its place.

use crate::kit::{Story, Working, World, quick, quick_config, registry};
use leadrail_engine::{DatabaseHosts, Engine, NewRun, RunId, RunState};
use leadrail_postgres::{Options, PrivateServer};
use sqlx::{Connection, PgConnection};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A primary and a standby that streams from it.
struct Pair {
    primary: PrivateServer,
    standby: Standby,
}

struct Standby {
    programs: PathBuf,
    folder: TempDir,
    owner: (u32, u32),
    port: u16,
}

impl Pair {
    async fn start() -> Self {
        let primary = PrivateServer::start(Options::default()).await;
        let primary = primary.expect("a primary");
        primary.create_database("leadrail").await.expect("create");
        let engine = Engine::connect(&primary.url("leadrail")).await;
        engine.expect("connect").migrate().await.expect("migrate");
        let standby = Standby::of(&primary).await;
        Self { primary, standby }
    }

    /// Both hosts, the standby first.
    fn url(&self) -> String {
        let own = format!("127.0.0.1:{}", self.primary.port());
        let both = format!("127.0.0.1:{},{own}", self.standby.port);
        self.primary.url("leadrail").replace(&own, &both)
    }

    fn standby_url(&self) -> String {
        let own = format!(":{}/", self.primary.port());
        let other = format!(":{}/", self.standby.port);
        self.primary.url("leadrail").replace(&own, &other)
    }

    /// The standby receives nothing any more.
    async fn cut_off(&self) {
        let mut standby = session(&self.standby_url()).await;
        for order in [
            "alter system set primary_conninfo = ''",
            "select pg_reload_conf()",
        ] {
            let done = sqlx::query(order).execute(&mut standby).await;
            done.expect(order);
        }
        let receives = "select exists (select from pg_stat_wal_receiver)";
        while sqlx::query_scalar(receives)
            .fetch_one(&mut standby)
            .await
            .expect("the standby answers")
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the standby has replayed all that the primary has committed.
    async fn in_step(&self) {
        let mut primary = session(&self.primary.url("leadrail")).await;
        let mut standby = session(&self.standby_url()).await;
        let at: String = sqlx::query_scalar("select pg_current_wal_lsn()::text")
            .fetch_one(&mut primary)
            .await
            .expect("a position");
        let there = "select coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)";
        let patience = tokio::time::Instant::now() + Duration::from_secs(30);
        while !sqlx::query_scalar::<_, bool>(there)
            .bind(&at)
            .fetch_one(&mut standby)
            .await
            .expect("the standby answers")
        {
            assert!(tokio::time::Instant::now() < patience, "it lags");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Standby {
    async fn of(primary: &PrivateServer) -> Self {
        let mut session = session(&primary.url("leadrail")).await;
        let programs = "select setting from pg_config where name = 'BINDIR'";
        let programs: String = sqlx::query_scalar(programs)
            .fetch_one(&mut session)
            .await
            .expect("where the programs are");
        let cluster = std::fs::metadata(primary.folder().join("data")).expect("the cluster");
        let folder = TempDir::new().expect("a folder");
        chown(folder.path(), Some(cluster.uid()), Some(cluster.gid())).expect("given away");
        let standby = Self {
            programs: programs.into(),
            folder,
            owner: (cluster.uid(), cluster.gid()),
            port: free_port(),
        };
        let url = primary.url("postgres");
        standby.run(
            "pg_basebackup",
            &["-R", "-X", "stream", "-c", "fast", "-d", &url],
        );
        // The primary's configuration includes this file of the folder that it is in.
        let settings = format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n\
             max_connections = 200\n",
            standby.port
        );
        let file = standby.folder.path().join("leadrail.conf");
        std::fs::write(file, settings).expect("settings");
        let log = standby.folder.path().join("log").display().to_string();
        standby.run("pg_ctl", &["start", "-w", "-l", &log]);
        standby
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(Path::new(&self.programs).join(program));
        command.arg("-D").arg(self.data()).args(arguments);
        command.current_dir("/").env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let here = std::fs::metadata("/proc/self").expect("ourselves").uid();
        if here != self.owner.0 {
            command.uid(self.owner.0).gid(self.owner.1);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = self.command(program, arguments).status();
        assert!(status.expect(program).success(), "{program} failed");
    }

    fn promote(&self) {
        self.run("pg_ctl", &["promote", "-w"]);
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        let _ = self
            .command("pg_ctl", &["stop", "-m", "immediate"])
            .status();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

async fn session(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a session")
}

/// Enqueues as soon as a database takes it.
async fn enqueue(engine: &Engine, key: &str, steps: &[&str]) -> RunId {
    let steps = steps.iter().map(|&step| step.to_owned()).collect();
    let run = NewRun::of::<Story>(&steps).expect("input");
    let run = [run.keyed("acme", key)];
    let patience = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        match engine.enqueue(&run).await {
            Ok(answers) => return answers[0].run_id,
            Err(error) if tokio::time::Instant::now() > patience => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn until(engine: &Engine, run: RunId, state: RunState) {
    let reached = async {
        loop {
            let view = engine.run(run).await.ok().flatten();
            if view.is_some_and(|view| view.state == state) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
    reached.unwrap_or_else(|_| panic!("{run} is not {state:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writable_host_is_used_and_a_promoted_one_is_followed() {
    let pair = Pair::start().await;
    let engine = Engine::connect(&pair.url()).await.expect("connect");
    let worker = Working::of(&engine, registry(&World::new(), quick()), quick_config());
    let before = enqueue(&engine, "before", &["a"]).await;
    until(&engine, before, RunState::Completed).await;
    pair.in_step().await;

    pair.primary.kill().await.expect("killed");
    pair.standby.promote();
    let after = enqueue(&engine, "after", &["b"]).await;
    until(&engine, after, RunState::Completed).await;
    until(&engine, before, RunState::Completed).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_loses_commits_doubles_nothing_outside() {
    let pair = Pair::start().await;
    let engine = Engine::connect(&pair.url()).await.expect("connect");
    let world = World::new();
    let worker = Working::of(&engine, registry(&world, quick()), quick_config());
    let first = enqueue(&engine, "first", &["first"]).await;
    until(&engine, first, RunState::Completed).await;
    worker.stop().await;
    let known = enqueue(&engine, "known", &["a", "b", "c"]).await;
    pair.in_step().await;

    // From here on the standby hears nothing.
    pair.cut_off().await;
    let worker = Working::of(&engine, registry(&world, quick()), quick_config());
    until(&engine, known, RunState::Completed).await;
    let lost = enqueue(&engine, "lost", &["d"]).await;
    until(&engine, lost, RunState::Completed).await;

    pair.primary.kill().await.expect("killed");
    pair.standby.promote();
    // The caller got an answer for it, but may send it again.
    let again = enqueue(&engine, "lost", &["d"]).await;
    assert_ne!(again, lost, "the standby must have missed it");
    until(&engine, again, RunState::Completed).await;
    until(&engine, known, RunState::Completed).await;
    for step in ["first", "a", "b", "c", "d"] {
        assert_eq!(world.effects(step), 1, "{step}");
    }
    let looked = engine.history(known).await.expect("history");
    let looked = looked.iter().filter(|event| {
        let payload = event.payload.as_ref();
        payload.is_some_and(|payload| payload["source"] == "reconciled")
    });
    assert_eq!(looked.count(), 3);
    let checks = engine.check_invariants().await.expect("the checks");
    let failover = checks.iter().find(|check| check.name == "failover");
    let detail = &failover.expect("the check").detail;
    assert!(detail.contains(&known.to_string()), "{detail}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_comes_back_after_its_standby_was_promoted_is_not_used() {
    let pair = Pair::start().await;
    pair.in_step().await;
    pair.standby.promote();
    // Both take writes now; the promoted one has the newer timeline.
    let hosts: DatabaseHosts = pair.url().parse().expect("a list");
    let writable = hosts.writable().await.expect("a primary");
    assert_eq!(writable.get_port(), pair.standby.port);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_standbys_only_says_so_of_each() {
    let pair = Pair::start().await;
    pair.primary.stop().await.expect("stopped");
    let hosts: DatabaseHosts = pair.url().parse().expect("a list");
    let refused = hosts.writable().await.expect_err("nobody").to_string();
    let standby = format!("127.0.0.1:{} is a standby", pair.standby.port);
    let away = format!("127.0.0.1:{}: ", pair.primary.port());
    assert!(
        refused.contains(&standby) && refused.contains(&away),
        "{refused}"
    );
}
