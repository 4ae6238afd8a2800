//! Lanes: what runs queue behind together, and what holds it back.

use crate::actor::{Action, Actor, audit};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, has_nul};
use leadrail_engine::{LaneLimits, LaneView};

impl Desk {
    /// All lanes with live runs, dead letters or a setting, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn lanes(&self) -> DeskResult<Vec<LaneView>> {
        Ok(self.engine().lanes().await?)
    }

    /// Stops a lane: its runs stay queued, those that run go on. False when it was stopped already.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for the name, or when the database cannot be written.
    pub async fn pause_lane(&self, who: &Actor, lane: &str) -> DeskResult<bool> {
        let news = self.engine().pause_lane(named(lane)?).await?;
        audit(who, Action::LanePause, &lane, &news);
        Ok(news)
    }

    /// Lets a lane go on, also one that its CRM wanted to be left alone. False when it did.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for the name, or when the database cannot be written.
    pub async fn resume_lane(&self, who: &Actor, lane: &str) -> DeskResult<bool> {
        let news = self.engine().resume_lane(named(lane)?).await?;
        audit(who, Action::LaneResume, &lane, &news);
        Ok(news)
    }

    /// Sets how many runs of a lane may start, over all workers; what is not given is unlimited.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for the name, or when the database refuses a limit or cannot be written.
    pub async fn limit_lane(&self, who: &Actor, lane: &str, limits: &LaneLimits) -> DeskResult<()> {
        self.engine().limit_lane(named(lane)?, limits).await?;
        audit(who, Action::LaneLimit, &lane, &"set");
        Ok(())
    }
}

/// What the database would refuse, said before.
fn named(lane: &str) -> DeskResult<&str> {
    match (1..=500).contains(&lane.chars().count()) && !has_nul(lane) {
        true => Ok(lane),
        false => Err(DeskError::refused(
            "lane",
            "a lane's name has 1 to 500 characters",
        )),
    }
}
