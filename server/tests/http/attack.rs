//! One account attacks another through every route that the description has, with every id there is.
//!
//! The calls are made from the description of the API: a new route is attacked as soon as it is described,
//! and one that this file does not know for whom it is fails the test.

use std::collections::BTreeSet;

use leadrail_desk::{KeyMode, Need, Role};
use leadrail_server::openapi;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::keys::{call, closed, issue, lead_of};
use crate::support::{Answer, Api, JSON, event_id};

/// For whom a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    Anybody,
    KeyHolders,
    Intake,
    Account,
    Operator,
}

/// Every route, and for whom it is: the table that a key's holder can check what it may do by.
const TABLE: [(&str, &str, Audience); 39] = [
    ("get", "/healthz", Audience::Anybody),
    ("get", "/readyz", Audience::Anybody),
    ("get", "/openapi.json", Audience::Anybody),
    ("get", "/docs", Audience::Anybody),
    ("get", "/oauth/{provider}/start/{ticket}", Audience::Anybody),
    ("get", "/oauth/{provider}/callback", Audience::Anybody),
    ("get", "/v1/me", Audience::KeyHolders),
    ("post", "/v1/leads", Audience::Intake),
    ("get", "/v1/leads", Audience::Account),
    ("get", "/v1/leads/{event_id}", Audience::Account),
    ("post", "/v1/leads/{event_id}/cancel", Audience::Account),
    ("get", "/v1/leads/{event_id}/links", Audience::Account),
    ("delete", "/v1/leads/{event_id}/links", Audience::Account),
    ("get", "/v1/crms", Audience::Account),
    ("get", "/v1/crms/{crm}", Audience::Account),
    ("get", "/v1/connections", Audience::Account),
    ("post", "/v1/connections", Audience::Account),
    ("get", "/v1/connections/{id}", Audience::Account),
    ("patch", "/v1/connections/{id}", Audience::Account),
    ("delete", "/v1/connections/{id}", Audience::Account),
    ("get", "/v1/connections/{id}/options", Audience::Account),
    ("post", "/v1/connections/{id}/reconnect", Audience::Account),
    ("post", "/v1/connections/{id}/disable", Audience::Account),
    ("post", "/v1/connections/{id}/enable", Audience::Account),
    ("post", "/v1/connections/{id}/pause", Audience::Account),
    ("post", "/v1/connections/{id}/resume", Audience::Account),
    ("post", "/v1/connections/{id}/test", Audience::Account),
    ("post", "/v1/sign-ins", Audience::Account),
    ("get", "/metrics", Audience::Operator),
    ("get", "/v1/providers", Audience::Operator),
    ("post", "/v1/providers", Audience::Operator),
    (
        "delete",
        "/v1/providers/{provider}/{environment}",
        Audience::Operator,
    ),
    ("get", "/v1/audit", Audience::Operator),
    ("post", "/v1/erasures", Audience::Operator),
    ("get", "/v1/keys", Audience::Operator),
    ("post", "/v1/keys", Audience::Operator),
    ("delete", "/v1/keys/{key_id}", Audience::Operator),
    (
        "post",
        "/v1/runs/{run_id}/signals/{name}",
        Audience::Operator,
    ),
    ("get", "/v1/runs/{run_id}/state/{name}", Audience::Operator),
];

/// A call that the description has.
struct Operation {
    method: Method,
    path: String,
    audience: Audience,
    /// The names of its parameters in the query.
    query: Vec<String>,
}

fn operations() -> Vec<Operation> {
    let spec = openapi();
    let mut all = Vec::new();
    for (path, item) in spec["paths"].as_object().expect("paths") {
        for (method, described) in item.as_object().expect("methods") {
            let known = TABLE
                .iter()
                .find(|(m, p, _)| (m, p) == (&&**method, &&**path));
            let (_, _, audience) = known.unwrap_or_else(|| panic!("for whom is {method} {path}?"));
            let parameters = described["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let query = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "query");
            all.push(Operation {
                method: method.to_uppercase().parse().expect("a method"),
                path: path.clone(),
                audience: *audience,
                query: query
                    .map(|one| one["name"].as_str().expect("a name").to_owned())
                    .collect(),
            });
        }
    }
    assert_eq!(
        all.len(),
        TABLE.len(),
        "a route of the table is not described"
    );
    all
}

impl Operation {
    /// What it needs of a role; none where nobody is asked.
    fn need(&self) -> Option<Need> {
        let looks = self.method.is_safe();
        match self.audience {
            Audience::Anybody | Audience::KeyHolders => None,
            Audience::Intake => Some(Need::Submit),
            Audience::Account if looks => Some(Need::Look),
            Audience::Account => Some(Need::Change),
            Audience::Operator if looks => Some(Need::LookAtAll),
            Audience::Operator => Some(Need::ChangeAll),
        }
    }

    /// Its path with this id in every place for one.
    fn at(&self, id: &str) -> String {
        let segment = |segment: &str| match segment {
            "{name}" => "x".to_owned(),
            id_of if id_of.starts_with('{') => id.to_owned(),
            word => word.to_owned(),
        };
        self.path
            .split('/')
            .map(segment)
            .collect::<Vec<_>>()
            .join("/")
    }

    fn takes_an_id(&self) -> bool {
        self.path.contains("id}")
    }

    /// A body with which it gets as far as to look for what it is about.
    fn body(&self) -> Option<Value> {
        let changes = !self.method.is_safe() && self.method != Method::DELETE;
        changes.then(|| match self.path.as_str() {
            "/v1/leads" => lead_of("bolt", 77),
            "/v1/connections" => json!({"crm": "housecall_pro", "secrets": {"api_key": "x"}}),
            "/v1/sign-ins" => json!({"crm": "jobber"}),
            "/v1/providers" => {
                json!({"provider": "jobber", "client_id": "x", "client_secret": "x"})
            }
            "/v1/keys" => json!({"purpose": "attack", "role": "operator"}),
            "/v1/erasures" => json!({"event_id": Uuid::new_v4()}),
            "/v1/connections/{id}" => json!({"settings": {"leads_per_minute": 1}}),
            "/v1/connections/{id}/reconnect" => json!({"secrets": {"api_key": "x"}}),
            path if path.contains("/signals/") => json!(1),
            _ => json!({"why": "x"}),
        })
    }

    /// The answer where nobody has this id. It may be said back; but for that, answers are the same.
    async fn as_to_nobodys(&self, api: &Api, key: &str, id: Uuid) -> (u16, String) {
        let id = id.to_string();
        let answer = self.call(api, key, &self.at(&id)).await;
        (answer.status, answer.text.replace(&id, "ID"))
    }

    async fn call(&self, api: &Api, key: &str, path: &str) -> Answer {
        call(
            api,
            Some(key),
            self.method.clone(),
            path,
            self.body().as_ref(),
        )
        .await
    }
}

/// Two accounts with connections and leads, of which one is attacked.
struct Scene {
    api: Api,
    /// Every id of what is acme's: events, runs, connections, keys.
    ids: Vec<String>,
    /// What tells that an answer is about acme.
    words: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let api = closed().await;
        let operator = issue(&api, Role::Operator, None, KeyMode::Live).await;
        let (mut ids, mut words) = (Vec::new(), Vec::new());
        for account in ["acme", "bolt"] {
            for n in 0..3 {
                let asked = json!({
                    "account": account, "crm": "housecall_pro", "crm_account_id": format!("{account}-{n}"),
                    "secrets": {"api_key": format!("sim-{account}-{n}")},
                    "base_url": "http://127.0.0.1:9/housecall_pro",
                });
                let made = post(&api, &operator, "/v1/connections", &asked).await;
                assert_eq!(made.status, 201, "{made:?}");
                if account == "acme" {
                    ids.push(made.json()["id"].as_str().expect("an id").to_owned());
                    words.push(format!("acme-{n}"));
                }
            }
            for n in 0..4 {
                let mut lead = lead_of(account, n);
                lead["event_id"] = json!(Uuid::new_v4());
                lead["contact"]["last_name"] = json!(format!("Canary{account}{n}"));
                let made = post(&api, &operator, "/v1/leads", &lead).await;
                assert_eq!(made.status, 202, "{made:?}");
                if account == "acme" {
                    ids.push(event_id(&lead).to_owned());
                    ids.push(made.json()["run_id"].as_str().expect("an id").to_owned());
                    words.push(format!("Canaryacme{n}"));
                }
            }
        }
        issue(&api, Role::Account, Some("acme"), KeyMode::Live).await;
        let keys = api.desk.keys(Some("acme")).await.expect("keys");
        ids.extend(keys.iter().map(|key| key.id.to_string()));
        words.extend(ids.iter().cloned());
        Self { api, ids, words }
    }

    /// All that is acme's, as the database has it.
    async fn picture(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select to_jsonb(l)::text from leadrail.lead l where account = 'acme'
             union all select to_jsonb(c)::text from leadrail.connection c where account = 'acme'
             union all select (to_jsonb(k) - 'last_used_at')::text from leadrail.api_key k where account = 'acme'
             union all select to_jsonb(r)::text from leadrail.workflow_run r where scope = 'acme'
             union all select to_jsonb(h)::text from leadrail.history h
                 join leadrail.workflow_run r on r.id = h.run_id and r.scope = 'acme'
             union all select to_jsonb(q)::text from leadrail.cancel_request q
             union all select to_jsonb(s)::text from leadrail.signal s
             union all select to_jsonb(n)::text from leadrail.link n
             union all select to_jsonb(b)::text from leadrail.lane b
             order by 1",
        )
        .fetch_all(self.api.pool())
        .await
        .expect("read")
    }

    #[track_caller]
    fn assert_silent(&self, answer: &Answer, of: &str, given: &str) {
        let headers = format!("{:?}", answer.headers);
        for word in self
            .words
            .iter()
            .filter(|word| !given.contains(word.as_str()))
        {
            let tells = answer.text.contains(word.as_str()) || headers.contains(word.as_str());
            assert!(!tells, "{of} tells {word}: {answer:?}");
        }
    }
}

async fn post(api: &Api, key: &str, path: &str, body: &Value) -> Answer {
    let request = api.client.post(api.url(path)).bearer_auth(key);
    api.send(request.header("content-type", JSON).body(body.to_string()))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_ids_are_nobodys_on_every_route_and_nothing_of_it_changes() {
    let scene = Scene::new().await;
    let api = &scene.api;
    let before = scene.picture().await;
    let mut tried = 0;
    for (role, mode) in [
        (Role::Account, KeyMode::Live),
        (Role::Account, KeyMode::Test),
        (Role::Intake, KeyMode::Live),
    ] {
        let key = issue(api, role, Some("bolt"), mode).await;
        for operation in operations().iter().filter(|one| one.takes_an_id()) {
            let may = operation.need().is_none_or(|need| role.may(need));
            let is_change = !operation.method.is_safe();
            let expected = if may && !(is_change && mode == KeyMode::Test) {
                404
            } else {
                403
            };
            let nobodys = operation.as_to_nobodys(api, &key, Uuid::new_v4()).await;
            assert_eq!(
                nobodys.0, expected,
                "{} {}: {nobodys:?}",
                operation.method, operation.path
            );
            let of_a_run = operation.as_to_nobodys(api, &key, Uuid::now_v7()).await;
            for id in &scene.ids {
                // A run's id is no event's: it is refused like any other that is none.
                let is_a_runs = id.parse::<Uuid>().expect("an id").get_version_num() == 7;
                let nobodys = if is_a_runs { &of_a_run } else { &nobodys };
                for asked in [id.clone(), id.to_uppercase()] {
                    let path = operation.at(&asked);
                    let answer = operation.call(api, &key, &path).await;
                    let of = format!("{role} {} {path}", operation.method);
                    assert_eq!(
                        &(answer.status, answer.text.replace(id, "ID")),
                        nobodys,
                        "{of}"
                    );
                    scene.assert_silent(&answer, &of, id);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried >= 200, "only {tried} pairs were tried");
    assert_eq!(scene.picture().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_parameter_of_any_list_brings_what_is_another_accounts() {
    let scene = Scene::new().await;
    let api = &scene.api;
    let key = issue(api, Role::Account, Some("bolt"), KeyMode::Live).await;
    let phones: Vec<String> = (0..4)
        .map(|n| {
            lead_of("acme", n)["contact"]["phone"]
                .as_str()
                .expect("a number")
                .to_owned()
        })
        .collect();
    let mut tried = 0;
    for operation in operations()
        .iter()
        .filter(|one| one.audience == Audience::Account)
    {
        for name in &operation.query {
            let values = scene.ids.iter().chain(&phones).map(String::as_str);
            for value in values.chain(["acme", "acme ", "ACME", "%", "' or account = 'acme"]) {
                let path = operation.at(&scene.ids[0]);
                let mut url = reqwest::Url::parse(&api.url(&path)).expect("a URL");
                url.query_pairs_mut().append_pair(name, value);
                let given = format!("{url} {value}");
                let path = &url.as_str()[api.url("").len()..];
                let answer = operation.call(api, &key, path).await;
                assert!(
                    [200, 400, 404].contains(&answer.status),
                    "{path}: {answer:?}"
                );
                scene.assert_silent(&answer, path, &given);
                tried += 1;
            }
        }
    }
    assert!(tried >= 100, "only {tried} parameters were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_can_do_its_row_of_the_table_and_nothing_else() {
    let api = closed().await;
    let holders = [
        (Role::Operator, None, KeyMode::Live),
        (Role::OperatorReadOnly, None, KeyMode::Live),
        (Role::Account, Some("bolt"), KeyMode::Live),
        (Role::Account, Some("bolt"), KeyMode::Test),
        (Role::Intake, Some("bolt"), KeyMode::Live),
        (Role::Intake, None, KeyMode::Live),
        (Role::Intake, None, KeyMode::Test),
    ];
    for (role, account, mode) in holders {
        let key = issue(&api, role, account, mode).await;
        let before = rows(&api).await;
        let mut refused_all = true;
        for operation in operations() {
            let path = operation.at(&Uuid::new_v4().to_string());
            let answer = operation.call(&api, &key, &path).await;
            let changes = matches!(operation.need(), Some(Need::Change | Need::ChangeAll));
            let may = operation.need().is_none_or(|need| role.may(need));
            let may = may && !(changes && mode == KeyMode::Test);
            let of = format!("{role} {mode:?} {} {path}: {answer:?}", operation.method);
            assert_eq!(answer.status != 403, may, "{of}");
            assert!(answer.status < 500, "{of}");
            refused_all &= !(may && (changes || operation.need() == Some(Need::Submit)));
        }
        if refused_all || mode == KeyMode::Test {
            assert_eq!(
                rows(&api).await,
                before,
                "{role} {mode:?} changed something"
            );
        }
    }
}

/// How many rows there are of everything that a call can make.
async fn rows(api: &Api) -> Vec<i64> {
    sqlx::query_scalar(
        "select count(*) from leadrail.lead
         union all select count(*) from leadrail.workflow_run
         union all select count(*) from leadrail.connection
         union all select count(*) from leadrail.audit
         union all select count(*) from leadrail.signal
         union all select count(*) from leadrail.link
         union all select count(*) from leadrail.lane",
    )
    .fetch_all(api.pool())
    .await
    .expect("counted")
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_that_a_path_does_not_have_are_refused_to_everybody_alike() {
    let scene = Scene::new().await;
    let api = &scene.api;
    let key = issue(api, Role::Account, Some("bolt"), KeyMode::Live).await;
    let described: BTreeSet<_> = operations()
        .iter()
        .map(|one| (one.method.to_string(), one.path.clone()))
        .collect();
    for operation in operations() {
        for verb in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if described.contains(&(verb.to_owned(), operation.path.clone())) {
                continue;
            }
            let path = operation.at(&scene.ids[0]);
            let method = verb.parse().expect("a method");
            let answer = call(api, Some(&key), method, &path, Some(&json!({"why": "x"}))).await;
            assert!(
                [403, 405].contains(&answer.status),
                "{verb} {path}: {answer:?}"
            );
            scene.assert_silent(&answer, &path, &path);
        }
    }
}
