//! What is filtered, as the evaluation sees it: borrowed fields, by number.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

use smol_str::SmolStr;

use crate::schema::Schema;

/// Something that can be filtered. [`record!`](crate::record) writes it.
pub trait Record {
    /// What can be selected.
    fn schema(&self) -> &'static Schema;

    /// The field at a place in the schema; [`Field::Missing`] beyond the last.
    fn field(&self, place: usize) -> Field<'_>;
}

/// The value of a field.
pub enum Field<'a> {
    /// The record has none: it holds for what is negated, and for `is empty` and `matches`, as a missing key does.
    Missing,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A number.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// A text that the record does not hold, made for this question: an address, an id.
    Made(String),
    /// Many of a kind.
    List(&'a dyn Items),
    /// Values by key.
    Map(&'a dyn Entries),
    /// A record in the record.
    Struct(&'a dyn Record),
}

/// Many of a kind.
pub trait Items {
    /// Whether there is none.
    fn is_empty(&self) -> bool;

    /// Whether a test holds for any of them; stops at the first.
    fn any(&self, test: &mut dyn FnMut(Field<'_>) -> bool) -> bool;
}

/// Values by key.
pub trait Entries {
    /// Whether there is none.
    fn is_empty(&self) -> bool;

    /// The value of a key.
    fn get(&self, key: &str) -> Option<Field<'_>>;
}

/// A value that is a field by itself: an element of a list, a value of a map.
pub trait AsField {
    /// The field.
    fn as_field(&self) -> Field<'_>;
}

impl<T: AsField> Items for Vec<T> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn any(&self, test: &mut dyn FnMut(Field<'_>) -> bool) -> bool {
        self.iter().any(|item| test(item.as_field()))
    }
}

/// A borrowed slice, where there is no vector to point to.
impl<T: AsField> Items for &[T] {
    fn is_empty(&self) -> bool {
        <[T]>::is_empty(self)
    }

    fn any(&self, test: &mut dyn FnMut(Field<'_>) -> bool) -> bool {
        self.iter().any(|item| test(item.as_field()))
    }
}

impl<K: Borrow<str> + Ord, V: AsField> Entries for BTreeMap<K, V> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn get(&self, key: &str) -> Option<Field<'_>> {
        self.get(key).map(AsField::as_field)
    }
}

impl<T: AsField> AsField for Vec<T> {
    fn as_field(&self) -> Field<'_> {
        Field::List(self)
    }
}

impl<K: Borrow<str> + Ord, V: AsField> AsField for BTreeMap<K, V> {
    fn as_field(&self) -> Field<'_> {
        Field::Map(self)
    }
}

impl<T: Record> AsField for T {
    fn as_field(&self) -> Field<'_> {
        Field::Struct(self)
    }
}

macro_rules! as_field {
    ($($type:ty as $this:ident => $field:expr;)*) => {$(
        impl AsField for $type {
            fn as_field(&self) -> Field<'_> {
                let $this = self;
                $field
            }
        }
    )*};
}

as_field! {
    String as text => Field::Text(text);
    SmolStr as text => Field::Text(text);
    bool as value => Field::Bool(*value);
    i64 as value => Field::Int(*value);
    u64 as value => Field::Uint(*value);
    f64 as value => Field::Float(*value);
}

impl AsField for &str {
    fn as_field(&self) -> Field<'_> {
        Field::Text(self)
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("Missing"),
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Int(value) => write!(f, "Int({value})"),
            Self::Uint(value) => write!(f, "Uint({value})"),
            Self::Float(value) => write!(f, "Float({value})"),
            Self::Text(text) => write!(f, "Text({text:?})"),
            Self::Made(text) => write!(f, "Made({text:?})"),
            Self::List(_) => f.write_str("List"),
            Self::Map(_) => f.write_str("Map"),
            Self::Struct(record) => write!(f, "Struct({})", record.schema().name),
        }
    }
}
