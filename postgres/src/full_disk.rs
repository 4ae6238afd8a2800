//! A disk without room, as far as the server can tell.
//!
//! Filling a disk takes the right to mount one of its own. The limit that Linux puts on the size of
//! a process's files takes no right, and PostgreSQL is written to meet it as it meets a full disk: a
//! file that cannot grow is SQLSTATE 53100 (`src/backend/storage/smgr/md.c`, `mdextend`, after a
//! write of half a page; `postmaster.c` ignores SIGXFSZ for this).

use rustix::process::{Resource, getrlimit};
use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use sqlx::{Connection, PgConnection};

use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::server::{PrivateServer, blocking};

/// A page of a relation.
const PAGE: u64 = 8_192;
/// The log that is written ahead stands in files of this size, which must go on to be writable: a
/// server that cannot write it crashes.
const WAL_FILE: u64 = 16 << 20;

impl PrivateServer {
    /// From now on no file of the server grows beyond the largest that holds rows now and so many bytes,
    /// so that writes into the largest tables fail while the rest goes on. Sessions are cut, for new ones
    /// have the limit from their start. Leave room for what they may write until then: who finds a file
    /// beyond the limit is not told of a full disk but of an internal error. False if no file is large
    /// enough yet to be told from the log that is written ahead; nothing was done then. A restart or
    /// [`free_disk`](Self::free_disk) ends it.
    ///
    /// # Errors
    /// [`Error::Database`] if the server does not answer; [`Error::Io`] if the program `prlimit` (Linux, util-linux) is not
    /// there.
    pub async fn fill_disk(&self, room: u64) -> Result<bool> {
        let mut session = PgConnection::connect(&self.url("postgres")).await?;
        let cluster = Arc::clone(&self.cluster);
        let is_full = blocking(move || {
            let tables = cluster.folder.join("data/base");
            let largest = largest_file(&tables).map_err(Error::io("look through", &tables))?;
            // Half a page more: it is the write that fails, not only the thought of it.
            let limit = (largest + room) / PAGE * PAGE + PAGE / 2;
            if limit <= WAL_FILE {
                return Ok(false);
            }
            limit_first(&cluster, Some(limit))?;
            Ok(true)
        })
        .await?;
        if is_full {
            let cut = "select pg_terminate_backend(pid) from pg_stat_activity
                       where backend_type = 'client backend' and pid <> pg_backend_pid()";
            sqlx::query(cut).execute(&mut session).await?;
        }
        Ok(is_full)
    }

    /// There is room again.
    ///
    /// # Errors
    /// [`Error::Io`] if the server is not running, or `prlimit` is not there.
    pub async fn free_disk(&self) -> Result<()> {
        let cluster = Arc::clone(&self.cluster);
        blocking(move || {
            let limit = getrlimit(Resource::Fsize).current;
            let first = limit_first(&cluster, limit)?;
            for child in children(first).map_err(Error::io("list", "/proc"))? {
                // One that has just ended needs no limit.
                let _ = set(&cluster, child, limit);
            }
            Ok(())
        })
        .await
    }
}

/// Sets the limit of the server's first process, which all have that it starts from now on.
fn limit_first(cluster: &Cluster, limit: Option<u64>) -> Result<i32> {
    let file = cluster.folder.join("data/postmaster.pid");
    let first = first_process(&file).map_err(Error::io("read", &file))?;
    set(cluster, first, limit).map_err(Error::io("limit files with", "prlimit"))?;
    Ok(first)
}

/// Sets the soft limit of a process. Its own user may; root may not everywhere.
fn set(cluster: &Cluster, process: i32, limit: Option<u64>) -> io::Result<()> {
    let limit = limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let status = cluster
        .account
        .command("prlimit")
        .args(["--pid", &process.to_string(), &format!("--fsize={limit}:")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("it ended with {status}"))),
    }
}

/// The size of the largest file below this folder.
fn largest_file(folder: &Path) -> io::Result<u64> {
    let mut largest = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let size = match entry.file_type()?.is_dir() {
            true => largest_file(&entry.path())?,
            // A file may be gone since the folder was read.
            false => entry.metadata().map_or(0, |file| file.len()),
        };
        largest = largest.max(size);
    }
    Ok(largest)
}

/// The server's first process, as it says itself.
fn first_process(file: &Path) -> io::Result<i32> {
    let text = fs::read_to_string(file)?;
    let number = text.lines().next().and_then(|line| line.parse().ok());
    number.ok_or_else(|| io::Error::other("its first line is no process id"))
}

/// The processes whose parent this is (proc(5), `/proc/pid/stat`).
fn children(parent: i32) -> io::Result<Vec<i32>> {
    let processes = fs::read_dir("/proc")?.filter_map(|entry| {
        let process: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name comes before and may hold anything.
        let (_, after_name) = stat.rsplit_once(") ")?;
        let its_parent: i32 = after_name.split(' ').nth(1)?.parse().ok()?;
        (its_parent == parent).then_some(process)
    });
    Ok(processes.collect())
}
