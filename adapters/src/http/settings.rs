//! What a connection sets for its CRM: described by the CRM, checked at the door, read by adapters.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::info::{CrmInfo, Required, SettingInfo, SettingKind};

/// The longest id of a CRM's own thing, in characters.
const MAX_ID_CHARS: usize = 100;

/// The most digits of an id that is a number: all that a signed 64-bit one surely holds.
const MAX_ID_DIGITS: usize = 18;

/// What a connection sets, such as the lead source's name. The keys are those of
/// [`CrmInfo::settings`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Map<String, Value>);

/// Everything that is wrong with given settings, a sentence each, in order. No sentence repeats a
/// value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SettingsFaults(pub Vec<String>);

impl Settings {
    /// Sets one value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Checks what was given against what the CRM describes. `null` counts as not given; an unknown
    /// key is a fault, so that a misspelled one is noticed when it is typed.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn check(crm: &CrmInfo, given: &Map<String, Value>) -> Result<Self, SettingsFaults> {
        let mut faults = unknown(crm, given);
        let mut checked = Map::new();
        for info in crm.settings {
            match given.get(info.name).filter(|value| !value.is_null()) {
                None => faults.extend(lack(crm, info, given)),
                Some(value) => match fitting(&info.kind, value) {
                    Some(value) => drop(checked.insert(info.name.to_owned(), value)),
                    None => faults.push(format!("{} must be {}", info.name, expected(info))),
                },
            }
        }
        match faults.is_empty() {
            true => Ok(Self(checked)),
            false => Err(SettingsFaults(faults)),
        }
    }

    /// A text, or an id written as a number, that is set and not blank.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// An id that is a number; `None` unless it is set and above zero.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        whole_number(self.text(name)?)
    }

    /// A switch, off unless it is set to `true`.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// The settings as they are stored.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for Settings {
    /// Settings that were checked when they were stored.
    fn from(stored: Map<String, Value>) -> Self {
        Self(stored)
    }
}

/// What is wrong with not giving this setting, if anything is.
fn lack(crm: &CrmInfo, info: &SettingInfo, given: &Map<String, Value>) -> Option<String> {
    match info.required {
        Required::Never => None,
        Required::Always => Some(format!("{} is required", info.name)),
        Required::When(mode, value) => (chosen(crm, mode, given) == Some(value))
            .then(|| format!("{} is required when {mode} is {value}", info.name)),
        Required::Unless(mode, value) => chosen(crm, mode, given)
            .is_some_and(|chosen| chosen != value)
            .then(|| format!("{} is required unless {mode} is {value}", info.name)),
    }
}

/// The value of a choice, which unset is its first; `None` if what was given is none of its values,
/// which is a fault of its own.
fn chosen(crm: &CrmInfo, name: &str, given: &Map<String, Value>) -> Option<&'static str> {
    let info = crm.settings.iter().find(|info| info.name == name)?;
    let SettingKind::Choice(choices) = info.kind else {
        return None;
    };
    match given.get(name).filter(|value| !value.is_null()) {
        None => choices.first().copied(),
        Some(value) => choices.iter().copied().find(|choice| value == choice),
    }
}

/// The value as it is stored: texts trimmed, ids as text.
fn fitting(kind: &SettingKind, value: &Value) -> Option<Value> {
    match kind {
        SettingKind::Switch => value.as_bool().map(Value::Bool),
        SettingKind::Choice(choices) => {
            let chosen = value.as_str()?;
            choices.contains(&chosen).then(|| chosen.into())
        }
        SettingKind::Text(max_chars) => one_line(value.as_str()?, *max_chars).map(Value::from),
        SettingKind::Id { .. } => match value.as_u64() {
            Some(number) => Some(number.to_string().into()),
            None => one_line(value.as_str()?, MAX_ID_CHARS).map(Value::from),
        },
        SettingKind::Number { .. } => {
            let number = match value.as_u64() {
                Some(number) => whole_number(&number.to_string()),
                None => whole_number(value.as_str()?.trim()),
            };
            number.map(|number| number.to_string().into())
        }
    }
}

fn whole_number(text: &str) -> Option<u64> {
    let digits = text.len() <= MAX_ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = digits.then(|| text.parse().ok()).flatten();
    number.filter(|&number| number > 0)
}

fn one_line(text: &str, max_chars: usize) -> Option<&str> {
    let text = text.trim();
    let fits = (1..=max_chars).contains(&text.chars().take(max_chars + 1).count());
    (fits && !text.contains(char::is_control)).then_some(text)
}

fn expected(info: &SettingInfo) -> String {
    match info.kind {
        SettingKind::Switch => "true or false".to_owned(),
        SettingKind::Choice(choices) => format!("one of: {}", choices.join(", ")),
        SettingKind::Text(max_chars) => {
            format!("text of 1 to {max_chars} characters without line breaks")
        }
        SettingKind::Id { .. } => {
            format!("an id: a whole number, or text of 1 to {MAX_ID_CHARS} characters")
        }
        SettingKind::Number { .. } => "an id: a whole number above zero".to_owned(),
    }
}

fn unknown(crm: &CrmInfo, given: &Map<String, Value>) -> Vec<String> {
    let mut unknown: Vec<String> = given
        .keys()
        .filter(|key| crm.settings.iter().all(|info| info.name != key.as_str()))
        // Escaped and cut: a hostile key must not fill or forge a log line.
        .map(|key| key.chars().take(40).flat_map(char::escape_debug).collect())
        .collect();
    if unknown.is_empty() {
        return unknown;
    }
    let more = unknown.len().saturating_sub(10);
    unknown.truncate(10);
    let tail = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let known: Vec<&str> = crm.settings.iter().map(|info| info.name).collect();
    let (unknown, known) = (unknown.join(", "), known.join(", "));
    vec![format!(
        "unknown settings: {unknown}{tail} ({} has: {known})",
        crm.title
    )]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scripted_crm::EXAMPLE;

    fn check(given: &Value) -> Result<Settings, Vec<String>> {
        Settings::check(&EXAMPLE, given.as_object().unwrap()).map_err(|faults| faults.0)
    }

    #[test]
    fn what_the_crm_describes_is_taken_trimmed_and_ids_become_text() {
        let given =
            json!({"label": " Phone ", "mode": "job", "notify": true, "board": 17, "price": "P-1"});
        let settings = check(&given).unwrap();
        assert_eq!(settings.text("label"), Some("Phone"));
        assert_eq!(settings.text("mode"), Some("job"));
        assert_eq!(settings.text("board"), Some("17"));
        assert!(settings.is_on("notify"));
        let none = check(&json!({"board": "b-1", "label": null})).unwrap();
        assert_eq!((none.text("label"), none.is_on("notify")), (None, false));
    }

    #[test]
    fn a_wrong_value_is_refused_without_repeating_it() {
        for (key, bad) in [
            ("label", json!("canary\nline")),
            ("label", json!("canary".repeat(40))),
            ("label", json!("  ")),
            ("label", json!(["canary"])),
            ("mode", json!("canary")),
            ("notify", json!("canary")),
            ("board", json!(-1)),
            ("board", json!(1.5)),
            ("board", json!("c".repeat(101))),
            ("shop", json!("canary")),
            ("shop", json!(0)),
            ("shop", json!("00")),
            ("shop", json!(-1)),
            ("shop", json!(1.5)),
            ("shop", json!("+17")),
            ("shop", json!("17/../18")),
            ("shop", json!("1".repeat(19))),
            ("shop", json!(u64::MAX)),
        ] {
            let mut given = json!({"board": 1});
            given[key] = bad;
            let faults = check(&given).unwrap_err();
            assert_eq!(faults.len(), 1, "{key}");
            assert!(
                faults[0].starts_with(&format!("{key} must be ")),
                "{faults:?}"
            );
            assert!(!faults[0].contains("canary"), "{faults:?}");
        }
    }

    #[test]
    fn a_number_is_one_however_it_is_given() {
        for given in [json!(17), json!("17"), json!(" 0017 ")] {
            let settings = check(&json!({"board": 1, "shop": given})).unwrap();
            assert_eq!(settings.number("shop"), Some(17));
            assert_eq!(settings.text("shop"), Some("17"));
        }
        assert_eq!(Settings::default().number("shop"), None);
        let stored = Settings::default().with("shop", "x");
        assert_eq!(stored.number("shop"), None);
    }

    #[test]
    fn what_is_required_and_what_is_unknown_is_named_at_once() {
        let faults = check(&json!({"bord": 1})).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(
            faults[0].contains("bord") && faults[0].contains("board"),
            "{faults:?}"
        );
        assert_eq!(faults[1], "board is required");
    }

    #[test]
    fn a_mode_can_require_what_the_others_do_without() {
        let wanted = vec!["price is required when mode is job".to_owned()];
        assert_eq!(
            check(&json!({"board": 1, "mode": "job"})).unwrap_err(),
            wanted
        );
        let given = json!({"board": 1, "mode": "job", "price": null});
        assert_eq!(check(&given).unwrap_err(), wanted);
        assert!(check(&json!({"board": 1, "mode": "job", "price": "P-1"})).is_ok());
        for without in [json!({"board": 1}), json!({"board": 1, "mode": null})] {
            assert!(check(&without).is_ok(), "the first mode is the usual one");
        }
        let faults = check(&json!({"board": 1, "mode": "jobs"})).unwrap_err();
        assert_eq!(faults.len(), 1, "a wrong mode requires nothing: {faults:?}");
    }

    #[test]
    fn what_the_usual_mode_requires_is_required_without_a_choice() {
        let lack_of = |required: Required, given: Value| {
            let given = given.as_object().unwrap().clone();
            let info = SettingInfo {
                name: "board",
                title: "",
                kind: SettingKind::Switch,
                required,
                help: "",
            };
            lack(&EXAMPLE, &info, &given)
        };
        let in_lead = Required::When("mode", "lead");
        for usual in [json!({}), json!({"mode": "lead"})] {
            assert!(lack_of(in_lead, usual.clone()).is_some());
            let but_in_lead = Required::Unless("mode", "lead");
            assert_eq!(lack_of(but_in_lead, usual.clone()), None);
            assert_eq!(
                lack_of(Required::Unless("mode", "job"), usual).as_deref(),
                Some("board is required unless mode is job")
            );
        }
        for other in [json!({"mode": "job"}), json!({"mode": "jobs"})] {
            assert_eq!(lack_of(in_lead, other.clone()), None);
            assert_eq!(lack_of(Required::Unless("mode", "job"), other), None);
        }
    }

    #[test]
    fn a_hostile_key_neither_breaks_nor_fills_a_line() {
        let mut given = json!({"board": 1, "a\nb\u{1b}[31m": 1});
        given["k".repeat(100_000)] = json!(1);
        for n in 0..1000 {
            given[format!("key{n}")] = json!(1);
        }
        let faults = check(&given).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].len() < 900, "{}", faults[0].len());
        assert!(!faults[0].contains(char::is_control), "{faults:?}");
        assert!(faults[0].contains("and 992 more"), "{faults:?}");
    }
}
