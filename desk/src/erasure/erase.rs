//! Erases a person, in steps that each are whole.
//!
//! A lead that is on its way is asked to stop first: what is not ended may still be sent, and would be
//! written down once more. Each lead is taken off its number last, in the transaction that erased it, so
//! whoever was interrupted begins again and finds what is left.

use super::find::{CrmCopy, Found, Person};
use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::RunId;
use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// The most leads that one call erases.
const MOST_A_CALL: i64 = 500;
/// Leads of one transaction.
const AT_ONCE: usize = 50;
/// Between two looks whether what was asked to stop has.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What stopped leads say of it.
const WHY: &str = "the caller is being erased";

/// What was found of a person, and what became of it. Nothing in it is about the person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// How many leads were found.
    pub leads: u64,
    /// How many of them are erased now; none where it was only looked.
    pub erased: u64,
    /// How many were on their way: they were asked to stop, and are erased when it is asked again. Where
    /// it was only looked, how many would be, dead letters among them.
    pub on_their_way: u64,
    /// Whether there are more leads than one call erases: ask again.
    pub more: bool,
    /// Where copies are that are not ours to erase.
    pub copies: Vec<CrmCopy>,
}

impl Desk {
    /// What would be erased of a person, and where copies are. Changes nothing.
    ///
    /// # Errors
    /// [`DeskError::NoSuchLead`](crate::DeskError::NoSuchLead) and `SeveralLeads` for a lead, or when the
    /// database cannot be read.
    pub async fn look_for(&self, person: &Person) -> DeskResult<Erasure> {
        let (leads, more) = self.some_of(person).await?;
        let runs: Vec<_> = leads.iter().map(|lead| lead.run_id).collect();
        Ok(Erasure {
            leads: leads.len() as u64,
            erased: 0,
            on_their_way: self.alive(&runs).await?.len() as u64,
            more,
            copies: self.copies_of(&leads).await?,
        })
    }

    /// Erases a person. Leads that are on their way are asked to stop, and waited for so long at most.
    /// Safe to ask again, and needed while there is more.
    ///
    /// # Errors
    /// As [`Desk::look_for`], or when the database cannot be written. What is erased by then stays erased, and
    /// the audit log has it.
    pub async fn erase(
        &self,
        who: &Actor,
        person: &Person,
        patience: Duration,
    ) -> DeskResult<Erasure> {
        let (leads, more) = self.some_of(person).await?;
        let found = leads.len() as u64;
        let mut erased = 0;
        let done = self.erase_all(&leads, patience, &mut erased).await;
        let outcome = match &done {
            Ok(_) => format!("{} still on their way", found - erased),
            Err(_) => "and then it failed".to_owned(),
        };
        let outcome = format!("{erased} of {found} leads erased, {outcome}");
        self.note_erasure(who, person, &outcome).await;
        Ok(Erasure {
            leads: found,
            erased,
            on_their_way: found - erased,
            more,
            copies: done?,
        })
    }

    /// Stops these leads and erases them, and counts them in `erased`; where copies are.
    async fn erase_all(
        &self,
        leads: &[Found],
        patience: Duration,
        erased: &mut u64,
    ) -> DeskResult<Vec<CrmCopy>> {
        let looks = self.looks_at(leads).await?;
        let mut runs: Vec<_> = leads.iter().map(|lead| lead.run_id).collect();
        runs.extend(&looks);
        self.stop(&runs, patience).await?;
        let copies = self.copies_of(leads).await?;
        for some in leads.chunks(AT_ONCE) {
            *erased += self.erase_some(some).await?;
        }
        Ok(copies)
    }

    /// So many of the person's leads as one call erases, and whether there are more.
    async fn some_of(&self, person: &Person) -> DeskResult<(Vec<Found>, bool)> {
        let mut leads = self.leads_of(person, MOST_A_CALL + 1).await?;
        let most = usize::try_from(MOST_A_CALL).unwrap_or(usize::MAX);
        let more = leads.len() > most;
        leads.truncate(most);
        Ok((leads, more))
    }

    /// Asks these runs to stop, and waits until they have, or for so long.
    async fn stop(&self, runs: &[Uuid], patience: Duration) -> DeskResult<()> {
        let began = Instant::now();
        for run in self.alive(runs).await? {
            self.engine().cancel(RunId(run), WHY).await?;
        }
        while !self.alive(runs).await?.is_empty() && began.elapsed() < patience {
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Those of these runs that have not ended.
    async fn alive(&self, runs: &[Uuid]) -> DeskResult<Vec<Uuid>> {
        let alive = sqlx::query_scalar!(
            r#"
            select id as "id!"
            from leadrail.seen_live_run
            where id = any ($1) and state not in ('completed', 'cancelled')
            "#,
            runs
        );
        Ok(alive.fetch_all(self.engine().access()).await?)
    }

    /// Erases these leads, and the looks at them, in one transaction; how many leads have ended and are.
    async fn erase_some(&self, leads: &[Found]) -> DeskResult<u64> {
        let looks = self.looks_at(leads).await?;
        let runs: Vec<_> = leads.iter().map(|lead| lead.run_id).collect();
        let erased = self.erased(&runs, &looks).await?;
        Ok(u64::try_from(erased).unwrap_or(0))
    }

    /// How many of these are erased. From behind the wall it is for who works for all.
    async fn erased(&self, leads: &[Uuid], looks: &[Uuid]) -> sqlx::Result<i32> {
        let db = self.engine().access();
        if db.sees().is_some() {
            let erased = sqlx::query_scalar!(
                r#"select cardinality(leadrail.erase_seen_leads($1, $2)) as "erased!""#,
                leads,
                looks
            );
            return erased.fetch_one(db).await;
        }
        let erased = sqlx::query_scalar!(
            r#"select cardinality(leadrail.erase_leads($1, $2)) as "erased!""#,
            leads,
            looks
        );
        erased.fetch_one(db).await
    }

    /// A number has no place in the audit log, so an erasure by number has a name of its own there.
    async fn note_erasure(&self, who: &Actor, person: &Person, outcome: &str) {
        let subject = match person {
            Person::Phone(_) => format!("erasure {}", Uuid::new_v4()),
            Person::Lead { event_id, .. } => event_id.to_string(),
        };
        self.note(who, Action::PersonErase, &subject, &outcome)
            .await;
    }
}
