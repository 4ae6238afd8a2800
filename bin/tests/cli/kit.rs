//! Runs the binary in a folder of its own, with an environment of its own.

use leadrail_postgres::testing::TestDatabase;
use leadrail_rig::Program;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use tempfile::TempDir;

pub(crate) const VAULT_KEY: &str =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Its standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        let read = serde_json::from_str(&self.out);
        read.unwrap_or_else(|_| panic!("no JSON: {}\n{}", self.out, self.err))
    }

    /// It ended well; otherwise what it said.
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self
    }

    /// It refused, in one sentence on standard error and with nothing on standard output.
    pub(crate) fn refused(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        assert_eq!(self.err.trim_end().lines().count(), 1, "{}", self.err);
        assert!(self.err.contains(words), "{} lacks {words}", self.err);
        assert_eq!(self.out, "");
    }
}

/// The binary, where it runs, and what it finds there.
pub(crate) struct Cli {
    folder: TempDir,
    environment: Vec<(String, String)>,
    database: Option<TestDatabase>,
}

impl Cli {
    /// Without a database and without configuration.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            environment: Vec::new(),
            database: None,
        }
    }

    /// With an empty database, a vault key, and leave to call the simulated CRM on this machine.
    pub(crate) async fn with_database() -> Self {
        let database = TestDatabase::fresh().await;
        let cli = Self::new()
            .with("DATABASE_URL", database.url())
            .with("LEADRAIL_VAULT_KEY", VAULT_KEY)
            .with("LEADRAIL_OUTBOUND_ALLOW", "127.0.0.0/8");
        Self {
            database: Some(database),
            ..cli
        }
    }

    /// With a database that has all tables.
    pub(crate) async fn migrated() -> Self {
        let cli = Self::with_database().await;
        cli.run(&["migrate"]).well();
        cli
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment
            .push((variable.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn url(&self) -> &str {
        self.database.as_ref().expect("a database").url()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs to the end with this standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.spawn(arguments, Stdio::piped());
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_owned();
        // A command that does not read its input closes the pipe; that is no failure here.
        let writing = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().expect("it ends");
        writing.join().expect("the writer ends");
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Starts a service and waits for the line that says that it is ready.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Service {
        let mut service = self.start(arguments);
        let mut line = String::new();
        service.out.read_line(&mut line).expect("a line");
        assert!(!line.is_empty(), "{}", service.stop().err);
        service.ready = line;
        service
    }

    /// Starts a service.
    pub(crate) fn start(&self, arguments: &[&str]) -> Service {
        self.start_with(arguments, Stdio::null())
    }

    /// The same with this standard input.
    pub(crate) fn start_with(&self, arguments: &[&str], stdin: Stdio) -> Service {
        let mut child = self.spawn(arguments, stdin);
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let err = BufReader::new(child.stderr.take().expect("a pipe"));
        let ready = String::new();
        Service {
            child,
            out,
            err,
            ready,
        }
    }

    fn spawn(&self, arguments: &[&str], stdin: Stdio) -> Child {
        let program = Program::at(env!("CARGO_BIN_EXE_leadrail"));
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        program
            .command(self.folder.path())
            .args(arguments)
            .envs(environment)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }
}

/// A running service; killed when dropped.
pub(crate) struct Service {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<std::process::ChildStderr>,
    /// The line that said that it was ready.
    pub(crate) ready: String,
}

impl Service {
    /// Reads its log up to a line with these words.
    pub(crate) fn until_logged(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let read = self.err.read_line(&mut line).expect("a log");
            assert!(read > 0, "it ended without {words}");
        }
    }

    /// Reads its standard error up to these words, which need not end a line.
    pub(crate) fn until_asked(&mut self, words: &str) {
        let (mut said, mut byte) = (Vec::new(), [0]);
        while !String::from_utf8_lossy(&said).contains(words) {
            let read = self.err.read(&mut byte).expect("a question");
            assert!(read > 0, "it ended without {words}");
            said.extend(byte);
        }
    }

    /// Waits for its end; what it said since it was last read.
    pub(crate) fn until_its_end(&mut self) -> Ran {
        let (mut out, mut err) = (String::new(), String::new());
        let _ = self.out.read_to_string(&mut out);
        let _ = self.err.read_to_string(&mut err);
        let status = self.child.wait().expect("it ends");
        Ran {
            code: status.code().unwrap_or(-1),
            out,
            err,
        }
    }

    /// Closes its output unread and waits for its end; its exit code.
    pub(crate) fn close_and_wait(mut self) -> i32 {
        let Self { child, out, .. } = &mut self;
        let closed = File::open("/dev/null").expect("nothing");
        drop(std::mem::replace(
            out,
            BufReader::new(ChildStdout::from(OwnedFd::from(closed))),
        ));
        child.wait().expect("it ends").code().unwrap_or(-1)
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    pub(crate) fn stop(&mut self) -> Ran {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = kill_process(pid.expect("a process id"), Signal::TERM);
        self.until_its_end()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The simulated CRM as a service, and its address.
pub(crate) fn crm(cli: &Cli) -> (Service, String) {
    let service = cli.serve(&["crm-sim", "--listen", "127.0.0.1:0", "--json"]);
    let said: Value = serde_json::from_str(&service.ready).expect("JSON");
    let url = said["crms"]["housecall_pro"].as_str().expect("an address");
    (service, url.to_owned())
}

/// Connects the account acme to Housecall Pro; the secret is read from standard input.
pub(crate) const ADD: [&str; 6] = [
    "connection",
    "add",
    "--account",
    "acme",
    "--crm",
    "housecall_pro",
];

/// Connects the account acme to the simulated CRM at this URL.
pub(crate) fn connect(cli: &Cli, url: &str, more: &[&str]) {
    let add = [&ADD[..], &["--base-url", url], more].concat();
    cli.run_with(&add, "sim-acme").well();
}

/// The example lead, as a file.
pub(crate) fn example(cli: &Cli) -> String {
    let example = cli.run(&["schema", "lead", "--example"]).well().out;
    cli.write("lead.json", &example)
}

/// Runs statements on the database.
pub(crate) async fn sql(cli: &Cli, text: &str) {
    let mut session = PgConnection::connect(cli.url()).await.expect("a session");
    let text = sqlx::AssertSqlSafe(text.to_owned());
    sqlx::raw_sql(text)
        .execute(&mut session)
        .await
        .expect("done");
}

/// A terminal: a person's end of it, and a program's.
pub(crate) fn terminal() -> (File, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let ours = openpt(flags).expect("a terminal");
    grantpt(&ours).expect("granted");
    unlockpt(&ours).expect("unlocked");
    let name = ptsname(&ours, Vec::new()).expect("a name");
    let theirs = File::options()
        .read(true)
        .write(true)
        .open(Path::new(name.to_str().expect("UTF-8")));
    (File::from(ours), theirs.expect("its other end").into())
}

/// What a person sees at a terminal whose other end is closed.
pub(crate) fn shown_at(mut ours: File) -> String {
    let mut shown = Vec::new();
    // A closed other end is an error here, not an end.
    let _ = ours.read_to_end(&mut shown);
    String::from_utf8_lossy(&shown).into_owned()
}

/// A valid lead of this account for Housecall Pro.
pub(crate) fn lead(number: u64, account: &str) -> Value {
    leadrail_lead::sample::sample_lead(number, account, "housecall_pro")
}

/// A golden file beside the tests.
pub(crate) fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli/golden")
        .join(name);
    let text = std::fs::read_to_string(path).expect("a golden file");
    serde_json::from_str(&text).expect("JSON")
}

/// What `body` is answered at this path.
pub(crate) fn post(address: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}
