//! The rig of a chaos run: its accounts, its faults, and the safeguard that is missing.

use super::control::Control;
use super::faults::{self, Fired};
use super::fence;
use super::plan::{CALL_TIMEOUT_MS, Plan, WORKERS, schedule};
use crate::rig::{CRM, Rig, RigOptions};
use crate::{Program, Proxy};
use leadrail_postgres::PrivateServer;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A list that is a day behind shows nothing.
const A_DAY_MS: u64 = 86_400_000;
/// The latest effect has landed long before this.
const LANDED_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(super) struct Stage {
    pub(super) rig: Rig,
    /// The workers' way to the database.
    pub(super) proxy: Proxy,
    pub(super) accounts: Vec<String>,
    /// The standby has taken the first server's place.
    failed_over: AtomicBool,
}

impl Stage {
    /// Puts everything up but the workers.
    pub(super) async fn up(program: Program, plan: &Plan) -> anyhow::Result<Self> {
        let rig = Rig::up(RigOptions {
            program,
            data_dir: None,
            settings: settings(),
            schedule: schedule(),
            with_standby: plan.has_standby(),
        });
        let rig = rig.await?;
        let proxy = Proxy::open(&rig.first_url(), WORKERS, plan.seed).await?;
        let accounts = (0..plan.accounts()).map(|number| format!("chaos-{number:03}"));
        let stage = Self {
            rig,
            proxy,
            accounts: accounts.collect(),
            failed_over: AtomicBool::new(false),
        };
        stage.connect(plan).await?;
        let latency = json!({ "ms": plan.latency_ms() });
        stage.rig.control("latency", &latency).await?;
        stage.take_away(plan.without).await?;
        faults::arm(&stage.rig.sim, plan)?;
        Ok(stage)
    }

    async fn connect(&self, plan: &Plan) -> anyhow::Result<()> {
        for account in &self.accounts {
            let settle_seconds = plan.settle_seconds();
            let connecting = self.rig.connect(account, CALL_TIMEOUT_MS, settle_seconds);
            connecting.await?;
        }
        Ok(())
    }

    async fn take_away(&self, safeguard: Option<Control>) -> anyhow::Result<()> {
        match safeguard {
            Some(Control::Look) => {
                let blind = json!({ "ms": A_DAY_MS });
                self.rig.control("index_lag", &blind).await
            }
            Some(Control::Fence) => fence::take_down(self.rig.engine.pool()).await,
            // The connections say so already.
            Some(Control::Settle) | None => Ok(()),
        }
    }

    /// How often the CRM has misbehaved in each way.
    pub(super) fn fired(&self, plan: &Plan) -> Vec<Fired> {
        faults::fired(&self.rig.sim, plan)
    }

    /// The server that takes writes.
    pub(super) fn postgres(&self) -> &PrivateServer {
        let promoted = self.rig.standby.as_ref();
        let promoted = promoted.filter(|_| self.failed_over.load(Ordering::Acquire));
        promoted.unwrap_or(&self.rig.postgres)
    }

    /// From now on this is the server; workers' doors lead there.
    pub(super) fn fail_over(&self, promoted: &PrivateServer) {
        self.failed_over.store(true, Ordering::Release);
        self.proxy.orders.lead_to(promoted.port());
    }

    /// What PostgreSQL has logged since its last start.
    pub(super) fn server_log(&self) -> String {
        let log = std::fs::read(self.postgres().folder().join("server.log"));
        String::from_utf8_lossy(&log.unwrap_or_default()).into_owned()
    }

    /// Lets the CRM behave again.
    pub(super) fn calm(&self) {
        self.rig.sim.clear_faults(CRM);
    }

    /// Waits until what the CRM took late stands in its books.
    pub(super) async fn until_effects_landed(&self) {
        let deadline = Instant::now() + LANDED_WITHIN;
        while self.rig.sim.late_effects(CRM) > 0 && Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(super) async fn down(self) {
        self.proxy.close().await;
        self.rig.down().await;
    }
}

/// After a crash PostgreSQL makes every file of the cluster durable, one by one unless the system
/// can do them all at once; on a busy disk that is the difference between a second and ten.
fn settings() -> Vec<(String, String)> {
    let setting = ("recovery_init_sync_method".to_owned(), "syncfs".to_owned());
    cfg!(target_os = "linux")
        .then_some(setting)
        .into_iter()
        .collect()
}
