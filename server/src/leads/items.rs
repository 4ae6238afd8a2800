//! Takes a body apart into leads, each still as its own bytes, so that one bad lead is the
//! trouble of that lead only.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::body::{Format, is_array};
use crate::problem::Problem;

/// The most leads of a batch.
pub(crate) const MAX_BATCH_LEADS: usize = 1_000;

/// The leads of a body, as bytes that nobody judged yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Items<'b> {
    /// One lead: the answer is about it.
    One(&'b [u8]),
    /// A batch: the answer has a result a lead.
    Batch(Vec<&'b [u8]>),
}

impl<'b> Items<'b> {
    /// Takes the body apart.
    pub(super) fn of(format: Format, body: &'b [u8]) -> Result<Self, Problem> {
        let items = match format {
            Format::Ndjson => lines(body)?,
            Format::Json if is_array(body) => array(body)?,
            Format::Json if body.trim_ascii().is_empty() => Vec::new(),
            Format::Json => return Ok(Self::One(body)),
        };
        if items.is_empty() {
            return Err(Problem::bad_request("the body holds no lead"));
        }
        Ok(Self::Batch(items))
    }
}

/// Lines with something on them. A line that is cut in half is a bad lead, not a bad body.
fn lines(body: &[u8]) -> Result<Vec<&[u8]>, Problem> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let filled = lines.filter(|line| !line.is_empty());
    let lines: Vec<_> = filled.take(MAX_BATCH_LEADS + 1).collect();
    if lines.len() > MAX_BATCH_LEADS {
        return Err(too_many());
    }
    Ok(lines)
}

fn too_many() -> Problem {
    Problem::too_large(format!("a batch has at most {MAX_BATCH_LEADS} leads"))
}

/// Elements of an array. What an element holds is not looked at, only where it ends.
fn array(body: &[u8]) -> Result<Vec<&[u8]>, Problem> {
    let not_json = |error: &serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        Problem::bad_request(format!(
            "the array is not JSON at line {line}, column {column}"
        ))
    };
    let text = std::str::from_utf8(body).map_err(|error| {
        let place = error.valid_up_to();
        Problem::bad_request(format!("the array is not UTF-8 at byte {place}"))
    })?;
    let mut json = serde_json::Deserializer::from_str(text);
    let elements = json
        .deserialize_seq(Elements)
        .and_then(|elements| json.end().map(|()| elements))
        .map_err(|error| not_json(&error))?;
    elements.ok_or_else(too_many)
}

/// Collects the elements, or answers `None` if there are too many; those are not collected.
struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Option<Vec<&'de [u8]>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element::<&RawValue>()? {
            if elements.len() == MAX_BATCH_LEADS {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            elements.push(element.get().as_bytes());
        }
        Ok(Some(elements))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;
    use http::StatusCode;

    fn status(problem: Problem) -> StatusCode {
        problem.into_response().status()
    }

    fn json(body: &[u8]) -> Result<Items<'_>, StatusCode> {
        Items::of(Format::Json, body).map_err(status)
    }

    fn ndjson(body: &[u8]) -> Result<Items<'_>, StatusCode> {
        Items::of(Format::Ndjson, body).map_err(status)
    }

    #[test]
    fn elements_keep_their_bytes_whatever_they_hold() {
        let expected: Vec<&[u8]> = vec![b"{\"a\": [1, 2]}", b"7", b"\"\\u0000\""];
        let body = b" [{\"a\": [1, 2]} ,7, \"\\u0000\"]\n";
        assert_eq!(json(body), Ok(Items::Batch(expected)));
        assert_eq!(json(b"nonsense"), Ok(Items::One(b"nonsense")));
    }

    #[test]
    fn lines_may_be_blank_end_in_crlf_or_be_cut_in_half() {
        let expected: Vec<&[u8]> = vec![b"{}", b"{\"a\""];
        assert_eq!(ndjson(b"\n{}\r\n\r\n{\"a\""), Ok(Items::Batch(expected)));
        let one: Vec<&[u8]> = vec![b"{}"];
        assert_eq!(ndjson(b"{}"), Ok(Items::Batch(one)));
    }

    #[test]
    fn a_body_that_holds_no_leads_or_no_array_is_refused() {
        for body in [
            &b""[..],
            b" \r\n",
            b"[]",
            b"[{}",
            b"[{}]]",
            b"[{},]",
            b"[\xff]",
        ] {
            assert_eq!(json(body), Err(StatusCode::BAD_REQUEST), "{body:?}");
        }
        assert_eq!(ndjson(b"\n \n"), Err(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn a_thousand_leads_pass_and_one_more_does_not() {
        let body = |count| format!("[{}]", vec!["{}"; count].join(","));
        assert!(json(body(1_000).as_bytes()).is_ok());
        assert_eq!(
            json(body(1_001).as_bytes()),
            Err(StatusCode::PAYLOAD_TOO_LARGE)
        );
        let lines = "{}\n".repeat(1_001);
        assert_eq!(ndjson(lines.as_bytes()), Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[test]
    fn a_million_brackets_in_an_array_do_not_break_the_stack() {
        let deep = format!("[{}{}]", "[".repeat(1 << 20), "]".repeat(1 << 20));
        assert!(matches!(json(deep.as_bytes()), Ok(Items::Batch(items)) if items.len() == 1));
    }
}
