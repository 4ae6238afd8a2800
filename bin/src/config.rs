//! The configuration: flags over environment over `leadrail.toml` over the compiled-in defaults.
//!
//! Every key stands in `config.default.toml` and in [`KEYS`]; a test keeps the two equal. Each value
//! remembers where it came from, so that a fault names the place to correct.

mod keys;
mod layers;
mod values;

pub(crate) use keys::KEYS;
pub(crate) use layers::{Layers, Setting};

use crate::cli::Cli;
use crate::failure::usage;
use leadrail_connections::VaultKey;
use leadrail_engine::WorkerConfig;
use leadrail_outbound::Guard;
use secrecy::{ExposeSecret as _, SecretString};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use values::Reader;

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// What is in force.
pub(crate) struct Config {
    pub(crate) database_url: Option<SecretString>,
    pub(crate) listen: SocketAddr,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    pub(crate) worker: WorkerConfig,
    pub(crate) call_timeout: Option<Duration>,
    /// Which addresses CRMs and whatever else people point us at may have.
    pub(crate) guard: Guard,
    vault_key: Option<SecretString>,
    vault_key_file: Option<PathBuf>,
    layers: Layers,
}

/// Reads flags, environment and file.
///
/// # Errors
/// A wrong use that names the key and the place it stands in, never a secret's value.
pub(crate) fn load(cli: &Cli) -> anyhow::Result<Config> {
    let file = layers::file(cli.config.as_deref())?;
    read(Layers::read(
        file.as_deref(),
        std::env::vars_os(),
        &cli.settings(),
    )?)
}

fn read(layers: Layers) -> anyhow::Result<Config> {
    let from = Reader(&layers);
    let mut worker = WorkerConfig {
        concurrency: from.count("worker.concurrency")?,
        lease: from.duration("worker.lease")?,
        grace: from.duration("worker.grace")?,
        poll: from.duration("worker.poll")?,
        schedule: from.schedule("worker.retry_schedule")?,
        ..WorkerConfig::default()
    };
    if let Some(name) = from.text("worker.name")? {
        worker.name = name;
    }
    worker.limits.throttles = u32::try_from(from.count("worker.throttles")?)?;
    worker.limits.throttle_wait = from.duration("worker.throttle_wait")?;
    worker.limits.throttle_default = from.duration("worker.throttle_default")?;
    worker.limits.gate_recheck = from.duration("worker.gate_recheck")?;
    let config = Config {
        database_url: from.text("database_url")?.map(SecretString::from),
        listen: from.address("listen")?,
        log: from.text("log")?.unwrap_or_else(|| "off".to_owned()),
        log_format: from.log_format("log_format")?,
        worker,
        call_timeout: from.optional_duration("http.call_timeout")?,
        guard: from.guard("outbound.allow")?,
        vault_key: from.text("vault_key")?.map(SecretString::from),
        vault_key_file: from.text("vault_key_file")?.map(PathBuf::from),
        layers,
    };
    if config.vault_key.is_some() && config.vault_key_file.is_some() {
        return Err(usage(
            "vault_key and vault_key_file are both set; keep one (`leadrail config` says where they stand)",
        ));
    }
    Ok(config)
}

impl Config {
    /// Whether nobody has chosen a value for this key.
    pub(crate) fn is_default(&self, key: &str) -> bool {
        self.layers.setting(key).from == layers::DEFAULT
    }

    /// Every key in its order, with secrets masked.
    pub(crate) fn settings(&self) -> impl Iterator<Item = Setting> {
        KEYS.iter().map(|key| self.layers.setting(key.name))
    }

    /// The vault key, if one is configured.
    ///
    /// # Errors
    /// What is wrong with the key or its file.
    pub(crate) fn vault_key(&self) -> anyhow::Result<Option<VaultKey>> {
        match (&self.vault_key, &self.vault_key_file) {
            (Some(key), _) => Ok(Some(VaultKey::parse(key.expose_secret())?)),
            (None, Some(file)) => Ok(Some(VaultKey::read(file)?)),
            (None, None) => Ok(None),
        }
    }

    /// The vault key, which this command cannot do without.
    ///
    /// # Errors
    /// None is configured, or as [`Config::vault_key`].
    pub(crate) fn need_vault_key(&self) -> anyhow::Result<VaultKey> {
        self.vault_key()?.ok_or_else(|| {
            usage(
                "no vault key is configured: set LEADRAIL_VAULT_KEY or LEADRAIL_VAULT_KEY_FILE \
                 (`openssl rand -hex 32` makes one)",
            )
        })
    }
}

#[cfg(test)]
mod tests;
