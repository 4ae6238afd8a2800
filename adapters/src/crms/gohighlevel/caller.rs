//! Who calls, and from where, in the shapes that GoHighLevel takes.

use leadrail_lead::{Contact as CallerContact, Lead, Phone};

use super::GOHIGHLEVEL;
use super::wire::{Contact, any_text};
use crate::text::line::{cut, line};
use crate::text::note::service;

/// Who calls, when no name was said.
const NAMELESS: &str = "Caller";

/// What stands at the end of a name that was cut.
const SHORTENED: &str = "...";

/// What a contact is recognized by.
pub(super) enum Handle {
    /// The number, in E.164.
    Number(Phone),
    /// The e-mail address.
    Email(String),
}

/// What there is to recognize the caller by, the number first.
pub(super) fn handles(contact: &CallerContact) -> Vec<Handle> {
    let number = contact.phone.as_ref();
    let number = number.map(|phone| Handle::Number(phone.clone()));
    let email = email(contact).map(Handle::Email);
    number.into_iter().chain(email).collect()
}

impl Handle {
    /// Whether this contact is the one, exactly.
    pub(super) fn is_of(&self, known: &Contact) -> bool {
        match self {
            Self::Number(number) => {
                let same = |other: &str| number.is_written(other);
                known.phone.as_deref().is_some_and(same)
                    || any_text(&known.additional_phones, &same)
            }
            Self::Email(email) => {
                let same = |other: &str| other.trim().to_lowercase() == email.to_lowercase();
                known.email.as_deref().is_some_and(same)
                    || any_text(&known.additional_emails, &same)
            }
        }
    }
}

/// First and last name. Who said none is called a caller, so that nobody takes a number for a name.
pub(super) fn names(contact: &CallerContact) -> (Option<String>, Option<String>) {
    let first = text("contact.firstName", contact.first_name.as_deref());
    let last = text("contact.lastName", contact.last_name.as_deref());
    match (first, last) {
        (None, None) => (Some(NAMELESS.to_owned()), None),
        names => names,
    }
}

/// What the card in the pipeline is called, at most so long: who calls, and what for.
pub(super) fn title(lead: &Lead, max_chars: usize) -> String {
    let (first, last) = names(&lead.contact);
    let who: Vec<String> = [first, last].into_iter().flatten().collect();
    let what = service(lead).map_or_else(|| "Phone call".to_owned(), |what| plain(&what));
    let title = format!("{} - {what}", who.join(" "));
    if title.chars().count() <= max_chars {
        return title;
    }
    let room = max_chars.saturating_sub(SHORTENED.len());
    format!("{}{SHORTENED}", cut(&title, room).trim_end())
}

/// An e-mail address is taken whole or not at all: half of one is somebody else's. What GoHighLevel would
/// not take for one stands in the note.
pub(super) fn email(contact: &CallerContact) -> Option<String> {
    let email = line(contact.email.as_deref(), usize::MAX)?;
    let (name, host) = email.split_once('@')?;
    let bare = |part: &str| {
        let odd = |c: char| c.is_whitespace() || matches!(c, '@' | '<' | '>' | ',' | ';' | '"');
        !part.is_empty() && !part.contains(odd)
    };
    let has_domain = host.split('.').count() > 1 && host.split('.').all(|part| !part.is_empty());
    let fits = email.chars().count() <= GOHIGHLEVEL.limit("contact.email");
    (bare(name) && bare(host) && has_domain && fits).then_some(email)
}

/// The code of a country that is one, however it is written; GoHighLevel takes no other words.
pub(super) fn country(said: Option<&str>) -> Option<String> {
    let said = line(said, 60)?.to_uppercase().replace('.', "");
    let code = match said.as_str() {
        "USA" | "UNITED STATES" | "UNITED STATES OF AMERICA" => "US",
        "CANADA" => "CA",
        other => other,
    };
    let known = CODES.split(' ').any(|known| known == code);
    known.then(|| code.to_owned())
}

/// A caller's words for a field of one line.
pub(super) fn text(field: &str, said: Option<&str>) -> Option<String> {
    line(said, GOHIGHLEVEL.limit(field)).map(|said| plain(&said))
}

/// Words in which nobody can have written tags: they read the same, whether they are shown as HTML or not.
pub(super) fn plain(text: &str) -> String {
    text.replace('<', "\u{2039}").replace('>', "\u{203A}")
}

/// The codes of countries (ISO 3166-1 alpha-2).
const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ \
    BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG \
    EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU \
    ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV \
    LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU \
    NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN \
    SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI \
    VN VU WF WS YE YT ZA ZM ZW";
