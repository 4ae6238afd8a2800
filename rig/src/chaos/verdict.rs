//! The verdict: red if any figure is not what it must be. A control must turn it red.

use super::chronicle::Chronicle;
use super::control::Control;
use super::evidence::Evidence;
use super::figures::{Figure, Figures};
use super::plan::Plan;
use super::sender::Sent;
use super::watch::Watched;
use serde_json::{Map, Value, json};

/// Without looking, at least so many leads in a hundred are doubled.
const DOUBLED_IN_A_HUNDRED: u64 = 5;

/// What is thought of a run.
pub struct Verdict {
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
    #[must_use]
    pub fn is_as_it_should_be(&self) -> bool {
        match self.without {
            None => self.violated().next().is_none(),
            Some(control) => self.sees(control),
        }
    }

    /// The figures, in the order in which they are to be shown.
    #[must_use]
    pub fn figures(&self) -> &[Figure] {
        &self.figures.all
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

    /// The verdict in a line, and a line for each example of what went wrong.
    #[must_use]
    pub fn summary(&self) -> String {
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

    /// All of it, as `--json` prints it: `profile`, `seed`, `without`, `ok`, `violated` (names of figures),
    /// `figures` (values by name) and `examples`.
    #[must_use]
    pub fn json(&self) -> Value {
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
