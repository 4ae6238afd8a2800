//! The configuration: flags over environment over `leadrail.toml` over the compiled-in defaults.
//!
//! Every key stands in `config.default.toml` and in [`KEYS`]; a test keeps the two equal. Each value
//! remembers where it came from, so that a fault names the place to correct.

mod key_command;
mod keys;
mod layers;
mod values;

pub(crate) use keys::KEYS;
pub(crate) use layers::{Layers, Setting};

use crate::cli::Cli;
use crate::failure::usage;
use key_command::KeyCommand;
use leadrail_connections::links::{LinkSettings, PublicUrl};
use leadrail_connections::{BaseUrl, Vault, VaultKey};
use leadrail_desk::{Retention, sentence};
use leadrail_engine::WorkerConfig;
use leadrail_outbound::Guard;
use leadrail_server::{Admission, Rates, Tls};
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
    /// Where a worker answers for its health, if anywhere.
    pub(crate) worker_listen: Option<SocketAddr>,
    pub(crate) call_timeout: Option<Duration>,
    /// Under which names the API may be called, through whom, how often, and whether it asks for keys.
    pub(crate) admission: Admission,
    tls: Option<TlsFiles>,
    /// Where links are that CRMs get, and where fresh ones come from.
    pub(crate) links: LinkSettings,
    /// How long what is kept, as far as somebody has chosen it.
    pub(crate) retention: Retention,
    /// Whether the API is served only by a database role behind the wall between accounts.
    pub(crate) wall_required: bool,
    /// Which addresses CRMs and whatever else people point us at may have.
    pub(crate) guard: Guard,
    vault_key: KeySource,
    vault_old_key: KeySource,
    layers: Layers,
}

/// Where a vault key stands, if anywhere.
enum KeySource {
    Nowhere,
    Text(SecretString),
    File(PathBuf),
    Command(KeyCommand),
}

impl KeySource {
    /// Of `name` itself, a file and a command, of which one at most is set.
    fn read(from: &Reader<'_>, name: &str) -> anyhow::Result<Self> {
        let (file, command) = (format!("{name}_file"), format!("{name}_command"));
        match (from.text(name)?, from.text(&file)?, from.text(&command)?) {
            (None, None, None) => Ok(Self::Nowhere),
            (Some(text), None, None) => Ok(Self::Text(text.into())),
            (None, Some(file), None) => Ok(Self::File(file.into())),
            (None, None, Some(line)) => Ok(Self::Command(KeyCommand::new(command, line))),
            _ => Err(usage(format!(
                "more than one of {name}, {file} and {command} is set; keep one (`leadrail config` says \
                 where they stand)"
            ))),
        }
    }

    fn key(&self) -> anyhow::Result<Option<VaultKey>> {
        let key = match self {
            Self::Nowhere => return Ok(None),
            Self::Text(key) => VaultKey::parse(key.expose_secret()),
            Self::File(file) => VaultKey::read(file),
            Self::Command(command) => VaultKey::parse(command.output()?.expose_secret()),
        };
        key.map(Some).map_err(|error| usage(sentence(&error)))
    }
}

/// Where a certificate and its key stand.
struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsFiles {
    fn read(from: &Reader<'_>) -> anyhow::Result<Option<Self>> {
        match (from.text("tls.certificate")?, from.text("tls.key")?) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Self {
                certificate: certificate.into(),
                key: key.into(),
            })),
            (Some(_), None) => Err(usage("tls.certificate is set and tls.key is not; set both")),
            (None, Some(_)) => Err(usage("tls.key is set and tls.certificate is not; set both")),
        }
    }
}

/// Reads flags, environment and file.
///
/// # Errors
/// A wrong use that names the key and the place it stands in, never a secret's value.
pub(crate) fn load(cli: &Cli) -> anyhow::Result<Config> {
    let file = layers::file(cli.config.as_deref())?;
    refuse_password(cli.database_url.as_deref().unwrap_or_default())?;
    read(Layers::read(
        file.as_deref(),
        std::env::vars_os(),
        &cli.settings(),
    )?)
}

/// A command line can be read by everybody on the machine.
fn refuse_password(url: &str) -> anyhow::Result<()> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let user = address.rsplit_once('@').map_or("", |(user, _)| user);
    let user = user.split_once("://").map_or(user, |(_, user)| user);
    if user.contains(':') || query.contains("password=") {
        return Err(usage(
            "--database-url has a password, which everybody on this machine can read in the list of \
             processes; give the URL in DATABASE_URL instead",
        ));
    }
    Ok(())
}

/// This machine's name and the process's number: what tells workers apart for people.
fn own_name() -> String {
    let machine = rustix::system::uname();
    let machine = machine.nodename().to_string_lossy();
    format!("{machine}-{}", std::process::id())
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
    worker.name = from.text("worker.name")?.unwrap_or_else(own_name);
    worker.limits.throttles = u32::try_from(from.count("worker.throttles")?)?;
    worker.limits.throttle_wait = from.duration("worker.throttle_wait")?;
    worker.limits.throttle_default = from.duration("worker.throttle_default")?;
    worker.limits.gate_recheck = from.duration("worker.gate_recheck")?;
    let links = links(&from)?;
    Ok(Config {
        database_url: from.text("database_url")?.map(SecretString::from),
        listen: from.address("listen")?,
        log: from.text("log")?.unwrap_or_else(|| "off".to_owned()),
        log_format: from.log_format("log_format")?,
        worker,
        worker_listen: from.optional_address("worker.listen")?,
        call_timeout: from.optional_duration("http.call_timeout")?,
        admission: admission(&from, &links)?,
        tls: TlsFiles::read(&from)?,
        links,
        wall_required: from.switch("api.require_wall")?,
        guard: from.guard("outbound.allow")?,
        retention: retention(&from)?,
        vault_key: KeySource::read(&from, "vault_key")?,
        vault_old_key: KeySource::read(&from, "vault_old_key")?,
        layers,
    })
}

fn links(from: &Reader<'_>) -> anyhow::Result<LinkSettings> {
    Ok(LinkSettings {
        public_url: from.public_url("public_url")?,
        refresh_url: from.outbound_url("links.refresh_url")?,
        refresh_secret: from.text("links.refresh_secret")?.map(SecretString::from),
    })
}

/// What nobody has chosen is none: the database has it.
fn retention(from: &Reader<'_>) -> anyhow::Result<Retention> {
    let [payload, letters, attempts, tombstones, audit] = Retention::BOUNDS
        .map(|(class, least, most)| from.days_within(&format!("retention.{class}"), least, most));
    let (attempts, tombstones) = (attempts?, tombstones?);
    if tombstones < attempts {
        return Err(usage(
            "retention.tombstones must not be shorter than retention.attempts: a lead that is kept would be \
             taken for a new one when it comes again",
        ));
    }
    let chosen = |class: &str, time| {
        from.is_chosen(&format!("retention.{class}"))
            .then_some(time)
    };
    Ok(Retention {
        payload: chosen("payload", payload?),
        letters: chosen("letters", letters?),
        attempts: chosen("attempts", attempts),
        tombstones: chosen("tombstones", tombstones),
        audit: chosen("audit", audit?),
    })
}

/// Whoever comes under the name that people outside know comes through a proxy, too. A name of this
/// machine is none of those.
fn admission(from: &Reader<'_>, links: &LinkSettings) -> anyhow::Result<Admission> {
    let mut hosts = from.hosts("api.hosts")?;
    let public = links.public_url.as_ref().map(PublicUrl::host);
    hosts.extend(public.map(str::to_owned));
    Ok(Admission {
        hosts,
        keys_required: from.switch("api.require_keys")?,
        proxies: from.nets("api.proxies")?,
        rates: Rates {
            key: Some(from.rate("api.key_rate", "api.key_burst")?),
            peer: Some(from.rate("api.address_rate", "api.address_burst")?),
        },
    })
}

impl Config {
    /// Where browsers find us, for sign-ins.
    pub(crate) fn public_url(&self) -> Option<BaseUrl> {
        let url = self.links.public_url.as_ref()?;
        BaseUrl::parse(url.as_str()).ok()
    }

    /// Whether nobody has chosen a value for this key.
    pub(crate) fn is_default(&self, key: &str) -> bool {
        self.layers.setting(key).from == layers::DEFAULT
    }

    /// Every key in its order, with secrets masked.
    pub(crate) fn settings(&self) -> impl Iterator<Item = Setting> {
        KEYS.iter().map(|key| self.layers.setting(key.name))
    }

    /// The certificate, if one is configured.
    ///
    /// # Errors
    /// What is wrong with its files.
    pub(crate) fn tls(&self) -> anyhow::Result<Option<Tls>> {
        let read = |files: &TlsFiles| Tls::read(&files.certificate, &files.key);
        let tls = self.tls.as_ref().map(read).transpose();
        tls.map_err(|error| usage(sentence(&error)))
    }

    /// The vault, if a key for it is configured.
    ///
    /// # Errors
    /// What is wrong with a key or its file.
    pub(crate) fn vault(&self) -> anyhow::Result<Option<Vault>> {
        let Some(key) = self.vault_key.key()? else {
            return Ok(None);
        };
        let vault = Vault::from(key);
        Ok(Some(match self.vault_old_key.key()? {
            Some(old) => vault.with_older(old),
            None => vault,
        }))
    }

    /// The vault, which this command cannot do without.
    ///
    /// # Errors
    /// No key is configured, or as [`Config::vault`].
    pub(crate) fn need_vault(&self) -> anyhow::Result<Vault> {
        self.vault()?.ok_or_else(|| {
            usage(
                "no vault key is configured: set LEADRAIL_VAULT_KEY, LEADRAIL_VAULT_KEY_FILE or \
                 LEADRAIL_VAULT_KEY_COMMAND (`openssl rand -hex 32` makes one)",
            )
        })
    }
}

#[cfg(test)]
mod tests;
