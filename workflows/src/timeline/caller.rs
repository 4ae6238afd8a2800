//! Who called, as lists show it.

use leadrail_lead::Phone;
use serde::Serialize;
use serde_json::Value;

/// A name is cut to so many characters.
const MOST_NAME: usize = 60;
/// So many digits of a number tell callers apart, and are no number.
const DIGITS: usize = 4;

/// Who called: enough for a person to know which call it was. Personal data, not for logs.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// First and last name, as far as they are known.
    pub name: Option<String>,
    /// The last four digits of the number.
    pub phone_last4: Option<String>,
}

impl Caller {
    /// Reads a payload, whatever stands in it.
    #[must_use]
    pub fn of(payload: &Value) -> Self {
        let contact = &payload["contact"];
        let names = ["first_name", "last_name"].map(|name| contact[name].as_str());
        let words = names
            .iter()
            .flatten()
            .flat_map(|name| name.split_whitespace());
        let name: String = words
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(MOST_NAME)
            .collect();
        let number = contact["phone"]
            .as_str()
            .and_then(|text| Phone::parse(text).ok());
        Self {
            name: (!name.is_empty()).then_some(name),
            phone_last4: number.as_ref().and_then(last),
        }
    }
}

/// It names somebody.
impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caller")
    }
}

/// `Ana Diaz …0182`, as far as it is known; empty where nothing is.
impl std::fmt::Display for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = self.phone_last4.as_ref().map(|last| format!("…{last}"));
        let parts: Vec<_> = self
            .name
            .iter()
            .chain(&number)
            .map(String::as_str)
            .collect();
        f.pad(&parts.join(" "))
    }
}

/// A number is ASCII, and longer than that.
fn last(number: &Phone) -> Option<String> {
    let digits = number.as_str();
    let from = digits.len().checked_sub(DIGITS)?;
    digits.get(from..).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_caller_is_a_name_and_four_digits_as_far_as_they_are_known() {
        let rows = [
            (
                json!({"first_name": " Ana ", "last_name": "Diaz", "phone": "(305) 555-0182"}),
                "Ana Diaz …0182",
            ),
            (
                json!({"first_name": null, "phone": "+13055550182"}),
                "…0182",
            ),
            (json!({"last_name": "Diaz\n\tGarcía"}), "Diaz García"),
            (json!({"phone": "anonymous"}), ""),
            (json!({"phone": 3055550182_u64}), ""),
            (Value::Null, ""),
        ];
        for (contact, expected) in rows {
            let payload = json!({"contact": contact});
            assert_eq!(Caller::of(&payload).to_string(), expected, "{payload}");
        }
        let long = json!({"contact": {"first_name": "é".repeat(1_000)}});
        assert_eq!(Caller::of(&long).to_string().chars().count(), MOST_NAME);
        assert_eq!(format!("{:?}", Caller::of(&long)), "Caller");
    }
}
