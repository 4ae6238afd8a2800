//! How long what is kept, by class.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what is kept; what is not given stays as the database has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// What leads said, and the bodies of calls, from their receipt.
    pub payload: Option<Duration>,
    /// The same of dead letters, from their death.
    pub letters: Option<Duration>,
    /// What was done for leads, without words, from their receipt.
    pub attempts: Option<Duration>,
    /// Event ids and fingerprints, so that a late repeat is no new lead, from their receipt.
    pub tombstones: Option<Duration>,
    /// The audit log.
    pub audit: Option<Duration>,
}

impl Retention {
    /// The shortest and the longest time of each class that may be configured, by its name.
    pub const BOUNDS: [(&'static str, Duration, Duration); 5] = [
        ("payload", DAY, DAY.saturating_mul(400)),
        ("letters", DAY, DAY.saturating_mul(400)),
        ("attempts", DAY, DAY.saturating_mul(3_660)),
        ("tombstones", DAY, DAY.saturating_mul(3_660)),
        ("audit", DAY.saturating_mul(365), DAY.saturating_mul(3_660)),
    ];
}

impl Desk {
    /// Sets how long what is kept, for all workers; whether that changed anything. Each acts on it within
    /// its next hour.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn keep_for(&self, who: &Actor, kept: &Retention) -> DeskResult<bool> {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let changed = sqlx::query_scalar!(
            r#"
            with given as (
                select make_interval(secs => $1) as payload, make_interval(secs => $2) as letters,
                       make_interval(secs => $3) as attempts, make_interval(secs => $4) as tombstones,
                       make_interval(secs => $5) as audit
            ), runs as (
                update leadrail.retention r
                set input_for = coalesce(g.payload, r.input_for), letters_for = coalesce(g.letters, r.letters_for),
                    history_for = coalesce(g.attempts, r.history_for), keys_for = coalesce(g.tombstones, r.keys_for)
                from given g
                where (r.input_for, r.letters_for, r.history_for, r.keys_for) is distinct from (
                    coalesce(g.payload, r.input_for), coalesce(g.letters, r.letters_for),
                    coalesce(g.attempts, r.history_for), coalesce(g.tombstones, r.keys_for)
                )
                returning 1
            ), log as (
                update leadrail.audit_retention a
                set kept_for = g.audit
                from given g
                where g.audit <> a.kept_for
                returning 1
            )
            select exists (select from runs) or exists (select from log) as "changed!"
            "#,
            seconds(kept.payload),
            seconds(kept.letters),
            seconds(kept.attempts),
            seconds(kept.tombstones),
            seconds(kept.audit)
        );
        let changed = changed.fetch_one(self.engine().pool()).await?;
        if changed {
            self.note(who, Action::RetentionSet, &"retention", &"changed")
                .await;
        }
        Ok(changed)
    }
}
