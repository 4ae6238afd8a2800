//! What a private server promises to the program that starts it.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use leadrail_postgres::{Error, Options, PrivateServer};
use sqlx::{Connection, PgConnection};

async fn number(url: &str, query: &'static str) -> Result<i64> {
    let mut server = PgConnection::connect(url).await?;
    Ok(sqlx::query_scalar(query).fetch_one(&mut server).await?)
}

async fn execute(url: &str, statement: &'static str) -> Result<()> {
    let mut server = PgConnection::connect(url).await?;
    sqlx::query(statement).execute(&mut server).await?;
    Ok(())
}

/// Waits for something that another process does.
fn eventually(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        ensure!(Instant::now() < end, "{what} did not happen in 30 s");
        std::thread::yield_now();
    }
    Ok(())
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[tokio::test]
async fn committed_data_survives_a_stop_a_crash_stop_and_a_kill() -> Result<()> {
    let server = PrivateServer::start(Options::default()).await?;
    server.create_database("kept").await?;
    let url = server.url("kept");
    execute(&url, "create table step (n bigint)").await?;

    execute(&url, "insert into step values (1)").await?;
    server.stop().await?;
    ensure!(!listens(server.port()), "it still listens after the stop");
    server.start_again().await?;

    execute(&url, "insert into step values (10)").await?;
    server.stop_immediate().await?;
    server.start_again().await?;

    execute(&url, "insert into step values (100)").await?;
    server.kill().await?;
    server.start_again().await?;
    ensure!(number(&url, "select sum(n)::bigint from step").await? == 111);
    server.close().await;
    Ok(())
}

#[tokio::test]
async fn a_named_folder_is_kept_and_used_again() -> Result<()> {
    let parent = open_folder()?;
    let options = Options {
        data_dir: Some(parent.path().join("pg")),
        ..Options::default()
    };

    let first = PrivateServer::start(options.clone()).await?;
    first.create_database("demo").await?;
    first.create_database("demo").await?;
    execute(
        &first.url("demo"),
        "create table lead as select 7::bigint as n",
    )
    .await?;
    first.close().await;

    let second = PrivateServer::start(options).await?;
    ensure!(number(&second.url("demo"), "select n from lead").await? == 7);
    second.close().await;
    ensure!(
        parent.path().join("pg/data/PG_VERSION").exists(),
        "the folder is gone"
    );
    Ok(())
}

#[tokio::test]
async fn a_temporary_folder_is_gone_after_close() -> Result<()> {
    let server = PrivateServer::start(Options::default()).await?;
    let folder = server.folder().to_owned();
    ensure!(folder.exists());
    server.close().await;
    ensure!(!folder.exists(), "{} is still there", folder.display());
    Ok(())
}

#[tokio::test]
async fn only_the_password_opens_the_server_and_commits_are_durable() -> Result<()> {
    let options = Options {
        settings: vec![("max_connections".into(), "33".into())],
        ..Options::default()
    };
    let server = PrivateServer::start(options).await?;
    let url = server.url("postgres");
    let without = format!(
        "postgres://postgres:wrong@127.0.0.1:{}/postgres",
        server.port()
    );
    let refused = PgConnection::connect(&without)
        .await
        .err()
        .context("a wrong password was taken")?;
    ensure!(refused.to_string().contains("password"), "{refused}");
    ensure!(number(&url, "select current_setting('max_connections')::bigint").await? == 33);
    let durable = "select count(*) from pg_settings where setting = 'on' \
                   and name in ('fsync', 'synchronous_commit', 'full_page_writes')";
    ensure!(number(&url, durable).await? == 3);
    server.close().await;
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_with_postgresqls_own_words() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let refused = PrivateServer::start(Options {
        port: Some(port),
        ..Options::default()
    })
    .await;
    let Err(Error::Start { log }) = refused else {
        anyhow::bail!("it started on a taken port: {refused:?}")
    };
    ensure!(log.contains("Address already in use"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_setting_that_postgresql_refuses_is_named_in_the_error() -> Result<()> {
    let options = Options {
        settings: vec![("no_such_setting".into(), "1".into())],
        ..Options::default()
    };
    let refused = PrivateServer::start(options)
        .await
        .err()
        .context("it started")?;
    ensure!(refused.to_string().contains("no_such_setting"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_server_used_by_one_runtime_can_be_used_by_the_next() -> Result<()> {
    let server = PrivateServer::start(Options::default()).await?;
    let server = std::thread::spawn(move || {
        let other = tokio::runtime::Runtime::new()?;
        other.block_on(server.create_database("elsewhere"))?;
        anyhow::Ok(server)
    })
    .join()
    .expect("no panic")?;
    ensure!(number(&server.url("elsewhere"), "select 1::bigint").await? == 1);
    server.close().await;
    Ok(())
}

/// A folder that the server's user can enter, whoever that is.
fn open_folder() -> Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// A process that owns a server, and the server's address.
fn owner(arguments: &[&str]) -> Result<(Child, u16)> {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_private-postgres"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut url = String::new();
    BufReader::new(owner.stdout.take().context("piped")?).read_line(&mut url)?;
    let port = url
        .rsplit(':')
        .next()
        .and_then(|end| end.split('/').next())
        .context("an address")?;
    Ok((
        owner,
        port.parse()
            .with_context(|| format!("no address: {url:?}"))?,
    ))
}

/// The folder that the server on `port` was started in, found by its lock file in the temporary
/// folders.
fn temporary_folder(port: u16) -> Option<std::path::PathBuf> {
    let socket = format!(".s.PGSQL.{port}");
    let folders = [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    folders
        .iter()
        .filter_map(|parent| std::fs::read_dir(parent).ok())
        .flat_map(Iterator::flatten)
        .map(|entry| entry.path())
        .find(|folder| folder.join(&socket).exists())
}

#[test]
fn a_server_whose_owner_is_killed_stops_and_takes_its_folder_along() -> Result<()> {
    let (mut owner, port) = owner(&[])?;
    let folder = temporary_folder(port).context("no folder has the server's socket")?;
    ensure!(listens(port) && folder.join("data").exists());
    owner.kill()?;
    owner.wait()?;
    eventually("the end of the server", || !listens(port))?;
    eventually("the removal of its folder", || !folder.exists())
}

#[test]
fn a_kept_folder_outlives_a_killed_owner_and_the_next_owner_waits_its_turn() -> Result<()> {
    let parent = open_folder()?;
    let folder = parent.path().join("pg");
    let arguments = ["--data-dir", folder.to_str().context("text")?];
    let (mut first, old_port) = owner(&arguments)?;
    first.kill()?;
    first.wait()?;
    let (mut second, port) = owner(&arguments)?;
    ensure!(listens(port) && (port == old_port || !listens(old_port)));
    drop(second.stdin.take());
    ensure!(second.wait()?.success());
    ensure!(!listens(port) && Path::new(&folder).join("data").exists());
    Ok(())
}
