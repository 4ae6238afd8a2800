//! What a contractor chooses for a connection: how patiently we deliver, and what its CRM describes.
//!
//! Writing is strict, so that a misspelled key is noticed when it is typed. Reading is lenient with
//! keys it does not know: during a deploy a newer release may have written them.

use leadrail_adapters::{CrmInfo, Settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The keys of [`DeliverySettings`]; all others are the CRM's.
const OURS: [&str; 7] = [
    "call_timeout_ms",
    "leads_per_minute",
    "max_at_once",
    "on_unknown_outcome",
    "retry_schedule",
    "settle_seconds",
    "test_mode",
];

/// What there is to know of a setting that every CRM's connection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DeliverySetting {
    /// The key.
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// What may stand there, in words.
    pub kind: &'static str,
    /// What it may be, where it is one of a few.
    pub choices: &'static [&'static str],
    /// What it does, and what happens without it.
    pub help: &'static str,
}

/// The settings that every CRM's connection has, by name.
pub const DELIVERY: [DeliverySetting; 7] = [
    DeliverySetting {
        name: "call_timeout_ms",
        title: "Deadline of a call",
        kind: "whole number, 1 to 600000",
        choices: &[],
        help: "Milliseconds that a call may take; the configuration's, else the CRM's, without it.",
    },
    DeliverySetting {
        name: "leads_per_minute",
        title: "Leads a minute",
        kind: "whole number, 1 to 6000",
        choices: &[],
        help: "How many leads begin each minute at most, evenly spread; as fast as the CRM says that it takes \
               them without it.",
    },
    DeliverySetting {
        name: "max_at_once",
        title: "Leads at once",
        kind: "whole number, 1 to 1000",
        choices: &[],
        help: "How many leads are under way at once at most, over all workers; as many as there are without it.",
    },
    DeliverySetting {
        name: "on_unknown_outcome",
        title: "When nobody can know",
        kind: "choice",
        choices: &["ask", "retry"],
        help: "What to do when nobody can find out whether a call took effect. ask: the lead waits for \
               a person; retry: a double is better than a lost lead. ask without it.",
    },
    DeliverySetting {
        name: "retry_schedule",
        title: "Waits between tries",
        kind: "list of {\"delay\": \"30s\", \"jitter\": \"10s\"}",
        choices: &[],
        help: "How long each next try waits; one more try than there are waits. The workers' without it.",
    },
    DeliverySetting {
        name: "settle_seconds",
        title: "When effects show",
        kind: "whole number, 0 to 86400",
        choices: &[],
        help: "Seconds until the CRM shows what a call did, before it is looked for; the CRM's without it.",
    },
    DeliverySetting {
        name: "test_mode",
        title: "Test mode",
        kind: "true or false",
        choices: &[],
        help: "Whether every lead says in the CRM, by name and text, that it is a test. Leads are filed all \
               the same. false without it.",
    },
];

/// More retries than this is a mistake.
const MAX_RETRIES: usize = 50;

/// A delay or jitter as text, such as `90s`.
const MAX_DELAY_CHARS: usize = 32;

/// A day: a CRM that needs longer to show what it did cannot be asked.
const MAX_SETTLE_SECONDS: u64 = 86_400;

/// Ten minutes: a call that takes longer holds its worker for nothing.
const MAX_CALL_TIMEOUT_MS: u64 = 600_000;

/// A hundred a second is more than any CRM takes of one account.
const MAX_LEADS_PER_MINUTE: u64 = 6_000;

/// More than this at once is no limit.
const MAX_AT_ONCE: u64 = 1_000;

/// What to do when nobody can find out whether a call took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknownOutcome {
    /// Call again: a double is better than a lost lead.
    Retry,
    /// Stop and ask a person.
    Ask,
}

/// A connection's settings, one flat object in SQL, JSON and on the command line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConnectionSettings {
    /// How its leads are delivered: the same for all CRMs.
    #[serde(flatten)]
    pub delivery: DeliverySettings,
    /// What its CRM describes ([`CrmInfo::settings`]).
    #[serde(flatten)]
    pub crm: Settings,
}

/// How leads are delivered. What is `None` follows the CRM's or the configuration's default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliverySettings {
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
    /// How many leads begin each minute at most; 1 to 6000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_per_minute: Option<u32>,
    /// How many leads are under way at once at most; 1 to 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_at_once: Option<u32>,
    /// Whether every lead says in the CRM that it is a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_mode: Option<bool>,
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
    pub fn parse(crm: &CrmInfo, value: &Value) -> Result<Self, SettingsError> {
        let Some(given) = value.as_object() else {
            let faults = vec!["the settings must be a JSON object".to_owned()];
            return Err(SettingsError { faults });
        };
        let (ours, theirs): (Map<_, _>, Map<_, _>) = given
            .clone()
            .into_iter()
            .partition(|(key, _)| OURS.contains(&key.as_str()));
        let mut reader = Reader {
            given: &ours,
            faults: Vec::new(),
        };
        let delivery = DeliverySettings {
            on_unknown_outcome: reader.on_unknown_outcome("on_unknown_outcome"),
            retry_schedule: reader.retry_schedule("retry_schedule"),
            settle_seconds: reader.whole("settle_seconds", 0, MAX_SETTLE_SECONDS),
            call_timeout_ms: reader.whole("call_timeout_ms", 1, MAX_CALL_TIMEOUT_MS),
            leads_per_minute: reader.whole("leads_per_minute", 1, MAX_LEADS_PER_MINUTE),
            max_at_once: reader.whole("max_at_once", 1, MAX_AT_ONCE),
            test_mode: reader.read("test_mode", "true or false", Value::as_bool),
        };
        let mut faults = reader.faults;
        match Settings::check(crm, &theirs) {
            Ok(crm) if faults.is_empty() => return Ok(Self { delivery, crm }),
            Ok(_) => {}
            Err(theirs) => faults.extend(theirs.0),
        }
        Err(SettingsError { faults })
    }

    /// The settings as they are stored.
    pub(crate) fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("plain data always serializes")
    }
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
    use leadrail_adapters::crms::housecall_pro::HOUSECALL_PRO;
    use serde_json::{Value, json};

    use super::{ConnectionSettings, OnUnknownOutcome, SettingsError};

    fn parse(value: &Value) -> Result<ConnectionSettings, SettingsError> {
        ConnectionSettings::parse(&HOUSECALL_PRO, value)
    }

    fn faults(value: &Value) -> Vec<String> {
        parse(value).map_or_else(|error| error.faults, |_| vec![])
    }

    #[test]
    fn nothing_given_means_the_defaults() {
        let settings = parse(&json!({})).expect("empty settings");
        assert_eq!(settings, ConnectionSettings::default());
        assert_eq!(parse(&json!({"settle_seconds": null})), Ok(settings));
    }

    #[test]
    fn every_known_key_is_kept_through_storage() {
        let given = json!({
            "notifications_enabled": true,
            "lead_source": "Phone AI",
            "tag": "ai",
            "on_unknown_outcome": "ask",
            "retry_schedule": [{"delay": "30s", "jitter": "10s"}, {"delay": "2m"}],
            "settle_seconds": 0,
            "call_timeout_ms": 600_000,
            "leads_per_minute": 6_000,
            "max_at_once": 1,
            "test_mode": true,
        });
        let settings = parse(&given).expect("all known");
        let ours = &settings.delivery;
        assert_eq!(ours.on_unknown_outcome, Some(OnUnknownOutcome::Ask));
        assert_eq!(settings.crm.text("lead_source"), Some("Phone AI"));
        assert!(!settings.crm.as_map().contains_key("settle_seconds"));
        assert_eq!(settings.to_json(), given);
        let stored: ConnectionSettings = serde_json::from_value(settings.to_json()).expect("reads");
        assert_eq!(stored, settings);
    }

    #[test]
    fn unknown_keys_are_refused_by_name_and_all_at_once() {
        let faults = faults(&json!({"settle_second": 1, "leadSource": "x", "settle_seconds": -1}));
        assert_eq!(faults.len(), 2);
        assert!(
            faults[0].starts_with("settle_seconds must be"),
            "{faults:?}"
        );
        assert!(
            faults[1].contains("settle_second,") || faults[1].contains("settle_second "),
            "{faults:?}"
        );
        assert!(faults[1].contains("leadSource"), "{faults:?}");
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
            json!({"leads_per_minute": 0}),
            json!({"leads_per_minute": 6_001}),
            json!({"max_at_once": -1}),
            json!({"max_at_once": 1_001}),
            json!({"test_mode": "canary"}),
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
        assert!(settings.crm.is_on("notifications_enabled"));
    }
}
