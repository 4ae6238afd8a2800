//! `leadrail chaos`: the whole product under blows, judged by the CRM's own books.

use crate::failure::Said;
use crate::output;
use crate::progress::Progress;
use crate::shutdown;
use clap::ValueEnum;
use leadrail_rig::{Chaos, ChaosOptions, Control, Profile, Program, Verdict};
use serde_json::Value;

/// Kills workers, freezes them, crashes PostgreSQL, loses its answers and lets a simulated CRM
/// misbehave while leads come in; then compares what was accepted with the CRM's own books.
///
/// Where libfaketime is installed, two of the four workers have a wrong clock. Everything is private
/// to this command. Exit code 0 only if nothing was lost or doubled and every kind of trouble struck;
/// with --without only if the missing safeguard was noticed.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail chaos --profile ci --seed 7\n  leadrail chaos --without look --leads 400"
)]
pub(crate) struct ChaosArgs {
    /// ci takes up to four minutes, full up to ten.
    #[arg(long, value_enum, default_value_t = Size::Ci)]
    profile: Size,
    /// Arms the same faults and aims the same blows again; a new one if not given.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many leads, from 100 to 200000; as many as the profile has time for if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..=200_000))]
    leads: Option<u64>,
    /// Takes a safeguard away from outside; the verdict must turn red for it.
    #[arg(long, value_enum, value_name = "SAFEGUARD")]
    without: Option<Safeguard>,
    /// Prints the verdict as one JSON object on standard output, all else on standard error.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Size {
    /// Up to four minutes
    Ci,
    /// Up to ten minutes
    Full,
}

#[derive(Clone, Copy, ValueEnum)]
enum Safeguard {
    /// Looking in the CRM after an unknown outcome, before making anything again
    Look,
    /// Refusing writes of workers that were taken over
    Fence,
    /// Waiting until an earlier call can no longer take effect
    Settle,
}

impl ChaosArgs {
    fn options(&self, seed: u64) -> anyhow::Result<ChaosOptions> {
        let without = self.without.map(|safeguard| match safeguard {
            Safeguard::Look => Control::Look,
            Safeguard::Fence => Control::Fence,
            Safeguard::Settle => Control::Settle,
        });
        let profile = match self.profile {
            Size::Ci => Profile::Ci,
            Size::Full => Profile::Full,
        };
        Ok(ChaosOptions {
            program: Program::this()?,
            profile,
            seed,
            leads: self.leads,
            without,
        })
    }
}

pub(crate) async fn run(args: ChaosArgs) -> anyhow::Result<()> {
    let seed = args
        .seed
        .unwrap_or_else(|| rand::random_range(1..1_000_000));
    let stop = shutdown::on_signal()?;
    let chaos = tokio::select! {
        chaos = Chaos::up(args.options(seed)?) => chaos?,
        () = stop.cancelled() => return Err(stopped(seed)),
    };
    eprintln!("{}", chaos.greeting());
    let played = tokio::select! {
        verdict = play(&chaos) => verdict,
        () = stop.cancelled() => Err(stopped(seed)),
    };
    chaos.down().await;
    let verdict = played?;
    print(&verdict, args.json)?;
    match verdict.is_as_it_should_be() {
        true => Ok(()),
        false => Err(Said.into()),
    }
}

fn stopped(seed: u64) -> anyhow::Error {
    anyhow::anyhow!("the chaos run was stopped before its end; run it again with --seed {seed}")
}

async fn play(chaos: &Chaos) -> anyhow::Result<Verdict> {
    let mut progress = Progress::start("leads", None);
    let verdict = chaos
        .play(&mut |ended, words| progress.show(ended, words))
        .await;
    progress.end();
    verdict
}

fn print(verdict: &Verdict, json: bool) -> anyhow::Result<()> {
    let text = table(verdict) + "\n" + &verdict.summary();
    if json {
        eprintln!("{text}");
        return output::json(&verdict.json());
    }
    output::line(text)
}

fn table(verdict: &Verdict) -> String {
    let mut table = output::table(&["figure", "value", "must be", ""]);
    for figure in verdict.figures() {
        let mark = if figure.holds { "" } else { "WRONG" };
        let value = words(&figure.value);
        table.add_row([figure.name, &value, &figure.must, mark]);
    }
    table.trim_fmt()
}

/// A value for a person.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join("\n"),
        Value::Object(map) if map.is_empty() => "none".to_owned(),
        Value::Object(map) => {
            let each = map
                .iter()
                .map(|(name, value)| format!("{name} {}", words(value)));
            each.collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}
