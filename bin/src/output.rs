//! What commands print on standard output.

use comfy_table::{ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use leadrail_lead::is_unshown;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write as _};

/// Wide enough for an id and a sentence in one row.
const WIDTH_WITHOUT_TERMINAL: u16 = 160;
/// A terminal that claims to be narrower does not know its width.
const NARROWEST: u16 = 40;

/// Prints a line, or several.
pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", shown(text.as_ref()))?;
    out.flush()?;
    Ok(())
}

/// The text with its line breaks, and with escapes for what a terminal would obey and not show.
fn shown(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| is_unshown(c) && c != '\n' && !is_joiner(c);
    if !text.contains(obeyed) {
        return text.into();
    }
    let escaped = text.chars().fold(String::new(), |mut out, c| {
        match obeyed(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
        out
    });
    escaped.into()
}

/// Emoji and several scripts are written with these.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Prints JSON for machines and people alike.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// Prints JSON in one line, for streams of many.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?)
}

/// An empty table with these columns.
pub(crate) fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(columns.to_vec());
    if table.width().is_none_or(|width| width < NARROWEST) {
        table.set_width(WIDTH_WITHOUT_TERMINAL);
    }
    table
}

/// A value for a table's cell; `-` where there is none.
pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let rows = [
            ("José\n👩\u{200d}🔧", "José\n👩\u{200d}🔧"),
            (
                "\u{1b}[2J\u{1b}]0;owned\u{7}",
                "\\u{1b}[2J\\u{1b}]0;owned\\u{7}",
            ),
            ("a\u{202e}b\r\u{9b}c", "a\\u{202e}b\\u{d}\\u{9b}c"),
        ];
        for (text, expected) in rows {
            assert_eq!(shown(text), expected);
        }
    }
}
