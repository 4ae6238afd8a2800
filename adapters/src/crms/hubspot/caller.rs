//! Who calls, in the shapes that HubSpot takes and in those in which people type.

use leadrail_lead::{Contact, Phone};
use serde_json::{Map, Value};

use super::wire::{FilterGroup, Object};
use super::{HUBSPOT, text};
use crate::text::line::line;

/// Who calls, when no name was said.
const NAMELESS: &str = "Caller";

/// What is read of a contact that may be the caller.
pub(super) const READ: &[&str] = &[
    "phone",
    "mobilephone",
    "email",
    "hs_additional_emails",
    "message",
];

/// By what a caller is recognized.
pub(super) struct Caller<'a> {
    phone: Option<&'a Phone>,
    email: Option<String>,
}

impl<'a> Caller<'a> {
    /// `None` for a caller who left neither number nor address.
    pub(super) fn of(contact: &'a Contact) -> Option<Self> {
        let (phone, email) = (contact.phone.as_ref(), email(contact));
        (phone.is_some() || email.is_some()).then_some(Self { phone, email })
    }

    /// What finds the caller's contact: at most five groups, which is what a search takes. A number is
    /// stored as it was typed; the calculated properties have its digits, if they could be told.
    pub(super) fn filters(&self) -> Vec<FilterGroup> {
        let mut groups = Vec::new();
        if let Some(phone) = self.phone {
            let national = phone.national_number();
            groups.push(FilterGroup::among("phone", typed(phone)));
            groups.push(FilterGroup::among("mobilephone", typed(phone)));
            for calculated in [
                "hs_searchable_calculated_phone_number",
                "hs_searchable_calculated_mobile_number",
            ] {
                groups.push(FilterGroup::equal(calculated, national));
            }
        }
        let email = self.email.as_deref();
        groups.extend(email.map(|email| FilterGroup::equal("email", &email.to_lowercase())));
        groups
    }

    /// Whether a contact has exactly the caller's number, however it is written.
    pub(super) fn has_number(&self, contact: &Object) -> bool {
        let Some(phone) = self.phone else {
            return false;
        };
        let numbers = ["phone", "mobilephone"].into_iter();
        let mut numbers = numbers.filter_map(|property| contact.text(property));
        numbers.any(|number| phone.is_written(number))
    }

    /// Whether a contact has exactly the caller's address.
    pub(super) fn has_email(&self, contact: &Object) -> bool {
        self.email
            .as_deref()
            .is_some_and(|ours| has_email(contact, ours))
    }
}

/// Whether the address is the contact's own, or one of its others.
pub(super) fn has_email(contact: &Object, ours: &str) -> bool {
    let others = contact.text("hs_additional_emails").unwrap_or_default();
    let all = contact.text("email").into_iter().chain(others.split(';'));
    let ours = ours.to_lowercase();
    all.map(str::trim).any(|email| email.to_lowercase() == ours)
}

/// The ways in which a number is likely to have been typed.
fn typed(phone: &Phone) -> Vec<String> {
    let (whole, digits) = (phone.as_str(), phone.digits());
    let mut ways = vec![whole.to_owned(), digits.to_owned()];
    match phone.nanp_digits().filter(|national| national.len() == 10) {
        None => ways.push(format!("00{digits}")),
        Some(national) => {
            let (area, rest) = national.split_at(3);
            let (exchange, line) = rest.split_at(3);
            ways.push(national.to_owned());
            for local in [
                format!("({area}) {exchange}-{line}"),
                format!("{area}-{exchange}-{line}"),
                format!("{area}.{exchange}.{line}"),
            ] {
                ways.push(format!("+1 {local}"));
                ways.push(local);
            }
        }
    }
    ways
}

/// The properties of a new contact. `email` is left out where HubSpot has refused it.
pub(super) fn properties(contact: &Contact, with_email: bool) -> Map<String, Value> {
    let first = text("contact.firstname", contact.first_name.as_deref());
    let last = text("contact.lastname", contact.last_name.as_deref());
    let nameless = first.is_none() && last.is_none();
    let phone = contact.phone.as_ref();
    let address = contact.address.as_ref();
    let part = |field: &str, value: Option<&String>| text(field, value.map(String::as_str));
    let known = [
        ("firstname", first.or(nameless.then(|| NAMELESS.to_owned()))),
        ("lastname", last),
        ("email", email(contact).filter(|_| with_email)),
        ("phone", phone.map(|phone| phone.as_str().to_owned())),
        (
            "address",
            part("contact.address", address.and_then(|at| at.street.as_ref())),
        ),
        (
            "city",
            part("contact.city", address.and_then(|at| at.city.as_ref())),
        ),
        (
            "state",
            part("contact.state", address.and_then(|at| at.state.as_ref())),
        ),
        (
            "zip",
            part("contact.zip", address.and_then(|at| at.zip.as_ref())),
        ),
        (
            "country",
            part(
                "contact.country",
                address.and_then(|at| at.country.as_ref()),
            ),
        ),
    ];
    let known = known.into_iter();
    let known = known.filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    known.collect()
}

/// How a deal or a lead calls the caller: by name, else by number, else by address.
pub(super) fn called(contact: &Contact) -> String {
    let names = [contact.first_name.as_deref(), contact.last_name.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let phone = contact
        .phone
        .as_ref()
        .map(|phone| phone.as_str().to_owned());
    line(Some(&names.join(" ")), 120)
        .or(phone)
        .or_else(|| email(contact))
        .unwrap_or_else(|| NAMELESS.to_owned())
}

/// An address is taken whole or not at all, and only one that HubSpot can be expected to take: a
/// refused one would cost the whole contact. What is left out stands in the note.
pub(super) fn email(contact: &Contact) -> Option<String> {
    let email = line(contact.email.as_deref(), usize::MAX)?;
    let fits = email.len() <= HUBSPOT.limit("contact.email");
    (fits && is_address(&email)).then_some(email)
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c);
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(inner)
    };
    !local.is_empty()
        && local.len() <= 64
        && local.chars().all(letters)
        && domain.contains('.')
        && domain.split('.').all(label)
}
