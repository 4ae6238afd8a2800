//! Takes secrets out of a text that we do not know but that are named: a token that a CRM tells in an answer.

/// What stands in the name of a field that holds a secret, in lower case and without dashes.
const NAMES: [&str; 8] = [
    "token",
    "secret",
    "password",
    "passwd",
    "apikey",
    "appkey",
    "authorization",
    "signature",
];

/// The text with `mask` in the place of each JSON string whose name says that it is a secret. It need be
/// neither whole nor JSON: what has no such name stays as it is.
pub(super) fn masked(text: &str, mask: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let (before, quoted) = rest.split_at(start + 1);
        let end = end_of(quoted);
        let (name, after) = quoted.split_at(end);
        kept.push_str(before);
        kept.push_str(name);
        rest = after;
        let Some(value) = value_after(after).filter(|_| is_secret(name)) else {
            // The closing quote belongs to this text, or the next one would begin inside out.
            kept.push_str(&rest[..rest.len().min(1)]);
            rest = &rest[rest.len().min(1)..];
            continue;
        };
        kept.push_str(&after[..value]);
        kept.push_str(mask);
        rest = &after[value + end_of(&after[value..])..];
        kept.push_str(&rest[..rest.len().min(1)]);
        rest = &rest[rest.len().min(1)..];
    }
    kept.push_str(rest);
    kept
}

/// Where a string that has begun ends: at its quote, or with the text.
fn end_of(quoted: &str) -> usize {
    let mut is_escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(quoted.len())
}

/// After a name's closing quote: where the string begins that is its value, if it is one.
fn value_after(after: &str) -> Option<usize> {
    let colon = after.strip_prefix('"')?.trim_start();
    let value = colon.strip_prefix(':')?.trim_start().strip_prefix('"')?;
    Some(after.len() - value.len())
}

fn is_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    NAMES.iter().any(|secret| plain.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_under_a_secrets_name_is_masked_and_nothing_else() {
        let rows = [
            (
                r#"{"access_token":"x1","id":7}"#,
                r#"{"access_token":"*","id":7}"#,
            ),
            (
                r#"{"Client-Secret" : "a\"b", "n":"m"}"#,
                r#"{"Client-Secret" : "*", "n":"m"}"#,
            ),
            (
                r#"{"a":{"X-Api-Key":"k"},"b":["c"]}"#,
                r#"{"a":{"X-Api-Key":"*"},"b":["c"]}"#,
            ),
            (
                r#"{"refresh_token":"cut off in the mid"#,
                r#"{"refresh_token":"*"#,
            ),
            (
                r#"{"token":null,"secret":[1]}"#,
                r#"{"token":null,"secret":[1]}"#,
            ),
            (
                r#"{"error":"the token is wrong"}"#,
                r#"{"error":"the token is wrong"}"#,
            ),
            ("<html>\"token\": no JSON", "<html>\"token\": no JSON"),
            ("\"", "\""),
            ("", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(masked(text, "*"), expected, "{text}");
        }
    }
}
