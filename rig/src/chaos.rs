//! Chaos: the whole product under blows, judged by the CRM's own books.
//!
//! Workers are processes of their own that are killed, frozen, and asked to end as at a deploy, some
//! with a wrong clock. PostgreSQL is crashed, sessions are cut, answers to commits get lost, clients
//! hang up, and the CRM misbehaves as its fault plan says. Then everything calms down, and what was
//! accepted is compared with what stands in the CRM. A verdict that nothing could have turned red
//! is worth nothing: every kind of trouble must have struck, and three controls ([`Control`]) take
//! one safeguard away each and must be seen.

mod chronicle;
mod clocks;
mod control;
mod crew;
mod disk;
mod evidence;
mod failover;
mod faults;
mod fence;
mod figures;
mod hang_up;
mod later_build;
mod member;
mod nemesis;
mod outages;
mod plan;
mod profile;
mod rolling;
mod sender;
mod stage;
mod takeover;
mod timetable;
mod traces;
mod verdict;
mod watch;
mod wires;

pub use control::Control;
pub use figures::Figure;
pub use later_build::{COMMAND as LATER_BUILD, registry as later_build};
pub use profile::Profile;
pub use verdict::Verdict;

use crate::{Program, Show};
use anyhow::Context as _;
use chronicle::Chronicle;
use crew::Crew;
use evidence::Evidence;
use outages::Outages;
use plan::Plan;
use sender::Sender;
use stage::Stage;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use watch::Watch;

/// How much is struck, and what is missing.
#[derive(Clone, Debug)]
pub struct ChaosOptions {
    /// What the workers are processes of. It must know the commands `worker` and [`LATER_BUILD`].
    pub program: Program,
    /// How long a run may take, and how many leads it aims for.
    pub profile: Profile,
    /// Arms the same faults and aims the same blows again.
    pub seed: u64,
    /// How many leads; as many as the profile has time for if not given.
    pub leads: Option<u64>,
    /// The safeguard that is taken away from outside.
    pub without: Option<Control>,
}

/// Everything that is struck, up and running, but for the workers.
pub struct Chaos {
    plan: Plan,
    stage: Stage,
}

impl Chaos {
    /// Puts everything up but the workers, and arms the CRM's faults.
    ///
    /// # Errors
    /// When PostgreSQL does not start, or a safeguard cannot be taken away.
    pub async fn up(options: ChaosOptions) -> anyhow::Result<Self> {
        let plan = Plan::new(
            options.profile,
            options.seed,
            options.leads,
            options.without,
        );
        let stage = Stage::up(options.program, &plan).await?;
        Ok(Self { plan, stage })
    }

    /// What is about to be struck, in a line; a second one names the safeguard that is missing.
    #[must_use]
    pub fn greeting(&self) -> String {
        self.plan.greeting(&self.stage)
    }

    /// Leads come in, blows fall, and somebody watches; when all is calm again the books are read.
    ///
    /// # Errors
    /// When the database does not come up again or nobody takes leads any more, so that nothing can
    /// be judged.
    pub async fn play(&self, show: &mut Show<'_>) -> anyhow::Result<Verdict> {
        let (plan, stage) = (&self.plan, &self.stage);
        let chronicle = Chronicle::start(stage.rig.now().await?);
        let mut crew = Crew::start(plan, stage, &chronicle)?;
        let sender = Sender::new(plan, stage).await?;
        let watch = Watch::new(plan, stage, &sender, &chronicle);
        let calm = CancellationToken::new();
        let outages = Outages {
            stage,
            sender: &sender,
            chronicle: &chronicle,
            calm: &calm,
        };
        let (sent, workers, database, (), watched) = tokio::join!(
            sender.send_all(),
            nemesis::strike(plan, &mut crew, &calm),
            outages.strike(plan),
            wires::strike(plan, stage, &chronicle, &calm),
            watch.until_drained(Instant::now(), &calm, show),
        );
        let (sent, watched) = (sent?, watched?);
        workers.context("the workers cannot be struck any more")?;
        database?;
        stage.until_effects_landed().await;
        let evidence = Evidence::gather(stage, &sender, &chronicle).await;
        crew.dismiss().await;
        Ok(Verdict::reach(plan, &sent, &watched, evidence?, &chronicle))
    }

    /// Takes everything down; returns when the database is gone.
    pub async fn down(self) {
        self.stage.down().await;
    }
}
