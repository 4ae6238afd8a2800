//! The demo: the whole product on this machine, with everything that can go wrong.
//!
//! The parts are the real ones: a PostgreSQL with durability on, the API, a worker in this process
//! and one in another that is killed. Only the CRMs are simulated, and they are never told what should
//! come of a lead: what is expected is decided here (`cast`) and compared with the CRMs' own books
//! (`comparison`).

mod cast;
mod comparison;
mod door;
mod first_worker;
mod follow;
mod report;
mod stage;

pub use comparison::CrmSums;
pub use report::{DemoReport, Sums, TroubledLead};

use crate::{Program, Show};
use cast::Cast;
use follow::Followed;
use stage::Stage;
use std::path::PathBuf;
use std::time::Instant;

/// What is shown, and where.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// What the worker that is killed is a process of.
    pub program: Program,
    /// How many leads, from [`Demo::FEWEST`] to [`Demo::MOST`]; all kinds of trouble need about 50.
    pub leads: usize,
    /// Where database and vault key are kept; a temporary folder if not given.
    pub data_dir: Option<PathBuf>,
}

/// Everything that the demo needs, up and running.
pub struct Demo {
    stage: Stage,
    leads: usize,
    began: Instant,
}

impl Demo {
    /// Room for the leads of the killed worker and some more.
    pub const FEWEST: usize = cast::FEWEST;
    /// More would take longer than anybody watches.
    pub const MOST: usize = cast::MOST;

    /// Puts everything up but the workers.
    ///
    /// # Errors
    /// When the number of leads is out of range, the folder cannot be used, or PostgreSQL does not
    /// start; the text says what to do.
    pub async fn up(options: DemoOptions) -> anyhow::Result<Self> {
        let (began, leads) = (Instant::now(), options.leads);
        anyhow::ensure!(
            (Self::FEWEST..=Self::MOST).contains(&leads),
            "a demo has {} to {} leads",
            Self::FEWEST,
            Self::MOST
        );
        Ok(Self {
            stage: Stage::up(options.program, options.data_dir).await?,
            leads,
            began,
        })
    }

    /// What is up and how fast its clock runs, in two lines. The first ends with the API's address.
    #[must_use]
    pub fn greeting(&self) -> String {
        self.stage.greeting()
    }

    /// Where everything is, and how other commands find it, in a few lines.
    #[must_use]
    pub fn addresses(&self) -> String {
        self.stage.addresses()
    }

    /// Act one: a worker is killed in the middle. Act two: another takes over while every other kind
    /// of trouble comes up. Then the books are compared.
    ///
    /// # Errors
    /// When a part of the product does not do what it must for the play to go on. A lead that ended
    /// wrongly is no error but a fault of the report.
    pub async fn play(&mut self, show: &mut Show<'_>) -> anyhow::Result<DemoReport> {
        let stage = &mut self.stage;
        let cast = Cast::of(self.leads, stage.rig.now().await?);
        stage.connect(&cast).await?;
        stage.arm(&cast)?;
        stage.revoke_key(&cast.accounts).await?;
        let first = first_worker::start(stage).await?;
        let mut runs = door::push(stage, &cast.first).await?;
        first_worker::kill_in_the_middle(first, stage, &cast).await?;
        stage.start_worker()?;
        runs.extend(door::push(stage, &cast.second).await?);
        let repeats = door::push_again(stage, cast.repeated()).await?;
        let followed = Followed::until_ended(stage, (&cast, &runs), show).await?;
        let books = comparison::compare(&stage.rig.all_records(), &cast);
        DemoReport::new(stage, &cast, &followed, books, repeats, self.began).await
    }

    /// Takes everything down; returns when the database is gone.
    pub async fn down(self) {
        self.stage.rig.down().await;
    }
}
