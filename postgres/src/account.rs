//! The user that the server runs as.
//!
//! PostgreSQL refuses to run as root, and a container or a CI machine often has nothing else.
//! Root therefore lends the server to `postgres`, or to `nobody` where there is no such user.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// What of the environment a command of another user gets.
const HANDED_ON: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "TMPDIR", "TZ"];

/// Who runs the server: ourselves, or an unprivileged user that root lends it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    Ourselves,
    Lent { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// The user for a new cluster.
    pub(crate) fn choose() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let users = fs::read_to_string("/etc/passwd").map_err(Error::io("read", "/etc/passwd"))?;
        unprivileged(&users).ok_or(Error::NoUnprivilegedUser)
    }

    /// The user for a cluster that is there: its owner, whom PostgreSQL insists on.
    pub(crate) fn owner_of(cluster: &Path) -> Result<Self> {
        let chosen = Self::choose()?;
        let owner = fs::metadata(cluster).map_err(Error::io("look at", cluster))?;
        Ok(match chosen {
            Self::Lent { .. } if owner.uid() != 0 => Self::Lent {
                name: format!("with the id {}", owner.uid()),
                uid: owner.uid(),
                gid: owner.gid(),
            },
            other => other,
        })
    }

    /// A command that will run as this user. Supplementary groups are dropped by the standard
    /// library whenever root changes the user. Of our environment it gets what programs need to be
    /// found and to run: our secrets would be readable to that user.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Self::Lent { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        // The caller's working directory may be one that this user cannot enter.
        let handed_on = HANDED_ON
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        command
            .current_dir("/")
            .env_clear()
            .envs(handed_on)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Lent { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).map_err(Error::io("hand over", path))
            }
        }
    }

    /// Whether this user can enter `folder` through all its parents.
    pub(crate) fn can_enter(&self, folder: &Path) -> bool {
        let entered = self
            .command("sh")
            .args(["-c", r#"cd "$1""#, "sh"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        entered.is_ok_and(|status| status.success())
    }

    /// As [`can_enter`](Self::can_enter), for folders that must be.
    pub(crate) fn check_enters(&self, folder: &Path) -> Result<()> {
        if self.can_enter(folder) {
            return Ok(());
        }
        let user = match self {
            Self::Ourselves => "that runs this program",
            Self::Lent { name, .. } => name,
        };
        Err(Error::Unreachable {
            path: folder.to_owned(),
            user: user.to_owned(),
        })
    }
}

/// The first of `postgres` and `nobody` in the text of /etc/passwd.
fn unprivileged(passwd: &str) -> Option<Account> {
    let find = |wanted: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| *name == wanted)?;
            let uid = fields.nth(1)?.parse().ok().filter(|uid| *uid != 0)?;
            let gid = fields.next()?.parse().ok()?;
            Some(Account::Lent {
                name: name.into(),
                uid,
                gid,
            })
        })
    };
    find("postgres").or_else(|| find("nobody"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lent(name: &str, uid: u32, gid: u32) -> Option<Account> {
        Some(Account::Lent {
            name: name.into(),
            uid,
            gid,
        })
    }

    #[test]
    fn the_user_postgres_is_preferred_to_nobody() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n\
                      postgres:x:107:115::/var/lib/postgresql:/bin/bash\n";
        assert_eq!(unprivileged(passwd), lent("postgres", 107, 115));
    }

    #[test]
    fn nobody_does_where_there_is_no_user_postgres() {
        assert_eq!(
            unprivileged("nobody:x:65534:65533::/:/bin/false"),
            lent("nobody", 65534, 65533)
        );
    }

    #[test]
    fn a_user_postgres_that_is_root_and_broken_lines_are_passed_over() {
        assert_eq!(
            unprivileged("postgres:x:0:0::/:/bin/sh\nnobody:x\n\nnobody:x:y:z\n"),
            None
        );
    }

    #[test]
    fn a_command_gets_nothing_of_our_environment_but_what_it_needs() {
        // Cargo sets many variables for this test, as a shell may hold secrets.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let shown = Account::Ourselves
            .command("env")
            .output()
            .expect("env runs");
        let shown = String::from_utf8_lossy(&shown.stdout);
        let of_sh = ["LC_ALL", "PWD", "SHLVL", "_"];
        for line in shown.lines() {
            let name = line.split('=').next().unwrap_or_default();
            assert!(HANDED_ON.contains(&name) || of_sh.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_folder_that_does_not_exist_cannot_be_entered() {
        assert!(Account::Ourselves.can_enter(Path::new("/tmp")));
        assert!(!Account::Ourselves.can_enter(Path::new("/tmp/no such folder")));
    }
}
