//! What all pages for people have: what stands in them is text, and they do nothing but show it.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};

/// How a page is marked.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// What a page may do in a browser: be read.
const NOTHING_BUT_TEXT: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// No page of another site learns where somebody came from, nothing keeps the answer, and nothing in it
/// runs, is loaded or framed.
pub(crate) fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, NOTHING_BUT_TEXT),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Text as HTML shows it, whoever wrote it: somebody may be called `<script>`.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() && c != '\n' => html.push(' '),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_what_anybody_says_and_obeys_none_of_it() {
        let shown = escaped("<script>alert('1')</script>&\"\u{0}\u{1b}");
        assert_eq!(
            shown,
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;  "
        );
    }
}
