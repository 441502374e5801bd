//! Asking a record. Nothing here fails and nothing is looked up by a field's name.

use regex::bytes::Regex;

use crate::check::{Checked, Operand, Step, Test};
use crate::expression::Operator;
use crate::record::{Field, Record};

/// Whether an expression holds for a record.
pub(crate) fn holds(checked: &Checked, record: &dyn Record) -> bool {
    match checked {
        Checked::And(all) => all.iter().all(|part| holds(part, record)),
        Checked::Or(all) => all.iter().any(|part| holds(part, record)),
        Checked::Not(negated) => !holds(negated, record),
        Checked::Test(test) => test.reaches(&Field::Struct(record), &test.path),
    }
}

impl Test {
    /// Follows the path into a field, into each element of lists on the way, and compares what is at its end.
    fn reaches(&self, field: &Field<'_>, path: &[Step]) -> bool {
        let Some((step, rest)) = path.split_first() else { return self.compares(field) };
        match (field, step) {
            (Field::Struct(record), Step::Field(place)) => self.reaches(&record.field(*place), rest),
            (Field::List(items), _) => items.any(&mut |item| self.reaches(&item, path)),
            (Field::Map(entries), Step::Key(key)) => match key.as_deref().and_then(|key| entries.get(key)) {
                Some(value) => self.reaches(&value, rest),
                None => self.answer_without_field(),
            },
            _ => self.answer_without_field(),
        }
    }

    /// What is not there equals nothing, is in nothing and is empty. That it matches any pattern is Consul's way.
    fn answer_without_field(&self) -> bool {
        !matches!(self.operator, Operator::Equal | Operator::In | Operator::IsNotEmpty)
    }

    fn compares(&self, field: &Field<'_>) -> bool {
        if matches!(field, Field::Missing) {
            return self.answer_without_field();
        }
        match self.operator {
            Operator::Equal => self.operand.equals(field),
            Operator::NotEqual => !self.operand.equals(field),
            Operator::In => self.operand.is_in(field),
            Operator::NotIn => !self.operand.is_in(field),
            Operator::IsEmpty => is_empty(field),
            Operator::IsNotEmpty => !is_empty(field),
            Operator::Matches => self.operand.matches(field),
            Operator::NotMatches => !self.operand.matches(field),
        }
    }
}

impl Operand {
    fn equals(&self, field: &Field<'_>) -> bool {
        match (self, field) {
            (Self::Text(value), field) => text(field) == Some(&**value),
            (Self::Bool(value), Field::Bool(field)) => value == field,
            (Self::Int(value), Field::Int(field)) => value == field,
            (Self::Uint(value), Field::Uint(field)) => value == field,
            (Self::Float(value), Field::Float(field)) => value == field,
            _ => false,
        }
    }

    fn is_in(&self, field: &Field<'_>) -> bool {
        match (self, field) {
            (_, Field::List(items)) => items.any(&mut |item| self.equals(&item)),
            (Self::Text(key), Field::Map(entries)) => entries.get(key).is_some(),
            (Self::Text(part), field) => text(field).is_some_and(|text| text.contains(&**part)),
            (Self::Bytes(part), field) => text(field).is_some_and(|text| contains_bytes(text, part)),
            _ => false,
        }
    }

    fn matches(&self, field: &Field<'_>) -> bool {
        let pattern: Option<&Regex> = if let Self::Pattern(pattern) = self { Some(pattern) } else { None };
        pattern.zip(text(field)).is_some_and(|(pattern, text)| pattern.is_match(text.as_bytes()))
    }
}

fn text<'a>(field: &'a Field<'_>) -> Option<&'a str> {
    match field {
        Field::Text(text) => Some(text),
        Field::Made(text) => Some(text),
        _ => None,
    }
}

fn contains_bytes(text: &str, part: &[u8]) -> bool {
    text.as_bytes().windows(part.len().max(1)).any(|window| window == part)
}

fn is_empty(field: &Field<'_>) -> bool {
    match field {
        Field::List(items) => items.is_empty(),
        Field::Map(entries) => entries.is_empty(),
        _ => false,
    }
}
