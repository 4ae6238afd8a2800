//! The folder of a private server: who owns it, its password, its settings, its lock.
//!
//! ```text
//! data/            the cluster
//! leadrail.conf    our settings, written anew at every start
//! password         of the superuser, readable by the server's user only
//! server.log       PostgreSQL's own log since the last start
//! supervisor.log   what the supervisor did; its lock says that the folder is in use
//! ```

use std::env;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::distr::Alphanumeric;
use secrecy::{ExposeSecret, SecretString};

use crate::account::Account;
use crate::error::{Error, Result};

/// How long a folder may stay taken by an owner that has just gone and whose server still stops.
const LEAVING: Duration = Duration::from_secs(20);

/// How much of a log an error quotes.
const QUOTED_LINES: usize = 6;

/// A prepared folder, not yet with a cluster in it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) folder: PathBuf,
    pub(crate) account: Account,
    pub(crate) password: SecretString,
    pub(crate) keep: bool,
}

impl Cluster {
    /// A temporary folder that the server's user can enter.
    pub(crate) fn temporary() -> Result<Self> {
        let account = Account::choose()?;
        let folder = temporary_folder(&account)?;
        Self::with_new_password(folder, account, false)
    }

    /// A temporary folder for a copy of this cluster: the same user, the same password.
    pub(crate) fn temporary_like(original: &Self) -> Result<Self> {
        let copy = Self {
            folder: temporary_folder(&original.account)?,
            account: original.account.clone(),
            password: original.password.clone(),
            keep: false,
        };
        let password = copy.password.expose_secret();
        copy.write("password", &format!("{password}\n"))?;
        Ok(copy)
    }

    /// The folder that a caller named: new, empty, or left by an earlier private server.
    pub(crate) fn kept(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder).map_err(Error::io("find", folder))?;
        let saved = folder.join("password");
        if saved.exists() {
            let password = fs::read_to_string(&saved)
                .map_err(Error::io("read", &saved))?
                .trim_end()
                .into();
            let account = Account::owner_of(&saved)?;
            let cluster = Self {
                folder,
                account,
                password,
                keep: true,
            };
            cluster.account.check_enters(&cluster.folder)?;
            return Ok(cluster);
        }
        let account = Account::choose()?;
        // Asked before anything is made: a refusal leaves no folder behind.
        if let Some(standing) = folder.ancestors().find(|parent| parent.is_dir()) {
            account.check_enters(standing)?;
        }
        fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
        let mut inside = fs::read_dir(&folder).map_err(Error::io("look into", &folder))?;
        if inside.next().is_some() {
            return Err(Error::NotOurs { path: folder });
        }
        fs::set_permissions(&folder, Permissions::from_mode(0o700))
            .map_err(Error::io("close", &folder))?;
        account.own(&folder)?;
        Self::with_new_password(folder, account, true)
    }

    fn with_new_password(folder: PathBuf, account: Account, keep: bool) -> Result<Self> {
        let password: String = rand::rng()
            .sample_iter(Alphanumeric)
            .take(32)
            .map(char::from)
            .collect();
        let cluster = Self {
            folder,
            account,
            password: password.into(),
            keep,
        };
        cluster.account.check_enters(&cluster.folder)?;
        // In one step: half a password would lock everybody out of the cluster.
        cluster.write(
            "password.new",
            &format!("{}\n", cluster.password.expose_secret()),
        )?;
        let saved = cluster.folder.join("password");
        fs::rename(cluster.folder.join("password.new"), &saved)
            .map_err(Error::io("name", saved))?;
        Ok(cluster)
    }

    /// Writes a file that only the server's user can read.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        let mut file = self.open(name, OpenOptions::new().write(true).truncate(true))?;
        file.write_all(text.as_bytes())
            .map_err(Error::io("write", path))
    }

    fn open(&self, name: &str, how: &mut OpenOptions) -> Result<File> {
        let path = self.folder.join(name);
        let file = how
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        self.account.own(&path)?;
        Ok(file)
    }

    /// Takes the folder for one owner. Whoever holds the file, a child included, holds the folder.
    pub(crate) fn lock(&self) -> Result<File> {
        let log = self.open("supervisor.log", OpenOptions::new().append(true))?;
        let patience = Instant::now() + LEAVING;
        while log.try_lock().is_err() {
            if Instant::now() > patience {
                return Err(Error::InUse {
                    path: self.folder.clone(),
                });
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(log)
    }

    pub(crate) fn is_initialized(&self) -> bool {
        self.folder.join("data").exists()
    }

    /// The last lines of one of the folder's logs.
    pub(crate) fn log_end(&self, name: &str) -> String {
        let log = fs::read(self.folder.join(name)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..].join(" / ")
    }
}

/// A new folder that this user can enter and nobody else.
fn temporary_folder(account: &Account) -> Result<PathBuf> {
    let own = env::temp_dir();
    let parent = [own.as_path(), Path::new("/tmp"), Path::new("/var/tmp")]
        .into_iter()
        .find(|parent| account.can_enter(parent))
        .unwrap_or(&own);
    account.check_enters(parent)?;
    let folder = tempfile::Builder::new()
        .prefix("leadrail-pg-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(Error::io("make a folder in", parent))?
        .keep();
    account.own(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let folder = tempfile::tempdir_in("/tmp").expect("a folder");
        let precious = folder.path().join("precious");
        fs::write(&precious, "mine").expect("a file");
        let refused = Cluster::kept(folder.path()).expect_err("not ours");
        assert!(matches!(refused, Error::NotOurs { .. }), "{refused}");
        assert_eq!(fs::read_to_string(precious).expect("still there"), "mine");
    }

    #[test]
    fn a_folder_behind_a_closed_door_is_refused_and_nothing_is_made() {
        use std::os::unix::fs::MetadataExt;
        let closed = tempfile::tempdir_in("/tmp").expect("a folder");
        // Root walks through any door, the user that it lends the server to does not.
        let mode = if fs::metadata(closed.path()).expect("there").uid() == 0 {
            0o700
        } else {
            0o000
        };
        fs::set_permissions(closed.path(), Permissions::from_mode(mode)).expect("closed");
        let refused = Cluster::kept(&closed.path().join("pg")).expect_err("closed");
        fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).expect("opened");
        assert!(matches!(refused, Error::Unreachable { .. }), "{refused}");
        assert!(!closed.path().join("pg").exists());
    }

    #[test]
    fn the_password_is_long_random_and_nobody_elses_business() {
        let first = Cluster::temporary().expect("a folder");
        let second = Cluster::temporary().expect("a folder");
        assert_eq!(first.password.expose_secret().len(), 32);
        assert_ne!(
            first.password.expose_secret(),
            second.password.expose_secret()
        );
        assert!(!format!("{first:?}").contains(first.password.expose_secret()));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&first.folder.join("password")), 0o600);
        assert_eq!(mode(&first.folder), 0o700);
        for cluster in [first, second] {
            fs::remove_dir_all(cluster.folder).expect("removed");
        }
    }

    #[test]
    fn a_log_is_quoted_from_its_end() {
        let cluster = Cluster::temporary().expect("a folder");
        let log: String = (0..40).map(|n| format!("line {n}\n\n")).collect();
        cluster.write("server.log", &log).expect("written");
        let end = cluster.log_end("server.log");
        assert!(
            end.starts_with("line 34 / ") && end.ends_with("line 39"),
            "{end}"
        );
        assert_eq!(cluster.log_end("missing.log"), "");
        fs::remove_dir_all(cluster.folder).expect("removed");
    }
}
