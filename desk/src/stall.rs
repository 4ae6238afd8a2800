//! Why runs do not go on by themselves: what a person has to do first.

use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::RunId;
use uuid::Uuid;

/// Why some runs do not go on until a person does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stall {
    /// They wait for their connection.
    Waiting {
        /// How many.
        runs: i64,
        /// Machine-readable: why.
        reason: String,
        /// The same as a sentence.
        message: String,
    },
    /// Their lane is stopped.
    Paused {
        /// How many.
        runs: i64,
        /// The lane.
        lane: String,
    },
    /// They are ready, and there is no worker.
    NoWorker {
        /// How many.
        runs: i64,
    },
}

impl Desk {
    /// Why those of these runs that do not go on by themselves do not, one answer a reason.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn stalls(&self, runs: &[RunId]) -> DeskResult<Vec<Stall>> {
        let ids: Vec<_> = runs.iter().map(|run| run.0).collect();
        let mut stalls = self.at_gates(&ids).await?;
        stalls.extend(self.in_paused_lanes(&ids).await?);
        stalls.extend(self.without_worker(&ids).await?);
        Ok(stalls)
    }

    async fn at_gates(&self, runs: &[Uuid]) -> DeskResult<Vec<Stall>> {
        let rows = sqlx::query!(
            r#"
            select count(*) as "runs!", coalesce(r.reason, '') as "reason!",
                   coalesce(h.payload ->> 'message', '') as "message!"
            from leadrail.workflow_run r
            cross join lateral (
                select h.kind, h.payload
                from leadrail.history h
                where h.run_id = r.id
                order by h.seq desc
                limit 1
            ) h
            where r.id = any ($1) and r.state = 'waiting' and h.kind = 'activity_throttled'
            group by 2, 3
            order by 1 desc
            "#,
            runs
        )
        .fetch_all(self.engine().pool())
        .await?;
        let each = rows.into_iter().map(|row| Stall::Waiting {
            runs: row.runs,
            reason: row.reason,
            message: row.message,
        });
        Ok(each.collect())
    }

    async fn in_paused_lanes(&self, runs: &[Uuid]) -> DeskResult<Vec<Stall>> {
        let rows = sqlx::query!(
            r#"
            select count(*) as "runs!", r.lane
            from leadrail.workflow_run r
            join leadrail.lane l on l.name = r.lane and l.paused_at is not null
            where r.id = any ($1) and r.state in ('queued', 'retrying', 'replaying')
            group by r.lane
            order by 1 desc
            "#,
            runs
        )
        .fetch_all(self.engine().pool())
        .await?;
        let each = rows.into_iter().map(|row| Stall::Paused {
            runs: row.runs,
            lane: row.lane,
        });
        Ok(each.collect())
    }

    async fn without_worker(&self, runs: &[Uuid]) -> DeskResult<Option<Stall>> {
        let ready = sqlx::query_scalar!(
            r#"
            select count(*) as "runs!"
            from leadrail.workflow_run r
            where r.id = any ($1) and r.state = 'queued' and r.due_at <= leadrail.now()
              and not exists (select from leadrail.worker)
            "#,
            runs
        );
        let runs = ready.fetch_one(self.engine().pool()).await?;
        Ok((runs > 0).then_some(Stall::NoWorker { runs }))
    }
}
