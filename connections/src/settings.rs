//! What a contractor chooses for a connection: a small, closed set of typed keys.
//!
//! Writing is strict, so that a misspelled key is noticed when it is typed. Reading is lenient with
//! keys it does not know: during a deploy a newer release may have written them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The keys that may be set.
const KNOWN: [&str; 6] = [
    "call_timeout_ms",
    "lead_source",
    "notifications_enabled",
    "on_unknown_outcome",
    "retry_schedule",
    "settle_seconds",
];

/// A lead source longer than this is a mistake; CRMs cut them at about this length.
const MAX_LEAD_SOURCE_CHARS: usize = 200;

/// More retries than this is a mistake.
const MAX_RETRIES: usize = 50;

/// A delay or jitter as text, such as `90s`.
const MAX_DELAY_CHARS: usize = 32;

/// A day: a CRM that needs longer to show what it did cannot be asked.
const MAX_SETTLE_SECONDS: u64 = 86_400;

/// Ten minutes: a call that takes longer holds its worker for nothing.
const MAX_CALL_TIMEOUT_MS: u64 = 600_000;

/// What to do when nobody can find out whether a call took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknownOutcome {
    /// Call again: a double is better than a lost lead.
    Retry,
    /// Stop and ask a person.
    Ask,
}

/// A connection's settings. What is `None` follows the CRM's or the configuration's default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionSettings {
    /// Whether the CRM may notify its users of what we create (Housecall Pro's
    /// `notifications_enabled`); off unless asked for.
    pub notifications_enabled: bool,
    /// The lead source to file leads under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_source: Option<String>,
    /// What to do when the outcome of a call cannot be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_unknown_outcome: Option<OnUnknownOutcome>,
    /// A retry schedule of its own: a list of `{"delay": "30s", "jitter": "10s"}`, as the engine
    /// reads it. Only the shape is checked here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_schedule: Option<Value>,
    /// Seconds until the CRM shows what a call did; 0 to 86400.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle_seconds: Option<u32>,
    /// Milliseconds a call may take; 1 to 600000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_timeout_ms: Option<u32>,
}

/// Every fault in the settings, each a sentence that names its key and repeats no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.join("; "))]
pub struct SettingsError {
    /// At least one, in the order of the keys.
    pub faults: Vec<String>,
}

impl ConnectionSettings {
    /// Reads settings as a person gave them: an object of known keys only. `null` unsets a key.
    ///
    /// # Errors
    /// All faults at once.
    pub fn parse(value: &Value) -> Result<Self, SettingsError> {
        let Some(given) = value.as_object() else {
            let faults = vec!["the settings must be a JSON object".to_owned()];
            return Err(SettingsError { faults });
        };
        let mut reader = Reader {
            given,
            faults: unknown_keys(given).into_iter().collect(),
        };
        let settings = Self {
            notifications_enabled: reader.flag("notifications_enabled").unwrap_or_default(),
            lead_source: reader.text("lead_source"),
            on_unknown_outcome: reader.on_unknown_outcome("on_unknown_outcome"),
            retry_schedule: reader.retry_schedule("retry_schedule"),
            settle_seconds: reader.whole("settle_seconds", 0, MAX_SETTLE_SECONDS),
            call_timeout_ms: reader.whole("call_timeout_ms", 1, MAX_CALL_TIMEOUT_MS),
        };
        match reader.faults {
            faults if faults.is_empty() => Ok(settings),
            faults => Err(SettingsError { faults }),
        }
    }

    /// The settings as they are stored.
    pub(crate) fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("plain data always serializes")
    }
}

fn unknown_keys(given: &Map<String, Value>) -> Option<String> {
    let mut unknown: Vec<String> = given
        .keys()
        .filter(|key| !KNOWN.contains(&key.as_str()))
        // Escaped and cut: a hostile key must not fill or forge a log line.
        .map(|key| key.chars().take(40).flat_map(char::escape_debug).collect())
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let more = unknown.len().saturating_sub(10);
    unknown.truncate(10);
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let (unknown, known) = (unknown.join(", "), KNOWN.join(", "));
    Some(format!(
        "unknown settings: {unknown}{tail} (known: {known})"
    ))
}

struct Reader<'a> {
    given: &'a Map<String, Value>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads one key, or notes that it must be `expected`.
    fn read<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.given.get(key).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.faults.push(format!("{key} must be {expected}"));
        }
        read
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        self.read(key, "true or false", Value::as_bool)
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let expected = "text of 1 to 200 characters without line breaks";
        self.read(key, expected, |value| {
            let text = value.as_str()?.trim();
            let fits = (1..=MAX_LEAD_SOURCE_CHARS).contains(&text.chars().count());
            (fits && !text.contains(char::is_control)).then(|| text.to_owned())
        })
    }

    fn on_unknown_outcome(&mut self, key: &str) -> Option<OnUnknownOutcome> {
        self.read(key, "\"retry\" or \"ask\"", |value| {
            OnUnknownOutcome::deserialize(value).ok()
        })
    }

    fn retry_schedule(&mut self, key: &str) -> Option<Value> {
        let expected =
            "a list of at most 50 objects like {\"delay\": \"30s\", \"jitter\": \"10s\"}";
        self.read(key, expected, |value| {
            let steps = value.as_array()?;
            (steps.len() <= MAX_RETRIES && steps.iter().all(is_retry_step)).then(|| value.clone())
        })
    }

    fn whole(&mut self, key: &str, least: u64, most: u64) -> Option<u32> {
        let expected = format!("a whole number from {least} to {most}");
        self.read(key, &expected, |value| {
            let number = value
                .as_u64()
                .filter(|number| (least..=most).contains(number))?;
            u32::try_from(number).ok()
        })
    }
}

fn is_retry_step(step: &Value) -> bool {
    let is_text = |value: &Value| value.as_str().is_some_and(is_delay);
    step.as_object().is_some_and(|step| {
        step.contains_key("delay")
            && step
                .iter()
                .all(|(key, value)| matches!(key.as_str(), "delay" | "jitter") && is_text(value))
    })
}

fn is_delay(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_DELAY_CHARS && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ConnectionSettings, OnUnknownOutcome};

    fn faults(value: &Value) -> Vec<String> {
        ConnectionSettings::parse(value).map_or_else(|error| error.faults, |_| vec![])
    }

    #[test]
    fn nothing_given_means_no_notifications_and_the_defaults() {
        let settings = ConnectionSettings::parse(&json!({})).expect("empty settings");
        assert_eq!(settings, ConnectionSettings::default());
        assert!(!settings.notifications_enabled);
        assert_eq!(
            ConnectionSettings::parse(&json!({"settle_seconds": null})),
            Ok(settings)
        );
    }

    #[test]
    fn every_known_key_is_kept_through_storage() {
        let given = json!({
            "notifications_enabled": true,
            "lead_source": "Phone AI",
            "on_unknown_outcome": "ask",
            "retry_schedule": [{"delay": "30s", "jitter": "10s"}, {"delay": "2m"}],
            "settle_seconds": 0,
            "call_timeout_ms": 600_000,
        });
        let settings = ConnectionSettings::parse(&given).expect("all known");
        assert_eq!(settings.on_unknown_outcome, Some(OnUnknownOutcome::Ask));
        assert_eq!(settings.to_json(), given);
        let stored: ConnectionSettings = serde_json::from_value(settings.to_json()).expect("reads");
        assert_eq!(stored, settings);
    }

    #[test]
    fn unknown_keys_are_refused_by_name_and_all_at_once() {
        let faults = faults(&json!({"settle_second": 1, "leadSource": "x", "settle_seconds": -1}));
        assert_eq!(faults.len(), 2);
        assert!(
            faults[0].contains("settle_second") && faults[0].contains("leadSource"),
            "{faults:?}"
        );
        assert!(
            faults[1].starts_with("settle_seconds must be"),
            "{faults:?}"
        );
    }

    #[test]
    fn a_hostile_key_neither_breaks_nor_fills_a_line() {
        let long = "k".repeat(100_000);
        let mut given = json!({"a\nb\u{1b}[31m": 1, long: 1});
        for n in 0..1000 {
            given[format!("key{n}")] = json!(1);
        }
        let faults = faults(&given);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].len() < 800, "{}", faults[0].len());
        assert!(!faults[0].contains(char::is_control), "{faults:?}");
        assert!(faults[0].contains("and 992 more"), "{faults:?}");
    }

    #[test]
    fn a_wrong_value_is_refused_without_repeating_it() {
        let table = [
            json!({"notifications_enabled": "canary"}),
            json!({"lead_source": ["canary"]}),
            json!({"lead_source": "canary\nline"}),
            json!({"lead_source": "canary".repeat(40)}),
            json!({"lead_source": "  "}),
            json!({"on_unknown_outcome": "canary"}),
            json!({"retry_schedule": "canary"}),
            json!({"retry_schedule": ["canary"]}),
            json!({"retry_schedule": [{"jitter": "canary"}]}),
            json!({"retry_schedule": [{"delay": "30s", "canary": "1s"}]}),
            json!({"retry_schedule": [{"delay": 30}]}),
            json!({"retry_schedule": vec![json!({"delay": "1s"}); 51]}),
            json!({"settle_seconds": 86_401}),
            json!({"settle_seconds": 1.5}),
            json!({"settle_seconds": "60"}),
            json!({"call_timeout_ms": 0}),
            json!({"call_timeout_ms": 1e300}),
            json!([]),
            json!("canary"),
        ];
        for given in table {
            let faults = faults(&given);
            assert_eq!(faults.len(), 1, "{given}");
            assert!(!faults[0].contains("canary"), "{faults:?}");
        }
    }

    #[test]
    fn a_key_of_a_newer_release_does_not_make_a_stored_row_unreadable() {
        let stored = json!({"notifications_enabled": true, "from_tomorrow": [1]});
        let settings: ConnectionSettings = serde_json::from_value(stored).expect("lenient");
        assert!(settings.notifications_enabled);
    }
}
