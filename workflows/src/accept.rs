//! The statement that takes leads: what Rust hands to `leadrail.accept_leads`.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use leadrail_engine::{Enqueued, Outcome, RunId, RunState, Sees};
use leadrail_lead::{Fingerprint, Lead, LeadEvent};
use sqlx::PgConnection;
use uuid::Uuid;

/// A lead on its way into the database. What its run is called and queues behind follows from this in
/// SQL, in one place for both doors.
#[derive(Clone)]
pub(crate) struct NewLead {
    account: String,
    crm: Option<String>,
    crm_account_id: Option<String>,
    event: &'static str,
    event_id: Uuid,
    phone: Option<String>,
    priority: i16,
    fingerprint: String,
    pub(crate) payload: String,
    /// Behind the wall: for whom its caller works, as `leadrail.sees` has it.
    sees: Option<String>,
}

impl NewLead {
    /// `payload` is the lead as it was given, as JSON.
    pub(crate) fn new(
        lead: &Lead,
        fingerprint: &Fingerprint,
        payload: String,
        sees: Option<&Sees>,
    ) -> Self {
        let routing = &lead.routing;
        Self {
            account: lead.callsetter_account_id.as_str().to_owned(),
            crm: routing
                .destination_crm
                .as_ref()
                .map(|crm| crm.as_str().to_owned()),
            crm_account_id: routing.crm_account_id.clone(),
            event: match lead.event {
                LeadEvent::Qualified => "qualified",
                LeadEvent::Unqualified => "unqualified",
            },
            event_id: lead.event_id.as_uuid(),
            phone: lead
                .contact
                .phone
                .as_ref()
                .map(|phone| phone.as_str().to_owned()),
            priority: lead.priority(),
            fingerprint: fingerprint.as_str().to_owned(),
            payload,
            sees: sees.map(Sees::setting),
        }
    }
}

/// What became of one lead, as the database says it.
struct Row {
    run_id: Uuid,
    outcome: String,
    state: RunState,
    fingerprint: Option<String>,
}

macro_rules! accept_rows {
    ($db:ident, $from:literal, $ids:ident, $event_ids:ident, $priorities:ident, $texts:ident, $perhaps:ident, $($more:expr)? $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select run_id as "run_id!", outcome as "outcome!", state as "state!: RunState", fingerprint "#
                + $from + " order by ord",
            &$ids,
            &$texts(|lead| &lead.account) as &[&str],
            &$perhaps(|lead| lead.crm.as_deref()) as &[Option<&str>],
            &$perhaps(|lead| lead.crm_account_id.as_deref()) as &[Option<&str>],
            &$texts(|lead| lead.event) as &[&str],
            &$event_ids,
            &$perhaps(|lead| lead.phone.as_deref()) as &[Option<&str>],
            &$priorities,
            &$texts(|lead| &lead.fingerprint) as &[&str],
            &$texts(|lead| &lead.payload) as &[&str],
            $($more,)?
        )
        .fetch_all($db)
        .await?
    };
}

/// Takes leads in one statement; one answer a lead, in order.
pub(crate) fn accept<'a>(
    db: &'a mut PgConnection,
    leads: &'a [NewLead],
) -> BoxFuture<'a, sqlx::Result<Vec<Enqueued>>> {
    accept_all(db, leads).boxed()
}

async fn accept_all(db: &mut PgConnection, leads: &[NewLead]) -> sqlx::Result<Vec<Enqueued>> {
    let texts = |field: fn(&NewLead) -> &str| leads.iter().map(field).collect::<Vec<_>>();
    let perhaps = |field: fn(&NewLead) -> Option<&str>| leads.iter().map(field).collect::<Vec<_>>();
    let ids: Vec<_> = leads.iter().map(|_| RunId::new().0).collect();
    let event_ids: Vec<_> = leads.iter().map(|lead| lead.event_id).collect();
    let priorities: Vec<_> = leads.iter().map(|lead| lead.priority).collect();
    let is_open = leads.iter().all(|lead| lead.sees.is_none());
    // Without a word for whom each is the function is asked that belongs to who may do it; else the one
    // that looks.
    let sees = (!is_open).then(|| perhaps(|lead| lead.sees.as_deref()));
    let rows = match &sees {
        None => {
            accept_rows!(
                db,
                "from leadrail.accept_leads($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                ids,
                event_ids,
                priorities,
                texts,
                perhaps,
            )
        }
        Some(sees) => {
            accept_rows!(
                db,
                "from leadrail.accept_seen_leads($11, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                ids,
                event_ids,
                priorities,
                texts,
                perhaps,
                sees as &[Option<&str>],
            )
        }
    };
    let answers = rows.into_iter().map(|row| Enqueued {
        run_id: RunId(row.run_id),
        outcome: Outcome::of(&row.outcome),
        state: row.state,
        fingerprint: row.fingerprint.unwrap_or_default(),
    });
    Ok(answers.collect())
}
