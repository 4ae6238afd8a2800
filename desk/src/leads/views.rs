//! What a list shows of leads beside their heads: who called, what holds them back, how many tries
//! there are.

use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::{RetrySchedule, RunId, RunView};
use leadrail_workflows::{Caller, LeadView};
use std::collections::HashMap;
use uuid::Uuid;

/// Payloads may be large, so no more than so many are read at a time.
const AT_A_TIME: usize = 50;

impl Desk {
    /// These runs as the leads that they are about, each addressed to the CRM beside it.
    pub(super) async fn views(
        &self,
        found: Vec<(RunView, Option<String>)>,
    ) -> DeskResult<Vec<LeadView>> {
        let (heads, crms): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let line = self.engine().line(&heads).await?;
        let mut callers = self.callers(&heads).await?;
        let each = heads.iter().zip(crms).map(|(head, crm)| {
            let caller = callers.remove(&head.id).unwrap_or_default();
            let held = line.held(head);
            LeadView {
                caller,
                ..LeadView::of(head, crm, held)
            }
        });
        let mut views: Vec<_> = each.collect();
        self.count_tries(&mut views).await?;
        Ok(views)
    }

    async fn callers(&self, heads: &[RunView]) -> DeskResult<HashMap<RunId, Caller>> {
        let mut callers = HashMap::with_capacity(heads.len());
        for some in heads.chunks(AT_A_TIME) {
            let ids: Vec<_> = some.iter().map(|head| head.id).collect();
            let inputs = self.engine().inputs(&ids).await?;
            callers.extend(inputs.iter().map(|(run, input)| (*run, Caller::of(input))));
        }
        Ok(callers)
    }

    /// Where a lead has a next try, how many there are: a run keeps to the schedule that its connection
    /// had when it began.
    async fn count_tries(&self, views: &mut [LeadView]) -> DeskResult<()> {
        let with_try = views.iter().filter(|view| view.attempt.is_some());
        let ids: Vec<_> = with_try.map(|view| view.run_id.0).collect();
        let own = match ids.is_empty() {
            true => HashMap::new(),
            false => self.own_schedules(&ids).await?,
        };
        for view in views.iter_mut().filter(|view| view.attempt.is_some()) {
            let schedule = own.get(&view.run_id.0).unwrap_or(self.schedule());
            view.tries = Some(schedule.attempts());
        }
        Ok(())
    }

    async fn own_schedules(&self, runs: &[Uuid]) -> DeskResult<HashMap<Uuid, RetrySchedule>> {
        let rows = sqlx::query!(
            r#"
            select h.run_id as "run_id!", h.payload #>> '{output,schedule}' as "schedule!"
            from leadrail.seen_history h
            where h.run_id = any ($1) and h.kind = 'activity_completed' and h.activity = 'find_connection'
              and h.payload #>> '{output,schedule}' is not null
            "#,
            runs
        )
        .fetch_all(self.engine().access())
        .await?;
        let read = rows.into_iter().filter_map(|row| {
            let schedule = serde_json::from_str(&row.schedule).ok()?;
            Some((row.run_id, schedule))
        });
        Ok(read.collect())
    }
}
