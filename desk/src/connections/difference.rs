//! What became of a connection, before and after, for the audit log. No secret stands in either.

use leadrail_connections::Connection;
use serde_json::{Map, Value};

/// The longest value that is shown whole, in characters.
const MAX_VALUE: usize = 200;

/// What is different, such as `state: active -> paused; settings.tag: none -> "night"`.
pub(super) fn difference(before: Option<&Connection>, after: &Connection) -> String {
    let (was, is) = (before.map(facts).unwrap_or_default(), facts(after));
    let names = is
        .keys()
        .chain(was.keys().filter(|name| !is.contains_key(*name)));
    let different = names.filter(|name| was.get(*name) != is.get(*name));
    let said: Vec<String> = different
        .map(|name| {
            format!(
                "{name}: {} -> {}",
                shown(was.get(name)),
                shown(is.get(name))
            )
        })
        .collect();
    match said.is_empty() {
        true => format!("unchanged, {}", after.state),
        false => said.join("; "),
    }
}

/// Everything that people set or that holds leads back, one name a fact.
fn facts(connection: &Connection) -> Map<String, Value> {
    let mut facts = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            facts.insert(name.to_owned(), value);
        }
    };
    put("state", connection.state.as_str().into());
    put("crm_account_id", connection.crm_account_id.clone().into());
    let url = connection.base_url.as_ref();
    put("base_url", url.map(|url| url.as_str().to_owned()).into());
    put("auth_method", connection.auth_method.clone().into());
    put("secrets", connection.secret_version.into());
    if let Ok(Value::Object(settings)) = serde_json::to_value(&connection.settings) {
        for (name, value) in settings {
            put(&format!("settings.{name}"), value);
        }
    }
    facts
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "none".to_owned(), Value::to_string);
    // Our own words stand without quotes, what somebody wrote within them.
    let text = match value {
        Some(Value::String(word)) if word.bytes().all(is_plain) => word.clone(),
        _ => text,
    };
    match text.chars().count() > MAX_VALUE {
        true => text.chars().take(MAX_VALUE).chain("...".chars()).collect(),
        false => text,
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}
