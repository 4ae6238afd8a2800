//! Runs a private PostgreSQL for a script or a person, for as long as standard input stays open.
//!
//! ```text
//! private-postgres [--data-dir DIR] [--port PORT] [--database NAME] [--set NAME=VALUE]...
//! ```
//!
//! Prints the address as its only line on standard output. In a shell:
//! `coproc private-postgres --database dev; read -r DATABASE_URL <&"${COPROC[0]}"`.

use std::io::{Read, Write};
use std::process::ExitCode;

use leadrail_postgres::{Options, PrivateServer};

const USAGE: &str = "usage: private-postgres [--data-dir DIR] [--port PORT] [--database NAME] [--set NAME=VALUE]...";

#[tokio::main]
async fn main() -> ExitCode {
    let Some((options, database)) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(options, &database).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => {
            eprintln!("private-postgres: {refused}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<(Options, String)> {
    let mut options = Options::default();
    let mut database = String::from("postgres");
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--data-dir" => options.data_dir = Some(value.into()),
            "--port" => options.port = Some(value.parse().ok()?),
            "--database" => database = value,
            "--set" => {
                let (name, value) = value.split_once('=')?;
                options.settings.push((name.into(), value.into()));
            }
            _ => return None,
        }
    }
    Some((options, database))
}

async fn run(options: Options, database: &str) -> leadrail_postgres::Result<()> {
    let server = PrivateServer::start(options).await?;
    server.create_database(database).await?;
    // Nobody may be reading any more; then the input has ended as well.
    let _ = writeln!(std::io::stdout(), "{}", server.url(database));
    let _ =
        tokio::task::spawn_blocking(|| std::io::stdin().lock().read_to_end(&mut Vec::new())).await;
    server.close().await;
    Ok(())
}
