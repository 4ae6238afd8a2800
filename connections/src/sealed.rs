//! The secrets of a connection as one text, which is what the vault seals: a JSON object by name.

use std::collections::BTreeMap;

use leadrail_adapters::Secrets;
use secrecy::{ExposeSecret, SecretString};

/// The secrets as one text.
pub(crate) fn written(secrets: &Secrets) -> SecretString {
    let by_name: BTreeMap<&str, &str> = secrets
        .iter()
        .map(|(name, secret)| (name, secret.expose_secret()))
        .collect();
    let text = serde_json::to_string(&by_name).expect("texts by name are JSON");
    SecretString::from(text)
}

/// The secrets of such a text; `None` if it is something else.
pub(crate) fn read(method: &str, text: &SecretString) -> Option<Secrets> {
    // `SecretString` so that what is parsed is wiped as well.
    let by_name: BTreeMap<String, SecretString> =
        serde_json::from_str::<BTreeMap<String, String>>(text.expose_secret())
            .ok()?
            .into_iter()
            .map(|(name, secret)| (name, SecretString::from(secret)))
            .collect();
    let secrets = Secrets::new(method);
    Some(
        by_name
            .into_iter()
            .fold(secrets, |secrets, (name, secret)| {
                secrets.with(name, secret)
            }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_read_again_and_nothing_else_is() {
        let secrets = Secrets::new("oauth")
            .with("access_token", SecretString::from("a\"b"))
            .with("refresh_token", SecretString::from("c"));
        let read = read("oauth", &written(&secrets)).expect("secrets");
        let names: Vec<&str> = read.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["access_token", "refresh_token"]);
        assert_eq!(
            written(&read).expose_secret(),
            written(&secrets).expose_secret()
        );
        for other in ["", "canary", "[]", r#"{"a": 1}"#] {
            assert!(super::read("oauth", &SecretString::from(other)).is_none());
        }
    }
}
