//! What people read of HTML: the text without its tags.

/// Line breaks and ends of blocks begin a line, scripts and styles say nothing, escapes are resolved.
pub(super) fn read(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&resolved(&rest[..start]));
        let tag = &rest[start + 1..];
        let Some(end) = tag.find('>') else {
            return text;
        };
        let name = name_of(&tag[..end]);
        rest = &tag[end + 1..];
        match name.as_str() {
            "br" | "/p" | "/div" | "/li" => text.push('\n'),
            "script" | "style" => rest = after(rest, &format!("</{name}")),
            _ => {}
        }
    }
    text.push_str(&resolved(rest));
    text
}

fn name_of(tag: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '/';
    let name: String = tag.chars().take_while(|c| is_part(*c)).collect();
    let name = name.to_ascii_lowercase();
    name.strip_suffix('/').unwrap_or(&name).to_owned()
}

/// What stands behind the end of an element that is not read.
fn after<'a>(rest: &'a str, end: &str) -> &'a str {
    let place = rest.to_ascii_lowercase().find(end);
    let tag = place.map_or("", |place| &rest[place..]);
    tag.find('>').map_or("", |close| &tag[close + 1..])
}

fn resolved(text: &str) -> String {
    let plain = text.replace(['\n', '\r'], " ");
    let plain = plain.replace("&lt;", "<").replace("&gt;", ">");
    let plain = plain.replace("&quot;", "\"").replace("&#39;", "'");
    plain.replace("&nbsp;", " ").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn people_read_what_is_no_tag() {
        let rows = [
            ("a<br>b<BR/>c", "a\nb\nc"),
            ("<p>a</p><p>b &amp; c</p>", "a\nb & c\n"),
            (
                "a <a href=\"https://x.example/?a=1&amp;b=2\">link</a>",
                "a link",
            ),
            (
                "&lt;b&gt;bold&lt;/b&gt; &#39;q&#39; &quot;r&quot;",
                "<b>bold</b> 'q' \"r\"",
            ),
            ("&amp;lt;", "&lt;"),
            ("a<script>alert(1)</script>b", "ab"),
            ("Ann <img src=x onerror=alert(1)>", "Ann "),
            ("a < b", "a "),
            ("one\ntwo", "one two"),
        ];
        for (html, text) in rows {
            assert_eq!(read(html), text, "{html}");
        }
    }
}
