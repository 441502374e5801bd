//! Reads bodies as Go's `encoding/json` does: field names in any case, `null` for the zero of any type, and text after
//! the document left alone. Errors say line, column and what was expected.
//!
//! `Folding` stands between serde's derived code and the JSON parser. Wherever a struct is wanted it turns the names
//! that it meets into the declared spelling, so that the structs themselves need no aliases.

use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// What to do with a field that is not declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It is skipped.
    Skip,
    /// It is an error, as in Consul's strict decoder.
    Refuse,
}

/// Reads the first JSON document of a body.
///
/// # Errors
/// What was met, what was expected, line and column. An empty body's error begins with `EOF`, as Go's does.
pub fn from_slice<T: DeserializeOwned>(body: &[u8], unknown: Unknown) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(body);
    T::deserialize(Folding { inner: &mut json, unknown })
}

/// Folds the case of field names of a part that is read by hand, and refuses unknown ones.
pub(super) fn folded<'de, D: Deserializer<'de>>(inner: D) -> impl Deserializer<'de, Error = D::Error> {
    Folding { inner, unknown: Unknown::Refuse }
}

/// A deserializer that folds the case of field names and reads `null` as zero.
struct Folding<D> {
    inner: D,
    unknown: Unknown,
}

/// Hands everything on, and wraps what it hands on in `Folding`.
struct Wrap<V> {
    inner: V,
    unknown: Unknown,
    /// The declared fields where a struct is wanted.
    fields: Option<&'static [&'static str]>,
    null: Null,
}

/// What `null` reads as.
#[derive(Clone, Copy)]
enum Null {
    Unit,
    Text,
    Number,
    Bool,
    List,
    Map,
}

impl<V> Wrap<V> {
    fn new(inner: V, unknown: Unknown, null: Null) -> Wrap<V> {
        Wrap { inner, unknown, fields: None, null }
    }
}

macro_rules! forward {
    ($($method:ident $null:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(Wrap::new(visitor, self.unknown, Null::$null))
        }
    )*};
}

// `null` comes to a visitor that did not ask for it only through `deserialize_any`, so everything goes through that: the
// parser is self-describing, and the visitor refuses what it does not want.
macro_rules! by_any {
    ($($method:ident $null:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.deserialize_any(Wrap::new(visitor, self.unknown, Null::$null))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Folding<D> {
    type Error = D::Error;

    forward! { deserialize_any Unit deserialize_ignored_any Unit deserialize_option Unit deserialize_unit Unit }

    by_any! {
        deserialize_bool Bool
        deserialize_i8 Number deserialize_i16 Number deserialize_i32 Number deserialize_i64 Number
        deserialize_u8 Number deserialize_u16 Number deserialize_u32 Number deserialize_u64 Number
        deserialize_f32 Number deserialize_f64 Number
        deserialize_char Text deserialize_str Text deserialize_string Text deserialize_identifier Text
        deserialize_bytes Text deserialize_byte_buf Text
        deserialize_seq List deserialize_map Map
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let wrap = Wrap { inner: visitor, unknown: self.unknown, fields: Some(fields), null: Null::Map };
        self.inner.deserialize_any(wrap)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_enum(name, variants, visitor)
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Wrap<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<V::Value, E> {
        self.inner.visit_bool(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<V::Value, E> {
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<V::Value, E> {
        self.inner.visit_u64(value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<V::Value, E> {
        self.inner.visit_f64(value)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        self.inner.visit_str(text)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.inner.visit_borrowed_str(text)
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<V::Value, E> {
        self.inner.visit_string(text)
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        match self.null {
            Null::Unit => self.inner.visit_unit(),
            Null::Text => self.inner.visit_str(""),
            Null::Number => self.inner.visit_u64(0),
            Null::Bool => self.inner.visit_bool(false),
            Null::List => self.inner.visit_seq(Nothing(std::marker::PhantomData)),
            Null::Map => self.inner.visit_map(Nothing(std::marker::PhantomData)),
        }
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Folding { inner, unknown: self.unknown })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Folding { inner, unknown: self.unknown })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        // serde's derived structs would take a list for their fields in order; Go would not.
        if self.fields.is_some() {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &"an object"));
        }
        self.inner.visit_seq(Members { inner, unknown: self.unknown, fields: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Members { inner, unknown: self.unknown, fields: self.fields })
    }
}

/// The members of a list or an object.
struct Members<A> {
    inner: A,
    unknown: Unknown,
    fields: Option<&'static [&'static str]>,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.inner.next_element_seed(Seed { inner: seed, unknown: self.unknown })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(fields) = self.fields else {
            return self.inner.next_key_seed(seed);
        };
        let Some(name) = self.inner.next_key::<String>()? else {
            return Ok(None);
        };
        let declared = fields.iter().find(|field| field.eq_ignore_ascii_case(&name));
        match declared {
            Some(field) => seed.deserialize(de::value::StrDeserializer::new(field)).map(Some),
            None if self.unknown == Unknown::Refuse => Err(unknown_field(&name, fields)),
            None => seed.deserialize(de::value::StrDeserializer::new(&name)).map(Some),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.next_value_seed(Seed { inner: seed, unknown: self.unknown })
    }
}

fn unknown_field<E: de::Error>(name: &str, fields: &[&str]) -> E {
    E::custom(format_args!("json: unknown field {name:?}, expected one of {}", fields.join(", ")))
}

struct Seed<S> {
    inner: S,
    unknown: Unknown,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Folding { inner, unknown: self.unknown })
    }
}

/// A list or an object without members.
struct Nothing<E>(std::marker::PhantomData<E>);

impl<'de, E: de::Error> SeqAccess<'de> for Nothing<E> {
    type Error = E;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, _: T) -> Result<Option<T::Value>, E> {
        Ok(None)
    }
}

impl<'de, E: de::Error> MapAccess<'de> for Nothing<E> {
    type Error = E;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, _: T) -> Result<T::Value, E> {
        Err(E::custom("an empty object has no values"))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Outer {
        name: String,
        count: u64,
        list: Vec<Inner>,
        maybe: Option<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Inner {
        flag: bool,
    }

    #[track_caller]
    fn check(text: &str, expect: &Outer) {
        assert_eq!(from_slice::<Outer>(text.as_bytes(), Unknown::Refuse).unwrap(), *expect, "{text}");
    }

    #[test]
    fn field_names_have_any_case_at_any_depth() {
        let expect = Outer { name: "a".into(), list: vec![Inner { flag: true }], ..Outer::default() };
        check("{\"NAME\":\"a\",\"list\":[{\"fLaG\":true}]}", &expect);
        check("{\"name\":\"a\",\"List\":[{\"flag\":true}]} text after it", &expect);
        let some = Outer { maybe: Some(Inner { flag: true }), ..Outer::default() };
        check("{\"maybe\":{\"FLAG\":true}}", &some);
    }

    #[test]
    fn null_is_zero() {
        check("{\"name\":null,\"count\":null,\"list\":null,\"maybe\":null}", &Outer::default());
        check("{\"list\":[null]}", &Outer { list: vec![Inner::default()], ..Outer::default() });
        check("null", &Outer::default());
    }

    #[test]
    fn a_wrong_body_says_where_and_what() {
        #[track_caller]
        fn why(text: &str, unknown: Unknown) -> String {
            from_slice::<Outer>(text.as_bytes(), unknown).unwrap_err().to_string()
        }
        assert_eq!(
            why("{\"nome\":1}", Unknown::Refuse),
            "json: unknown field \"nome\", expected one of Name, Count, List, Maybe at line 1 column 7"
        );
        assert_eq!(
            why("{\n\"count\":\"x\"}", Unknown::Skip),
            "invalid type: string \"x\", expected u64 at line 2 column 11"
        );
        assert_eq!(why("", Unknown::Skip), "EOF while parsing a value at line 1 column 0");
        assert_eq!(
            why("[1]", Unknown::Skip),
            "invalid type: sequence, expected an object at line 1 column 1"
        );
        assert!(from_slice::<Outer>(b"{\"nome\":1}", Unknown::Skip).is_ok());
    }
}
