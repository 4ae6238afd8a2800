//! Finds PostgreSQL's programs on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;

/// The oldest major version that Leadrail's SQL runs on.
pub(crate) const OLDEST: u32 = 14;

/// Where distributions keep one folder a version: Debian's and Red Hat's habit.
const VERSIONED: &[(&str, &str)] = &[("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];

/// A folder with `postgres`, `initdb` and `pg_ctl` of one usable version.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// The first usable installation: on the `PATH`, then what `pg_config` says, then the
    /// distribution's folders, newest first.
    pub(crate) fn find(account: &Account) -> Option<Self> {
        let on_path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&on_path)
            .chain(pg_config())
            .chain(
                VERSIONED
                    .iter()
                    .flat_map(|(parent, prefix)| versions_below(parent, prefix)),
            )
            .find_map(|folder| Self::in_folder(&folder, account))
    }

    /// The programs in `folder`, if all are there, run for `account` and are new enough.
    ///
    /// Debian links single programs into other folders, so links are followed first.
    pub(crate) fn in_folder(folder: &Path, account: &Account) -> Option<Self> {
        let server = fs::canonicalize(folder.join("postgres")).ok()?;
        let folder = server.parent()?.to_owned();
        let complete = ["initdb", "pg_ctl"]
            .iter()
            .all(|program| folder.join(program).is_file());
        if !complete {
            return None;
        }
        let answer = account.command(&server).arg("--version").output().ok()?;
        let major = major_version(&String::from_utf8_lossy(&answer.stdout))?;
        (major >= OLDEST).then_some(Self { folder, major })
    }
}

/// The folder that `pg_config` names, if there is such a program.
fn pg_config() -> Option<PathBuf> {
    let answer = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(answer.stdout).ok()?;
    answer
        .status
        .success()
        .then(|| PathBuf::from(folder.trim_end()))
}

/// `PARENT/PREFIXn/bin` for every number n, the highest first.
fn versions_below(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// 15 from `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, 17 from `... 17beta1`.
fn major_version(answer: &str) -> Option<u32> {
    let version = answer.strip_prefix("postgres (PostgreSQL) ")?;
    let digits = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn releases_betas_and_debian_builds_are_read() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 17beta1\n"), Some(17));
        assert_eq!(major_version("postgres (PostgreSQL) 18"), Some(18));
    }

    #[test]
    fn other_programs_are_not_taken_for_postgresql() {
        assert_eq!(major_version(""), None);
        assert_eq!(major_version("postgres (PostgreSQL) devel"), None);
        assert_eq!(major_version("EnterpriseThing 15.1"), None);
    }

    #[test]
    fn higher_numbers_come_first_and_other_folders_are_skipped() {
        let parent = tempfile::tempdir().expect("a folder");
        for name in ["9", "16", "15", "common"] {
            fs::create_dir(parent.path().join(name)).expect("a folder");
        }
        let found = versions_below(parent.path().to_str().expect("text"), "");
        let expected = ["16", "15", "9"].map(|n| parent.path().join(n).join("bin"));
        assert_eq!(found, expected);
    }

    /// A folder with the three programs, whose server calls itself `version`.
    fn installation(version: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for program in ["postgres", "initdb", "pg_ctl"] {
            let path = folder.path().join(program);
            fs::write(
                &path,
                format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"),
            )
            .expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
        }
        folder
    }

    #[test]
    fn an_installation_that_is_too_old_or_incomplete_is_not_used() {
        let own = Account::Ourselves;
        assert_eq!(
            Binaries::in_folder(installation("14.2").path(), &own).map(|found| found.major),
            Some(14)
        );
        assert!(Binaries::in_folder(installation("13.9").path(), &own).is_none());
        let incomplete = installation("15.1");
        fs::remove_file(incomplete.path().join("pg_ctl")).expect("removed");
        assert!(Binaries::in_folder(incomplete.path(), &own).is_none());
    }
}
