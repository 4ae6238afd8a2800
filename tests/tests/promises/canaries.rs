//! Forty secrets and forty persons go in through every door, and through every way that a door can fail. No
//! secret is anywhere again but sealed; a person is in the columns that exist for what was given, and nowhere
//! else.

use crate::PROGRAM;
use leadrail_tests::{Stage, sample_lead, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The columns in which what somebody gave may stand: payloads, evidence, what people said why.
const FOR_PERSONS: [&str; 7] = [
    "audit.why",
    "cancel_request.why",
    "ended_run.input",
    "history.payload",
    "lead.phone_hash",
    "signal.payload",
    "workflow_run.input",
];

fn secret(n: usize) -> String {
    format!("canarysecret{n:02}zq")
}

/// What tells of a person: a name, an address, a number without its country.
fn person(n: usize) -> [String; 3] {
    [
        format!("Zebulon{n:02}q"),
        format!("zq{n:02}.canary@"),
        format!("60255501{n:02}"),
    ]
}

fn lead_of(n: usize) -> Value {
    let [name, mail, number] = person(n);
    let mut lead = sample_lead(u32::try_from(n).expect("small"));
    lead["callsetter_account_id"] = json!(format!("c{}", n % 10));
    lead["contact"] = json!({
        "first_name": name, "last_name": "Quagmire", "email": format!("{mail}example.com"),
        "phone": format!("+1{number}"),
        "address": { "street": format!("{n} {name} Lane"), "city": "Phoenix", "state": "AZ", "zip": "85016", "country": "US" },
    });
    lead["call"]["transcript_summary"] = json!(format!("{name} has no heat"));
    lead["call"]["recording_url"] = json!(format!("https://calls.example/{name}.mp3?sig={name}"));
    lead["ai_analysis"]["qualifier_answers"] = json!({ "note": name });
    lead
}

struct Play {
    stage: Stage,
    url: String,
    /// Everything that was answered to anybody but the one who gave it, with a word for what it was.
    answers: Vec<(String, String)>,
}

impl Play {
    async fn send(&mut self, what: &str, request: reqwest::RequestBuilder) -> u16 {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let headers = format!("{:?}", answer.headers());
        let text = answer.text().await.expect("text");
        self.answers.push((what.to_owned(), headers + &text));
        status
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn run(&mut self, args: &[&str], input: &str) -> bool {
        let output = self.stage.run(args, input);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        self.answers.push((args.join(" "), said));
        output.status.success()
    }

    /// Credentials that are taken, by the command line and by the API.
    async fn connect(&mut self) {
        let base_url = self.stage.crm_url();
        let settings = r#"{"settle_seconds":1,"call_timeout_ms":700}"#;
        for n in 0..10 {
            let (account, secret) = (format!("c{n}"), format!("sim-{}", secret(n)));
            // A company that is not called after its key, for its name is shown.
            let allowed = json!({"allow": {"key": secret, "company": account}});
            self.stage.sim_post("tokens", allowed).await;
            if n < 5 {
                let args = [
                    "connection",
                    "add",
                    "--account",
                    &account,
                    "--crm",
                    "housecall_pro",
                    "--base-url",
                    &base_url,
                    "--settings",
                    settings,
                ];
                assert!(self.run(&args, &secret));
                continue;
            }
            let asked = json!({
                "account": account, "crm": "housecall_pro", "base_url": base_url,
                "settings": serde_json::from_str::<Value>(settings).expect("JSON"),
                "secrets": {"api_key": secret},
            });
            let request = self
                .stage
                .http
                .post(self.at("/v1/connections"))
                .json(&asked);
            assert_eq!(self.send("a connection", request).await, 201);
        }
    }

    /// Credentials that are refused, in every way, and keys that are none.
    async fn refused_secrets(&mut self) {
        let crm = "housecall_pro";
        let bodies = [
            json!({"account": "cx", "crm": crm, "secrets": {secret(10): "x"}}),
            json!({"account": "cx", "crm": crm, "secrets": {"api_key": [secret(11)]}}),
            json!({"account": "cx", "crm": secret(12), "secrets": {"api_key": secret(12)}}),
            json!({"account": "cx", "crm": crm, "secrets": {"api_key": "x"}, "base_url": format!("https://u:{}@x.example", secret(13))}),
            json!({"account": "cx", "crm": crm, "secrets": {"api_key": "x"}, "settings": {"lead_source": [secret(14)]}}),
        ];
        for body in bodies {
            let request = self.stage.http.post(self.at("/v1/connections")).json(&body);
            assert_eq!(self.send("a refused connection", request).await, 400);
        }
        let torn = format!(
            "{{\"account\": \"cx\", \"secrets\": {{\"api_key\": \"{}\"",
            secret(15)
        );
        let request = self.stage.http.post(self.at("/v1/connections")).body(torn);
        let request = request.header("content-type", "application/json");
        assert_eq!(self.send("a torn body", request).await, 400);
        for (n, (flag, value)) in [
            ("--settings", "{"),
            ("--crm", "none_such"),
            ("--base-url", "ftp://x"),
            ("--auth-method", "none_such"),
        ]
        .into_iter()
        .enumerate()
        {
            let mut args = vec!["connection", "add", "--account", "cx"];
            if flag != "--crm" {
                args.extend(["--crm", crm]);
            }
            args.extend([flag, value]);
            assert!(!self.run(&args, &secret(16 + n)), "{args:?}");
        }
        for n in 20..25 {
            let key = match n {
                20 => format!("lr_live_{}", secret(n)),
                21 => format!("lr_test_{}", secret(n).repeat(3)),
                _ => secret(n),
            };
            let request = self.stage.http.get(self.at("/v1/leads")).bearer_auth(key);
            assert_eq!(self.send("a key that is none", request).await, 401);
        }
    }

    /// Secrets where no secret belongs.
    async fn misplaced_secrets(&mut self) {
        let headers = [
            "cookie",
            "x-api-key",
            "proxy-authorization",
            "x-forwarded-for",
            "user-agent",
        ];
        for (n, name) in headers.into_iter().enumerate() {
            let request = self
                .stage
                .http
                .get(self.at("/v1/leads"))
                .header(name, secret(25 + n));
            // What says that it was passed on is not from this machine, and needs a key.
            let expected = if name == "x-forwarded-for" { 401 } else { 200 };
            assert_eq!(self.send("a header", request).await, expected, "{name}");
        }
        for path in [
            format!("/v1/leads?api_key={}", secret(35)),
            format!("/v1/leads/{}", secret(36)),
            format!("/{}", secret(37)),
            format!("/v1/connections/{}?x={}", secret(38), secret(38)),
            format!("/v1/leads?cursor={}", secret(39)),
        ] {
            let request = self.stage.http.get(self.at(&path));
            let status = self.send("an address", request).await;
            assert!((400..500).contains(&status), "{status}");
        }
    }

    /// What a CRM answers that says back what it was told, and tells tokens of its own.
    async fn faults(&self) {
        let base64 = "c2ltLWNhbmFyeXNlY3JldDAxenE=";
        let said = [
            json!({"error": format!("bad key sim-{}", secret(0)), "access_token": secret(30)}),
            json!({"error": format!("Basic {base64}"), "client_secret": secret(31)}),
            json!({"headers": {"Authorization": format!("Token sim-{}", secret(2)), "x-api-key": secret(32)}}),
            json!({"errors": [{"message": person(3)[0], "refresh_token": secret(33)}], "signature": secret(34)}),
        ];
        let statuses = [422, 500, 403, 400];
        for (n, (body, status)) in said.into_iter().zip(statuses).enumerate() {
            let company = json!({"method": "POST", "times": 1, "contains": person(n)[0]});
            let fault = json!({"kind": "status_before", "status": status, "body": body});
            self.stage
                .fault(json!({"match": company, "fault": fault}))
                .await;
        }
        for (n, fault) in [
            json!({"kind": "timeout_after", "hang_ms": 2_000}),
            json!({"kind": "invalid_json"}),
            json!({"kind": "reset_after"}),
            json!({"kind": "unauthorized"}),
            json!({"kind": "redirect", "status": 302, "location": format!("https://x.example/{}", person(8)[0])}),
        ].into_iter().enumerate() {
            let whom = json!({"method": "POST", "times": 1, "contains": person(n + 4)[0]});
            self.stage.fault(json!({"match": whom, "fault": fault})).await;
        }
    }

    /// Leads through each door; how many were taken.
    async fn hand_over(&mut self) -> i64 {
        for n in 0..16 {
            let request = self.stage.http.post(self.at("/v1/leads")).json(&lead_of(n));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 202);
        }
        let lines: Vec<_> = (16..20).map(|n| lead_of(n).to_string()).collect();
        let request = self
            .stage
            .http
            .post(self.at("/v1/leads"))
            .body(lines.join("\n"));
        let request = request.header("content-type", "application/x-ndjson");
        assert_eq!(request.send().await.expect("an answer").status(), 200);
        let leads: Vec<_> = (20..28).map(lead_of).collect();
        assert!(self.run(&["lead", "push", "-"], &Value::from(leads).to_string()));
        for n in 28..34 {
            sqlx::query("select leadrail.enqueue_lead($1)")
                .bind(lead_of(n))
                .execute(&self.stage.pool)
                .await
                .expect("enqueued");
        }
        34
    }

    /// Persons in what is refused, in searches, and in what people say.
    async fn misplaced_persons(&mut self) {
        let mut bad = lead_of(34);
        bad["event"] = json!(person(34)[0]);
        bad["contact"]["phone"] = json!(person(34)[0]);
        let request = self.stage.http.post(self.at("/v1/leads")).json(&bad);
        assert_eq!(self.send("a bad lead", request).await, 422);
        assert!(!self.run(&["lead", "push", "-"], &bad.to_string()));
        let refused = sqlx::query("select leadrail.enqueue_lead($1)")
            .bind(&bad)
            .execute(&self.stage.pool)
            .await
            .expect_err("refused");
        self.answers.push(("SQL".to_owned(), refused.to_string()));
        let torn = lead_of(35).to_string();
        let request = self
            .stage
            .http
            .post(self.at("/v1/leads"))
            .body(torn[..torn.len() - 9].to_owned());
        let request = request.header("content-type", "application/json");
        assert_eq!(self.send("a torn lead", request).await, 400);
        for path in [
            format!("/v1/leads?q={}", person(36)[0]),
            format!(
                "/v1/leads?account={}&state={}",
                person(37)[0],
                person(37)[1]
            ),
            format!("/v1/leads/{}", person(37)[0]),
        ] {
            let request = self.stage.http.get(self.at(&path));
            let status = self.send("a search", request).await;
            assert!((400..500).contains(&status), "{path}: {status}");
        }
        let cancel = self.at(&format!(
            "/v1/leads/{}/cancel?account=c9",
            event(&self.stage, "c9").await
        ));
        let request = self
            .stage
            .http
            .post(cancel)
            .json(&json!({"why": person(38)[0]}));
        self.send("a cancel", request).await;
        let run = run(&self.stage, "c8").await;
        let request = self
            .stage
            .http
            .post(self.at(&format!("/v1/runs/{run}/signals/go")));
        self.send("a signal", request.json(&json!(person(39)[0])))
            .await;
    }

    /// What an account's key gets to see of others.
    async fn look_as_another(&mut self) {
        let made = self.stage.run(
            &[
                "key",
                "create",
                "--purpose",
                "other",
                "--role",
                "account",
                "--account",
                "other",
            ],
            "",
        );
        let key = String::from_utf8(made.stdout)
            .expect("text")
            .trim()
            .to_owned();
        let ids = sqlx::query_scalar::<_, String>(
            "select event_id::text from leadrail.lead union all select run_id::text from leadrail.lead
             union all select id::text from leadrail.connection",
        );
        let ids = ids.fetch_all(&self.stage.pool).await.expect("ids");
        let mut paths = vec![
            "/v1/leads".to_owned(),
            "/v1/connections".to_owned(),
            "/v1/me".to_owned(),
        ];
        paths.extend(ids.iter().map(|id| format!("/v1/leads/{id}")));
        paths.extend(ids.iter().map(|id| format!("/v1/connections/{id}")));
        paths.extend(["c0", "c1"].map(|account| format!("/v1/leads?account={account}")));
        for path in paths {
            let request = self.stage.http.get(self.at(&path)).bearer_auth(&key);
            self.send(&format!("another account at {path}"), request)
                .await;
        }
    }
}

async fn event(stage: &Stage, account: &str) -> String {
    let asked =
        sqlx::query_scalar("select max(event_id::text) from leadrail.lead where account = $1");
    asked
        .bind(account)
        .fetch_one(&stage.pool)
        .await
        .expect("a lead")
}

async fn run(stage: &Stage, account: &str) -> String {
    let asked =
        sqlx::query_scalar("select max(run_id::text) from leadrail.lead where account = $1");
    asked
        .bind(account)
        .fetch_one(&stage.pool)
        .await
        .expect("a lead")
}

/// `TABLE.COLUMN` of everything in which any of these words stands, as text or as bytes.
async fn columns_with(stage: &Stage, words: &[String]) -> BTreeSet<String> {
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "select c.table_name::text, c.column_name::text, c.data_type::text
         from information_schema.columns c
         join information_schema.tables t using (table_schema, table_name)
         where t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&stage.pool)
    .await
    .expect("columns");
    assert!(columns.len() > 100);
    let patterns: Vec<String> = words.iter().map(|word| format!("%{word}%")).collect();
    let mut found = BTreeSet::new();
    for (table, column, kind) in columns {
        let text = match kind.as_str() {
            "bytea" => format!("encode({column:?}, 'escape')"),
            _ => format!("{column:?}::text"),
        };
        let sql =
            format!("select exists (select from leadrail.{table:?} where {text} ilike any ($1))");
        let is_there: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(&patterns)
            .fetch_one(&stage.pool)
            .await
            .expect("looked");
        if is_there {
            // A partition is its table.
            let table = table.trim_end_matches(|c: char| c.is_ascii_digit());
            let table = table.trim_end_matches("_default").trim_end_matches('_');
            found.insert(format!("{table}.{column}"));
        }
    }
    found
}

fn stands_in<'w>(text: &str, words: &'w [String]) -> Vec<&'w str> {
    let words = words.iter().map(String::as_str);
    words.filter(|word| text.contains(word)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_secrets_are_nowhere_and_forty_persons_only_where_they_belong() {
    let stage = Stage::new(PROGRAM).await;
    let (_serve, url) = stage.serve().await;
    let mut play = Play {
        stage,
        url,
        answers: Vec::new(),
    };
    play.connect().await;
    play.refused_secrets().await;
    play.misplaced_secrets().await;
    play.faults().await;
    let taken = play.hand_over().await;
    play.misplaced_persons().await;
    let _worker = play.stage.worker("w", &[("LEADRAIL_LOG", "trace")]);
    wait_for("an end of every lead", Duration::from_secs(90), || async {
        play.stage.shift_clock(45.0).await;
        let settled = ["completed", "dead", "waiting", "cancelled"];
        (play.stage.count(&settled).await == taken).then_some(())
    })
    .await;
    assert!(
        play.stage.count(&["dead"]).await > 0,
        "some of the faults were final"
    );
    play.look_as_another().await;
    play.run(&["doctor"], "");
    assert!(play.run(&["connection", "list", "--json"], ""));
    assert!(play.run(&["audit", "--json"], ""));
    let metrics = play.stage.http.get(play.at("/metrics"));
    assert_eq!(play.send("metrics", metrics).await, 200);

    let base64 = "c2ltLWNhbmFyeXNlY3JldD".to_owned();
    let secrets: Vec<String> = (0..40).map(secret).chain([base64]).collect();
    let persons: Vec<String> = (0..40).flat_map(person).collect();
    let logs = play.stage.all_output();
    assert!(
        logs.contains("dead letter"),
        "the logs say something at all"
    );
    for line in logs.lines() {
        let leaks = [stands_in(line, &secrets), stands_in(line, &persons)].concat();
        assert!(leaks.is_empty(), "{leaks:?} in a log: {line}");
    }
    for (what, text) in &play.answers {
        let leaks = stands_in(text, &secrets);
        assert!(leaks.is_empty(), "{leaks:?} answered to {what}: {text}");
        // Whoever runs the product may read in its log what people said why.
        if !what.starts_with("audit") {
            let leaks = stands_in(text, &persons);
            assert!(leaks.is_empty(), "{leaks:?} answered to {what}: {text}");
        }
    }
    if !columns_with(&play.stage, &secrets).await.is_empty() {
        for secret in secrets {
            let found = columns_with(&play.stage, std::slice::from_ref(&secret)).await;
            assert!(found.is_empty(), "{secret} stands in {found:?}");
        }
    }
    let found = columns_with(&play.stage, &persons).await;
    let allowed = BTreeSet::from(FOR_PERSONS.map(str::to_owned));
    let leaks: Vec<_> = found.difference(&allowed).collect();
    assert!(leaks.is_empty(), "persons stand in {leaks:?}");
    assert!(
        found.contains("history.payload")
            && found.iter().any(|column| column.ends_with("run.input"))
    );
}
