//! Tokens that live three seconds, at a provider that takes everything from whoever uses one twice.

use crate::PROGRAM;
use chrono::{DateTime, Utc};
use leadrail_tests::{Browser, Process, Stage, sample_lead, wait_for};
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

/// Connections, each signed in to a company of its name.
const CONNECTIONS: u32 = 32;
/// Worker processes, with so many places each: 64 that renew.
const WORKERS: usize = 4;
const PLACES: &str = "16";
/// The show goes on until the provider has renewed so often, so many workers were killed right after its
/// answer, and so many answers were lost on the way.
const RENEWALS: u64 = 160;
const KILLS: usize = 3;
const LOSSES: u64 = 2;

struct Show {
    stage: Stage,
    api: String,
    workers: Vec<Process>,
    kills: usize,
    sent: u32,
}

fn account(n: u32) -> String {
    format!("roof-{n}")
}

impl Show {
    async fn begin(api: String, stage: Stage) -> Self {
        let mut show = Self {
            stage,
            api,
            workers: Vec::new(),
            kills: 0,
            sent: 0,
        };
        for n in 0..WORKERS {
            // Half of them die, each at another renewal of theirs.
            let failpoint = format!("oauth.after_answer=kill@{}", 6 + 5 * n);
            let worker = show.worker(n, (n % 2 == 0).then_some(&failpoint));
            show.workers.push(worker);
        }
        show
    }

    fn worker(&self, n: usize, failpoint: Option<&String>) -> Process {
        let mut environment = vec![("LEADRAIL_WORKER_CONCURRENCY", PLACES)];
        environment.extend(failpoint.map(|place| ("LEADRAIL_FAILPOINT", place.as_str())));
        self.stage.worker(&format!("w{n}"), &environment)
    }

    /// Replaces those that have died, the first few by ones that will.
    fn replace_the_dead(&mut self) {
        for n in 0..self.workers.len() {
            if self.workers[n].has_ended() {
                self.kills += 1;
                let failpoint = format!("oauth.after_answer=kill@{}", 9 + n);
                let again = (self.kills < KILLS).then_some(&failpoint);
                self.workers[n] = self.worker(n, again);
            }
        }
    }

    /// A lead for each account.
    async fn send(&mut self) {
        let leads = (0..CONNECTIONS).map(|n| {
            self.sent += 1;
            let mut lead = sample_lead(self.sent);
            lead["callsetter_account_id"] = account(n).into();
            lead["routing"]["destination_crm"] = "jobber".into();
            lead
        });
        let leads: Value = leads.collect();
        let sent = self.stage.http.post(format!("{}/v1/leads", self.api));
        let sent = sent.json(&leads).send().await.expect("the API");
        assert!(sent.status().is_success(), "{}", sent.status());
    }

    /// How often the fault of the token endpoint has struck.
    async fn losses(&self) -> u64 {
        let faults = self.stage.sim_get("jobber", "faults").await;
        faults[0]["fired"].as_u64().unwrap_or_default()
    }

    async fn connections(&self) -> Vec<Value> {
        let listed = self
            .stage
            .http
            .get(format!("{}/v1/connections?crm=jobber", self.api));
        let listed = listed.send().await.expect("the API");
        let listed: Value = listed.json().await.expect("JSON");
        listed["connections"]
            .as_array()
            .expect("connections")
            .clone()
    }

    /// Sends leads until there was trouble enough.
    async fn until_enough(&mut self) {
        let end = Instant::now() + Duration::from_secs(300);
        loop {
            self.send().await;
            self.replace_the_dead();
            let counts = self.stage.sim_get("jobber", "tokens").await;
            let renewed = counts["refreshed"].as_u64().expect("a number");
            let losses = self.losses().await;
            if renewed >= RENEWALS && self.kills >= KILLS && losses >= LOSSES {
                return;
            }
            assert!(
                Instant::now() < end,
                "too calm to prove anything: {renewed} renewals, {} kills, {losses} losses",
                self.kills
            );
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    }

    /// Lets every worker end in order, and counts those that had died by then.
    async fn end_workers(&mut self) {
        for worker in self.workers.drain(..) {
            worker.terminate();
            let ended = worker.wait().await.expect("an end");
            self.kills += usize::from(ended.signal() == Some(9));
        }
    }

    /// Compares the provider's books with ours.
    async fn judge(mut self, began: DateTime<Utc>) {
        self.end_workers().await;
        let (mut working, mut lost) = (0, 0);
        for connection in self.connections().await {
            let id = connection["id"].as_str().expect("an id");
            if self.works(id).await {
                working += 1;
                continue;
            }
            lost += 1;
            let shown = self.shown(id).await;
            let said = shown["state_reason"].as_str().unwrap_or_default();
            let counts = self.stage.sim_get("jobber", "tokens").await;
            assert!(
                said.contains("was lost") && said.contains("sign in"),
                "{said}: {counts}"
            );
        }
        let (losses, counts) = (
            self.losses().await,
            self.stage.sim_get("jobber", "tokens").await,
        );
        let figure = |name: &str| counts[name].as_u64().expect("a number");
        let kept: i64 =
            sqlx::query_scalar("select sum(renewals)::bigint from leadrail.oauth_grant")
                .fetch_one(&self.stage.pool)
                .await
                .expect("counted");
        println!(
            "{CONNECTIONS} connections, {} renewals, {kept} kept, {losses} answers lost, {} workers killed \
             right after an answer, {} tokens used twice, {} families revoked; {working} connections work, \
             {lost} say that a person has to sign in",
            figure("refreshed"),
            self.kills,
            figure("reused"),
            figure("revoked"),
        );
        assert_eq!(
            (figure("reused"), figure("revoked"), figure("refused")),
            (0, 0, 0)
        );
        let kept = u64::try_from(kept).expect("not negative");
        // A worker that is killed may take along answers to others of its renewals, and requests that
        // the provider has not heard.
        let unkept = figure("refreshed") - kept;
        assert!(
            unkept >= losses + self.kills as u64,
            "{unkept} were not kept"
        );
        assert!(unkept <= lost, "{unkept} were not kept, and {lost} say so");
        assert_eq!(working + lost, u64::from(CONNECTIONS));
        assert!(working > 0, "no connection works");
        self.assert_one_an_expiry(&counts, began).await;
    }

    /// A token that lives three seconds is renewed no sooner than after 2.4.
    async fn assert_one_an_expiry(&self, counts: &Value, began: DateTime<Utc>) {
        let lasted = (self.stage.now().await - began).num_milliseconds() as f64 / 1_000.0;
        for n in 0..CONNECTIONS {
            let theirs = &counts["companies"][account(n)];
            let renewed = theirs["refreshed"].as_f64().expect("a number");
            assert!(renewed <= lasted / 2.4 + 1.0, "{theirs} in {lasted} s");
        }
    }

    /// Whether a connection works: asks its CRM until it does, or the connection says what it needs. It is
    /// asked no more then.
    async fn works(&self, id: &str) -> bool {
        let what = format!("connection {id} to work or to say what it needs");
        wait_for(&what, Duration::from_secs(120), || async {
            if self.shown(id).await["state"] == "needs_reauth" {
                return Some(false);
            }
            let tested = self
                .stage
                .http
                .post(format!("{}/v1/connections/{id}/test", self.api));
            let tested: Value = tested.send().await.ok()?.json().await.ok()?;
            (tested["ok"] == true).then_some(true)
        })
        .await
    }

    async fn shown(&self, id: &str) -> Value {
        let shown = self
            .stage
            .http
            .get(format!("{}/v1/connections/{id}", self.api));
        let shown = shown.send().await.expect("the API");
        shown.json().await.expect("JSON")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_refreshers_over_processes_that_die_never_use_a_token_twice() {
    let stage = Stage::new(PROGRAM).await;
    let (_serve, api) = stage.serve().await;
    let browser = Browser::new();
    stage.set_provider("jobber");
    let life = json!({ "life_ms": 3_000 });
    stage.sim_post_to("jobber", "tokens", life).await;
    for n in 0..CONNECTIONS {
        let page = browser.sign_in(&api, ("jobber", &account(n))).await;
        assert!(page.contains("is connected"), "{page}");
    }
    stage
        .sim_post_to(
            "jobber",
            "faults",
            json!({"match": {"method": "POST", "path_prefix": "/api/oauth/token",
                             "contains": "grant_type=refresh_token", "probability": 0.02, "seed": 11},
                   "fault": {"kind": "reset_after"}}),
        )
        .await;
    let began = stage.now().await;
    let mut show = Show::begin(api, stage).await;
    show.until_enough().await;
    show.judge(began).await;
}
