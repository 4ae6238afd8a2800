//! The keys there are.

/// One key: its name in `leadrail.toml`, with its section, and in the environment.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) variable: &'static str,
    pub(crate) shown: Shown,
}

/// How a value may be printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Plainly,
    /// An address whose password is masked.
    WithoutPassword,
    /// Not at all.
    Masked,
}

const fn key(name: &'static str, variable: &'static str) -> Key {
    Key {
        name,
        variable,
        shown: Shown::Plainly,
    }
}

const fn secret(name: &'static str, variable: &'static str, shown: Shown) -> Key {
    Key {
        name,
        variable,
        shown,
    }
}

/// All of them, in the order of `config.default.toml`.
pub(crate) const KEYS: &[Key] = &[
    secret(
        "database_url",
        "LEADRAIL_DATABASE_URL",
        Shown::WithoutPassword,
    ),
    key("listen", "LEADRAIL_LISTEN"),
    key("public_url", "LEADRAIL_PUBLIC_URL"),
    key("log", "LEADRAIL_LOG"),
    key("log_format", "LEADRAIL_LOG_FORMAT"),
    secret("vault_key", "LEADRAIL_VAULT_KEY", Shown::Masked),
    key("vault_key_file", "LEADRAIL_VAULT_KEY_FILE"),
    key("vault_key_command", "LEADRAIL_VAULT_KEY_COMMAND"),
    secret("vault_old_key", "LEADRAIL_VAULT_OLD_KEY", Shown::Masked),
    key("vault_old_key_file", "LEADRAIL_VAULT_OLD_KEY_FILE"),
    key("vault_old_key_command", "LEADRAIL_VAULT_OLD_KEY_COMMAND"),
    key("worker.name", "LEADRAIL_WORKER_NAME"),
    key("worker.listen", "LEADRAIL_WORKER_LISTEN"),
    key("worker.concurrency", "LEADRAIL_WORKER_CONCURRENCY"),
    key("worker.lease", "LEADRAIL_WORKER_LEASE"),
    key("worker.grace", "LEADRAIL_WORKER_GRACE"),
    key("worker.poll", "LEADRAIL_WORKER_POLL"),
    key("worker.retry_schedule", "LEADRAIL_WORKER_RETRY_SCHEDULE"),
    key("worker.throttles", "LEADRAIL_WORKER_THROTTLES"),
    key("worker.throttle_wait", "LEADRAIL_WORKER_THROTTLE_WAIT"),
    key(
        "worker.throttle_default",
        "LEADRAIL_WORKER_THROTTLE_DEFAULT",
    ),
    key("worker.gate_recheck", "LEADRAIL_WORKER_GATE_RECHECK"),
    key("api.hosts", "LEADRAIL_API_HOSTS"),
    key("api.proxies", "LEADRAIL_API_PROXIES"),
    key("api.require_keys", "LEADRAIL_API_REQUIRE_KEYS"),
    key("api.require_wall", "LEADRAIL_API_REQUIRE_WALL"),
    key("api.key_rate", "LEADRAIL_API_KEY_RATE"),
    key("api.key_burst", "LEADRAIL_API_KEY_BURST"),
    key("api.address_rate", "LEADRAIL_API_ADDRESS_RATE"),
    key("api.address_burst", "LEADRAIL_API_ADDRESS_BURST"),
    key("tls.certificate", "LEADRAIL_TLS_CERTIFICATE"),
    key("tls.key", "LEADRAIL_TLS_KEY"),
    key("http.call_timeout", "LEADRAIL_HTTP_CALL_TIMEOUT"),
    key("links.refresh_url", "LEADRAIL_LINKS_REFRESH_URL"),
    secret(
        "links.refresh_secret",
        "LEADRAIL_LINKS_REFRESH_SECRET",
        Shown::Masked,
    ),
    key("outbound.allow", "LEADRAIL_OUTBOUND_ALLOW"),
    key("retention.payload", "LEADRAIL_RETENTION_PAYLOAD"),
    key("retention.letters", "LEADRAIL_RETENTION_LETTERS"),
    key("retention.attempts", "LEADRAIL_RETENTION_ATTEMPTS"),
    key("retention.tombstones", "LEADRAIL_RETENTION_TOMBSTONES"),
    key("retention.audit", "LEADRAIL_RETENTION_AUDIT"),
];

/// Names the configuration file.
pub(crate) const FILE_VARIABLE: &str = "LEADRAIL_CONFIG";

/// Variables of our prefix that are no keys: they belong to tests.
const OTHERS: [&str; 2] = ["LEADRAIL_FAILPOINT", "LEADRAIL_TEST_"];

/// Whether a variable is ours and must be a key.
pub(crate) fn must_be_key(variable: &str) -> bool {
    variable.starts_with("LEADRAIL_")
        && variable != FILE_VARIABLE
        && !OTHERS.iter().any(|other| variable.starts_with(other))
}

/// The known name that is most like a mistyped one.
pub(crate) fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> &'static str {
    let likeness = |known: &&str| (strsim::jaro_winkler(name, known) * 1e6) as u64;
    known.max_by_key(likeness).unwrap_or_default()
}
