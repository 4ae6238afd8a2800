//! Makes a caller's words fit for a CRM's field.
//!
//! Speech recognition and people produce anything: control characters, half-composed letters,
//! emoji of seven code points. Controls are dropped, letters composed (NFC), and a text that is
//! too long is cut where a reader would cut it, never inside a letter.

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// One line: line breaks and runs of white space become one space. `None` if nothing is left.
pub(crate) fn line(text: Option<&str>, max_chars: usize) -> Option<String> {
    let tidy = printable(text?)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let fitted = cut(&tidy, max_chars).trim_end().to_owned();
    (!fitted.is_empty()).then_some(fitted)
}

/// Text that may have several lines. Its ends are trimmed; it is not cut.
pub(crate) fn paragraph(text: &str) -> String {
    printable(text).trim().to_owned()
}

/// The longest beginning of at most `max_chars` Unicode scalar values that ends between two
/// letters as people see them.
pub(crate) fn cut(text: &str, max_chars: usize) -> &str {
    // A letter has a byte at least.
    if text.len() <= max_chars {
        return text;
    }
    let mut chars = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        chars += grapheme.chars().count();
        if chars > max_chars {
            return &text[..start];
        }
    }
    text
}

/// Composed text with tabs as spaces, one kind of line break, and nothing invisible that could
/// break a database or turn the text around.
fn printable(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return text.to_owned();
    }
    let unified = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let visible = unified.chars().map(|c| if c == '\t' { ' ' } else { c });
    visible
        .filter(|&c| c == '\n' || !is_unwanted(c))
        .nfc()
        .collect()
}

/// Controls, byte order marks, and the characters that override the direction of text; Hebrew and
/// Arabic read right without them. Joiners stay: emoji and several scripts need them.
fn is_unwanted(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_composed_and_has_no_breaks_or_controls() {
        let rows = [
            ("  John\t Q.\r\nPublic \u{0}", Some("John Q. Public")),
            ("Jose\u{301}", Some("José")),
            ("e\u{0}\u{301}", Some("é")),
            ("\u{202E}evil\u{202C}", Some("evil")),
            ("שלום", Some("שלום")),
            ("👩‍🔧 Ann", Some("👩‍🔧 Ann")),
            ("\u{7}\u{FEFF} ", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(line(Some(text), 50).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_cut_falls_between_letters_as_people_see_them() {
        let rows = [
            ("abcdef", 3, "abc"),
            ("ab👩‍🔧cd", 4, "ab"),
            ("ab👩‍🔧cd", 5, "ab👩‍🔧"),
            ("🇺🇸🇺🇸", 3, "🇺🇸"),
            ("x\u{300}\u{301}y", 2, ""),
            ("abc", 0, ""),
            ("abc", 3, "abc"),
        ];
        for (text, max, expected) in rows {
            assert_eq!(cut(text, max), expected, "{text:?} at {max}");
        }
    }

    proptest! {
        #[test]
        fn any_text_fits_its_field(text in "(?s).{0,80}", max in 0usize..40) {
            if let Some(fitted) = line(Some(&text), max) {
                prop_assert!(fitted.chars().count() <= max);
                prop_assert!(!fitted.chars().any(is_unwanted));
                prop_assert_eq!(fitted.trim(), &fitted);
            }
        }
    }
}
