//! One text and one fingerprint for all ways to write the same payload.
//!
//! `leadrail.lead_fingerprint` computes the same in SQL, so a lead that arrives through both doors
//! is recognized. Both must therefore agree on every byte; `testdata/canonical.json` holds them
//! to it.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// Digits after the first that a fraction counts with: every double keeps 15 in all, and
/// PostgreSQL turns a double into a decimal with as many.
const DIGITS_AFTER_FIRST: usize = 14;
/// A fraction nearer to nought than this counts as nought: doubles end soon below it.
const SMALLEST: f64 = 1e-300;

/// The SHA-256 of a payload's [`canonical`] form, as 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 lower-case hex digits")]
pub struct NotAFingerprint;

impl Fingerprint {
    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex && text.len() == 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAFingerprint)
        }
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// The payload's identity: two payloads with the same fingerprint say the same.
#[must_use]
pub fn fingerprint(payload: &Value) -> Fingerprint {
    let digest = Sha256::digest(canonical(payload).as_bytes());
    Fingerprint(
        digest
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
    )
}

/// The payload as canonical JSON.
///
/// It is the form in which PostgreSQL's `jsonb` writes itself, so that the SQL door has next to nothing
/// to do.
///
/// - Shorter keys come first, those of one length in the order of their UTF-8 bytes; a blank follows
///   each comma and colon.
/// - Numbers are plain decimals without trailing zeros. Whole numbers of 64 bits are exact;
///   others count with 15 significant digits, as doubles do.
/// - Strings are escaped where JSON demands it and nowhere else.
/// - `/call/recording_url` and `/call/transcript_url` end before their query or fragment: there
///   is the signature, which is a new one in an honest resend.
///
/// One kind of number is not held together: a whole one of 54 to 64 bits, written with an exponent
/// or point and with other digits than the shortest of its double (`12345678901234567890.0`). Here
/// only the double is left of it, in SQL all its digits.
#[must_use]
pub fn canonical(payload: &Value) -> String {
    let mut out = String::with_capacity(1024);
    write_value(&mut out, payload, Place::Payload);
    out
}

/// Where a value stands, as far as the links need to know.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Payload,
    Call,
    Link,
    Elsewhere,
}

impl Place {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Payload, "call") => Self::Call,
            (Self::Call, "recording_url" | "transcript_url") => Self::Link,
            _ => Self::Elsewhere,
        }
    }
}

fn write_value(out: &mut String, value: &Value, place: Place) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) if place == Place::Link => write_string(out, unsigned(text)),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            write_list(out, ['[', ']'], items, |out, item| {
                write_value(out, item, Place::Elsewhere);
            });
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| (key.len(), key.as_bytes()));
            write_list(out, ['{', '}'], fields, |out, (key, item)| {
                write_string(out, key);
                out.push_str(": ");
                write_value(out, item, place.below(key));
            });
        }
    }
}

fn write_list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    write_item: impl Fn(&mut String, T),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_item(out, item);
    }
    out.push(close);
}

/// A link without its query and fragment.
fn unsigned(link: &str) -> &str {
    link.split(['?', '#']).next().unwrap_or_default()
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            '\0'..='\u{1f}' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_number(out: &mut String, number: &Number) {
    match number.as_f64() {
        Some(double) if number.is_f64() => write_double(out, double),
        // Writing to a string cannot fail.
        _ => drop(write!(out, "{number}")),
    }
}

fn write_double(out: &mut String, double: f64) {
    // The bounds themselves are out: these doubles also stand for the numbers just beyond.
    let whole_in_64_bits =
        double.fract() == 0.0 && double > i64::MIN as f64 && double < u64::MAX as f64;
    if double.abs() < SMALLEST {
        out.push('0');
    } else if whole_in_64_bits {
        let _ = write!(out, "{double}");
    } else {
        write_fifteen_digits(out, double);
    }
}

fn write_fifteen_digits(out: &mut String, double: f64) {
    let scientific = format!("{:.DIGITS_AFTER_FIRST$e}", double.abs());
    // The format above always has an exponent.
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.replace('.', "");
    let digits = digits.trim_end_matches('0');
    let whole = exponent.parse::<isize>().unwrap_or(0) + 1;
    if double < 0.0 {
        out.push('-');
    }
    if whole <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', whole.unsigned_abs()));
        out.push_str(digits);
        return;
    }
    let whole = whole.unsigned_abs();
    let point = whole.min(digits.len());
    out.push_str(&digits[..point]);
    out.extend(std::iter::repeat_n('0', whole - point));
    if point < digits.len() {
        out.push('.');
        out.push_str(&digits[point..]);
    }
}
