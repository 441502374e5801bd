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
            Document::Many(objects) if objects.is_empty() => "[]".to_owned(),
            Document::Many(objects) => {
                let items = objects.iter().map(|object| format!("    {}", object.indented(1)));
                format!("[\n{}\n]", items.collect::<Vec<_>>().join(",\n"))
            }
        }
    }
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
}
