//! What the value of a known field may look like, one function a shape.
//!
//! Each takes the value as it is, or tidies it (a phone becomes E.164, a duration a whole number), or
//! says what is wrong with it and what can be used all the same. None repeats the value.

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;

use crate::faults::code;
use crate::ids::{IdFault, is_unshown};
use crate::phone::Reading;
use crate::words::{Direction, QualificationStatus, Sentiment, Urgency};
use crate::{AccountId, CrmName, EventId, LeadEvent, email};

/// The most characters of an identifier: call, CRM account, assignee.
pub const MAX_ID_CHARS: usize = 256;
/// The most characters of a line: a name, a part of an address, a service type, a schedule.
pub const MAX_LINE_CHARS: usize = 1_000;
/// The most characters of a free text: summary, description, reason.
pub const MAX_TEXT_CHARS: usize = 100_000;
/// The most characters of a link; pre-signed ones run to a few thousand.
pub const MAX_URL_CHARS: usize = 8_192;
/// The most characters of a text in which a telephone number is looked for.
pub const MAX_PHONE_CHARS: usize = 256;

/// A fault without its place.
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    /// What is expected instead.
    pub(crate) detail: String,
    /// What can be used of it.
    pub(crate) usable: Option<Value>,
    /// Whether that is all of it.
    pub(crate) lossless: bool,
}

/// The tidied value, or `None` if it may stay as it is.
pub(crate) type Checked = Result<Option<Value>, Wrong>;

fn wrong(code: &'static str, detail: impl Into<String>) -> Wrong {
    Wrong {
        code,
        detail: detail.into(),
        usable: None,
        lossless: false,
    }
}

fn not_a(kind: &str) -> Wrong {
    wrong(code::TYPE, format!("must be {kind}"))
}

impl Wrong {
    pub(crate) fn not_an_object() -> Self {
        not_a("an object")
    }

    fn but(self, usable: impl Into<Value>) -> Self {
        Self {
            usable: Some(usable.into()),
            ..self
        }
    }

    fn in_other_words(self, same: impl Into<Value>) -> Self {
        Self {
            lossless: true,
            ..self.but(same)
        }
    }
}

fn text(value: &Value) -> Result<&str, Wrong> {
    value.as_str().ok_or_else(|| not_a("a string"))
}

/// A number or flag as the text that it stands for.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn id_fault(fault: IdFault) -> Wrong {
    wrong(fault.code(), fault.to_string())
}

/// `1.x`. Another major version may mean anything by the same fields, so it is refused.
pub(crate) fn version(value: &Value) -> Checked {
    let text = text(value)?;
    let number =
        |part: &str| (1..=5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('.') {
        Some(("1", minor)) if number(minor) => Ok(None),
        Some((major, minor)) if number(major) && number(minor) => Err(wrong(
            code::VERSION,
            "is a major version that is not supported; send 1.x",
        )),
        _ => Err(wrong(code::VERSION, "must be a version such as 1.0")),
    }
}

pub(crate) fn event(value: &Value) -> Checked {
    let text = text(value)?;
    if LeadEvent::ALL.iter().any(|event| event.as_str() == text) {
        return Ok(None);
    }
    Err(wrong(
        code::EVENT,
        "must be lead.qualified or lead.unqualified",
    ))
}

pub(crate) fn event_id(value: &Value) -> Checked {
    let id = text(value)?.parse::<EventId>();
    id.map(|_| None).map_err(id_fault)
}

pub(crate) fn account(value: &Value) -> Checked {
    let id = AccountId::new(text(value)?);
    id.map(|_| None).map_err(id_fault)
}

pub(crate) fn crm(value: &Value) -> Checked {
    let name = CrmName::new(text(value)?);
    name.map(|_| None).map_err(id_fault)
}

/// RFC 3339 with an offset, in a year that every database and CRM can hold.
pub(crate) fn timestamp(value: &Value) -> Checked {
    let text = text(value)?;
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
    match time {
        Ok(time) if is_plain_time(text) && (1970..=9999).contains(&time.year()) => Ok(None),
        _ => Err(wrong(
            code::TIMESTAMP,
            "must be an RFC 3339 time with an offset such as 2026-05-26T14:32:00Z, in the years \
             1970 to 9999",
        )),
    }
}

/// Without the liberties of RFC 3339 that a database does not know: leap seconds, a space for the T,
/// more than nine digits after the point, offsets beyond those in use.
fn is_plain_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let offset = match text.rfind(['+', '-']) {
        Some(at) if at > 10 => text.get(at + 1..at + 3).unwrap_or("99"),
        _ => "00",
    };
    matches!(bytes.get(10), Some(b'T' | b't'))
        && bytes.get(17).is_some_and(|tens| *tens < b'6')
        && offset <= "14"
        && text.chars().filter(char::is_ascii_digit).count() <= 14 + 9 + 4
        && fraction_digits(text) <= 9
}

fn fraction_digits(text: &str) -> usize {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    fraction.bytes().take_while(u8::is_ascii_digit).count()
}

pub(crate) fn id(value: &Value) -> Checked {
    let Some(text) = value.as_str() else {
        return Err(match value {
            Value::Number(number) if !number.is_f64() => {
                not_a("a string").in_other_words(number.to_string())
            }
            _ => not_a("a string"),
        });
    };
    if text.chars().count() > MAX_ID_CHARS || text.contains(is_unshown) {
        return Err(wrong(
            code::ID,
            format!("must have at most {MAX_ID_CHARS} characters, all of them printable"),
        ));
    }
    Ok(None)
}

pub(crate) fn line(value: &Value) -> Checked {
    text_of(value, MAX_LINE_CHARS)
}

pub(crate) fn free_text(value: &Value) -> Checked {
    text_of(value, MAX_TEXT_CHARS)
}

fn text_of(value: &Value, most: usize) -> Checked {
    let Some(text) = value.as_str() else {
        let wrong = not_a("a string");
        return Err(match as_text(value) {
            Some(same) => wrong.in_other_words(same),
            None => wrong,
        });
    };
    if text.chars().count() > most {
        let beginning: String = text.chars().take(most).collect();
        let detail = format!("must have at most {most} characters");
        return Err(wrong(code::TOO_LONG, detail).but(beginning));
    }
    Ok(None)
}

/// A word of an open list, in the spelling of the list.
fn word(value: &Value, spelled: fn(&str) -> Option<String>) -> Checked {
    let text = value.as_str().map(str::to_owned);
    let Some(given) = text.or_else(|| as_text(value)) else {
        return Err(not_a("a string"));
    };
    match spelled(&given) {
        Some(known) => Ok((known != given).then(|| known.into())),
        None => {
            let wrong = wrong(code::UNKNOWN_WORD, "should be one of the known words");
            let kept: String = given.chars().take(MAX_LINE_CHARS).collect();
            Err(wrong.in_other_words(kept))
        }
    }
}

macro_rules! word_shapes {
    ($($shape:ident: $list:ident),+) => {$(
        pub(crate) fn $shape(value: &Value) -> Checked {
            word(value, |given| {
                let word = $list::from(given);
                word.is_known().then(|| word.as_str().to_owned())
            })
        }
    )+};
}
word_shapes!(
    direction: Direction,
    urgency: Urgency,
    sentiment: Sentiment,
    qualification_status: QualificationStatus
);

pub(crate) fn link(value: &Value) -> Checked {
    let text = text(value)?;
    if text.chars().count() <= MAX_URL_CHARS && is_link(text) {
        return Ok(None);
    }
    Err(wrong(
        code::URL,
        format!("must be an absolute http or https URL of at most {MAX_URL_CHARS} characters"),
    ))
}

/// A scheme, a host, a port perhaps, and no blanks anywhere.
fn is_link(text: &str) -> bool {
    let rest = ["http://", "https://"].into_iter().find_map(|scheme| {
        let begins = text.get(..scheme.len())?.eq_ignore_ascii_case(scheme);
        begins.then(|| &text[scheme.len()..])
    });
    let Some(rest) = rest else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => (&authority[..at], &authority[at + 1..]),
        _ => (authority, "0"),
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let named = match bracketed {
        Some(address) => !address.is_empty() && address.bytes().all(is_of_ipv6),
        None => !host.is_empty() && !host.contains(['@', ':', '[', ']', '\\']),
    };
    named
        && (1..=5).contains(&port.len())
        && port.bytes().all(|b| b.is_ascii_digit())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_of_ipv6(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

pub(crate) fn phone(value: &Value) -> Checked {
    let number = value.as_number().filter(|number| !number.is_f64());
    let given = match (value, number) {
        (Value::String(text), _) => text.clone(),
        (_, Some(number)) => number.to_string(),
        _ => return Err(not_a("a string")),
    };
    let expected = "must be a telephone number, best as E.164 such as +13055550182";
    match Reading::of(&given) {
        Reading::Number { phone, whole, .. } => match (whole, number) {
            (false, _) => Err(wrong(code::PARTLY_READ, expected).but(phone.as_str())),
            (true, Some(_)) => Err(not_a("a string").in_other_words(phone.as_str())),
            (true, None) => Ok(Some(phone.as_str().into())),
        },
        Reading::Withheld => Err(wrong(code::WITHHELD, expected)),
        Reading::Unreadable => Err(wrong(code::PHONE, expected)),
    }
}

pub(crate) fn email(value: &Value) -> Checked {
    let text = text(value)?;
    let expected = "must be an e-mail address such as name@example.com";
    match email::first_of(text) {
        Some((address, true)) => Ok(Some(address.into())),
        Some((address, false)) => Err(wrong(code::PARTLY_READ, expected).but(address)),
        None => Err(wrong(code::EMAIL, expected)),
    }
}

/// A number, or the text that is plainly one.
fn number(value: &Value) -> Result<(f64, bool), Wrong> {
    if let Some(number) = value.as_f64() {
        return Ok((number, true));
    }
    let text = value.as_str().map(str::trim).unwrap_or_default();
    let plain = text.len() <= 20
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit());
    let read = text.parse().ok().filter(|_| plain);
    read.map(|number| (number, false))
        .ok_or_else(|| not_a("a number"))
}

/// A length in seconds, made whole.
pub(crate) fn seconds(value: &Value) -> Checked {
    let (seconds, typed) = number(value)?;
    if !(0.0..=f64::from(u32::MAX)).contains(&seconds) {
        return Err(wrong(
            code::RANGE,
            "must be a number of seconds, not negative",
        ));
    }
    // In range as just checked, and the cast drops the fraction.
    let whole = seconds as u32;
    match typed {
        true => Ok(Some(whole.into())),
        false => Err(not_a("a number").in_other_words(whole)),
    }
}

pub(crate) fn score(value: &Value) -> Checked {
    let (score, typed) = number(value)?;
    match ((0.0..=1.0).contains(&score), typed) {
        (false, _) => Err(wrong(code::RANGE, "must be between 0.0 and 1.0")),
        (true, true) => Ok(None),
        (true, false) => Err(not_a("a number").in_other_words(score)),
    }
}

pub(crate) fn flag(value: &Value) -> Checked {
    if value.is_boolean() {
        return Ok(None);
    }
    let said = value.as_str().map(|text| text.trim().to_ascii_lowercase());
    let wrong = not_a("true or false");
    Err(match said.as_deref() {
        Some("true" | "yes") => wrong.in_other_words(true),
        Some("false" | "no") => wrong.in_other_words(false),
        _ => wrong,
    })
}

pub(crate) fn any_object(value: &Value) -> Checked {
    if value.is_object() {
        Ok(None)
    } else {
        Err(not_a("an object"))
    }
}
