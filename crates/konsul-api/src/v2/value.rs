//! Bytes in JSON: a text where they are UTF-8, base64 where they are not.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The two forms of bytes, of which exactly one is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form<'a> {
    /// The bytes are this text.
    Text(Cow<'a, str>),
    /// The bytes are this base64, with padding.
    Base64(String),
}

impl Form<'_> {
    /// The form of some bytes.
    pub fn of(bytes: &[u8]) -> Form<'_> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Form::Text(Cow::Borrowed(text)),
            Err(_) => Form::Base64(STANDARD.encode(bytes)),
        }
    }

    /// As two fields.
    pub fn fields(self) -> (Option<String>, Option<String>) {
        match self {
            Form::Text(text) => (Some(text.into_owned()), None),
            Form::Base64(text) => (None, Some(text)),
        }
    }
}

/// Why two fields are no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Both are there.
    #[error("give the bytes as text or as base64, not as both")]
    Both,
    /// Neither is there.
    #[error("is missing: give the bytes as text, or as base64 in the field beside it")]
    Neither,
    /// The base64 is none.
    #[error("is not base64 with padding: {0}")]
    Base64(String),
}

/// The bytes of two fields.
///
/// # Errors
/// See [`ValueError`].
pub fn bytes(text: Option<String>, base64: Option<&str>) -> Result<Vec<u8>, ValueError> {
    match (text, base64) {
        (Some(_), Some(_)) => Err(ValueError::Both),
        (None, None) => Err(ValueError::Neither),
        (Some(text), None) => Ok(text.into_bytes()),
        (None, Some(text)) => STANDARD.decode(text).map_err(|why| ValueError::Base64(why.to_string())),
    }
}

/// The same, of what lies in the request.
///
/// # Errors
/// See [`ValueError`].
pub fn borrowed<'a>(text: Option<&'a str>, base64: Option<&str>) -> Result<Cow<'a, [u8]>, ValueError> {
    match (text, base64) {
        (Some(text), None) => Ok(Cow::Borrowed(text.as_bytes())),
        (text, base64) => bytes(text.map(str::to_owned), base64).map(Cow::Owned),
    }
}

/// A text of a body: borrowed from it, unless something in it is escaped. A `Cow` in an `Option` would always be a copy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text<'a>(Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Text<'de>, D::Error> {
        struct Any;
        impl<'de> serde::de::Visitor<'de> for Any {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Any)
    }
}

/// Takes a field that may be absent, and may not be `null`.
pub(crate) fn present<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    T::deserialize(from).map(Some)
}

/// Takes a list of objects. serde would take a list of fields for each as well.
pub(crate) fn objects<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    let items: Vec<Object<T>> = serde::Deserialize::deserialize(from)?;
    Ok(items.into_iter().map(|item| item.0).collect())
}

/// Takes an object. serde would take a list of its fields as well.
pub(crate) fn object<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    <Object<T> as serde::Deserialize>::deserialize(from).map(|item| item.0)
}

/// Takes an object that may be absent, and may not be `null`.
pub(crate) fn present_object<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    object(from).map(Some)
}

/// What is read from an object alone.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Object<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Object<T>, D::Error> {
        struct Fields<T>(std::marker::PhantomData<T>);
        impl<'de, T: serde::Deserialize<'de>> serde::de::Visitor<'de> for Fields<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }
        from.deserialize_map(Fields(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_fields_are_bytes_or_it_is_said_why_not() {
        assert_eq!(bytes(Some("ç".into()), None), Ok("ç".as_bytes().to_vec()));
        assert_eq!(bytes(None, Some("/w==")), Ok(vec![0xff]));
        assert_eq!(bytes(None, None), Err(ValueError::Neither));
        assert_eq!(bytes(Some(String::new()), Some("")), Err(ValueError::Both));
        assert_eq!(borrowed(Some("ç"), None), Ok(Cow::Borrowed("ç".as_bytes())));
        assert_eq!(borrowed(None, Some("/w==")), Ok(Cow::Owned(vec![0xff])));
        assert_eq!(borrowed(None, None), Err(ValueError::Neither));
        assert_eq!(borrowed(Some(""), Some("")), Err(ValueError::Both));
        for bad in ["/w", "/w==\n", "!", "/x=="] {
            assert!(matches!(bytes(None, Some(bad)), Err(ValueError::Base64(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_text_is_borrowed_unless_something_in_it_is_escaped() {
        let read = |json| serde_json::from_str::<Text<'_>>(json).unwrap().0;
        assert!(matches!(read("\"plain ç\""), Cow::Borrowed("plain ç")));
        assert!(matches!(read("\"a\\nb\""), Cow::Owned(text) if text == "a\nb"));
        assert!(serde_json::from_str::<Text<'_>>("7").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(given in proptest::collection::vec(any::<u8>(), 0..40)) {
            let (text, base64) = Form::of(&given).fields();
            prop_assert_eq!(bytes(text, base64.as_deref()), Ok(given));
        }
    }
}
