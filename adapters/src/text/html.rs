//! The note as HTML, for CRMs whose notes are HTML.
//!
//! What a caller said is text and stays text: nobody can write tags into a note. Markup are only our line
//! breaks and our own links.

use super::note::note;
use crate::plan::{Filing, Links};

/// Writes the note of a lead as HTML, at most `max_chars` long with all its markup.
pub(crate) fn html_note(filing: &Filing<'_>, max_chars: usize) -> String {
    let mut room = max_chars;
    loop {
        let html = marked_up(&note(filing, room), filing.links);
        let length = html.chars().count();
        if length <= max_chars || room == 0 {
            return html;
        }
        // In proportion, so that a few rounds do, and less each time, so that they end.
        room = (room * max_chars / length).min(room - 1);
    }
}

fn marked_up(note: &str, links: Links<'_>) -> String {
    let lines: Vec<String> = note.lines().map(|line| line_of(line, links)).collect();
    lines.join("<br>")
}

/// A line that ends with a link of ours can be followed.
fn line_of(line: &str, links: Links<'_>) -> String {
    let ours = [links.recording, links.transcript].into_iter().flatten();
    let mut linked =
        ours.filter(|link| link.starts_with("https://") || link.starts_with("http://"));
    let found = linked.find_map(|link| Some((line.strip_suffix(link)?, link)));
    match found {
        Some((label, link)) => {
            let (label, link) = (escaped(label), escaped(link));
            format!("{label}<a href=\"{link}\">{link}</a>")
        }
        None => escaped(line),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted_crm::{Scene, lead_with};
    use proptest::prelude::*;
    use serde_json::json;

    const RECORDING: &str = "https://leads.example.com/r/1?a=1&b=2";

    fn told(name: &str, links: Links<'static>, max_chars: usize) -> String {
        let mut scene = Scene::of(lead_with(|payload| {
            payload["contact"]["first_name"] = json!(name);
        }));
        scene.links = links;
        html_note(&scene.filing(), max_chars)
    }

    #[test]
    fn nobody_can_write_tags_into_a_note() {
        let html = told("<img src=x onerror='alert(1)'>&lt;b>", Links::NONE, 10_000);
        let name = "Caller: &lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;lt;b&gt; Gonzalez<br>";
        assert!(html.contains(name), "{html}");
        assert!(!html.replace("<br>", "").contains('<'), "{html}");
    }

    #[test]
    fn a_link_of_ours_can_be_followed_and_words_in_its_place_are_words() {
        let links = Links {
            recording: Some(RECORDING),
            ..Links::WORDS
        };
        let html = told("Ann", links, 10_000);
        let address = RECORDING.replace('&', "&amp;");
        let link = format!("<br>Recording: <a href=\"{address}\">{address}</a><br>");
        assert!(html.contains(&link), "{html}");
        assert!(html.contains("<br>Transcript: (our link to the transcript)<br>"));
    }

    #[test]
    fn a_note_that_markup_makes_too_long_is_shortened_and_says_so() {
        let mut scene = Scene::new();
        scene.lead.call.transcript_summary = Some("&".repeat(4_000));
        let html = html_note(&scene.filing(), 5_000);
        assert!(html.chars().count() <= 5_000);
        assert!(html.contains("... (shortened)<br>"), "{html}");
        assert!(html.ends_with("<br>Ref: lr-7f3k2m9q"), "{html}");
        let (_, said) = html.split_once("Summary: ").expect("a summary");
        let (said, _) = said.split_once("...").expect("an end");
        assert_eq!(said.len() % "&amp;".len(), 0, "half an escape: {said}");
    }

    proptest! {
        #[test]
        fn any_note_fits_and_keeps_its_end(text in "(?s)[<>&'\"é\n a]{0,900}", max in 1_200usize..3_000) {
            let mut scene = Scene::new();
            scene.lead.call.transcript_summary = Some(text);
            let html = html_note(&scene.filing(), max);
            prop_assert!(html.chars().count() <= max);
            prop_assert!(html.ends_with("<br>Ref: lr-7f3k2m9q"));
            prop_assert!(!html.replace("<br>", "").contains(['<', '>', '\n']));
        }
    }
}
