//! Kinds of records, their properties, and what every account has from its first day.

use serde_json::{Value, json};

/// A kind of record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    Contact,
    Deal,
    Lead,
    Note,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Contact, Self::Deal, Self::Lead, Self::Note];

    /// By the name in a path, or by the number that stands for it.
    pub(super) fn of(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name() == name || kind.type_id() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Deal => "deals",
            Self::Lead => "leads",
            Self::Note => "notes",
        }
    }

    pub(super) const fn type_id(self) -> &'static str {
        match self {
            Self::Contact => "0-1",
            Self::Deal => "0-3",
            Self::Lead => "0-136",
            Self::Note => "0-46",
        }
    }

    /// The name in refusals.
    pub(super) const fn upper(self) -> &'static str {
        match self {
            Self::Contact => "CONTACT",
            Self::Deal => "DEAL",
            Self::Lead => "LEAD",
            Self::Note => "NOTE",
        }
    }

    /// The path template of its creation, which no other request's starts with.
    pub(super) const fn creation(self) -> &'static str {
        match self {
            Self::Contact => "/crm/objects/2026-03/contacts#create",
            Self::Deal => "/crm/objects/2026-03/deals#create",
            Self::Lead => "/crm/objects/2026-03/leads#create",
            Self::Note => "/crm/objects/2026-03/notes#create",
        }
    }

    /// What a create must have.
    pub(super) const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &[],
            Self::Deal => &["dealname", "pipeline", "dealstage"],
            Self::Lead => &["hs_lead_name"],
            Self::Note => &["hs_timestamp"],
        }
    }

    /// What an answer shows unasked.
    pub(super) const fn shown(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["firstname", "lastname", "email"],
            Self::Deal => &["dealname", "pipeline", "dealstage"],
            Self::Lead => &["hs_lead_name"],
            Self::Note => &[],
        }
    }

    /// The properties of its pipeline and stage.
    pub(super) const fn pipeline(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Deal => Some(["pipeline", "dealstage"]),
            Self::Lead => Some(["hs_pipeline", "hs_pipeline_stage"]),
            Self::Contact | Self::Note => None,
        }
    }
}

/// A property as the account defines it.
#[derive(Clone)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: String,
    pub(super) is_unique: bool,
    pub(super) is_own: bool,
    pub(super) is_read_only: bool,
}

impl Property {
    fn usual(name: &str, kind: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            kind: kind.to_owned(),
            is_unique: false,
            is_own: false,
            is_read_only: false,
        }
    }

    fn calculated(name: &str) -> Self {
        Self {
            is_read_only: true,
            ..Self::usual(name, "string")
        }
    }

    pub(super) fn own(name: &str, label: &str, is_unique: bool) -> Self {
        Self {
            label: label.to_owned(),
            is_unique,
            is_own: true,
            ..Self::usual(name, "string")
        }
    }

    pub(super) fn show(&self) -> Value {
        json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": "text",
            "hasUniqueValue": self.is_unique, "hubspotDefined": !self.is_own, "archived": false,
            "modificationMetadata": {"readOnlyValue": self.is_read_only},
        })
    }
}

const TEXTS: [&[&str]; 4] = [
    &[
        "firstname",
        "lastname",
        "email",
        "phone",
        "mobilephone",
        "address",
        "city",
        "state",
        "zip",
        "country",
        "company",
        "message",
        "jobtitle",
    ],
    &["dealname", "amount", "closedate", "description"],
    &["hs_lead_name", "hs_lead_type", "hs_lead_label"],
    &["hs_note_body", "hs_timestamp"],
];

const CHOSEN: [&[&str]; 4] = [
    &["hubspot_owner_id"],
    &["pipeline", "dealstage", "hubspot_owner_id"],
    &["hs_pipeline", "hs_pipeline_stage", "hubspot_owner_id"],
    &["hubspot_owner_id"],
];

const CALCULATED: [&[&str]; 4] = [
    &[
        "createdate",
        "lastmodifieddate",
        "hs_object_id",
        "hs_additional_emails",
        "hs_searchable_calculated_phone_number",
        "hs_searchable_calculated_mobile_number",
    ],
    &["createdate", "hs_lastmodifieddate", "hs_object_id"],
    &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
    &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
];

/// The properties of a kind in a new account, in which somebody has made `leadrail_ref` with unique
/// values on contacts, deals and leads, `account_number` on contacts only, and `nickname`, which is not
/// unique.
pub(super) fn properties(kind: Kind) -> Vec<Property> {
    let place = Kind::ALL.iter().position(|known| *known == kind);
    let place = place.unwrap_or_default();
    let texts = TEXTS[place].iter();
    let chosen = CHOSEN[place].iter();
    let calculated = CALCULATED[place].iter();
    let mut all: Vec<Property> = texts
        .map(|name| Property::usual(name, "string"))
        .chain(chosen.map(|name| Property::usual(name, "enumeration")))
        .chain(calculated.map(|name| Property::calculated(name)))
        .collect();
    if kind != Kind::Note {
        all.push(Property::own("leadrail_ref", "Leadrail reference", true));
    }
    if kind == Kind::Contact {
        all.push(Property::own("account_number", "Account number", true));
        all.push(Property::own("nickname", "Nickname", false));
    }
    all
}

/// A pipeline with its stages.
pub(super) struct Pipeline {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    pub(super) is_archived: bool,
    pub(super) stages: &'static [(&'static str, &'static str)],
}

static DEALS: &[Pipeline] = &[
    Pipeline {
        id: "default",
        label: "Sales Pipeline",
        is_archived: false,
        stages: &[
            ("appointmentscheduled", "Appointment scheduled"),
            ("closedwon", "Closed won"),
        ],
    },
    Pipeline {
        id: "771",
        label: "Service calls",
        is_archived: false,
        stages: &[("7711", "New call"), ("7712", "Called back")],
    },
    Pipeline {
        id: "772",
        label: "Before the merger",
        is_archived: true,
        stages: &[("7721", "Old")],
    },
];

static LEADS: &[Pipeline] = &[
    Pipeline {
        id: "lead-pipeline-id",
        label: "Lead pipeline",
        is_archived: false,
        stages: &[
            ("new-stage-id", "New"),
            ("attempting-stage-id", "Attempting"),
        ],
    },
    Pipeline {
        id: "882",
        label: "Callbacks",
        is_archived: false,
        stages: &[("8821", "To call")],
    },
];

pub(super) fn pipelines(kind: Kind) -> &'static [Pipeline] {
    match kind {
        Kind::Deal => DEALS,
        Kind::Lead => LEADS,
        Kind::Contact | Kind::Note => &[],
    }
}

impl Pipeline {
    pub(super) fn has(&self, stage: &str) -> bool {
        self.stages.iter().any(|(id, _)| *id == stage)
    }

    pub(super) fn show(&self) -> Value {
        let stage = |(place, (id, label)): (usize, &(&str, &str))| json!({"id": id, "label": label, "displayOrder": place, "archived": false});
        let stages: Vec<Value> = self.stages.iter().enumerate().map(stage).collect();
        json!({"id": self.id, "label": self.label, "displayOrder": 0, "archived": self.is_archived,
               "stages": stages})
    }
}

/// Who works at every account: id, first and last name, and whether he has left.
pub(super) static OWNERS: [(u64, &str, &str, bool); 3] = [
    (501, "Ana", "Ruiz", false),
    (502, "Ben", "Cole", false),
    (503, "Cleo", "Diaz", true),
];

pub(super) fn show_owner((id, first, last, archived): (u64, &str, &str, bool)) -> Value {
    let email = format!("{}@example.com", first.to_lowercase());
    json!({"id": id.to_string(), "email": email, "firstName": first, "lastName": last,
           "userId": id + 9_000, "archived": archived})
}

/// The kinds of association that a create may name: from, to, and HubSpot's number.
pub(super) const ASSOCIATIONS: [(Kind, Kind, i64); 4] = [
    (Kind::Deal, Kind::Contact, 3),
    (Kind::Lead, Kind::Contact, 578),
    (Kind::Note, Kind::Contact, 202),
    (Kind::Note, Kind::Deal, 214),
];
