//! What can be selected: the fields of a record, and what each offers.

use crate::expression::Operator;
use crate::record::{Field, Record};

/// The fields of a record, in the order in which its [`Record::field`] counts them. Written by [`record!`](crate::record).
#[derive(Debug)]
pub struct Schema {
    /// What the record is called, for those who look for a mistake.
    pub name: &'static str,
    /// The fields.
    pub fields: &'static [(&'static str, Kind)],
}

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text. `==`, `!=`, `in` (part of it), `matches`.
    String,
    /// A signed integer of 64 bits. `==`, `!=`.
    Int,
    /// An unsigned integer of 64 bits. `==`, `!=`.
    Uint,
    /// A number of 64 bits. `==`, `!=`.
    Float,
    /// A truth value. `==`, `!=`.
    Bool,
    /// Many of a kind. Emptiness; `in` if they are texts, numbers or truth values; else the fields of its elements, each
    /// of which holds if it holds for any element.
    List(&'static Kind),
    /// Values by key. Emptiness, `in` (is there such a key), and the value of a key as the next part of the selector.
    Map(&'static Kind),
    /// A record in the record. It offers its fields, and nothing itself.
    Struct(&'static Schema),
    /// What cannot be looked into: only as the element of a list or the value of a map.
    Opaque,
}

impl Kind {
    /// Whether it offers an operator.
    pub fn offers(&self, operator: Operator) -> bool {
        use Operator::{Equal, In, IsEmpty, IsNotEmpty, Matches, NotEqual, NotIn, NotMatches};
        match self {
            Self::String => matches!(operator, Equal | NotEqual | In | NotIn | Matches | NotMatches),
            Self::Int | Self::Uint | Self::Float | Self::Bool => matches!(operator, Equal | NotEqual),
            Self::List(element) if !element.is_plain() => matches!(operator, IsEmpty | IsNotEmpty),
            Self::List(_) | Self::Map(_) => matches!(operator, In | NotIn | IsEmpty | IsNotEmpty),
            Self::Struct(_) | Self::Opaque => false,
        }
    }

    /// A text, a number or a truth value.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::String | Self::Int | Self::Uint | Self::Float | Self::Bool)
    }
}

impl Schema {
    /// The place and the kind of a field.
    pub(crate) fn find(&self, name: &[u8]) -> Option<(usize, &'static Kind)> {
        let place = self.fields.iter().position(|(known, _)| known.as_bytes() == name)?;
        Some((place, &self.fields[place].1))
    }
}

/// Whether a record gives what its schema promises: for the tests of whoever writes one.
///
/// # Errors
/// The way to the first field that does not, and what it gives instead.
pub fn fits(record: &dyn Record) -> Result<(), String> {
    let schema = record.schema();
    for (place, (name, kind)) in schema.fields.iter().enumerate() {
        field_fits(&record.field(place), kind).map_err(|why| format!("{}.{name}: {why}", schema.name))?;
    }
    match record.field(schema.fields.len()) {
        Field::Missing => Ok(()),
        more => Err(format!("{} has a field that it does not name: {more:?}", schema.name)),
    }
}

fn field_fits(field: &Field<'_>, kind: &Kind) -> Result<(), String> {
    match (field, kind) {
        (Field::Missing, _) | (_, Kind::Opaque) => Ok(()),
        (Field::Text(_) | Field::Made(_), Kind::String) => Ok(()),
        (Field::Int(_), Kind::Int) | (Field::Uint(_), Kind::Uint) => Ok(()),
        (Field::Float(_), Kind::Float) | (Field::Bool(_), Kind::Bool) => Ok(()),
        (Field::Struct(record), Kind::Struct(schema)) if std::ptr::eq(record.schema(), *schema) => {
            fits(*record)
        }
        (Field::List(items), Kind::List(element)) => {
            let mut found = Ok(());
            items.any(&mut |item| {
                found = field_fits(&item, element);
                found.is_err()
            });
            found
        }
        // Values are only known by their keys.
        (Field::Map(_), Kind::Map(_)) => Ok(()),
        _ => Err(format!("{field:?} is not {kind:?}")),
    }
}
