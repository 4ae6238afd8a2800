//! Links of ours to recordings and transcripts: `/r/{id}` for whoever has one, and the account's view of
//! them.

mod page;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::Method;
use leadrail_connections::links::LinkKind;
use leadrail_desk::{LinkState, LinkView, Lost, Opened};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::audience::By;
use crate::extract::{EventIdPath, LinkIdPath};
use crate::leads::show::Whose;
use crate::params::Params;
use crate::problem::Problem;
use crate::problems::{DatabaseAway, NoSuchLead, NotAnEventId, NotAnEventIdOrKind, SeveralLeads};
use crate::state::{App, in_time};

/// Follows a link that stands in a CRM: sends on to the recording or transcript, or says what became of
/// it. Needs no key: whoever has the link may follow it, as often as they like. HEAD only tells whether it
/// leads anywhere. A page for people, so it is no call of the API and not in its description. Nobody in
/// particular asks, so it is followed by the API itself, which sees all.
pub(crate) async fn follow_link(
    State(app): State<App>,
    method: Method,
    LinkIdPath(id): LinkIdPath,
) -> Response {
    if method == Method::HEAD {
        let looked = in_time(app.desk.look_at_link(&id)).await;
        return page::looked_at(looked.unwrap_or(Some(Lost::NotNow)));
    }
    let opened = app.call(|desk| async move { desk.open_link(&id).await });
    match opened.await {
        Ok(Opened::There(url)) => page::sent_on(url.as_url().as_str()),
        Ok(Opened::Lost { why, call }) => page::lost(why, call.as_ref()),
        Err(_) => page::lost(Lost::NotNow, None),
    }
}

/// What a link leads to.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The recording of a call.
    Recording,
    /// Its transcript.
    Transcript,
}

/// Whether a link leads anywhere.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes `LinkState` in the API description")]
pub(crate) enum LinkStateName {
    /// It does.
    Works,
    /// It was taken back.
    Revoked,
    /// The lead has nothing of this kind, or it is kept here no more.
    Nothing,
}

/// One link of a lead.
#[derive(Serialize, ToSchema)]
pub(crate) struct Link {
    /// What it leads to.
    #[schema(value_type = Kind)]
    kind: LinkKind,
    /// Its address, as the CRM has it: whoever has it can hear the recording. Null without `public_url`.
    url: Option<String>,
    /// Whether it leads anywhere.
    #[schema(value_type = LinkStateName)]
    state: LinkState,
    /// How often somebody was sent on by it.
    opened: i64,
    /// When that last was.
    last_opened_at: Option<DateTime<Utc>>,
    /// Since when it leads nowhere.
    revoked_at: Option<DateTime<Utc>>,
    /// Who took it back, in one word.
    revoked_by: Option<String>,
}

impl From<LinkView> for Link {
    fn from(link: LinkView) -> Self {
        let LinkView {
            kind,
            url,
            state,
            opened,
            last_opened_at,
            revoked_at,
            revoked_by,
        } = link;
        Self {
            kind,
            url,
            state,
            opened,
            last_opened_at,
            revoked_at,
            revoked_by,
        }
    }
}

/// The links of a lead.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkList {
    /// One of each kind.
    links: Vec<Link>,
}

/// The links of a lead to its recording and transcript.
#[utoipa::path(
    get, path = "/v1/leads/{event_id}/links", tag = "links",
    params(("event_id" = Uuid, Path, description = "The lead's own id"), Whose),
    responses(
        (status = 200, description = "One of each kind", body = LinkList),
        NotAnEventId, NoSuchLead, SeveralLeads, DatabaseAway,
    )
)]
pub(crate) async fn list_links(
    app: App,
    by: By,
    EventIdPath(event_id): EventIdPath,
    Params(whose): Params<Whose>,
) -> Result<Json<LinkList>, Problem> {
    let account = whose.among(&by)?;
    let links = in_time(app.desk.links(event_id, account.as_deref())).await?;
    let links = links.into_iter().map(Link::from).collect();
    Ok(Json(LinkList { links }))
}

/// Whose links, and which.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Whose lead, where several accounts have one under this id.
    account: Option<String>,
    /// Only this one; both if not given.
    kind: Option<Kind>,
}

/// What became of the links.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinksRevoked {
    /// How many had not been taken back before.
    revoked: u64,
}

/// Takes a lead's links back, for good: whoever follows one is told so.
#[utoipa::path(
    delete, path = "/v1/leads/{event_id}/links", tag = "links",
    params(("event_id" = Uuid, Path, description = "The lead's own id"), Which),
    responses(
        (status = 200, description = "They lead nowhere from now on", body = LinksRevoked),
        NotAnEventIdOrKind, NoSuchLead, SeveralLeads, DatabaseAway,
    )
)]
pub(crate) async fn delete_links(
    app: App,
    by: By,
    EventIdPath(event_id): EventIdPath,
    Params(which): Params<Which>,
) -> Result<Json<LinksRevoked>, Problem> {
    let Which { account, kind } = which;
    let account = Whose { account }.among(&by)?;
    let kind = kind.map(|kind| match kind {
        Kind::Recording => LinkKind::Recording,
        Kind::Transcript => LinkKind::Transcript,
    });
    let actor = by.0.actor().clone();
    let revoked = app.change(|desk| async move {
        let account = account.as_deref();
        desk.revoke_links(&actor, event_id, account, kind).await
    });
    Ok(Json(LinksRevoked {
        revoked: revoked.await?,
    }))
}
