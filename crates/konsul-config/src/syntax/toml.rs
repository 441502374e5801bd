//! TOML, by its library, with the place of each key and value.
//!
//! The library keeps a table in the order of its keys; what is read here is put back into the order of the file. A key
//! that occurs twice is an error of the language itself.

use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::{Item, MAX_DEPTH, Node, Position, SyntaxError, Value};

pub(super) fn parse(text: &str) -> Result<Vec<Item>, SyntaxError> {
    let places = Places::of(text);
    let document = DeTable::parse(text).map_err(|error| SyntaxError {
        at: places.at(error.span().map_or(0, |span| span.start)),
        message: one_line(error.message()),
    })?;
    // The file itself is a level, as its braces are in JSON.
    Reader { text, places }.table(document.get_ref(), 1)
}

fn one_line(message: &str) -> String {
    message.split('\n').map(str::trim).collect::<Vec<_>>().join("; ")
}

struct Reader<'a> {
    text: &'a str,
    places: Places<'a>,
}

impl Reader<'_> {
    fn table(&self, table: &DeTable<'_>, depth: usize) -> Result<Vec<Item>, SyntaxError> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let item = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
            let at = self.places.at(key.span().start);
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            Ok(Item { key: key.clone().into_owned(), at, node: self.node(value, depth)? })
        };
        entries.into_iter().map(item).collect()
    }

    fn node(&self, value: &toml::Spanned<DeValue<'_>>, depth: usize) -> Result<Node, SyntaxError> {
        let at = self.places.at(value.span().start);
        let (inner, too_deep) = (depth + 1, depth == MAX_DEPTH);
        let is_level = matches!(value.get_ref(), DeValue::Array(_) | DeValue::Table(_));
        if is_level && too_deep {
            return Err(SyntaxError { at, message: format!("nested more than {MAX_DEPTH} levels deep") });
        }
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Integer(number) => integer(number),
            DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
            DeValue::Boolean(bool) => Value::Bool(*bool),
            // No option takes a time; whoever forgot the quotes is told what the option wants.
            DeValue::Datetime(_) => Value::Number(self.text[value.span()].to_owned()),
            DeValue::Array(array) => Value::List(self.list(array, inner)?),
            DeValue::Table(table) => Value::Object(self.table(table, inner)?),
        };
        Ok(Node { value, at })
    }

    fn list(&self, array: &DeArray<'_>, depth: usize) -> Result<Vec<Node>, SyntaxError> {
        array.iter().map(|value| self.node(value, depth)).collect()
    }
}

fn integer(number: &DeInteger<'_>) -> Value {
    let parsed = i64::from_str_radix(number.as_str(), number.radix());
    parsed.map_or_else(|_| Value::Number(number.as_str().to_owned()), Value::Integer)
}

/// From offsets to places. A mark for each stretch of the text keeps a look-up short, however long the lines are.
struct Places<'a> {
    text: &'a str,
    marks: Vec<(usize, Position)>,
}

const STRETCH: usize = 1024;

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        let mut marks = Vec::with_capacity(text.len() / STRETCH + 1);
        let mut at = Position { line: 1, column: 1 };
        let mut next = 0;
        for (offset, character) in text.char_indices() {
            if offset >= next {
                marks.push((offset, at));
                next = offset + STRETCH;
            }
            at = after(at, character);
        }
        Self { text, marks }
    }

    fn at(&self, offset: usize) -> Position {
        let mark = self.marks.partition_point(|(start, _)| *start <= offset);
        let Some((start, mut at)) = mark.checked_sub(1).map(|mark| self.marks[mark]) else {
            return Position { line: 1, column: 1 };
        };
        let stretch = self.text[start..].char_indices().take_while(|(ahead, _)| start + ahead < offset);
        for (_, character) in stretch {
            at = after(at, character);
        }
        at
    }
}

fn after(at: Position, character: char) -> Position {
    match character {
        '\n' => Position { line: at.line + 1, column: 1 },
        _ => Position { line: at.line, column: at.column + 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(text: &str, line: u32, column: u32, message: &str) {
        let error = parse(text).expect_err(text);
        assert_eq!(
            (error.at.line, error.at.column, error.message.as_str()),
            (line, column, message),
            "{text}"
        );
    }

    #[test]
    fn keys_and_values_keep_their_order_and_places() {
        let text =
            "z = 0x10\nA = ['é', -2, 1.5]\n[ports]\nhttp = 8500\n[[watches]]\ntype = \"key\"\n[[watches]]\n";
        let items = parse(text).expect("well formed");
        let keys: Vec<_> =
            items.iter().map(|item| (item.key.as_str(), item.at.line, item.at.column)).collect();
        assert_eq!(keys, [("z", 1, 1), ("A", 2, 1), ("ports", 3, 2), ("watches", 5, 3)]);
        assert_eq!(items[0].node.value, Value::Integer(16));
        let Value::List(nodes) = &items[1].node.value else { panic!("a list") };
        let values: Vec<_> = nodes.iter().map(|node| (node.value.clone(), node.at.column)).collect();
        let expect =
            [(Value::Text("é".into()), 6), (Value::Integer(-2), 11), (Value::Number("1.5".into()), 15)];
        assert_eq!(values, expect);
        let Value::List(watches) = &items[3].node.value else { panic!("a list of tables") };
        assert_eq!(watches.len(), 2);
    }

    #[test]
    fn refusals_name_the_place() {
        refuses("a = 1\nb = yes\n", 2, 5, "string values must be quoted, expected literal string");
        refuses("a = 1\na = 2\n", 2, 1, "duplicate key");
        refuses("a = \"x", 1, 7, "invalid basic string, expected `\"`");
        refuses("[a", 1, 3, "unclosed table, expected `]`");
    }

    #[test]
    fn a_long_line_and_one_after_it_have_their_places() {
        let text = format!("a = [{}]\nbb = 1979-05-27\n", "'é', ".repeat(5000));
        let items = parse(&text).expect("well formed");
        let Value::List(nodes) = &items[0].node.value else { panic!("a list") };
        assert_eq!(nodes[4999].at, Position { line: 1, column: 6 + 4999 * 5 });
        assert_eq!(items[1].node.at, Position { line: 2, column: 6 });
        assert_eq!(items[1].node.value, Value::Number("1979-05-27".into()));
    }
}
