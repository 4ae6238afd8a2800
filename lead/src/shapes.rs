//! What the value of a known field may look like, one function a shape.
//!
//! Each either tidies the value in place (a phone becomes E.164, a duration a whole number) or
//! says what is wrong with it. None repeats the value.

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;
use url::Url;

use crate::faults::code;
use crate::ids::IdFault;
use crate::{AccountId, CrmName, EventId, LeadEvent, Phone};

/// The most characters of an identifier: call, CRM account, assignee.
pub const MAX_ID_CHARS: usize = 256;
/// The most characters of a line: a name, a part of an address, a service type, a schedule.
pub const MAX_LINE_CHARS: usize = 1_000;
/// The most characters of a free text: summary, description, reason.
pub const MAX_TEXT_CHARS: usize = 100_000;
/// The most characters of a link; pre-signed ones run to a few thousand.
pub const MAX_URL_CHARS: usize = 8_192;
/// The most characters of a telephone number as it arrives, with its spaces and extension.
pub const MAX_PHONE_CHARS: usize = 64;
/// The most characters of an e-mail address (RFC 5321, 4.5.3.1.3, less the brackets).
const MAX_EMAIL_CHARS: usize = 254;
/// The most characters of an e-mail address before the at sign (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_PART_CHARS: usize = 64;
/// The most characters of a part of a domain name (RFC 1035, 2.3.4).
const MAX_LABEL_CHARS: usize = 63;

/// A fault without its place: the code and what is expected instead.
pub(crate) type Wrong = (&'static str, String);
type Checked = Result<(), Wrong>;

fn wrong(code: &'static str, detail: impl Into<String>) -> Wrong {
    (code, detail.into())
}

fn not_a(kind: &str) -> Wrong {
    wrong(code::TYPE, format!("must be {kind}"))
}

fn text(value: &Value) -> Result<&str, Wrong> {
    value.as_str().ok_or_else(|| not_a("a string"))
}

fn text_of(value: &Value, most: usize) -> Result<&str, Wrong> {
    let text = text(value)?;
    if text.chars().count() > most {
        return Err(wrong(
            code::TOO_LONG,
            format!("must have at most {most} characters"),
        ));
    }
    Ok(text)
}

fn id_fault(fault: IdFault) -> Wrong {
    wrong(fault.code(), fault.to_string())
}

/// `1.x`. Another major version may mean anything by the same fields, so it is refused.
pub(crate) fn version(value: &mut Value) -> Checked {
    let text = text(value)?;
    let number =
        |part: &str| (1..=5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('.') {
        Some(("1", minor)) if number(minor) => Ok(()),
        Some((major, minor)) if number(major) && number(minor) => Err(wrong(
            code::VERSION,
            "is a major version that is not supported; send 1.x",
        )),
        _ => Err(wrong(code::VERSION, "must be a version such as 1.0")),
    }
}

pub(crate) fn event(value: &mut Value) -> Checked {
    let text = text(value)?;
    if LeadEvent::ALL.iter().any(|event| event.as_str() == text) {
        return Ok(());
    }
    Err(wrong(
        code::EVENT,
        "must be lead.qualified or lead.unqualified",
    ))
}

pub(crate) fn event_id(value: &mut Value) -> Checked {
    text(value)?.parse::<EventId>().map(drop).map_err(id_fault)
}

pub(crate) fn account(value: &mut Value) -> Checked {
    AccountId::new(text(value)?).map(drop).map_err(id_fault)
}

pub(crate) fn crm(value: &mut Value) -> Checked {
    CrmName::new(text(value)?).map(drop).map_err(id_fault)
}

/// RFC 3339 with an offset, in a year that every database and CRM can hold.
pub(crate) fn timestamp(value: &mut Value) -> Checked {
    let time = DateTime::parse_from_rfc3339(text(value)?).map(|time| time.with_timezone(&Utc));
    match time {
        Ok(time) if (1970..=9999).contains(&time.year()) => Ok(()),
        Ok(_) => Err(wrong(code::TIMESTAMP, "must be in the years 1970 to 9999")),
        Err(_) => Err(wrong(
            code::TIMESTAMP,
            "must be an RFC 3339 time with an offset such as 2026-05-26T14:32:00Z",
        )),
    }
}

pub(crate) fn id(value: &mut Value) -> Checked {
    if text_of(value, MAX_ID_CHARS)?.contains(char::is_control) {
        return Err(wrong(
            code::CONTROL_CHARACTER,
            "must not hold control characters",
        ));
    }
    Ok(())
}

pub(crate) fn line(value: &mut Value) -> Checked {
    text_of(value, MAX_LINE_CHARS).map(drop)
}

pub(crate) fn free_text(value: &mut Value) -> Checked {
    text_of(value, MAX_TEXT_CHARS).map(drop)
}

pub(crate) fn link(value: &mut Value) -> Checked {
    let url = Url::parse(text_of(value, MAX_URL_CHARS)?).ok();
    match url {
        Some(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
        _ => Err(wrong(code::URL, "must be an absolute http or https URL")),
    }
}

pub(crate) fn phone(value: &mut Value) -> Checked {
    let phone = Phone::parse(text_of(value, MAX_PHONE_CHARS)?)
        .map_err(|fault| wrong(code::PHONE, fault.to_string()))?;
    *value = phone.as_str().into();
    Ok(())
}

pub(crate) fn email(value: &mut Value) -> Checked {
    let email = text_of(value, MAX_EMAIL_CHARS)?.trim().to_owned();
    if !is_email(&email) {
        return Err(wrong(
            code::EMAIL,
            "must be an e-mail address such as name@example.com",
        ));
    }
    *value = email.into();
    Ok(())
}

/// Whether the text has the shape of an address; whether it exists only a mail can tell.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let clean = !text.contains(|c: char| c.is_control() || c.is_whitespace());
    let label = |label: &str| {
        (1..=MAX_LABEL_CHARS).contains(&label.chars().count())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    clean
        && (1..=MAX_LOCAL_PART_CHARS).contains(&local.chars().count())
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// A length in seconds, made whole.
pub(crate) fn seconds(value: &mut Value) -> Checked {
    let seconds = value.as_f64().ok_or_else(|| not_a("a number"))?;
    if !(0.0..=f64::from(u32::MAX)).contains(&seconds) {
        return Err(wrong(
            code::RANGE,
            "must be a number of seconds, not negative",
        ));
    }
    // In range as just checked, and the cast drops the fraction.
    *value = (seconds as u32).into();
    Ok(())
}

pub(crate) fn score(value: &mut Value) -> Checked {
    let score = value.as_f64().ok_or_else(|| not_a("a number"))?;
    if (0.0..=1.0).contains(&score) {
        return Ok(());
    }
    Err(wrong(code::RANGE, "must be between 0.0 and 1.0"))
}

pub(crate) fn flag(value: &mut Value) -> Checked {
    if value.is_boolean() {
        Ok(())
    } else {
        Err(not_a("true or false"))
    }
}

pub(crate) fn any_object(value: &mut Value) -> Checked {
    if value.is_object() {
        Ok(())
    } else {
        Err(not_a("an object"))
    }
}
