//! The caller's number, normalized to E.164, and what can be told of a text that holds one.
//!
//! `leadrail.read_phone` reads the same in SQL by the same patterns, so both doors know a caller by
//! the same number. No letter is ever taken for a digit and none is dropped from the middle of a
//! number: an invented number is somebody else's.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;
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
/// Countries where a nought after the country code belongs to the number.
const NOUGHT_IS_DIALED: &[&str] = &["39", "225", "241", "242", "378", "379"];

/// What telephony and people write where a caller's number is withheld, bare of all but letters and
/// digits. The numbers spell ANONYMOUS, RESTRICTED, UNKNOWN, BLOCKED, UNAVAILABLE and PRIVATE on a
/// keypad, or repeat one digit.
static WITHHELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        "^(sip|tel)?((anonymous|restricted|unknown|private|unavailable|blocked|withheld|hidden|callerid)[a-z]*\
         |nocallerid|noid|outofarea|notavailable|notprovided|notgiven|nonumber|na|none|null|nil|undefined|payphone\
         |1?(266696687|7378742833|8656696|2562533|86282452253|7748283)\
         |1?(2{10}|3{10}|4{10}|5{10}|6{10}|7{10}|8{10}|9{10}|0{10}|1{10}))$",
    )
});
/// A number, and the extension that ends the text.
static EXTENSION: LazyLock<Regex> = LazyLock::new(|| {
    pattern("^(.*[0-9)])([ .,;(-]*(extension|extn|ext|x)[ .:=-]*| *[#,] *)([0-9]{1,7})[ )]*$")
});
/// The prefix of America, written more than once.
static PREFIXES: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[ (]*(\+1[ -]*)+\+1"));
/// The first digits and what stands between them.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern("[+( ]*[0-9][0-9 ()./-]*"));
/// A letter, or a digit that was said as a word, where a digit may have been meant.
static DOUBTFUL: LazyLock<Regex> = LazyLock::new(|| {
    const LETTER: &str = r"[^\x00-\x40\x5b-\x60\x7b-\x7f]";
    const SAID: &str = "([a-z]|oh|zero|one|two|three|four|five|six|seven|eight|nine|double|triple)";
    pattern(&format!(
        "[0-9]{LETTER}|{LETTER}[0-9]|[0-9][ ().-]*{SAID}([^a-z0-9]|$)\
         |(^|[^a-z0-9']){SAID}[ ().-]*[0-9]"
    ))
});

fn pattern(text: &str) -> Regex {
    // The patterns are constants, and a test reads with each.
    Regex::new(text).unwrap_or_else(|error| unreachable!("{error}"))
}

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

/// What a text tells of a telephone number.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// One number and, where `whole`, nothing besides but its extension.
    Number {
        phone: Phone,
        extension: Option<String>,
        whole: bool,
    },
    /// What is written where the number is withheld.
    Withheld,
    /// No number that is certain.
    Unreadable,
}

impl Reading {
    pub(crate) fn of(text: &str) -> Self {
        if let Ok(phone) = Phone::from_e164(text.to_owned())
            && !WITHHELD.is_match(phone.digits())
        {
            return Self::number(phone, None, true);
        }
        if text.chars().count() > MAX_PHONE_CHARS {
            return Self::Unreadable;
        }
        let plain = plain(text);
        let bare: String = plain.chars().filter(char::is_ascii_alphanumeric).collect();
        if WITHHELD.is_match(&bare) {
            return Self::Withheld;
        }
        let once = PREFIXES.replace(&plain, "+1");
        let (dialed, extension) = match EXTENSION.captures(&once) {
            Some(parts) => (parts[1].to_owned(), Some(parts[4].to_owned())),
            None => (once.into_owned(), None),
        };
        Self::of_dialed(&dialed, extension).unwrap_or(Self::Unreadable)
    }

    /// Reads what stands before the extension.
    fn of_dialed(text: &str, extension: Option<String>) -> Option<Self> {
        if DOUBTFUL.is_match(text) {
            return None;
        }
        let found = DIGITS.find(text)?;
        let (before, after) = (&text[..found.start()], &text[found.end()..]);
        let first = found.as_str();
        let (phone, cut) = match Phone::of_digits(first) {
            Some(phone) => (phone, false),
            None => (Phone::of_digits(first.split('/').next()?)?, true),
        };
        // Only of an American number it is certain that it is not the beginning of a longer one.
        if !phone.is_american() && (cut || after.contains(|c: char| c.is_ascii_digit())) {
            return None;
        }
        if WITHHELD.is_match(phone.digits()) {
            return Some(Self::Withheld);
        }
        let lead_in = before.trim();
        let whole = !cut && (lead_in.is_empty() || lead_in == "tel:") && after.trim().is_empty();
        Some(Self::number(phone, extension, whole))
    }

    fn number(phone: Phone, extension: Option<String>, whole: bool) -> Self {
        Self::Number {
            phone,
            extension,
            whole,
        }
    }
}

/// The text in lower case, with digits, dashes and spaces of all scripts as those of ASCII.
fn plain(text: &str) -> String {
    let digit = |c: char, nought: u32| char::from_digit(u32::from(c) - nought, 10).unwrap_or(c);
    let plain = text.chars().map(|c| match c {
        '\u{660}'..='\u{669}' => digit(c, 0x660),
        '\u{6f0}'..='\u{6f9}' => digit(c, 0x6f0),
        '\u{ff10}'..='\u{ff19}' => digit(c, 0xff10),
        '\u{ff0b}' => '+',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => '-',
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => ' ',
        '\u{2060}'..='\u{206f}' | '\u{feff}' => ' ',
        c if c.is_whitespace() || c.is_control() => ' ',
        c => c.to_ascii_lowercase(),
    });
    plain.collect()
}

impl Phone {
    /// Reads a number as people write it; without a country code it is an American one.
    ///
    /// It need not be in service: number plans grow faster than tables of them, and a lead must
    /// not be lost to an old table. An extension is no part of it, and neither is a word beside it.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        match Reading::of(text) {
            Reading::Number { phone, .. } => Ok(phone),
            Reading::Withheld | Reading::Unreadable => Err(NotAPhone),
        }
    }

    /// Takes digits as they are dialed, with what people write between them.
    fn of_digits(written: &str) -> Option<Self> {
        let written = written.replace("(0)", "");
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        let abroad = digits
            .strip_prefix("011")
            .or_else(|| digits.strip_prefix("00"));
        let number = match (written.contains('+'), abroad, digits.len()) {
            (true, ..) => digits,
            (false, Some(abroad), _) => abroad.to_owned(),
            (false, None, 11) if digits.starts_with('1') => digits,
            (false, None, 10) => format!("1{digits}"),
            _ => return None,
        };
        Self::from_e164(format!("+{}", without_trunk_nought(&number)?)).ok()
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
        if shaped && dialable && without_trunk_nought(digits) == Some(digits.to_owned()) {
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
        country_code(self.digits())
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

    /// Whether it is this number that stands in a CRM's text, however it was typed there: all its digits count. One
    /// without a plus may begin as it is dialed abroad (00, 011), and an American one may lack its country code.
    #[must_use]
    pub fn is_written(&self, text: &str) -> bool {
        let text = text.trim();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let dialed = |prefix: &str| digits.strip_prefix(prefix) == Some(self.digits());
        let at_home = || dialed("00") || dialed("011") || self.nanp_digits() == Some(&*digits);
        !text.contains('@') && (dialed("") || (!text.starts_with('+') && at_home()))
    }

    /// The ten digits of a North American number; several CRMs take nothing else.
    #[must_use]
    pub fn nanp_digits(&self) -> Option<&str> {
        self.is_american().then(|| self.national_number())
    }
}

/// The country code that digits begin with.
fn country_code(digits: &str) -> &str {
    let length = match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        _ if digits
            .get(..2)
            .is_some_and(|two| TWO_DIGIT_CODES.contains(&two)) =>
        {
            2
        }
        _ => 3,
    };
    digits.get(..length).unwrap_or(digits)
}

/// Digits without the nought that is dialed only at home, as in +33 06; `None` with two of them.
fn without_trunk_nought(digits: &str) -> Option<String> {
    let code = country_code(digits);
    let national = &digits[code.len()..];
    match national.strip_prefix('0') {
        Some(rest) if code != "1" && !NOUGHT_IS_DIALED.contains(&code) => {
            (!rest.starts_with('0')).then(|| format!("{code}{rest}"))
        }
        _ => Some(digits.to_owned()),
    }
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
