//! What commands print on standard output.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use leadrail_lead::is_unshown;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

/// Wide enough for an id and a sentence in one row.
const WIDTH_WITHOUT_TERMINAL: u16 = 160;
/// A terminal that claims to be narrower does not know its width.
const NARROWEST: u16 = 40;
/// What a table's frame takes, and what stands beside the text of a cell: a blank on each side and the
/// line to the next one.
const BORDER: usize = 1;
const AROUND_A_CELL: usize = 3;

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

/// A column of a [`fitted`] table: its title, and its rank. The one with the highest goes first where
/// there is no room for all.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) u8);

/// A table in which nothing is broken over lines: it has as many of the columns as there is room for,
/// the most important one always.
pub(crate) fn fitted<const N: usize>(
    columns: &[Column; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Table {
    let mut table = table(&columns.each_ref().map(|column| column.0));
    for row in rows {
        table.add_row(row);
    }
    let room = usize::from(width(&table));
    let wide = table.column_max_content_widths();
    let mut by_rank: Vec<usize> = (0..N).collect();
    by_rank.sort_by_key(|&column| columns[column].1);
    let mut used = BORDER;
    for (nth, column) in by_rank.into_iter().enumerate() {
        let takes = wide.get(column).map_or(0, |wide| usize::from(*wide)) + AROUND_A_CELL;
        if nth > 0 && used + takes > room {
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::Hidden);
            }
        } else {
            used += takes;
        }
    }
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// The terminal's width; without one what the environment says.
fn width(table: &Table) -> u16 {
    let said = std::env::var("COLUMNS").ok();
    let said = said.and_then(|columns| columns.trim().parse().ok());
    let of_terminal = io::stdout().is_terminal().then(|| table.width()).flatten();
    let width = of_terminal.or(said).filter(|width| *width >= NARROWEST);
    width.unwrap_or(WIDTH_WITHOUT_TERMINAL)
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
