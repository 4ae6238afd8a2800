//! Leads from a file or standard input: one JSON object, an array, or one lead a line.
//!
//! The input may be larger than memory: it is read lead by lead, and no single lead may be larger
//! than a payload ever is.

use crate::failure::usage;
use anyhow::Context as _;
use leadrail_lead::MAX_PAYLOAD_BYTES;
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

/// White space may make a valid payload larger than it is; beyond this nobody meant it.
const MAX_LEAD_BYTES: usize = 4 * MAX_PAYLOAD_BYTES;

/// Opens a file, or standard input for `-`.
pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path);
    let file =
        file.map_err(|error| usage(format!("{} cannot be read: {error}", path.display())))?;
    Ok(Box::new(BufReader::new(file)))
}

/// Calls `each` with the bytes of every lead, in order, until it says `false`.
///
/// # Errors
/// When the input cannot be read on. The leads before that have been handed out.
pub(super) fn each_lead(
    mut input: impl BufRead,
    each: &mut dyn FnMut(Vec<u8>) -> bool,
) -> anyhow::Result<()> {
    match first_byte(&mut input)? {
        None => Ok(()),
        Some(b'[') => array(input, each),
        Some(_) => lines_or_one(input, each),
    }
}

/// The only lead of an input, as the preview wants it.
///
/// # Errors
/// A wrong use if there is none or more than one.
pub(super) fn only_lead(input: impl BufRead) -> anyhow::Result<Vec<u8>> {
    let mut leads = Vec::new();
    each_lead(input, &mut |lead| {
        leads.push(lead);
        leads.len() < 2
    })?;
    match (leads.pop(), leads.is_empty()) {
        (Some(lead), true) => Ok(lead),
        (Some(_), false) => Err(usage("the file holds more than one lead; give one")),
        (None, _) => Err(usage(
            "the file holds no lead; `leadrail schema lead --example` shows one",
        )),
    }
}

/// Skips white space, and a byte order mark as some editors leave it.
fn first_byte(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let buffer = input.fill_buf()?;
        let Some(&byte) = buffer.first() else {
            return Ok(None);
        };
        if !byte.is_ascii_whitespace() && !matches!(byte, 0xEF | 0xBB | 0xBF) {
            return Ok(Some(byte));
        }
        input.consume(1);
    }
}

/// One lead a line if the first line is a whole object by its looks, else one lead in many lines.
fn lines_or_one(
    mut input: impl BufRead,
    each: &mut dyn FnMut(Vec<u8>) -> bool,
) -> anyhow::Result<()> {
    let first = line(&mut input)?.unwrap_or_default();
    if first.len() < MAX_LEAD_BYTES && !first.trim_ascii_end().ends_with(b"}") {
        let mut lead = first;
        input
            .take(MAX_LEAD_BYTES as u64)
            .read_to_end(&mut lead)
            .context("the input cannot be read")?;
        each(lead);
        return Ok(());
    }
    let mut next = Some(first);
    while let Some(lead) = next {
        if !lead.trim_ascii().is_empty() && !each(lead) {
            return Ok(());
        }
        next = line(&mut input)?;
    }
    Ok(())
}

/// The next line, of which no more is kept than a lead may be long. What is too long is cut, so that
/// it is refused as too large, and the lines after it are read as usual.
fn line(input: &mut impl BufRead) -> anyhow::Result<Option<Vec<u8>>> {
    let mut kept = Vec::new();
    let mut began = false;
    loop {
        let buffer = input.fill_buf().context("the input cannot be read")?;
        if buffer.is_empty() {
            return Ok(began.then_some(kept));
        }
        began = true;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        let room = MAX_LEAD_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..used.min(room)]);
        input.consume(used);
        if end.is_some() {
            return Ok(Some(kept));
        }
    }
}

fn array(input: impl BufRead, each: &mut dyn FnMut(Vec<u8>) -> bool) -> anyhow::Result<()> {
    let left = Rc::new(Cell::new(2 * MAX_LEAD_BYTES));
    let bounded = Bounded {
        input,
        left: left.clone(),
    };
    let mut reader = serde_json::Deserializer::from_reader(BufReader::new(bounded));
    let mut handed_out = 0;
    let elements = Elements {
        each,
        left,
        handed_out: &mut handed_out,
    };
    let read = reader.deserialize_seq(elements).and_then(|all| match all {
        true => reader.end(),
        false => Ok(()),
    });
    read.map_err(|error| {
        usage(format!(
            "the array of leads is not JSON at line {}, column {}; the {handed_out} leads before that were read",
            error.line(),
            error.column()
        ))
    })
}

/// Reads no more than so many bytes for one element of an array.
struct Bounded<R> {
    input: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::Error::other("a lead is too large"));
        }
        let room = buffer.len().min(self.left.get());
        let read = self.input.read(&mut buffer[..room])?;
        self.left.set(self.left.get() - read);
        Ok(read)
    }
}

/// Hands out the elements of an array as they are read; true if all were wanted.
struct Elements<'a> {
    each: &'a mut dyn FnMut(Vec<u8>) -> bool,
    left: Rc<Cell<usize>>,
    handed_out: &'a mut usize,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of leads")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<bool, A::Error> {
        while let Some(element) = array.next_element::<Box<RawValue>>()? {
            self.left.set(2 * MAX_LEAD_BYTES);
            *self.handed_out += 1;
            if !(self.each)(Box::<str>::from(element).into_boxed_bytes().into_vec()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(text: &str) -> (Vec<String>, Option<String>) {
        let mut leads = Vec::new();
        let result = each_lead(text.as_bytes(), &mut |lead| {
            let text = String::from_utf8(lead).unwrap();
            leads.push(text.trim().to_owned());
            true
        });
        (leads, result.err().map(|error| error.to_string()))
    }

    #[test]
    fn objects_arrays_and_lines_are_told_apart() {
        let table: [(&str, &[&str]); 8] = [
            ("", &[]),
            (" \n ", &[]),
            ("{\"a\": 1}", &["{\"a\": 1}"]),
            ("\u{feff}{\n\"a\": 1\n}\n", &["{\n\"a\": 1\n}"]),
            ("{\"a\":1}\n\n{\"a\":2}\r\n", &["{\"a\":1}", "{\"a\":2}"]),
            ("[{\"a\":1}, {\"a\": 2}]", &["{\"a\":1}", "{\"a\": 2}"]),
            (" [ ] ", &[]),
            ("nonsense", &["nonsense"]),
        ];
        for (text, expected) in table {
            assert_eq!(
                leads(text),
                (expected.iter().map(|&s| s.to_owned()).collect(), None),
                "{text}"
            );
        }
    }

    #[test]
    fn a_bad_line_does_not_hold_up_the_others() {
        let (found, error) = leads("{\"a\":1}\nnonsense\n{\"a\":2}");
        assert_eq!((found.len(), error), (3, None));
    }

    #[test]
    fn a_broken_array_hands_out_what_came_before_the_fault() {
        for text in [
            "[{\"a\":1}, {\"a\":2}, oops",
            "[{\"a\":1}, {\"a\":2}",
            "[{\"a\":1},{\"a\":2}] x",
        ] {
            let (found, error) = leads(text);
            assert_eq!(found.len(), 2, "{text}");
            assert!(error.unwrap().contains("2 leads before that"), "{text}");
        }
    }

    #[test]
    fn a_line_or_an_element_without_end_does_not_fill_the_memory() {
        let endless = "x".repeat(3 * MAX_LEAD_BYTES);
        let (found, _) = leads(&format!("{{\"a\":1}}\n{endless}\n{{\"a\":2}}\n"));
        assert_eq!(found[1].len(), MAX_LEAD_BYTES);
        assert_eq!(found[2], "{\"a\":2}");
        let (found, error) = leads(&format!("[{{\"a\":1}}, \"{endless}\"]"));
        assert_eq!(found.len(), 1);
        assert!(error.is_some());
    }

    #[test]
    fn a_preview_wants_exactly_one() {
        assert!(only_lead("{}".as_bytes()).is_ok());
        assert!(only_lead("[{}]".as_bytes()).is_ok());
        for text in ["", "[]", "{}\n{}", "[{},{}]"] {
            assert!(only_lead(text.as_bytes()).is_err(), "{text}");
        }
    }
}
