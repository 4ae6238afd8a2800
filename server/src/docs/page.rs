//! An OpenAPI document as one page of HTML.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::pages::escaped;

const SCHEMAS: &str = "#/components/schemas/";

/// The page.
pub(super) fn of(document: &Value, style: &str) -> String {
    let title = text(&document["info"]["title"]);
    let mut body = format!(
        "<h1>{} {}</h1>{}<p><a href=\"/openapi.json\">OpenAPI 3.1 document</a></p>",
        escaped(title),
        escaped(text(&document["info"]["version"])),
        prose(text(&document["info"]["description"])),
    );
    let tags = document["tags"].as_array().into_iter().flatten();
    let sections: Vec<_> = tags.map(|tag| (tag, calls(document, tag))).collect();
    body += &contents(&sections);
    for (tag, calls) in &sections {
        let name = escaped(text(&tag["name"]));
        body += &format!("<section><h2 id=\"tag-{name}\">{name}</h2>");
        body += &prose(text(&tag["description"]));
        body.extend(calls.iter().map(|call| call.html(document)));
        body += "</section>";
    }
    body += &schemas(document);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{} API</title><style>{style}</style></head><body><main>{body}</main></body></html>\n",
        escaped(title),
    )
}

/// One call: its path, its method, and what the document says of it.
struct Call<'d> {
    path: &'d str,
    method: &'d str,
    about: &'d Value,
}

fn calls<'d>(document: &'d Value, tag: &Value) -> Vec<Call<'d>> {
    let is_tagged = |about: &Value| {
        let tags = about["tags"].as_array().into_iter().flatten();
        tags.into_iter().any(|each| *each == tag["name"])
    };
    let of_path = |(path, item): (&'d String, &'d Value)| {
        fields(item).map(move |(method, about)| Call {
            path,
            method,
            about,
        })
    };
    let all = fields(&document["paths"]).flat_map(of_path);
    all.filter(|call| is_tagged(call.about)).collect()
}

fn contents(sections: &[(&Value, Vec<Call<'_>>)]) -> String {
    let items = sections.iter().flat_map(|(_, calls)| calls);
    let items: String = items
        .map(|call| format!("<li><a href=\"#{}\">{}</a></li>", call.id(), call.title()))
        .collect();
    format!(
        "<nav aria-label=\"Calls\"><ul>{items}<li><a href=\"#schemas\">Schemas</a></li></ul></nav>"
    )
}

impl Call<'_> {
    fn id(&self) -> String {
        escaped(text(&self.about["operationId"]))
    }

    fn title(&self) -> String {
        let (method, path) = (escaped(self.method), escaped(self.path));
        format!("<span class=\"method\">{method}</span> <code>{path}</code>")
    }

    fn html(&self, document: &Value) -> String {
        let mut html = format!("<article id=\"{}\"><h3>{}</h3>", self.id(), self.title());
        html += &prose(text(&self.about["summary"]));
        html += &prose(text(&self.about["description"]));
        if self.about["security"].as_array().is_some_and(Vec::is_empty) {
            html += "<p class=\"dim\">Needs no key.</p>";
        }
        html += &self.parameters();
        html += &self.body(document);
        html + &self.answers(document) + "</article>"
    }

    fn parameters(&self) -> String {
        let all = self.about["parameters"].as_array().into_iter().flatten();
        let rows = all.map(|parameter| {
            let name = format!("<code>{}</code>", escaped(text(&parameter["name"])));
            let place = text(&parameter["in"]);
            let needed = if parameter["required"] == true {
                ", required"
            } else {
                ""
            };
            let kind = kind(&parameter["schema"]);
            let about = inline(text(&parameter["description"]));
            (
                name,
                format!("<span class=\"dim\">{place}{needed}: {kind}</span> {about}"),
            )
        });
        table("Parameters", rows)
    }

    fn body(&self, document: &Value) -> String {
        let body = &self.about["requestBody"];
        let rows = fields(&body["content"]).map(|(media, content)| {
            let name = format!("<code>{}</code>", escaped(media));
            (name, kind(&content["schema"]))
        });
        let about = text(&body["description"]);
        table(&format!("Body. {}", inline(about)), rows) + &example(document, body)
    }

    fn answers(&self, document: &Value) -> String {
        let rows = fields(&self.about["responses"]).map(|(status, answer)| {
            let answer = followed(document, answer);
            let kinds = fields(&answer["content"]).map(|(_, content)| kind(&content["schema"]));
            let kinds: Vec<_> = kinds.collect();
            let about = inline(text(&answer["description"]));
            (
                escaped(status),
                format!("{about} <span class=\"dim\">{}</span>", kinds.join(", ")),
            )
        });
        table("Answers", rows)
    }
}

/// The first example of what a body may be.
fn example(document: &Value, body: &Value) -> String {
    let schema = &body["content"]["application/json"]["schema"];
    let schema = followed(document, schema);
    let one = schema["oneOf"]
        .get(0)
        .map_or(schema, |one| followed(document, one));
    let Some(example) = one["examples"].get(0) else {
        return String::new();
    };
    let example = serde_json::to_string_pretty(example).unwrap_or_default();
    let example = escaped(&example);
    format!(
        "<details><summary>Example</summary><pre tabindex=\"0\"><code>{example}</code></pre></details>"
    )
}

fn schemas(document: &Value) -> String {
    let all = fields(&document["components"]["schemas"]).map(|(name, schema)| {
        let id = escaped(name);
        let about = prose(text(&schema["description"]));
        format!(
            "<article id=\"schema-{id}\"><h3>{id}</h3>{about}{}</article>",
            shape(schema)
        )
    });
    let all: String = all.collect();
    format!("<section><h2 id=\"schemas\">Schemas</h2>{all}</section>")
}

/// What a schema is made of: its fields, or what it is as a whole.
fn shape(schema: &Value) -> String {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let own = fields(&schema["properties"]);
    let inherited = parts.flat_map(|part| fields(&part["properties"]));
    let required = schema["required"].as_array();
    let rows: Vec<_> = own
        .chain(inherited)
        .map(|(name, field)| {
            let is_required = required.is_some_and(|all| all.iter().any(|each| each == name));
            let needed = if is_required { ", required" } else { "" };
            let about = inline(text(&field["description"]));
            let kind = kind(field);
            let name = format!("<code>{}</code>", escaped(name));
            (
                name,
                format!("<span class=\"dim\">{kind}{needed}</span> {about}"),
            )
        })
        .collect();
    match rows.is_empty() {
        true => format!("<p class=\"dim\">{}</p>", kind(schema)),
        false => table("Fields", rows.into_iter()),
    }
}

/// What a value is, in a few words, with links to what has a name.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|to| to.strip_prefix(SCHEMAS))
    {
        let name = escaped(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for (of, between) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(kinds) = schema[of].as_array() {
            return kinds.iter().map(kind).collect::<Vec<_>>().join(between);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values
            .iter()
            .map(|value| format!("<code>{}</code>", escaped(text(value))));
        return values.collect::<Vec<_>>().join(", ");
    }
    let format = schema["format"]
        .as_str()
        .map(|format| format!(" ({})", escaped(format)));
    let items = schema
        .get("items")
        .map(|items| format!(" of {}", kind(items)));
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(name) => name.clone(),
        _ => "any JSON".to_owned(),
    };
    escaped(&types) + &format.unwrap_or_default() + &items.unwrap_or_default()
}

fn table(caption: &str, rows: impl Iterator<Item = (String, String)>) -> String {
    let rows = rows.fold(String::new(), |mut html, (name, about)| {
        // A String takes whatever is written to it.
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{name}</th><td>{about}</td></tr>"
        );
        html
    });
    match rows.is_empty() {
        true => String::new(),
        false => format!("<table><caption>{caption}</caption>{rows}</table>"),
    }
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// What a value is, or what it refers to in this document.
fn followed<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let pointer = value["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
    let target = pointer.and_then(|pointer| document.pointer(pointer));
    target.unwrap_or(value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text with an empty line between paragraphs.
fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim);
    paragraphs
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| format!("<p>{}</p>", inline(paragraph)))
        .collect()
}

/// Text in which backticks stand around code.
fn inline(text: &str) -> String {
    let parts = escaped(text);
    let parts = parts.split('`').enumerate();
    parts
        .map(|(place, part)| match place % 2 {
            0 => part.to_owned(),
            _ => format!("<code>{part}</code>"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_that_a_document_says_becomes_markup() {
        let hostile = "<script>alert(1)</script>\" onload='x' `</style>`";
        let document = json!({
            "info": {"title": hostile, "version": hostile, "description": hostile},
            "tags": [{"name": hostile, "description": hostile}],
            "paths": {hostile: {"get": {
                "tags": [hostile], "operationId": hostile, "summary": hostile,
                "parameters": [{"name": hostile, "in": "query", "description": hostile,
                                "schema": {"type": hostile, "format": hostile}}],
                "requestBody": {"description": hostile, "content": {hostile: {"schema": {"$ref": format!("{SCHEMAS}{hostile}")}}}},
                "responses": {hostile: {"description": hostile}},
            }}},
            "components": {"schemas": {hostile: {"enum": [hostile], "examples": [hostile]}}},
        });
        let page = of(&document, "");
        assert!(page.contains("&lt;script&gt;"));
        for markup in ["<script", "</style>`", "\" onload", "onload='"] {
            assert!(!page.contains(markup), "{markup}");
        }
    }
}
