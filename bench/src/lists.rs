//! How long people wait for a page of leads beside many others.
//!
//! The leads are made by SQL, with the runs that belong to them, over as many days as are kept by
//! default; what is measured is what the API and the command line call.

use crate::meter;
use crate::stats::Quantiles;
use leadrail_connections::ConnectionId;
use leadrail_desk::{Desk, LeadFilter};
use leadrail_engine::{Engine, RetrySchedule, RunId, RunState};
use serde::Serialize;
use sqlx::PgPool;
use std::time::Instant;
use tokio::task::JoinSet;
use uuid::Uuid;

/// The days over which they are spread: as many as are kept.
const DAYS: i32 = 399;
/// Leads of one statement.
const SLICE: i64 = 50_000;
/// Sessions that make them.
const SESSIONS: usize = 2;
/// Accounts beside the big and the small one, and numbers of callers.
const ACCOUNTS: u64 = 10_000;
const NUMBERS: u64 = 2_000_000;
/// Leads of a page, as the API gives them.
const PAGE: u32 = 50;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct ListsOptions {
    /// Leads that there are.
    pub rows: u64,
    /// Pages of each list.
    pub samples: usize,
}

/// What was there, and how long each list took.
#[derive(Clone, Debug, Serialize)]
pub struct ListsReport {
    /// Leads that there were.
    pub rows: u64,
    /// How long it took to make them.
    pub made_in_s: f64,
    /// The size of the database with all that belongs to them.
    pub database_mib: i64,
    /// One a list.
    pub lists: Vec<ListFigure>,
}

/// How long a page of one list took.
#[derive(Clone, Debug, Serialize)]
pub struct ListFigure {
    /// Which list.
    pub list: &'static str,
    /// Leads on the shortest of its pages.
    pub shortest: usize,
    /// Pages.
    pub samples: usize,
    /// How long they took.
    #[serde(flatten)]
    pub took: Quantiles,
}

/// Measures on the database at `url`, which must hold nothing else: it is emptied afterwards.
///
/// # Errors
/// When the database cannot be used, or a list is not what it must be.
pub async fn lists(
    url: &str,
    options: &ListsOptions,
    progress: impl Fn(&str),
) -> anyhow::Result<ListsReport> {
    let engine = Engine::connect(url).await?;
    leadrail_connections::migrate(engine.pool()).await?;
    meter::empty(&engine).await?;
    meter::empty_leads(engine.pool()).await?;
    let measured = fill_and_list(&engine, options, progress).await;
    meter::empty(&engine).await?;
    meter::empty_leads(engine.pool()).await?;
    measured
}

async fn fill_and_list(
    engine: &Engine,
    options: &ListsOptions,
    progress: impl Fn(&str),
) -> anyhow::Result<ListsReport> {
    let start = Instant::now();
    fill(engine.pool(), i64::try_from(options.rows)?, &progress).await?;
    let made_in_s = start.elapsed().as_secs_f64();
    let desk = Desk::new(engine.clone(), RetrySchedule::default());
    let mut lists = Vec::new();
    for (list, ask) in lists_to_ask(options.rows) {
        progress(list);
        lists.push(measure(&desk, list, options.samples, ask).await?);
    }
    let size = "select pg_database_size(current_database()) / 1048576";
    Ok(ListsReport {
        rows: options.rows,
        made_in_s,
        database_mib: sqlx::query_scalar(size).fetch_one(engine.pool()).await?,
        lists,
    })
}

async fn fill(pool: &PgPool, rows: i64, progress: &impl Fn(&str)) -> anyhow::Result<()> {
    // A day a statement: each new partition takes locks until the end of its transaction.
    for day in (-1..=DAYS).rev() {
        sqlx::query(
            "select leadrail.make_history_partitions((leadrail.now() at time zone 'UTC')::date - $1, 1)",
        )
        .bind(day)
        .execute(pool)
        .await?;
    }
    connect_two(pool).await?;
    let mut slices = (0..rows).step_by(usize::try_from(SLICE)?);
    let mut sessions = JoinSet::new();
    loop {
        while sessions.len() < SESSIONS
            && let Some(from) = slices.next()
        {
            sessions.spawn(fill_slice(pool.clone(), from, rows));
        }
        let Some(made) = sessions.join_next().await else {
            break;
        };
        let made = made??;
        if made % 1_000_000 == 0 {
            progress(&format!("{made} of {rows} leads"));
        }
    }
    progress("vacuum");
    sqlx::query("vacuum analyze").execute(pool).await?;
    Ok(())
}

async fn fill_slice(pool: PgPool, from: i64, rows: i64) -> sqlx::Result<i64> {
    let to = rows.min(from + SLICE);
    sqlx::query(include_str!("lists/fill.sql"))
        .bind(from)
        .bind(to)
        .bind(rows)
        .bind(DAYS)
        .execute(&pool)
        .await?;
    Ok(to)
}

/// The connections of the big account and the small one. Nobody opens them.
async fn connect_two(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query(
        "insert into leadrail.connection
             (id, account, crm, auth_method, vault_key_id, sealed_data_key, sealed_secret)
         select md5(account)::uuid, account, 'housecall_pro', 'api_key', '', repeat('x', 73)::bytea,
                repeat('x', 73)::bytea
         from unnest(array['big', 'small']) account",
    )
    .execute(pool)
    .await
    .map(drop)
}

/// One page of a list: its filter, and the run before which it begins.
type Ask = Box<dyn Fn(u64) -> (LeadFilter, Option<RunId>) + Send + Sync>;

fn lists_to_ask(rows: u64) -> Vec<(&'static str, Ask)> {
    let any = LeadFilter::default;
    let of = |account: &str| LeadFilter {
        account: Some(account.to_owned()),
        ..LeadFilter::default()
    };
    let searched = |q: String| LeadFilter {
        q: Some(q),
        ..LeadFilter::default()
    };
    let in_state = |state, account: Option<&str>| LeadFilter {
        state: Some(state),
        account: account.map(str::to_owned),
        ..LeadFilter::default()
    };
    let through = |account: &str| LeadFilter {
        connection: Some(connection_of(account)),
        ..LeadFilter::default()
    };
    let first = |filter: LeadFilter| -> Ask { Box::new(move |_| (filter.clone(), None)) };
    vec![
        ("all", first(any())),
        ("big account", first(of("big"))),
        ("small account", first(of("small"))),
        (
            "any account",
            Box::new(move |n| {
                // Whose fifth of ten leads is neither the big one's nor, but for few, the small one's.
                let lead = scatter(n, rows) / 10 * 10 + 5;
                (of(&format!("account-{}", lead * 7919 % ACCOUNTS)), None)
            }),
        ),
        (
            "big account, deep",
            Box::new(move |n| (of("big"), Some(run_of_age(scatter(n, DAYS as u64))))),
        ),
        ("connection of big", first(through("big"))),
        ("connection of small", first(through("small"))),
        (
            "phone",
            Box::new(move |n| {
                let number = format!("+1305{:07}", scatter(n, NUMBERS.min(rows)) * 7919 % NUMBERS);
                (searched(number), None)
            }),
        ),
        (
            "event id",
            Box::new(move |n| {
                let id = format!("{:08x}-0000-4000-8000-000000000000", scatter(n, rows));
                (searched(id), None)
            }),
        ),
        ("dead", first(in_state(RunState::Dead, None))),
        ("dead of big", first(in_state(RunState::Dead, Some("big")))),
        (
            "dead of small",
            first(in_state(RunState::Dead, Some("small"))),
        ),
        ("waiting", first(in_state(RunState::Waiting, None))),
        (
            "waiting of big",
            first(in_state(RunState::Waiting, Some("big"))),
        ),
        (
            "completed of big",
            first(in_state(RunState::Completed, Some("big"))),
        ),
        (
            "cancelled of big",
            first(in_state(RunState::Cancelled, Some("big"))),
        ),
    ]
}

async fn measure(
    desk: &Desk,
    list: &'static str,
    samples: usize,
    ask: Ask,
) -> anyhow::Result<ListFigure> {
    let (mut took, mut shortest) = (Vec::new(), usize::MAX);
    for n in 0..samples {
        let (filter, before) = ask(n as u64);
        let start = Instant::now();
        let page = desk.leads(&filter, before, PAGE).await?;
        took.push(start.elapsed().as_secs_f64() * 1e3);
        shortest = shortest.min(page.leads.len());
        let newest_first = page.leads.is_sorted_by(|a, b| a.run_id > b.run_id);
        anyhow::ensure!(newest_first, "{list} is not in order");
    }
    Ok(ListFigure {
        list,
        shortest,
        samples,
        took: Quantiles::of(took),
    })
}

/// Another number below `most` each time, far from the last one.
fn scatter(n: u64, most: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % most
}

/// What `md5(account)::uuid` is in the database.
fn connection_of(account: &str) -> ConnectionId {
    let id = match account {
        "big" => "d861877d-a56b-8b4c-eb35-c8cbfdf65bb4",
        _ => "eb5c1399-a871-211c-7e7e-d732d15e3a8b",
    };
    ConnectionId(Uuid::try_parse(id).unwrap_or_default())
}

/// The smallest run id of this many days ago.
fn run_of_age(days: u64) -> RunId {
    let now = Uuid::now_v7().as_u128() >> 80;
    let born = now.saturating_sub(u128::from(days) * 86_400_000);
    RunId(Uuid::from_u128((born << 80) | 0x7000_8000_0000_0000_0000))
}
