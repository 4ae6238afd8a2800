//! The caller's number, normalized to E.164.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use phonenumber::country::Id::US;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::shapes::MAX_PHONE_CHARS;

/// The digits E.164 allows at most, country code included (ITU-T E.164, 6.2.1).
const MAX_DIGITS: usize = 15;
/// Fewer digits than this are a short code, an extension or a fragment, not a number to call back.
const MIN_DIGITS: usize = 7;
/// The two-digit country codes (ITU-T E.164 list of assigned codes). `1` and `7` stand alone; all
/// others have three digits.
const TWO_DIGIT_CODES: &[&str] = &[
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
    "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65",
    "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// The text is not a telephone number. It is not repeated here, being personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a telephone number, best as E.164 such as +13055550182")]
pub struct NotAPhone;

/// A telephone number in E.164: `+`, country code, national number.
///
/// It has no `Display`, and `Debug` hides it: numbers do not belong in logs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people write it; without a country code it is an American one.
    ///
    /// It need not be in service: number plans grow faster than tables of them, and a lead must
    /// not be lost to an old table. An extension is dropped, as E.164 has no place for one.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        if text.chars().count() > MAX_PHONE_CHARS || text.contains(char::is_control) {
            return Err(NotAPhone);
        }
        let text = text.trim();
        let text = text.strip_prefix("tel:").unwrap_or(text);
        match international(text) {
            Some(text) => {
                let number = parse_international(&text)?;
                // What reads differently the second time is a fragment; a resend must read alike.
                let settled = parse_international(&number)? == number;
                if settled {
                    Self::from_e164(number)
                } else {
                    Err(NotAPhone)
                }
            }
            None => Self::from_e164(parse_american(text)?),
        }
    }

    /// Takes a number that is in E.164 already.
    fn from_e164(text: String) -> Result<Self, NotAPhone> {
        let digits = text.strip_prefix('+').ok_or(NotAPhone)?;
        let shaped = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        // North American numbers have ten digits, and no area code starts with 0 or 1.
        let dialable = digits
            .strip_prefix('1')
            .is_none_or(|n| n.len() == 10 && !n.starts_with(['0', '1']));
        if shaped && dialable {
            Ok(Self(text))
        } else {
            Err(NotAPhone)
        }
    }

    /// The number in E.164, `+13055550182`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits without the plus, `13055550182`.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// The country code without the plus, `1`.
    #[must_use]
    pub fn country_code(&self) -> &str {
        let digits = self.digits();
        let two = &digits[..2];
        let length = match digits.as_bytes()[0] {
            b'1' | b'7' => 1,
            _ if TWO_DIGIT_CODES.contains(&two) => 2,
            _ => 3,
        };
        &digits[..length]
    }

    /// The number within its country, `3055550182`, with the leading zero where one is dialed.
    #[must_use]
    pub fn national_number(&self) -> &str {
        &self.digits()[self.country_code().len()..]
    }

    /// Whether it is in the North American Numbering Plan: the USA, Canada and the Caribbean.
    #[must_use]
    pub fn is_american(&self) -> bool {
        self.country_code() == "1"
    }

    /// The ten digits of a North American number; several CRMs take nothing else.
    #[must_use]
    pub fn nanp_digits(&self) -> Option<&str> {
        self.is_american().then(|| self.national_number())
    }
}

/// The number with its plus, if it is dialed across borders: `+49 ...`, `011 49 ...`, `00 49 ...`.
fn international(text: &str) -> Option<Cow<'_, str>> {
    if text.starts_with(['+', '\u{ff0b}']) {
        return Some(text.into());
    }
    // No American number begins with a zero, so these are prefixes of international calls.
    let abroad = text
        .strip_prefix("011")
        .or_else(|| text.strip_prefix("00"))?;
    Some(format!("+{abroad}").into())
}

/// Reads a number without a country code, or with the `1` before it.
fn parse_american(text: &str) -> Result<String, NotAPhone> {
    let number = phonenumber::parse(Some(US), text).map_err(|_| NotAPhone)?;
    // The default region's trunk prefix is cut from any number, which spoils those of others.
    let american = number.code().value() == 1;
    if american {
        Ok(e164(&number))
    } else {
        Err(NotAPhone)
    }
}

/// Reads a number with a plus.
///
/// The parser cuts a country's trunk prefix although none is dialed after a country code, so it
/// turns St. Petersburg's +7 812 into +7 12. Only a nought there is a slip of the writer's.
fn parse_international(text: &str) -> Result<String, NotAPhone> {
    let number = phonenumber::parse(None, text).map_err(|_| NotAPhone)?;
    let parsed = e164(&number);
    let code = format!("+{}", number.code().value());
    let ends = |c: char| c.is_alphabetic() || matches!(c, ';' | ',' | '#');
    let dialed = text.split(ends).next().unwrap_or_default();
    let digits: String = dialed.chars().filter(char::is_ascii_digit).collect();
    let written = format!("+{digits}");
    let cut = written
        .strip_prefix(&code)
        .zip(parsed.strip_prefix(&code))
        .and_then(|(written, parsed)| written.strip_suffix(parsed));
    Ok(if cut.is_none_or(|cut| cut == "0") {
        parsed
    } else {
        written
    })
}

fn e164(number: &phonenumber::PhoneNumber) -> String {
    number.format().mode(phonenumber::Mode::E164).to_string()
}

impl FromStr for Phone {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        Self::parse(text)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Phone(..)")
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // A stored number was normalized when it came in; the shape is enough to check here.
        Self::from_e164(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Phone {
    fn schema_name() -> Cow<'static, str> {
        "Phone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_PHONE_CHARS,
            "examples": ["+13055550182"],
        })
    }
}
