//! Replays: dead letters that are sent through again together, at a pace that a workflow keeps.
//!
//! The workflow's run is the replay: it enlists the letters, sends a round of them every so often and
//! gives back what is left when it is told to stop. One that continues as a new run goes on under the
//! id of its first. All calls may be made again after an answer that was lost.

use super::Engine;
use super::letter_filter::LetterFilter;
use super::letters::{LONGEST_NAME, LettersError, check_said};
use crate::ids::RunId;
use serde::{Deserialize, Serialize};

/// How far a replay is, in letters.
///
/// What is neither revived nor left was taken out of it: a person revived, restarted, cancelled or
/// discarded it first, or it was given back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayProgress {
    /// What it took on.
    pub enlisted: u64,
    /// What it has sent through again.
    pub revived: u64,
    /// What still waits for its turn.
    pub left: u64,
    /// The same by lane, in the order of their names.
    pub lanes: Vec<ReplayLane>,
}

/// How far a replay is in one lane, in letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayLane {
    /// The lane's name.
    pub lane: String,
    /// What it took on.
    pub enlisted: u64,
    /// What it has sent through again.
    pub revived: u64,
    /// What still waits for its turn.
    pub left: u64,
}

impl Engine {
    /// Gives the replay that this run leads the open letters that are meant, and answers how many it
    /// has taken on. A letter is in one replay at most. The choice is made once: asked again, also with
    /// another filter, it answers the same; only a choice of nothing may be made anew.
    ///
    /// # Errors
    /// [`LettersError::NoReplay`] when the run has ended or does not exist; when the filter makes no
    /// sense or the database cannot be written.
    pub async fn enlist(&self, replay: RunId, filter: &LetterFilter) -> Result<u64, LettersError> {
        let filter = filter.row()?;
        // Apart, so that the letters of all replays are never locked together.
        sqlx::query!("select leadrail.release_ended_replays() as done")
            .execute(self.pool())
            .await?;
        let enlisted = sqlx::query_scalar!(
            "select leadrail.enlist_letters($1, $2)",
            replay.0,
            filter as _
        )
        .fetch_one(self.pool())
        .await?;
        let enlisted = enlisted.ok_or(LettersError::NoReplay(replay))?;
        Ok(enlisted.unsigned_abs())
    }

    /// Sends one round of a replay through again, each run from its last checkpoint: of each of its
    /// lanes, or of the one given, the `most` most urgent letters, the oldest first. How many this call
    /// sent; [`Engine::replay_progress`] knows the sum.
    ///
    /// Rounds are numbered upwards from 1. A lane takes each round once, and none after a later one, so
    /// a call that is repeated because its answer was lost, or made by two workers, sends nothing more.
    /// What somebody else has in hand at that moment is left for the next round.
    ///
    /// # Errors
    /// When `by` is empty, longer than 200 bytes or holds a NUL, or the database cannot be written.
    pub async fn revive_enlisted(
        &self,
        replay: RunId,
        lane: Option<&str>,
        most: u32,
        round: u32,
        by: &str,
    ) -> Result<u32, LettersError> {
        check_said("name of who revives", by, LONGEST_NAME)?;
        let whole = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let revived = sqlx::query_scalar!(
            r#"select leadrail.revive_enlisted($1, $2, $3, $4, $5) as "revived!""#,
            replay.0,
            lane,
            whole(most),
            whole(round),
            by
        )
        .fetch_one(self.pool())
        .await?;
        self.notifier().poke();
        Ok(revived.unsigned_abs())
    }

    /// Gives back the letters that a replay has not come to: they are open again. How many.
    ///
    /// Housekeeping does the same for a replay whose run has ended without it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn release_replay(&self, replay: RunId) -> Result<u64, LettersError> {
        let released = sqlx::query_scalar!(
            r#"select leadrail.release_replays(array[$1::uuid]) as "released!""#,
            replay.0
        )
        .fetch_one(self.pool())
        .await?;
        Ok(released.unsigned_abs())
    }

    /// How far a replay is; all zero for one that has taken on nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn replay_progress(&self, replay: RunId) -> Result<ReplayProgress, LettersError> {
        let rows = sqlx::query!(
            r#"
            select l.lane, l.enlisted, l.revived, (
                       select count(*) from leadrail.dead_letter d
                       where d.replay_id = l.replay_id and d.lane = l.lane
                   ) as "left!"
            from leadrail.replay_lane l
            where l.replay_id = $1
            order by l.lane
            "#,
            replay.0
        )
        .fetch_all(self.pool())
        .await?;
        let lanes = rows.into_iter().map(|row| ReplayLane {
            lane: row.lane,
            enlisted: row.enlisted.unsigned_abs(),
            revived: row.revived.unsigned_abs(),
            left: row.left.unsigned_abs(),
        });
        Ok(lanes.fold(ReplayProgress::default(), ReplayProgress::with))
    }
}

impl ReplayProgress {
    fn with(mut self, lane: ReplayLane) -> Self {
        self.enlisted += lane.enlisted;
        self.revived += lane.revived;
        self.left += lane.left;
        self.lanes.push(lane);
        self
    }
}
