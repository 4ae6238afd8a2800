//! The stage of the demo: a rig, the accounts on it, and what is said about it.

use super::cast::{Accounts, Cast};
use crate::Program;
use crate::places::HOME;
use crate::rig::{CRM, Rig, RigOptions};
use leadrail_connections::Connection;
use leadrail_desk::{Actor, RELEASE_SPACING};
use leadrail_engine::RetrySchedule;
use serde_json::json;
use std::path::PathBuf;

/// How much faster the retry schedule runs.
pub(super) const FASTER: u32 = 300;
/// Short, so that nobody watches a hanging call for long.
const CALL_TIMEOUT_MS: u64 = 1_500;
const SETTLE_SECONDS: u64 = 1;

/// Who does what people do in a real installation.
const DEMO: Actor = Actor::System { part: "demo" };

pub(super) struct Stage {
    pub(super) rig: Rig,
}

impl Stage {
    /// Puts everything up but the workers.
    pub(super) async fn up(program: Program, data_dir: Option<PathBuf>) -> anyhow::Result<Self> {
        let rig = Rig::up(RigOptions {
            program,
            data_dir,
            settings: Vec::new(),
            schedule: schedule(),
            with_standby: false,
        });
        Ok(Self { rig: rig.await? })
    }

    /// Starts the worker of this process.
    pub(super) fn start_worker(&mut self) -> anyhow::Result<()> {
        self.rig.start_worker("second")
    }

    /// Connects every account to its company in the simulated CRM.
    pub(super) async fn connect(&self, cast: &Cast) -> anyhow::Result<()> {
        let signs_in = cast.accounts.signs_in();
        for account in cast
            .accounts
            .at_home()
            .filter(|account| *account != signs_in)
        {
            self.connect_one(account).await?;
        }
        self.sign_in(signs_in).await?;
        for (account, place) in cast.accounts.elsewhere() {
            let connecting = self
                .rig
                .connect_at(place, account, CALL_TIMEOUT_MS, SETTLE_SECONDS);
            connecting.await?;
        }
        Ok(())
    }

    /// Somebody of the account signs in to the CRM, instead of giving a key.
    async fn sign_in(&self, account: &str) -> anyhow::Result<()> {
        self.rig.set_provider(&DEMO, &HOME).await?;
        let settings = json!({
            "call_timeout_ms": CALL_TIMEOUT_MS, "settle_seconds": SETTLE_SECONDS,
        });
        self.rig.sign_in(&DEMO, (&HOME, account), settings).await
    }

    async fn connect_one(&self, account: &str) -> anyhow::Result<Connection> {
        let connecting = self.rig.connect(account, CALL_TIMEOUT_MS, SETTLE_SECONDS);
        connecting.await
    }

    /// Tells the simulated CRM how to misbehave; not what should come of it.
    pub(super) fn arm(&self, cast: &Cast) -> anyhow::Result<()> {
        for (crm, rule) in &cast.faults {
            self.rig.sim.add_fault(crm, rule.clone())?;
        }
        Ok(())
    }

    /// The CRM accepts this account's key no more.
    pub(super) async fn revoke_key(&self, accounts: &Accounts) -> anyhow::Result<()> {
        let key = format!("sim-{}", accounts.refused);
        let revoked = json!({ "revoke": { "key": key } });
        self.rig.control("tokens", &revoked).await
    }

    /// Gives the account a key that works again and lets its leads go, as `connection add` does,
    /// spaced as if the clock ran as fast as the retries.
    pub(super) async fn connect_again(&self, accounts: &Accounts) -> anyhow::Result<()> {
        let account = &accounts.refused;
        let key = format!("sim-{account}");
        let allowed = json!({ "allow": { "key": key, "company": account } });
        self.rig.control("tokens", &allowed).await?;
        let connection = self.connect_one(account).await?;
        let spacing = RELEASE_SPACING / FASTER;
        let desk = self.rig.desk()?;
        desk.release_spaced(&DEMO, &connection, spacing).await?;
        Ok(())
    }

    /// Where everything is, for whoever keeps it up.
    pub(super) fn addresses(&self) -> String {
        format!(
            "\nup until Ctrl-C:\n  API            {}/v1/leads?state=dead\n  simulated CRM  {}/_sim/{CRM}/records, and {}\n  \
             and for other commands in another shell:\n  export DATABASE_URL='{}' LEADRAIL_VAULT_KEY_FILE='{}'",
            self.rig.api,
            self.rig.sim_url,
            self.other_crms(),
            self.rig.database_url,
            self.rig.vault_file.display()
        )
    }

    /// The simulated CRMs beside the one where most accounts are.
    fn other_crms(&self) -> String {
        let others = self.rig.sim.crms().into_iter().filter(|crm| *crm != CRM);
        others.collect::<Vec<_>>().join(", ")
    }

    /// What is up, and how fast its clock runs.
    pub(super) fn greeting(&self) -> String {
        let major = self.rig.postgres.major_version();
        let wait = |schedule: &RetrySchedule| schedule.waits()[0].delay.as_secs_f64();
        let (usual, fast) = (wait(&RetrySchedule::default()), wait(&schedule()));
        format!(
            "PostgreSQL {major} (synchronous_commit on), simulated {CRM}, {}, API at {}\n\
             retry clock x{FASTER}: waits of {usual} s take {fast} s; calls time out after {} s; one account signed in to {CRM}, the others gave a key",
            self.other_crms(),
            self.rig.api,
            CALL_TIMEOUT_MS as f64 / 1_000.0
        )
    }
}

/// The usual schedule on a faster clock.
pub(super) fn schedule() -> RetrySchedule {
    RetrySchedule::default().faster(FASTER)
}
