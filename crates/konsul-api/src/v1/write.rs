//! Writes objects straight into bytes, as Go's `encoding/json` would: in the order of the calls, escaped like it.
//!
//! The answers that are read most (health of a service, instances of it) are thousands of small fields. They go from where
//! they live into the body's bytes, and nothing is built in between.

use super::json::{write_str, write_u64};

/// An object under way. [`Object::end`] closes it.
#[must_use]
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Object<'o> {
    /// Opens an object.
    pub fn begin(out: &'o mut Vec<u8>) -> Object<'o> {
        out.push(b'{');
        Object { out, first: true }
    }

    /// Closes it.
    pub fn end(self) {
        self.out.push(b'}');
    }

    /// Writes a name that needs no escapes, and answers where its value goes.
    pub fn value(&mut self, name: &'static str) -> &mut Vec<u8> {
        self.out.extend_from_slice(if self.first { b"\"" } else { b",\"" });
        self.first = false;
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes a name that may need escapes, and answers where its value goes.
    pub fn named(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        write_str(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// A text.
    pub fn text(&mut self, name: &'static str, text: &str) {
        write_str(self.value(name), text);
    }

    /// A text, absent when it is empty.
    pub fn text_if(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &'static str, number: u64) {
        write_u64(self.value(name), number);
    }

    /// A whole number, absent when it is zero.
    pub fn number_if(&mut self, name: &'static str, number: u64) {
        if number > 0 {
            self.number(name, number);
        }
    }

    /// A truth value.
    pub fn truth(&mut self, name: &'static str, truth: bool) {
        self.raw(name, if truth { "true" } else { "false" });
    }

    /// Something that is JSON already.
    pub fn raw(&mut self, name: &'static str, json: &str) {
        self.value(name).extend_from_slice(json.as_bytes());
    }

    /// Texts in their order; `[]` if there are none.
    pub fn texts<'a>(&mut self, name: &'static str, texts: impl Iterator<Item = &'a str>) {
        list(self.value(name), texts, write_str);
    }

    /// Pairs in their order; `{}` if there are none.
    pub fn pairs<'a>(&mut self, name: &'static str, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut object = Object::begin(self.value(name));
        for (key, value) in pairs {
            write_str(object.named(key), value);
        }
        object.end();
    }
}

/// Writes a list.
pub fn list<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_the_order_of_the_calls() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.text("A", "<x>");
        object.text_if("B", "");
        object.number_if("C", 0);
        object.number("D", 7);
        object.truth("E", true);
        object.texts("F", ["a", "b"].into_iter());
        object.texts("G", std::iter::empty());
        object.pairs("H", [("k\"", "v")].into_iter());
        object.pairs("I", std::iter::empty());
        object.raw("J", "null");
        object.end();
        let expect =
            r#"{"A":"\u003cx\u003e","D":7,"E":true,"F":["a","b"],"G":[],"H":{"k\"":"v"},"I":{},"J":null}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn an_object_may_be_empty() {
        let mut out = Vec::new();
        Object::begin(&mut out).end();
        list(&mut out, std::iter::empty::<u8>(), |_, _| ());
        assert_eq!(out, b"{}[]");
    }
}
