//! The last resort: a machine without PostgreSQL downloads it (`postgresql_embedded`).

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use postgresql_embedded::{PostgreSQL, Settings, V17};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::{Error, Result};

/// The project behind `postgresql_embedded`, whose releases it knows how to read.
const RELEASES: &str = "https://github.com/theseus-rs/postgresql-binaries";

/// PostgreSQL's programs from the network, or from an earlier download.
pub(crate) async fn download(account: &Account) -> Result<Binaries> {
    download_from(RELEASES, installation_dir(account), account).await
}

async fn download_from(releases: &str, folder: PathBuf, account: &Account) -> Result<Binaries> {
    tracing::info!(
        "found no PostgreSQL on this machine, downloading one to {}",
        folder.display()
    );
    let scratch = tempfile::tempdir().map_err(Error::io("make a folder in", env::temp_dir()))?;
    // Its `setup` installs and then makes a cluster, as root too, where initdb fails. A cluster
    // that looks made already leaves the installing.
    let pretended = scratch.path().join("postgresql.conf");
    fs::write(&pretended, "").map_err(Error::io("write", &pretended))?;
    let mut installer = PostgreSQL::new(Settings {
        releases_url: releases.into(),
        version: V17.clone(),
        installation_dir: folder,
        password_file: scratch.path().join("password"),
        data_dir: scratch.path().to_owned(),
        host: "127.0.0.1".into(),
        port: 0,
        username: "postgres".into(),
        password: String::new(),
        temporary: true,
        timeout: Some(Duration::from_secs(60)),
        configuration: std::collections::HashMap::new(),
        trust_installation_dir: false,
        socket_dir: None,
    });
    installer
        .setup()
        .await
        .map_err(|source| Error::NoPrograms {
            source: source.into(),
        })?;
    let programs = installer.settings().binary_dir();
    Binaries::in_folder(&programs, account).ok_or_else(|| Error::NoPrograms {
        source: format!("the programs in {} do not run", programs.display()).into(),
    })
}

/// Where the programs are kept: root's must be readable by the user that root lends them to.
fn installation_dir(account: &Account) -> PathBuf {
    let cache = match account {
        Account::Lent { .. } => PathBuf::from("/var/cache"),
        Account::Ourselves => env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))
            .unwrap_or_else(env::temp_dir),
    };
    cache.join("leadrail/postgresql")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_download_says_what_to_install() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = download_from(
            "http://127.0.0.1:1/nothing",
            folder.path().join("pg"),
            &Account::Ourselves,
        )
        .await
        .expect_err("nothing can be downloaded from there");
        assert!(
            refused.to_string().contains("apt-get install postgresql"),
            "{refused}"
        );
        assert!(std::error::Error::source(&refused).is_some());
    }
}
