//! `GET /v1/crms`: what a connection to each CRM asks for, as data.

use axum::Json;
use leadrail_desk::{CrmForm, Setting, SettingType, crm_form, crm_forms};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::CrmPath;
use crate::problem::Problem;
use crate::problems::NoSuchCrm;
use crate::state::problem;

/// A CRM, the ways into it and what may be set.
#[derive(Serialize, ToSchema)]
pub(crate) struct CrmView {
    /// The name in payloads.
    crm: String,
    /// The name people know.
    title: String,
    /// The ways in, the usual one first.
    auth: Vec<WayView>,
    /// How many requests it takes of one account; null where its vendor documents none. Leads of a connection
    /// made from now on keep below it, unless `leads_per_minute` or somebody's limit says how fast they go.
    rate: Option<RateView>,
    /// What may be set: first what this CRM describes, then what all have.
    settings: Vec<SettingView>,
}

/// How many requests a CRM takes of one account, as its vendor documents it.
#[derive(Serialize, ToSchema)]
pub(crate) struct RateView {
    /// So many requests at most.
    #[schema(minimum = 1)]
    requests: u32,
    /// In any so many seconds.
    #[schema(minimum = 1)]
    seconds: u32,
    /// Who says so.
    source: String,
}

/// A way into a CRM.
#[derive(Serialize, ToSchema)]
pub(crate) struct WayView {
    /// What `auth_method` names.
    id: String,
    /// The name people know.
    title: String,
    /// Where a contractor finds the secrets.
    help: String,
    /// The secrets it needs.
    secrets: Vec<SecretView>,
}

/// A secret of a way in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretView {
    /// Its name in `secrets`.
    name: String,
    /// The name people know.
    title: String,
}

/// Something a connection may set.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingView {
    /// The key in `settings`.
    name: String,
    /// The name people know.
    title: String,
    /// What kind of value it is.
    #[serde(rename = "type")]
    #[schema(value_type = SettingTypeName)]
    kind_of: SettingType,
    /// What may stand there, in words.
    kind: String,
    /// What it may be, where it is one of a few; the first without a choice.
    choices: Vec<String>,
    /// Whether `GET /v1/connections/{id}/options` says what it may be.
    options: bool,
    /// `always`, `never`, or with which other setting.
    required: String,
    /// What it does, and what happens without it.
    help: String,
}

/// What kind of value a setting is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes `SettingType` in the API description")]
pub(crate) enum SettingTypeName {
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

impl From<CrmForm> for CrmView {
    fn from(form: CrmForm) -> Self {
        let secret = |(name, title): (&str, &str)| SecretView {
            name: name.to_owned(),
            title: title.to_owned(),
        };
        let ways = form.auth.into_iter().map(|way| WayView {
            id: way.id.to_owned(),
            title: way.title.to_owned(),
            help: way.help.to_owned(),
            secrets: way.secrets.into_iter().map(secret).collect(),
        });
        let rate = form.rate.map(|rate| RateView {
            requests: rate.requests,
            seconds: rate.seconds,
            source: rate.source.to_owned(),
        });
        Self {
            crm: form.crm.to_owned(),
            title: form.title.to_owned(),
            auth: ways.collect(),
            rate,
            settings: form.settings.into_iter().map(SettingView::from).collect(),
        }
    }
}

impl From<Setting> for SettingView {
    fn from(setting: Setting) -> Self {
        Self {
            name: setting.name.to_owned(),
            title: setting.title.to_owned(),
            kind_of: setting.kind_of,
            kind: setting.kind,
            choices: setting.choices.iter().copied().map(str::to_owned).collect(),
            options: setting.options,
            required: setting.required,
            help: setting.help.to_owned(),
        }
    }
}

/// The CRMs there are.
#[derive(Serialize, ToSchema)]
pub(crate) struct CrmList {
    /// In a fixed order.
    crms: Vec<CrmView>,
}

/// The CRMs that leads can be filed in, and what a connection to each asks for.
#[utoipa::path(
    get, path = "/v1/crms", tag = "connections",
    responses((status = 200, description = "The CRMs", body = CrmList))
)]
pub(crate) async fn list_crms() -> Json<CrmList> {
    let crms = crm_forms().into_iter().map(CrmView::from).collect();
    Json(CrmList { crms })
}

/// What a connection to this CRM asks for.
#[utoipa::path(
    get, path = "/v1/crms/{crm}", tag = "connections",
    params(("crm" = String, Path, description = "The CRM, such as `housecall_pro`")),
    responses((status = 200, description = "The CRM", body = CrmView), NoSuchCrm)
)]
pub(crate) async fn get_crm(CrmPath(crm): CrmPath) -> Result<Json<CrmView>, Problem> {
    Ok(Json(crm_form(&crm).map_err(problem)?.into()))
}
