//! Follows leads until they have ended, and says once what a person has to do for those that wait.

use crate::failure::told;
use crate::progress::Progress;
use leadrail_desk::{Desk, Stall, Standing};
use leadrail_engine::RunId;
use std::cell::RefCell;
use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

/// How often it is asked why some do not go on.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How these runs ended.
pub(super) async fn until_ended(desk: &Desk, runs: &[RunId]) -> anyhow::Result<Standing> {
    let progress = RefCell::new(Progress::start("leads", Some(runs.len() as u64)));
    let looks = |standing: &Standing| {
        let words = standing.to_string();
        progress.borrow_mut().show(standing.ended(), &words);
    };
    let ended = tokio::select! {
        ended = desk.until_ended(runs, looks) => ended.map_err(told)?,
        failed = tell_stalls(desk, runs, &progress) => match failed? {},
    };
    progress.into_inner().end();
    Ok(ended)
}

/// Says of each reason once what has to be done.
async fn tell_stalls(
    desk: &Desk,
    runs: &[RunId],
    progress: &RefCell<Progress>,
) -> anyhow::Result<Infallible> {
    let mut said = HashSet::new();
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        for stall in desk.stalls(runs).await.map_err(told)? {
            let (leads, what) = sentence(&stall);
            if said.insert(what.clone()) {
                progress.borrow().aside(|| eprintln!("{leads}: {what}"));
            }
        }
    }
}

/// Of how many leads, and what keeps them and what to do about it.
fn sentence(stall: &Stall) -> (String, String) {
    match stall {
        Stall::Waiting {
            runs,
            reason,
            message,
        } => (count(*runs, "waits", "wait"), with_remedy(reason, message)),
        Stall::Paused { runs, lane } => (
            count(*runs, "is held", "are held"),
            format!("the lane {lane} is paused; `leadrail lane resume {lane}` lets it go on"),
        ),
        Stall::NoWorker { runs } => (
            count(*runs, "is queued", "are queued"),
            "no worker is running; `leadrail worker` starts one".to_owned(),
        ),
    }
}

fn count(runs: i64, one: &str, many: &str) -> String {
    match runs {
        1 => format!("1 lead {one}"),
        runs => format!("{runs} leads {many}"),
    }
}

fn with_remedy(reason: &str, message: &str) -> String {
    let remedy = match reason {
        // The sentence says it.
        "connection_missing" => return message.to_owned(),
        "connection_ambiguous" => "disable all but one of `leadrail connection list`",
        "needs_reauth" => {
            "`leadrail connection reconnect` brings new secrets, `leadrail connection sign-in` has somebody sign in again; `leadrail connection list --state needs_reauth` shows it"
        }
        "pending" => {
            "`leadrail connection reconnect` brings its secrets, `leadrail connection sign-in` has somebody sign in; `leadrail connection list --state pending` shows it"
        }
        "paused" => {
            "`leadrail connection resume` lets it go on; `leadrail connection list --state paused` shows it"
        }
        "disabled" => {
            "`leadrail connection enable` switches it on; `leadrail connection list --state disabled` shows it"
        }
        _ => {
            "`leadrail connection list` shows the connection, `leadrail connection test` asks its CRM"
        }
    };
    format!("{message}; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_told_what_to_do() {
        let waiting = |reason: &str| Stall::Waiting {
            runs: 2,
            reason: reason.to_owned(),
            message: "It is closed".to_owned(),
        };
        for reason in [
            "needs_reauth",
            "pending",
            "paused",
            "disabled",
            "connection_ambiguous",
            "connection_setup",
        ] {
            let (leads, what) = sentence(&waiting(reason));
            assert_eq!(leads, "2 leads wait");
            assert!(
                what.contains("It is closed; ") && what.contains("`leadrail connection "),
                "{what}"
            );
        }
        assert_eq!(sentence(&waiting("connection_missing")).1, "It is closed");
    }
}
