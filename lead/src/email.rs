//! Finds the e-mail address in what was given as one.
//!
//! `leadrail.read_email` finds the same in SQL.

/// The most characters of an address (RFC 5321, 4.5.3.1.3, less the brackets).
const MAX_CHARS: usize = 254;
/// The most characters before the at sign (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_CHARS: usize = 64;
/// The most characters of a part of a domain name (RFC 1035, 2.3.4).
const MAX_LABEL_CHARS: usize = 63;
/// What stands in no address that is written without quotes.
const FOREIGN: [char; 13] = [
    ',', ';', ':', '<', '>', '(', ')', '"', '[', ']', '\\', '/', '|',
];

/// The first address of a text, and whether it is all of the text.
///
/// Several addresses may stand there, or one in angle brackets. Between other words none is taken:
/// `ma ria@example.com` holds the address of somebody else.
pub(crate) fn first_of(text: &str) -> Option<(String, bool)> {
    let text: String = text
        .chars()
        .map(|c| {
            if c.is_whitespace() || c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let text = text.trim();
    if is_address(text) {
        return Some((text.to_owned(), true));
    }
    if let Some((_, rest)) = text.split_once('<') {
        let (inside, after) = rest.split_once('>')?;
        let only = is_address(inside) && !after.contains('@');
        return only.then(|| (inside.to_owned(), false));
    }
    let words = text.split([' ', ',', ';', '|', '/']);
    let mut words = words.filter(|word| !word.is_empty() && !is_conjunction(word));
    let first = words.next().filter(|word| is_address(word))?;
    words.all(is_address).then(|| (first.to_owned(), false))
}

fn is_conjunction(word: &str) -> bool {
    ["or", "and", "&"].contains(&word.to_ascii_lowercase().as_str())
}

/// Whether the text has the shape of an address; whether it exists only a mail can tell.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let clean = |part: &str| !part.contains(|c: char| c == ' ' || c == '@' || FOREIGN.contains(&c));
    let label = |label: &str| {
        (1..=MAX_LABEL_CHARS).contains(&label.chars().count())
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.chars().count() <= MAX_CHARS
        && (1..=MAX_LOCAL_CHARS).contains(&local.chars().count())
        && clean(local)
        && clean(domain)
        && domain.contains('.')
        && domain.split('.').all(label)
}
