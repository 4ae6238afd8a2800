//! The verdict: red if any figure is not what it must be. A control must turn it red.

use super::chronicle::Chronicle;
use super::control::Control;
use super::evidence::Evidence;
use super::figures::Figures;
use super::plan::Plan;
use super::sender::Sent;
use super::watch::Watched;
use crate::output;
use serde_json::{Map, Value, json};

/// Without looking, at least so many leads in a hundred are doubled.
const DOUBLED_IN_A_HUNDRED: u64 = 5;

pub(super) struct Verdict {
    profile: &'static str,
    seed: u64,
    without: Option<Control>,
    figures: Figures,
    examples: Vec<String>,
}

impl Verdict {
    pub(super) fn reach(
        plan: &Plan,
        sent: &Sent,
        watched: &Watched,
        evidence: Evidence,
        chronicle: &Chronicle,
    ) -> Self {
        let events = chronicle.events().clone();
        let mut figures = Figures::new(plan);
        figures.of_doors(sent);
        figures.of_leads(sent, &evidence);
        figures.of_engine(&evidence);
        figures.of_blows(&events, watched, &evidence);
        figures.of_speed(&events, watched, &evidence);
        Self {
            profile: plan.profile.name(),
            seed: plan.seed,
            without: plan.without,
            figures,
            examples: evidence.examples,
        }
    }

    /// Green; or red for the safeguard that was taken away.
    pub(super) fn is_as_it_should_be(&self) -> bool {
        match self.without {
            None => self.violated().next().is_none(),
            Some(control) => self.sees(control),
        }
    }

    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        let text = self.table() + "\n" + &self.summary();
        if json {
            eprintln!("{text}");
            return output::json(&self.json());
        }
        output::line(text)
    }

    fn violated(&self) -> impl Iterator<Item = &'static str> {
        let wrong = self.figures.all.iter().filter(|figure| !figure.holds);
        wrong.map(|figure| figure.name)
    }

    /// Whether the figure is wrong that this control is there for.
    fn sees(&self, control: Control) -> bool {
        let (doubled, accepted) = (
            self.figures.number("doubled"),
            self.figures.number("accepted"),
        );
        match control {
            Control::Look => doubled > 0 && doubled * 100 >= accepted * DOUBLED_IN_A_HUNDRED,
            Control::Settle => doubled > 0,
            Control::Fence => self.figures.number("stale_writes_applied") > 0,
        }
    }

    fn table(&self) -> String {
        let mut table = output::table(&["figure", "value", "must be", ""]);
        for figure in &self.figures.all {
            let mark = if figure.holds { "" } else { "WRONG" };
            let value = words(&figure.value);
            table.add_row([figure.name, &value, &figure.must, mark]);
        }
        table.trim_fmt()
    }

    fn summary(&self) -> String {
        let violated: Vec<_> = self.violated().collect();
        let again = format!("--profile {} --seed {}", self.profile, self.seed);
        let mut text = match (self.without, violated.is_empty()) {
            (None, true) => format!("all holds ({again})"),
            (None, false) => format!("WRONG: {} ({again})", violated.join(", ")),
            (Some(control), _) if self.sees(control) => {
                format!(
                    "seen: without {} it shows in {} ({again})",
                    control.name(),
                    violated.join(", ")
                )
            }
            (Some(control), _) => format!(
                "WRONG: nobody noticed that {} is missing, so this run can prove nothing ({again})",
                control.name()
            ),
        };
        for example in &self.examples {
            text += &format!("\n  {example}");
        }
        text
    }

    fn json(&self) -> Value {
        let figures: Map<_, _> = self
            .figures
            .all
            .iter()
            .map(|figure| (figure.name.to_owned(), figure.value.clone()))
            .collect();
        json!({
            "profile": self.profile,
            "seed": self.seed,
            "without": self.without.map(Control::name),
            "ok": self.is_as_it_should_be(),
            "violated": self.violated().collect::<Vec<_>>(),
            "figures": figures,
            "examples": self.examples,
        })
    }
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
