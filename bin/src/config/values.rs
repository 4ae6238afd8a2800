//! Values as what they mean. A fault names key and place, and repeats no value that may be secret.

use super::LogFormat;
use super::layers::Layers;
use crate::failure::usage;
use config::{Value, ValueKind};
use leadrail_connections::BaseUrl;
use leadrail_engine::{RetrySchedule, Wait, parse_duration};
use leadrail_outbound::Guard;
use std::net::SocketAddr;
use std::time::Duration;

/// More runs or pauses than this are a mistake.
const MAX_COUNT: i64 = 100_000;

/// Reads one key after the other.
pub(super) struct Reader<'a>(pub(super) &'a Layers);

impl Reader<'_> {
    /// A text; `None` where it is empty.
    pub(super) fn text(&self, key: &str) -> anyhow::Result<Option<String>> {
        match self.0.value(key).kind {
            ValueKind::Nil => Ok(None),
            ValueKind::String(text) if text.trim().is_empty() => Ok(None),
            ValueKind::String(text) => Ok(Some(text.trim().to_owned())),
            _ => Err(self.fault(key, "must be a text in quotes")),
        }
    }

    pub(super) fn count(&self, key: &str) -> anyhow::Result<usize> {
        let must = format!("must be a whole number from 1 to {MAX_COUNT}");
        let number = match self.0.value(key).kind {
            ValueKind::I64(number) => Some(number),
            ValueKind::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| (1..=MAX_COUNT).contains(number))
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| self.fault(key, &must))
    }

    /// A time longer than nothing.
    pub(super) fn duration(&self, key: &str) -> anyhow::Result<Duration> {
        let duration = self.optional_duration(key)?;
        duration.ok_or_else(|| self.fault(key, "must be a time such as 15s"))
    }

    pub(super) fn optional_duration(&self, key: &str) -> anyhow::Result<Option<Duration>> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match parse_duration(&text).filter(|duration| !duration.is_zero()) {
            Some(duration) => Ok(Some(duration)),
            None => Err(self.fault(key, "must be a time such as 250ms, 15s, 10m, 1h or 1d")),
        }
    }

    pub(super) fn schedule(&self, key: &str) -> anyhow::Result<RetrySchedule> {
        let texts = self.texts(key, "must be a list of times in quotes")?;
        let waits: Result<Vec<Wait>, _> = texts.iter().map(|text| text.parse()).collect();
        let waits = waits.map_err(|error| self.fault(key, &format!("is not valid: {error}")))?;
        Ok(RetrySchedule::new(waits))
    }

    pub(super) fn switch(&self, key: &str) -> anyhow::Result<bool> {
        let on = match self.0.value(key).kind {
            ValueKind::Boolean(on) => Some(on),
            ValueKind::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        on.ok_or_else(|| self.fault(key, "must be true or false"))
    }

    /// Names of hosts, without a port.
    pub(super) fn hosts(&self, key: &str) -> anyhow::Result<Vec<String>> {
        let must = "must be a list of host names in quotes, such as \"leads.example.com\"";
        let hosts = self.texts(key, must)?;
        let is_name = |host: &String| {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            !host.is_empty() && host.chars().all(fits)
        };
        match hosts.iter().all(is_name) {
            true => Ok(hosts),
            false => Err(self.fault(key, must)),
        }
    }

    /// Where browsers find us.
    pub(super) fn public_url(&self, key: &str) -> anyhow::Result<Option<BaseUrl>> {
        let url = self.text(key)?.map(|text| BaseUrl::parse(&text));
        url.transpose()
            .map_err(|error| self.fault(key, &format!("is not usable: {error}")))
    }

    pub(super) fn guard(&self, key: &str) -> anyhow::Result<Guard> {
        let texts = self.texts(key, "must be a list of names and addresses in quotes")?;
        Guard::allow(texts).map_err(|error| self.fault(key, &format!("is not valid: {error}")))
    }

    /// A list of texts, or one text with commas between them.
    fn texts(&self, key: &str, must: &str) -> anyhow::Result<Vec<String>> {
        let texts = match self.0.value(key).kind {
            ValueKind::String(text) => {
                let texts = text
                    .split(',')
                    .map(str::trim)
                    .filter(|text| !text.is_empty());
                Some(texts.map(str::to_owned).collect())
            }
            ValueKind::Array(items) => items.into_iter().map(text_of).collect(),
            _ => None,
        };
        texts.ok_or_else(|| self.fault(key, must))
    }

    pub(super) fn address(&self, key: &str) -> anyhow::Result<SocketAddr> {
        let address = self.text(key)?.and_then(|text| text.parse().ok());
        address
            .ok_or_else(|| self.fault(key, "must be an address and a port such as 127.0.0.1:4000"))
    }

    pub(super) fn optional_address(&self, key: &str) -> anyhow::Result<Option<SocketAddr>> {
        match self.text(key)? {
            Some(_) => self.address(key).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn log_format(&self, key: &str) -> anyhow::Result<LogFormat> {
        match self.text(key)?.as_deref() {
            Some("text") => Ok(LogFormat::Text),
            Some("json") => Ok(LogFormat::Json),
            _ => Err(self.fault(key, "must be text or json")),
        }
    }

    fn fault(&self, key: &str, must: &str) -> anyhow::Error {
        usage(format!("{} (from {}) {must}", key, self.0.origin(key)))
    }
}

fn text_of(value: Value) -> Option<String> {
    match value.kind {
        ValueKind::String(text) => Some(text),
        _ => None,
    }
}
