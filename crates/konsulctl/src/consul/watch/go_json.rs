//! JSON as Go writes it: fields in the order of Consul's types, Go's escapes, four blanks for each step in.

use crate::consul::json_string;

/// An object: names and values that are JSON already.
#[derive(Debug, Clone)]
pub(super) struct Object(pub(super) Vec<(&'static str, String)>);

/// What a watch gives.
#[derive(Debug, Clone)]
pub(super) enum Document {
    /// Nothing.
    Null,
    /// One thing.
    One(Object),
    /// A list.
    Many(Vec<Object>),
    /// JSON without blanks, as [`packed`] makes it.
    Raw(String),
}

/// A text.
pub(super) fn text(text: &str) -> String {
    json_string(text)
}

impl Object {
    fn compact(&self) -> String {
        let fields = self.0.iter().map(|(name, value)| format!("{}:{value}", json_string(name)));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }

    fn indented(&self, steps: usize) -> String {
        let (outer, inner) = ("    ".repeat(steps), "    ".repeat(steps + 1));
        let fields = self.0.iter().map(|(name, value)| format!("{inner}{}: {value}", json_string(name)));
        format!("{{\n{}\n{outer}}}", fields.collect::<Vec<_>>().join(",\n"))
    }
}

impl Document {
    /// On one line.
    pub(super) fn compact(&self) -> String {
        match self {
            Document::Null => "null".to_owned(),
            Document::One(object) => object.compact(),
            Document::Raw(text) => text.clone(),
            Document::Many(objects) => {
                format!("[{}]", objects.iter().map(Object::compact).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// For people.
    pub(super) fn indented(&self) -> String {
        match self {
            Document::Null => "null".to_owned(),
            Document::One(object) => object.indented(0),
            Document::Raw(text) => indented(text),
            Document::Many(objects) if objects.is_empty() => "[]".to_owned(),
            Document::Many(objects) => {
                let items = objects.iter().map(|object| format!("    {}", object.indented(1)));
                format!("[\n{}\n]", items.collect::<Vec<_>>().join(",\n"))
            }
        }
    }
}

/// JSON without the blanks that a server puts between its parts when it writes for people, as it does in `-dev`.
pub(super) fn packed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_text, mut escaped) = (false, false);
    for one in text.chars() {
        if in_text {
            in_text = escaped || one != '"';
            escaped = !escaped && one == '\\';
        } else if one.is_ascii_whitespace() {
            continue;
        } else {
            in_text = one == '"';
        }
        out.push(one);
    }
    out
}

/// JSON without blanks, for people: nothing of it is understood but where texts, lists and objects begin and end.
fn indented(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_text, mut escaped, mut last) = (0, false, false, ' ');
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"    ".repeat(depth));
    };
    for one in text.chars() {
        let opened = matches!(last, '{' | '[') && !in_text;
        if in_text {
            in_text = escaped || one != '"';
            escaped = !escaped && one == '\\';
            out.push(one);
            last = if in_text { 'x' } else { '"' };
            continue;
        }
        if matches!(one, '}' | ']') {
            depth -= 1;
            if !opened {
                line(&mut out, depth);
            }
        } else if opened {
            line(&mut out, depth);
        }
        out.push(one);
        match one {
            '{' | '[' => depth += 1,
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            '"' => in_text = true,
            _ => {}
        }
        last = one;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_as_go_writes_it() {
        let object = || Object(vec![("Key", text("a<b")), ("Flags", "0".to_owned())]);
        assert_eq!(Document::One(object()).compact(), r#"{"Key":"a\u003cb","Flags":0}"#);
        assert_eq!(
            Document::Many(vec![object()]).indented(),
            "[\n    {\n        \"Key\": \"a\\u003cb\",\n        \"Flags\": 0\n    }\n]"
        );
        assert_eq!(Document::Many(Vec::new()).indented(), "[]");
        assert_eq!(Document::Null.indented(), "null");
    }

    #[test]
    fn what_the_server_writes_is_only_taken_apart() {
        let raw = Document::Raw(r#"[{"A":{},"B":[],"C":["x:,{\"]"],"D":{"e":1,"f":null}}]"#.into());
        let lines = [
            "[",
            "    {",
            r#"        "A": {},"#,
            r#"        "B": [],"#,
            r#"        "C": ["#,
            r#"            "x:,{\"]""#,
            "        ],",
            r#"        "D": {"#,
            r#"            "e": 1,"#,
            r#"            "f": null"#,
            "        }",
            "    }",
            "]",
        ];
        assert_eq!(raw.indented(), lines.join("\n"));
        assert_eq!(Document::Raw("[]".into()).indented(), "[]");
        // What a server indents itself is the same again.
        let pretty = "[\n    {\n\t\"A \\\\\": \"x \\\" y\",\r\n  \"B\": [ ] }\n]\n";
        assert_eq!(packed(pretty), r#"[{"A \\":"x \" y","B":[]}]"#);
    }
}
