//! What the books are made of, in the names of Jobber's schema.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A client as it stands; serialized it is its row in the books.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Client {
    /// The account, not the client's own firm.
    pub(super) company: String,
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) company_name: Option<String>,
    pub(super) is_company: bool,
    pub(super) phones: Vec<Phone>,
    pub(super) emails: Vec<Email>,
    pub(super) billing_address: Option<Address>,
    pub(super) custom_fields: Value,
    /// `sourceAttribution.sourceText`; the app's name if none was given.
    pub(super) source: String,
    pub(super) is_archived: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Phone {
    pub(super) id: String,
    pub(super) number: String,
    /// E.164, or nothing if the number cannot be read so.
    pub(super) normalized_phone_number: Option<String>,
    pub(super) description: String,
    pub(super) primary: bool,
    pub(super) sms_allowed: bool,
    pub(super) created_at: DateTime<Utc>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Email {
    pub(super) id: String,
    pub(super) address: String,
    pub(super) description: String,
    pub(super) primary: bool,
    pub(super) created_at: DateTime<Utc>,
}

#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    pub(super) street1: Option<String>,
    pub(super) street2: Option<String>,
    pub(super) city: Option<String>,
    pub(super) province: Option<String>,
    pub(super) postal_code: Option<String>,
    pub(super) country: Option<String>,
}

/// A place where work is done for a client.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    pub(super) company: String,
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) address: Address,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// A request for work: Jobber's kind of a lead. The part of the input that is never shown again
/// stands in the books as it was given.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkRequest {
    pub(super) company: String,
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) property_id: Option<String>,
    pub(super) referring_client_id: Option<String>,
    pub(super) title: Option<String>,
    pub(super) request_status: &'static str,
    pub(super) request_details: Value,
    pub(super) assessment: Value,
    pub(super) line_items: Value,
    pub(super) form_ids: Value,
    pub(super) salesperson_id: Value,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// A note on a client, or on a client's request.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    pub(super) company: String,
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) request_id: Option<String>,
    pub(super) message: String,
    pub(super) pinned: bool,
    pub(super) attachments: Value,
    pub(super) linked_to: Value,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Client {
    /// The person's name, or the firm's where the client is one.
    pub(super) fn name(&self) -> String {
        match &self.company_name {
            Some(company) if self.is_company => company.clone(),
            _ => self.person(),
        }
    }

    pub(super) fn person(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        name.trim().to_owned()
    }
}

impl Address {
    pub(super) fn is_blank(&self) -> bool {
        self.parts().all(str::is_empty)
    }

    /// Everything but the country, in the order of an envelope.
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        let parts = [
            &self.street1,
            &self.street2,
            &self.city,
            &self.province,
            &self.postal_code,
        ];
        parts.into_iter().flatten().map(|part| part.trim())
    }
}

/// An id of Jobber's kind, Base64 of `gid://Jobber/Client/123`. The number is random, so that ids
/// of a restarted stand-in cannot pass for those of the one before.
pub(super) fn new_id(kind: &str) -> String {
    let number = Uuid::new_v4().as_u128() as u64 >> 16;
    encoded_id(kind, number)
}

pub(super) fn encoded_id(kind: &str, number: u64) -> String {
    BASE64_STANDARD.encode(format!("gid://Jobber/{kind}/{number}"))
}

/// Whether a value has the form of an id.
pub(super) fn is_encoded_id(value: &Value) -> bool {
    let text = value.as_str().unwrap_or("");
    BASE64_STANDARD
        .decode(text)
        .is_ok_and(|bytes| bytes.starts_with(b"gid://Jobber/"))
}

/// Whether a value is a time with an offset.
pub(super) fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| read_time(text).is_some())
}

pub(super) fn read_time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.with_timezone(&Utc))
}

/// Times are told in whole seconds.
pub(super) fn show_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A number of the North American plan or one written with its `+`, as E.164.
pub(super) fn normalized(number: &str) -> Option<String> {
    let digits: String = number
        .chars()
        .filter(|one| !" ()-.".contains(*one))
        .collect();
    let (has_plus, digits) = match digits.strip_prefix('+') {
        Some(digits) => (true, digits),
        None => (false, digits.as_str()),
    };
    if digits.is_empty() || !digits.bytes().all(|one| one.is_ascii_digit()) {
        return None;
    }
    match (has_plus, digits.len()) {
        (true, 8..=15) => Some(format!("+{digits}")),
        (false, 10) => Some(format!("+1{digits}")),
        (false, 11) if digits.starts_with('1') => Some(format!("+{digits}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_normalized_only_where_they_can_be() {
        for given in [
            "+13055550182",
            "3055550182",
            "13055550182",
            "(305) 555-0182",
            "+1 305.555.0182",
        ] {
            assert_eq!(
                normalized(given).as_deref(),
                Some("+13055550182"),
                "{given}"
            );
        }
        assert_eq!(
            normalized("+442071838750").as_deref(),
            Some("+442071838750")
        );
        for given in [
            "",
            "+",
            "5550182",
            "23055550182",
            "call me",
            "３０５５５５０１８２",
        ] {
            assert_eq!(normalized(given), None, "{given}");
        }
    }

    #[test]
    fn an_id_has_the_form_of_jobbers() {
        assert!(is_encoded_id(&json!(new_id("Client"))));
        for wrong in [
            json!("1"),
            json!(""),
            json!(7),
            json!("Z2lkOi8vT3RoZXIvMQ=="),
        ] {
            assert!(!is_encoded_id(&wrong), "{wrong}");
        }
    }
}
