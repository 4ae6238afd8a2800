//! Signed links in what was said: whoever has one may listen until it ends, and then it leads nowhere.
//!
//! The two fields that are links are left alone: nobody files them as they are. Everywhere else in what
//! a call tells (a summary, an answer, a field that this version does not know) a word that is a signed
//! link, or one of those two, gives way to words that say so. Texts end in CRMs for years.

use serde_json::{Map, Value};

use crate::shapes;

/// What stands in the place of the lead's own links, and of others.
const RECORDING: &str = "(recording: see the link of this call)";
const TRANSCRIPT: &str = "(transcript: see the link of this call)";
const OTHER: &str = "(signed link left out)";

/// Names of parameters by which the large storages sign, in lower case: one of them makes a link a
/// signed one. Those that end in `-` are the beginning of a name.
const SIGNING: [&str; 14] = [
    "x-amz-",
    "x-goog-",
    "x-oss-",
    "x-cos-",
    "q-signature",
    "signature",
    "sig",
    "key-pair-id",
    "googleaccessid",
    "awsaccesskeyid",
    "ossaccesskeyid",
    "hdnea",
    "hdnts",
    "access_token",
];

/// A word without any of these is no link and has no parameter that signs.
const HINTS: [char; 4] = ['/', '=', '%', '-'];

/// Links are quoted inside links, each time with another layer of percents.
const LAYERS: usize = 3;

/// What says whose lead it is and where it goes: ids, that are compared and not read.
const ADDRESS: [&str; 6] = [
    "schema_version",
    "event",
    "event_id",
    "timestamp_utc",
    "callsetter_account_id",
    "routing",
];

/// Takes signed links out of every text that a call left, but for the two that are links.
pub(crate) fn take_out(payload: &mut Value) {
    let own = Own::of(payload);
    let Value::Object(fields) = payload else {
        return;
    };
    let told = fields.iter_mut();
    for (name, value) in told.filter(|(name, _)| !ADDRESS.contains(&name.as_str())) {
        match (name.as_str(), value) {
            ("call", Value::Object(call)) => {
                let texts = call.iter_mut();
                let texts = texts.filter(|(name, value)| !is_link_field(name, value));
                texts.for_each(|(_, value)| own.clean(value));
            }
            (_, value) => own.clean(value),
        }
    }
}

/// One that does not read as a link is told in the note as it was given.
fn is_link_field(name: &str, value: &Value) -> bool {
    matches!(name, "recording_url" | "transcript_url") && shapes::link(value).is_ok()
}

/// The lead's own links, without their signatures.
struct Own {
    recording: Option<String>,
    transcript: Option<String>,
}

impl Own {
    fn of(payload: &Value) -> Self {
        let link = |name| {
            let link = payload.get("call")?.get(name)?;
            let link = bare(link.as_str().filter(|_| is_link_field(name, link))?);
            // A link to a whole site would be found in every link to it.
            let (_, path) = link.split_once("://")?.1.split_once('/')?;
            (!path.is_empty()).then(|| link.to_owned())
        };
        Self {
            recording: link("recording_url"),
            transcript: link("transcript_url"),
        }
    }

    fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(cleaned) = self.cleaned(text) {
                    *text = cleaned;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean(item)),
            Value::Object(fields) => {
                if fields.keys().any(|name| self.cleaned(name).is_some()) {
                    *fields = self.renamed(std::mem::take(fields));
                }
                fields.values_mut().for_each(|value| self.clean(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// An answer's question may hold a link, too.
    fn renamed(&self, fields: Map<String, Value>) -> Map<String, Value> {
        let renamed = fields.into_iter();
        renamed
            .map(|(name, value)| (self.cleaned(&name).unwrap_or(name), value))
            .collect()
    }

    /// The text without signed links; none where there are none in it.
    fn cleaned(&self, text: &str) -> Option<String> {
        if !text.contains(HINTS) {
            return None;
        }
        let mut cleaned = String::with_capacity(text.len());
        let mut found = false;
        for word in text.split_inclusive(is_between) {
            let (word, rest) = split_end(word);
            let instead = self.instead_of(word);
            found |= instead.is_some();
            cleaned.push_str(instead.unwrap_or(word));
            cleaned.push_str(rest);
        }
        found.then_some(cleaned)
    }

    fn instead_of(&self, word: &str) -> Option<&'static str> {
        if !word.contains(HINTS) {
            return None;
        }
        let is = |own: &Option<String>| own.as_deref().is_some_and(|own| word.contains(own));
        if is(&self.recording) {
            Some(RECORDING)
        } else if is(&self.transcript) {
            Some(TRANSCRIPT)
        } else {
            is_signed(word).then_some(OTHER)
        }
    }
}

/// A link without its query and fragment.
fn bare(link: &str) -> &str {
    link.split(['?', '#']).next().unwrap_or_default()
}

/// What cannot stand in a link, and what people put around one.
fn is_between(c: char) -> bool {
    let around = "<>\"{}()[]|^`'";
    c.is_whitespace() || c.is_control() || around.contains(c)
}

/// A word, and the punctuation and the blank behind it.
fn split_end(word: &str) -> (&str, &str) {
    let end = |c: char| is_between(c) || matches!(c, '.' | ',' | ';' | ':' | '!');
    word.split_at(word.trim_end_matches(end).len())
}

/// Whether a word has a parameter that signs, however often it was quoted.
fn is_signed(word: &str) -> bool {
    let mut word = word.to_ascii_lowercase();
    for _ in 0..=LAYERS {
        if has_signing_parameter(&word) {
            return true;
        }
        let Some(next) = unquoted(&word) else {
            return false;
        };
        word = next;
    }
    // Quoted so often that nobody reads it: what it hides is not for a CRM.
    true
}

fn has_signing_parameter(word: &str) -> bool {
    SIGNING.iter().any(|name| {
        word.match_indices(name).any(|(at, _)| {
            let before = word[..at].chars().next_back();
            let begins = before.is_none_or(|c| !c.is_ascii_alphanumeric());
            begins && (name.ends_with('-') || word[at + name.len()..].starts_with('='))
        })
    })
}

/// The word with one layer of percents taken off; none where it has none.
fn unquoted(word: &str) -> Option<String> {
    let bytes = word.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| word.get(at + 1..at + 3));
        match hex
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => {
                plain.push(byte.to_ascii_lowercase());
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    (plain.len() < bytes.len()).then(|| String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn summary(text: &str) -> String {
        let mut payload = json!({"call": {
            "recording_url": "https://storage.example/rec/1.mp3?X-Amz-Signature=aa",
            "transcript_url": "https://storage.example/text/1.txt?sig=bb",
            "transcript_summary": text,
        }});
        take_out(&mut payload);
        payload["call"]["transcript_summary"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn signed_links_give_way_wherever_they_stand_in_a_text() {
        let rows = [
            (
                "Recording: https://storage.example/rec/1.mp3?X-Amz-Signature=aa.",
                "Recording: (recording: see the link of this call).",
            ),
            (
                "also https://storage.example/text/1.txt\nbye",
                "also (transcript: see the link of this call)\nbye",
            ),
            ("https://b.example/x?X-Amz-Date=1&x=2", OTHER),
            (
                "b.blob.example/x?sv=1&SIG=abc, thanks",
                "(signed link left out), thanks",
            ),
            (
                "<a href=\"https://b.example/x?a=1&amp;Signature=q\">",
                "<a href=\"(signed link left out)\">",
            ),
            (
                "https://go.example/?to=https%3A%2F%2Fb%2Fx%3Fsig%3Dabc",
                OTHER,
            ),
            (
                "https://go.example/?to=https%253A%252F%252Fb%252Fx%253FX%252DAmz%252DDate%253D1",
                OTHER,
            ),
            ("x#access_token=abc", OTHER),
            (
                "signed with X-Amz-Credential:abc",
                "signed with (signed link left out)",
            ),
            (
                "[hear](https://b.example/x?sig=1)!",
                "[hear]((signed link left out))!",
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(summary(text), expected);
        }
    }

    #[test]
    fn what_is_no_signed_link_stays_as_it_was_said() {
        for text in [
            "No heat. Furnace 12 years old; 50% off = fine/ok",
            "see https://acme.example/deals?design=modern&signal=3",
            "signature needed, sig: none, 100%25",
            "https://acme.example/a%20b?c=%C3%A9",
            "%%%zz% é%e",
        ] {
            assert_eq!(summary(text), text);
        }
    }

    #[test]
    fn every_text_of_a_payload_is_looked_at_but_the_two_links() {
        let link = "https://b.example/x?X-Goog-Signature=1";
        let mut payload = json!({
            "call": {"recording_url": link, "transcript_url": link, "notes": {"deep": [link]}},
            "ai_analysis": {"qualifier_answers": {link: [link, 7, null, {"a": link}]}},
            "contact": {"last_name": link}, "more": link,
        });
        take_out(&mut payload);
        assert_eq!(payload["call"]["recording_url"], link);
        assert_eq!(payload["call"]["transcript_url"], link);
        payload["call"] = payload["call"]["notes"].take();
        assert!(!payload.to_string().contains("X-Goog"), "{payload}");
        take_out(&mut json!("a text"));
    }

    #[test]
    fn a_link_that_does_not_read_as_one_is_a_text_like_others() {
        let mut payload = json!({"call": {"recording_url": "s3://bucket/1?X-Amz-Signature=1"}});
        take_out(&mut payload);
        assert_eq!(payload["call"]["recording_url"], OTHER);
    }

    #[test]
    fn ids_are_compared_and_stay_as_they_are() {
        let given =
            json!({"callsetter_account_id": "a?sig=1", "routing": {"crm_account_id": "b?sig=1"}});
        let mut payload = given.clone();
        take_out(&mut payload);
        assert_eq!(payload, given);
    }
}
