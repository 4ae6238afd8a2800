//! A note's body as people see it: HTML is shown, not its source.

/// The text that is seen, and the names of the tags in it. What stands within `script` or `style` is
/// seen by nobody.
pub(super) fn render(html: &str) -> (String, Vec<String>) {
    let (mut seen, mut tags, mut rest) = (String::new(), Vec::new(), html);
    while let Some(start) = rest.find('<') {
        seen.push_str(&unescaped(&rest[..start]));
        let inside = &rest[start + 1..];
        let is_tag =
            inside.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
        let Some(end) = inside.find('>').filter(|_| is_tag) else {
            seen.push('<');
            rest = inside;
            continue;
        };
        let name: String = inside[..end]
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let name = name.to_ascii_lowercase();
        rest = &inside[end + 1..];
        if matches!(name.as_str(), "br" | "p" | "div" | "li") && !inside.starts_with('/') {
            seen.push('\n');
        }
        if matches!(name.as_str(), "script" | "style") && !inside.starts_with('/') {
            let close = format!("</{name}");
            rest = rest.find(&close).map_or("", |at| &rest[at..]);
        }
        if !tags.contains(&name) {
            tags.push(name);
        }
    }
    seen.push_str(&unescaped(rest));
    (seen, tags)
}

fn unescaped(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        // Last, or what it leaves would be read as another.
        ("&amp;", "&"),
    ];
    let text = text.to_owned();
    named
        .into_iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn a_body_is_seen_as_a_browser_shows_it() {
        let rows = [
            ("a<br>b", "a\nb", vec!["br"]),
            ("1 &lt; 2 &amp; <b>so</b>", "1 < 2 & so", vec!["b"]),
            ("&amp;lt;b&amp;gt;", "&lt;b&gt;", vec![]),
            ("x<script>alert(1)</script>y", "xy", vec!["script"]),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2", vec![]),
        ];
        for (html, seen, tags) in rows {
            let tags = tags.into_iter().map(str::to_owned).collect();
            assert_eq!(render(html), (seen.to_owned(), tags), "{html}");
        }
    }
}
