//! API keys: made, listed and taken back; and who a key belongs to.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use leadrail_desk::{ApiKey, KeyId, KeyMode, NewKey, Role};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::audience::{By, Who};
use crate::extract::{KeyIdPath, json_only};
use crate::params::Params;
use crate::problem::Problem;
use crate::problems::{BadParameter, DatabaseAway, NoSuchKey, NotAKeyId, NotAKeyRequest, NotJson};
use crate::state::{App, in_time};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the holder of a key may do.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes `Role` in the API description")]
pub(crate) enum RoleName {
    /// Everything.
    Operator,
    /// Look at everything, change nothing.
    OperatorReadOnly,
    /// Hand over leads, follow and cancel them, see and test connections: of one account.
    Account,
    /// Hand over leads and nothing else.
    Intake,
}

/// Whether anything comes of what is done with a key.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes `KeyMode` in the API description")]
pub(crate) enum ModeName {
    /// It does.
    Live,
    /// A lead that is handed over is judged, shown as it would be filed, and not kept; every other change
    /// is refused.
    Test,
}

/// An API key, without the key itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyView {
    /// Its id, by which logs name it.
    #[schema(value_type = Uuid)]
    id: KeyId,
    /// How it begins.
    shown: String,
    /// What it is for.
    purpose: String,
    /// What its holder may do.
    #[schema(value_type = RoleName)]
    role: Role,
    /// Whose leads and connections it is for; null: all.
    account: Option<String>,
    /// Whether anything comes of what is done with it.
    #[schema(value_type = ModeName)]
    mode: KeyMode,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// From when on it is refused; null: never.
    expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to about a minute.
    last_used_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    revoked_at: Option<DateTime<Utc>>,
    /// Whether it opens anything now.
    works: bool,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            shown: key.shown,
            purpose: key.purpose,
            role: key.role,
            account: key.account,
            mode: key.mode,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
            works: key.works,
        }
    }
}

/// Which keys.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeyQuery {
    /// Only this account's.
    account: Option<String>,
}

/// All keys that were asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// Those that work first, the newest first.
    keys: Vec<KeyView>,
}

/// The API keys, without the keys themselves.
#[utoipa::path(
    get, path = "/v1/keys", tag = "keys", params(KeyQuery),
    responses(
        (status = 200, description = "The keys", body = KeyList),
        BadParameter, DatabaseAway,
    )
)]
pub(crate) async fn list_keys(
    app: App,
    Params(query): Params<KeyQuery>,
) -> Result<Json<KeyList>, Problem> {
    let keys = in_time(app.desk.keys(query.account.as_deref())).await?;
    let keys = keys.into_iter().map(KeyView::from).collect();
    Ok(Json(KeyList { keys }))
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// What it is for, 1 to 100 characters. At most two keys of one purpose and account work at a time.
    #[schema(min_length = 1, max_length = 100)]
    purpose: String,
    /// What its holder may do.
    #[schema(value_type = RoleName)]
    role: String,
    /// Whose leads and connections it is for: an account's key needs it, an operator's has none.
    account: Option<String>,
    /// Whether it is a test key, for whoever builds against the API: it begins with `lr_test_`, and nothing
    /// comes of what is done with it. Its role is account or intake.
    #[serde(default)]
    test: bool,
    /// After how many days it is refused; never without.
    #[schema(minimum = 1, maximum = 3660)]
    expires_in_days: Option<u32>,
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewKeyView {
    /// The key. It is shown this once.
    key: String,
    /// As lists show it.
    #[serde(flatten)]
    view: KeyView,
}

/// Makes an API key. It is shown in this answer and never again.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", request_body = KeyRequest,
    responses(
        (status = 201, description = "The key, shown this once", body = NewKeyView),
        NotAKeyRequest, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_keys(
    app: App,
    Who(actor): Who,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    json_only(&headers)?;
    let new = wanted(&body)?;
    let made = app.change(|desk| async move { desk.create_key(&actor, new).await });
    let made = made.await?;
    let view = NewKeyView {
        key: made.secret.expose_secret().to_owned(),
        view: made.key.into(),
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

fn wanted(body: &[u8]) -> Result<NewKey, Problem> {
    let asked: KeyRequest = serde_json::from_slice(body).map_err(|_| {
        Problem::bad_request(
            "the body is {\"purpose\": \"...\", \"role\": \"...\"}, with an account, test and \
             expires_in_days where they are wanted",
        )
    })?;
    Ok(NewKey {
        purpose: asked.purpose,
        role: asked.role.parse().map_err(Problem::bad_request)?,
        account: asked.account,
        mode: match asked.test {
            true => KeyMode::Test,
            false => KeyMode::Live,
        },
        expires_in: asked.expires_in_days.map(|days| DAY * days),
    })
}

/// What became of a key.
#[derive(Serialize, ToSchema)]
pub(crate) struct Revoked {
    /// The key's id.
    #[schema(value_type = Uuid)]
    id: KeyId,
    /// Whether it had not been taken back before.
    revoked: bool,
}

/// Takes an API key back: within five seconds it is refused everywhere.
#[utoipa::path(
    delete, path = "/v1/keys/{key_id}", tag = "keys",
    params(("key_id" = Uuid, Path, description = "The key's id")),
    responses(
        (status = 200, description = "It is refused from now on", body = Revoked),
        NotAKeyId, NoSuchKey, DatabaseAway,
    )
)]
pub(crate) async fn delete_key(
    app: App,
    Who(actor): Who,
    KeyIdPath(id): KeyIdPath,
) -> Result<Json<Revoked>, Problem> {
    let revoked = app.change(move |desk| async move { desk.revoke_key(&actor, id).await });
    let revoked = revoked.await?;
    Ok(Json(Revoked { id, revoked }))
}

/// Who a key belongs to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// Who acts, as the log names it.
    actor: String,
    /// What it may do.
    #[schema(value_type = RoleName)]
    role: Role,
    /// The only account that it sees; null: all.
    account: Option<String>,
    /// Whether anything comes of what it does.
    #[schema(value_type = ModeName)]
    mode: KeyMode,
}

/// Who the caller is, and what it may do.
#[utoipa::path(
    get, path = "/v1/me", tag = "keys",
    responses((status = 200, description = "The caller", body = Me), DatabaseAway)
)]
pub(crate) async fn get_me(By(caller): By) -> Json<Me> {
    Json(Me {
        actor: caller.actor().to_string(),
        role: caller.role(),
        account: caller.account().map(str::to_owned),
        mode: caller.mode(),
    })
}
