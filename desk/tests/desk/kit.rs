//! A desk on a database of its own.

use leadrail_connections::{NewConnection, VaultKey};
use leadrail_desk::{Actor, Desk};
use leadrail_engine::{Engine, RetrySchedule, RunId};
use leadrail_lead::EventId;
use leadrail_lead::sample::sample_lead;
use leadrail_outbound::{Guard, Outbound};
use leadrail_postgres::testing::TestDatabase;
use leadrail_workflows::{Submission, Submitted};
use serde_json::json;
use sqlx::PgPool;

pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
pub(crate) const NOBODY: &str = "01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10";

/// A desk. Its database goes with it.
pub(crate) struct Room {
    pub(crate) desk: Desk,
    _database: TestDatabase,
}

pub(crate) fn someone() -> Actor {
    Actor::CommandLine { user: 1000 }
}

impl Room {
    /// On a migrated database.
    pub(crate) async fn open() -> Self {
        let room = Self::empty().await;
        room.desk.migrate(&someone()).await.expect("migrated");
        room
    }

    /// On an empty database, without a vault key.
    pub(crate) async fn empty() -> Self {
        let database = TestDatabase::fresh().await;
        let pool = PgPool::connect(database.url()).await.expect("connected");
        let desk = Desk::new(Engine::new(pool), RetrySchedule::default());
        Self {
            desk,
            _database: database,
        }
    }

    pub(crate) fn with_vault(mut self) -> Self {
        let key = VaultKey::parse(KEY).expect("a key");
        let http = Outbound::new(Guard::with_loopback()).expect("a client");
        self.desk = self.desk.with_vault(key, http);
        self
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.desk.engine().pool()
    }

    pub(crate) async fn sql(&self, text: &'static str) {
        sqlx::raw_sql(text).execute(self.pool()).await.expect(text);
    }

    /// Hands over the `n`th sample lead, under one event id, for each of these accounts and CRMs.
    pub(crate) async fn submit(&self, n: u64, accounts: &[(&str, &str)]) -> Vec<Submitted> {
        let event_id = &sample_lead(n, "acme", "housecall_pro")["event_id"];
        let lead = |(account, crm): &(&str, &str)| {
            let mut lead = sample_lead(n, account, crm);
            lead["event_id"] = event_id.clone();
            Submission::from_slice(lead.to_string().as_bytes()).expect("a lead")
        };
        let leads: Vec<_> = accounts.iter().map(lead).collect();
        let submitted = self.desk.submit(&someone(), &leads).await;
        submitted.expect("committed")
    }

    /// So many leads of the account `acme`; their runs, the oldest first.
    pub(crate) async fn queued(&self, leads: u64) -> Vec<RunId> {
        let mut runs = Vec::new();
        for n in 1..=leads {
            runs.push(self.submit(n, &[("acme", "housecall_pro")]).await[0].run_id);
        }
        runs
    }

    /// Makes every run a dead letter, for this reason.
    pub(crate) async fn kill(&self, run: RunId, reason: &str) {
        for state in ["running", "dead"] {
            sqlx::query(
                "update leadrail.workflow_run
                 set state = $2::leadrail.run_state, due_at = null, starts = 1,
                     reason = case when $2 = 'dead' then $3 end
                 where id = $1",
            )
            .bind(run.0)
            .bind(state)
            .bind(reason)
            .execute(self.pool())
            .await
            .expect("moved");
        }
        sqlx::query(
            "insert into leadrail.dead_letter
                 (run_id, priority, workflow, scope, lane, reason, died_at)
             select id, priority, workflow, scope, lane, reason, changed_at
             from leadrail.workflow_run where id = $1",
        )
        .bind(run.0)
        .execute(self.pool())
        .await
        .expect("buried");
    }
}

pub(crate) fn event_id(submitted: &Submitted) -> EventId {
    submitted.event_id
}

pub(crate) fn connection(secret: &str, base_url: &str) -> NewConnection {
    NewConnection {
        account: "acme".to_owned(),
        crm: "housecall_pro".to_owned(),
        crm_account_id: None,
        base_url: Some(base_url.to_owned()),
        auth_method: "api_key".to_owned(),
        secrets: [("api_key".to_owned(), secret.to_owned().into())].into(),
        settings: json!({}),
    }
}
