//! What commands print on standard output.

use comfy_table::{ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use serde::Serialize;
use std::io::{self, Write as _};

/// Wide enough for an id and a sentence in one row.
const WIDTH_WITHOUT_TERMINAL: u16 = 160;
/// A terminal that claims to be narrower does not know its width.
const NARROWEST: u16 = 40;

/// Prints a line.
pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.as_ref())?;
    out.flush()?;
    Ok(())
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
