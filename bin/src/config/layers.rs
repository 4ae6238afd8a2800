//! The layers of the configuration, laid over each other by the crate `config`.

use super::keys::{FILE_VARIABLE, KEYS, Shown, must_be_key, nearest};
use crate::failure::usage;
use config::{ConfigError, File, FileFormat, Map, Source, Value, ValueKind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The documented defaults.
pub(super) const DEFAULTS: &str = include_str!("../../config.default.toml");
/// Where a value comes from that nobody chose.
pub(super) const DEFAULT: &str = "default";
/// The file that is read if it is there.
const USUAL_FILE: &str = "leadrail.toml";
const MASK: &str = "********";

/// All values, each with its place. Secrets are among them, so it does not print.
pub(crate) struct Layers(BTreeMap<String, Value>);

/// A value as it may be shown.
#[derive(serde::Serialize)]
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    /// As it stands in `leadrail.toml`; null if it is not set.
    pub(crate) value: Option<serde_json::Value>,
    /// A flag, a variable, a file, or `default`.
    pub(crate) from: String,
}

/// The file to read: the one that was asked for, or `leadrail.toml` if there is one.
pub(super) fn file(asked: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    let named = asked
        .map(Path::to_owned)
        .or_else(|| std::env::var_os(FILE_VARIABLE).map(PathBuf::from))
        .filter(|path| !path.as_os_str().is_empty());
    match named {
        Some(path) if path.is_file() => trusted(path).map(Some),
        Some(path) => Err(usage(format!(
            "there is no configuration file {}; correct --config or {FILE_VARIABLE}",
            path.display()
        ))),
        None => Some(PathBuf::from(USUAL_FILE))
            .filter(|usual| usual.is_file())
            .map(trusted)
            .transpose(),
    }
}

/// Refuses a file that somebody else could have written: it says where our leads and secrets go.
fn trusted(path: PathBuf) -> anyhow::Result<PathBuf> {
    let unreadable = |error| usage(format!("{} cannot be read: {error}", path.display()));
    let about = path.metadata().map_err(unreadable)?;
    if about.mode() & 0o002 != 0 {
        return Err(usage(format!(
            "{} can be written by everybody on this machine; run `chmod o-w` on it",
            path.display()
        )));
    }
    let ours = rustix::process::geteuid().as_raw();
    if ![0, ours].contains(&about.uid()) {
        return Err(usage(format!(
            "{} belongs to another user; give it to the user who runs leadrail, or to root",
            path.display()
        )));
    }
    Ok(path)
}

impl Layers {
    /// Lays defaults, file, environment and flags over each other; a flag is its key, its name and
    /// its value.
    pub(crate) fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
        flags: &[(&'static str, &'static str, String)],
    ) -> anyhow::Result<Self> {
        let mut builder =
            config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            builder = builder.add_source(File::from(path).format(FileFormat::Toml));
        }
        let flags = flags
            .iter()
            .map(|(key, flag, value)| (*key, *flag, value.clone()));
        let built = builder
            .add_source(Texts(variables(environment)?))
            .add_source(Texts(flags.collect()))
            .build()
            .map_err(|error| not_toml(&error))?;
        let mut values = BTreeMap::new();
        flatten(String::new(), built.cache, &mut values);
        refuse_unknown(&values)?;
        Ok(Self(values))
    }

    /// The raw value; every known key has one.
    pub(super) fn value(&self, key: &str) -> Value {
        self.0.get(key).cloned().unwrap_or_default()
    }

    /// Where the value comes from.
    pub(super) fn origin(&self, key: &str) -> String {
        let value = self.0.get(key);
        let origin = value.and_then(Value::origin).unwrap_or(DEFAULT);
        origin.to_owned()
    }

    /// The value as it may be shown.
    ///
    /// # Panics
    /// For a key that is not in the table of keys, which is a fault of the program.
    pub(crate) fn setting(&self, key: &str) -> Setting {
        let known = KEYS.iter().find(|known| known.name == key);
        let known = known.expect("only known keys are asked for");
        let value = match (known.shown, plain(self.value(key))) {
            (_, serde_json::Value::Null) => None,
            (Shown::Plainly, value) => Some(value),
            (Shown::Masked, _) => Some(MASK.into()),
            (Shown::WithoutPassword, value) => {
                Some(without_password(value.as_str().unwrap_or_default()).into())
            }
        };
        Setting {
            key: known.name,
            value,
            from: self.origin(key),
        }
    }
}

/// Texts from the environment or the command line, each with the name it was given under.
#[derive(Clone, Debug)]
struct Texts(Vec<(&'static str, &'static str, String)>);

impl Source for Texts {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let value = |(key, name, text): &(&str, &str, String)| {
            let origin = (*name).to_owned();
            (
                (*key).to_owned(),
                Value::new(Some(&origin), ValueKind::String(text.clone())),
            )
        };
        Ok(self.0.iter().map(value).collect())
    }
}

/// The variables that are keys. `LEADRAIL_DATABASE_URL` beats `DATABASE_URL`.
fn variables(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> anyhow::Result<Vec<(&'static str, &'static str, String)>> {
    let (mut found, mut database_url) = (Vec::new(), None);
    for (name, value) in environment {
        let Some(name) = name.to_str() else { continue };
        if name != "DATABASE_URL" && !must_be_key(name) {
            continue;
        }
        let Some(value) = value.to_str().map(str::to_owned) else {
            return Err(usage(format!(
                "the variable {name} is not UTF-8 text; correct or unset it"
            )));
        };
        match KEYS.iter().find(|key| key.variable == name) {
            Some(key) => found.push((key.name, key.variable, value)),
            None if name == "DATABASE_URL" => database_url = Some(value),
            None => {
                let nearest = nearest(name, KEYS.iter().map(|key| key.variable));
                return Err(usage(format!(
                    "there is no variable {name}; did you mean {nearest}?"
                )));
            }
        }
    }
    if let Some(url) = database_url
        && !found.iter().any(|(key, ..)| *key == "database_url")
    {
        found.push(("database_url", "DATABASE_URL", url));
    }
    Ok(found)
}

fn flatten(name: String, value: Value, into: &mut BTreeMap<String, Value>) {
    match value.kind {
        ValueKind::Table(fields) => {
            for (field, value) in fields {
                let below = if name.is_empty() {
                    field
                } else {
                    format!("{name}.{field}")
                };
                flatten(below, value, into);
            }
        }
        _ => {
            into.insert(name, value);
        }
    }
}

fn refuse_unknown(values: &BTreeMap<String, Value>) -> anyhow::Result<()> {
    for (name, value) in values {
        if KEYS.iter().any(|key| key.name == name) {
            continue;
        }
        let origin = value.origin().unwrap_or(DEFAULT);
        // Escaped and cut: it may be anything.
        let name: String = name.escape_debug().take(60).collect();
        let nearest = nearest(&name, KEYS.iter().map(|key| key.name));
        return Err(usage(format!(
            "{origin}: there is no key {name}; did you mean {nearest}?"
        )));
    }
    Ok(())
}

/// The parser quotes the faulty line, which may hold a secret; its first line only says where.
fn not_toml(error: &ConfigError) -> anyhow::Error {
    let (file, place) = match error {
        ConfigError::FileParse { uri, cause } => {
            let text = cause.to_string();
            let place = text.lines().next().unwrap_or_default().to_owned();
            (uri.clone().unwrap_or_else(|| USUAL_FILE.to_owned()), place)
        }
        _ => (USUAL_FILE.to_owned(), "it cannot be read".to_owned()),
    };
    usage(format!("{file} is not a valid TOML file: {place}"))
}

/// A value as JSON; null for an empty text or list.
fn plain(value: Value) -> serde_json::Value {
    match value.kind {
        ValueKind::Boolean(yes) => yes.into(),
        ValueKind::I64(number) => number.into(),
        ValueKind::U64(number) => number.into(),
        ValueKind::Float(number) => number.into(),
        ValueKind::String(text) if text.trim().is_empty() => serde_json::Value::Null,
        ValueKind::String(text) => text.into(),
        ValueKind::Array(items) if items.is_empty() => serde_json::Value::Null,
        ValueKind::Array(items) => items.into_iter().map(plain).collect(),
        _ => serde_json::Value::Null,
    }
}

/// The address without its password; nothing of it if it cannot be taken apart.
fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return MASK.to_owned();
    };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    if url.query_pairs().any(|(name, _)| name.contains("password")) {
        url.set_query(Some(MASK));
    }
    url.into()
}
