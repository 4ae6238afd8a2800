//! The audit log: who did what, to what, and what came of it.

use crate::actor::{Action, Actor, say};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, has_nul};
use chrono::{DateTime, Utc};
use leadrail_engine::kind_of_database_error;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;

/// The most entries of a page.
const MOST_A_PAGE: u32 = 1_000;

/// One change that somebody made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Grows with time.
    pub id: i64,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// Who did it, in one word, such as `cli:1000` or `api:acme:KEY`.
    pub actor: String,
    /// What was done, such as `connection.disable`.
    pub action: String,
    /// To what: an id, or a lane's name.
    pub subject: String,
    /// What came of it.
    pub outcome: String,
    /// What stood there before, as far as it changed; none where nothing did. No secrets.
    pub before: Option<Value>,
    /// What stands there now, as far as it changed; none where it is gone. No secrets.
    pub after: Option<Value>,
    /// What whoever did it gave as the reason.
    pub why: Option<String>,
}

/// What a change did, for the audit log. Words of ours and settings; no secret, nobody a lead is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    /// What stood there.
    pub(crate) before: Option<Value>,
    /// What stands there now.
    pub(crate) after: Option<Value>,
    /// Why, as somebody said it.
    pub(crate) why: Option<String>,
}

impl Change {
    /// Something that was not there before.
    pub(crate) fn to(after: Value) -> Self {
        Self {
            after: Some(after),
            ..Self::default()
        }
    }

    /// From one to another.
    pub(crate) fn between(before: Value, after: Value) -> Self {
        Self {
            before: Some(before),
            after: Some(after),
            why: None,
        }
    }

    /// For this reason, unless none was given.
    pub(crate) fn because(mut self, why: &str) -> Self {
        self.why = Some(why.to_owned()).filter(|why| !why.is_empty());
        self
    }
}

/// Which entries; what is not given does not matter.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only what was done to this.
    pub subject: Option<String>,
    /// Only what this actor did.
    pub actor: Option<String>,
    /// Only this, such as `connection.disable`.
    pub action: Option<String>,
}

impl AuditFilter {
    fn check(&self) -> DeskResult<()> {
        let texts = [&self.subject, &self.actor, &self.action];
        match texts.into_iter().flatten().any(|text| has_nul(text)) {
            true => Err(DeskError::refused("filter", "a filter has no NUL in it")),
            false => Ok(()),
        }
    }
}

impl Desk {
    /// Notes that somebody did something: to `subject` (an id, a lane's name), with this outcome.
    ///
    /// Both are words of ours, as the log has them too. The change is made already: that it could not be
    /// noted is logged, and no reason to say that it failed.
    pub(crate) async fn note(
        &self,
        who: &Actor,
        action: Action,
        subject: &(dyn Display + Sync),
        outcome: &(dyn Display + Sync),
    ) {
        self.note_change(who, action, (subject, outcome), Change::default())
            .await;
    }

    /// The same with what stood there before and after, and why. Those are for the audit log, not for the
    /// log: people wrote some of them.
    pub(crate) async fn note_change(
        &self,
        who: &Actor,
        action: Action,
        (subject, outcome): (&(dyn Display + Sync), &(dyn Display + Sync)),
        change: Change,
    ) {
        say(who, action, subject, outcome);
        let noted = sqlx::query!(
            "
            insert into leadrail.audit (actor, action, subject, outcome, before, after, why)
            values ($1, $2, $3, $4, $5, $6, $7)
            ",
            who.to_string(),
            action.as_str(),
            subject.to_string(),
            outcome.to_string(),
            change.before,
            change.after,
            change.why
        );
        if let Err(error) = noted.execute(self.engine().access()).await {
            let (name, kind) = (action.as_str(), kind_of_database_error(&error));
            tracing::error!(actor = %who, action = name, %subject, "{name} of {subject} by {who} could not be written into the audit log: {kind}");
        }
    }

    /// The audit log, the newest first: entries older than `before`, at most `limit` (1 to 1,000) of them.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for a filter with NUL in it, or when the database cannot be read.
    pub async fn audit_log(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> DeskResult<Vec<AuditEntry>> {
        filter.check()?;
        let entries = sqlx::query_as!(
            AuditEntry,
            "
            select id, at, actor, action, subject, outcome, before, after, why
            from leadrail.audit
            where id < $1 and ($2::text is null or subject = $2)
              and ($3::text is null or actor = $3) and ($4::text is null or action = $4)
            order by id desc
            limit $5
            ",
            before.unwrap_or(i64::MAX),
            filter.subject,
            filter.actor,
            filter.action,
            i64::from(limit.clamp(1, MOST_A_PAGE))
        );
        Ok(entries.fetch_all(self.engine().access()).await?)
    }
}
