//! What a connection to a CRM asks for, as data: whoever shows the form need not know the CRM.

use super::options::has_options;
use crate::crm::adapter;
use crate::error::DeskResult;
use leadrail_adapters::{
    Adapters, AuthMethod, CrmInfo, RateLimit, Required, SettingInfo, SettingKind,
};
use leadrail_connections::{DELIVERY, DeliverySetting};
use serde::Serialize;

/// A CRM, the ways into it and what may be set.
#[derive(Clone, Debug, Serialize)]
pub struct CrmForm {
    /// The name in payloads: `housecall_pro`.
    pub crm: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// The ways in, the usual one first.
    pub auth: Vec<Way>,
    /// How many requests it takes of one account; `None` where its vendor documents none.
    pub rate: Option<RateLimit>,
    /// What may be set: first what this CRM describes, then what all have.
    pub settings: Vec<Setting>,
}

/// A way into a CRM.
#[derive(Clone, Debug, Serialize)]
pub struct Way {
    /// Its id: `api_key`.
    pub id: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// Where a contractor finds the secrets.
    pub help: &'static str,
    /// The secrets it needs, by name, with the names people know.
    pub secrets: Vec<(&'static str, &'static str)>,
}

/// Something a connection may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// What kind of value it is.
    #[serde(rename = "type")]
    pub kind_of: SettingType,
    /// What may stand there, in words.
    pub kind: String,
    /// What it may be, where it is one of a few that are always the same; the first without a choice.
    pub choices: &'static [&'static str],
    /// Whether the account's own list in the CRM says what it may be ([`Desk::connection_options`]).
    ///
    /// [`Desk::connection_options`]: crate::Desk::connection_options
    pub options: bool,
    /// `always`, `never`, or with which other setting.
    pub required: String,
    /// What it does, and what happens without it.
    pub help: &'static str,
}

/// What kind of value a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingType {
    /// One line of text.
    Text,
    /// One of a few words.
    Choice,
    /// `true` or `false`.
    Switch,
    /// An id of the CRM's own.
    Id,
    /// A whole number.
    Number,
    /// A list of objects.
    List,
}

/// The form of a CRM. Needs no database.
///
/// # Errors
/// [`DeskError::Refused`](crate::DeskError::Refused), which names the CRMs there are.
pub fn crm_form(crm: &str) -> DeskResult<CrmForm> {
    Ok(form(adapter(crm)?.crm()))
}

/// The forms of all CRMs, in a fixed order.
#[must_use]
pub fn crm_forms() -> Vec<CrmForm> {
    let adapters = Adapters::all();
    adapters.iter().map(|adapter| form(adapter.crm())).collect()
}

fn form(crm: &'static CrmInfo) -> CrmForm {
    let theirs = crm.settings.iter().map(Setting::of_crm);
    let ours = DELIVERY.iter().map(Setting::of_delivery);
    CrmForm {
        crm: crm.name,
        title: crm.title,
        auth: crm.auth.iter().map(Way::of).collect(),
        rate: crm.rate,
        settings: theirs.chain(ours).collect(),
    }
}

impl Way {
    fn of(method: &AuthMethod) -> Self {
        let secrets = method.secrets.iter();
        Self {
            id: method.id,
            title: method.title,
            help: method.help,
            secrets: secrets.map(|secret| (secret.name, secret.title)).collect(),
        }
    }
}

impl Setting {
    fn of_crm(info: &'static SettingInfo) -> Self {
        let (kind_of, kind, choices): (_, _, &[&str]) = match info.kind {
            SettingKind::Text(most) => {
                let kind = format!("text of at most {most} characters");
                (SettingType::Text, kind, &[])
            }
            SettingKind::Choice(choices) => (SettingType::Choice, "choice".to_owned(), choices),
            SettingKind::Switch => (SettingType::Switch, "true or false".to_owned(), &[]),
            SettingKind::Id { .. } => {
                let kind = "id, text or whole number".to_owned();
                (SettingType::Id, kind, &[])
            }
            SettingKind::Number { .. } => (SettingType::Id, "id, whole number".to_owned(), &[]),
        };
        Self {
            name: info.name,
            title: info.title,
            kind_of,
            kind,
            choices,
            options: has_options(info),
            required: match info.required {
                Required::Always => "always".to_owned(),
                Required::Never => "never".to_owned(),
                Required::When(name, value) => format!("with {name} {value}"),
                Required::Unless(name, value) => format!("without {name} {value}"),
            },
            help: info.help,
        }
    }

    fn of_delivery(info: &'static DeliverySetting) -> Self {
        let kind_of = match info.kind {
            "choice" => SettingType::Choice,
            "true or false" => SettingType::Switch,
            kind if kind.starts_with("whole number") => SettingType::Number,
            _ => SettingType::List,
        };
        Self {
            name: info.name,
            title: info.title,
            kind_of,
            kind: info.kind.to_owned(),
            choices: info.choices,
            options: false,
            required: "never".to_owned(),
            help: info.help,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crm_has_a_form_whose_settings_have_a_kind_help_and_a_name_each() {
        for form in crm_forms() {
            let mut names: Vec<_> = form.settings.iter().map(|one| one.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), form.settings.len(), "{}", form.crm);
            assert!(!form.auth.is_empty());
            for setting in &form.settings {
                assert!(!setting.help.is_empty() && !setting.kind.is_empty());
                let is_choice = setting.kind_of == SettingType::Choice;
                assert_eq!(is_choice, !setting.choices.is_empty(), "{}", setting.name);
            }
        }
    }
}
