//! JSON with the place of each value, which the usual libraries throw away.

use super::cursor::{Cursor, number, shown};
use super::{Item, Node, SyntaxError, Value};

pub(super) fn parse(text: &str) -> Result<Vec<Item>, SyntaxError> {
    let mut cursor = Cursor::new(text);
    skip_space(&mut cursor);
    if !cursor.eat('{') {
        return Err(cursor.expected("`{` to open an object"));
    }
    let items = object(&mut cursor)?;
    skip_space(&mut cursor);
    match cursor.peek() {
        None => Ok(items),
        Some(_) => Err(cursor.expected("nothing after the closing `}`")),
    }
}

fn skip_space(cursor: &mut Cursor<'_>) {
    cursor.take_while(|character| matches!(character, ' ' | '\t' | '\r' | '\n'));
}

fn node(cursor: &mut Cursor<'_>) -> Result<Node, SyntaxError> {
    skip_space(cursor);
    let at = cursor.at();
    Ok(Node { value: value(cursor)?, at })
}

fn value(cursor: &mut Cursor<'_>) -> Result<Value, SyntaxError> {
    match cursor.peek() {
        Some('{') => {
            cursor.bump();
            object(cursor).map(Value::Object)
        }
        Some('[') => {
            cursor.bump();
            list(cursor).map(Value::List)
        }
        Some('"') => string(cursor).map(Value::Text),
        Some('-' | '0'..='9') => numeral(cursor),
        Some('a'..='z') => word(cursor),
        _ => Err(cursor.expected("a JSON value")),
    }
}

fn word(cursor: &mut Cursor<'_>) -> Result<Value, SyntaxError> {
    let start = cursor.clone();
    match cursor.take_while(char::is_alphanumeric) {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        "null" => Ok(Value::Null),
        other => Err(start.error(format!("{} is no JSON value; texts need double quotes", shown(other)))),
    }
}

fn numeral(cursor: &mut Cursor<'_>) -> Result<Value, SyntaxError> {
    let start = cursor.clone();
    let text = cursor.take_while(|c| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
    // The grammar of JSON numbers is subtle and already written down: ask the library.
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(_) => Ok(number(text)),
        Err(_) => Err(start.error(format!("{} is no JSON number", shown(text)))),
    }
}

/// The rest of an object, after its `{`.
fn object(cursor: &mut Cursor<'_>) -> Result<Vec<Item>, SyntaxError> {
    cursor.descend()?;
    let mut items = Vec::new();
    skip_space(cursor);
    while !cursor.eat('}') {
        if !items.is_empty() {
            comma(cursor, "`,` or `}`")?;
        }
        items.push(item(cursor)?);
        skip_space(cursor);
    }
    cursor.ascend();
    Ok(items)
}

fn item(cursor: &mut Cursor<'_>) -> Result<Item, SyntaxError> {
    let at = cursor.at();
    if cursor.peek() != Some('"') {
        return Err(cursor.expected("a key in double quotes"));
    }
    let key = string(cursor)?;
    skip_space(cursor);
    if !cursor.eat(':') {
        return Err(cursor.expected("`:` after the key"));
    }
    Ok(Item { key, at, node: node(cursor)? })
}

/// The rest of a list, after its `[`.
fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Node>, SyntaxError> {
    cursor.descend()?;
    let mut nodes = Vec::new();
    skip_space(cursor);
    while !cursor.eat(']') {
        if !nodes.is_empty() {
            comma(cursor, "`,` or `]`")?;
        }
        nodes.push(node(cursor)?);
        skip_space(cursor);
    }
    cursor.ascend();
    Ok(nodes)
}

fn comma(cursor: &mut Cursor<'_>, expected: &str) -> Result<(), SyntaxError> {
    if !cursor.eat(',') {
        return Err(cursor.expected(expected));
    }
    skip_space(cursor);
    if matches!(cursor.peek(), Some('}' | ']')) {
        return Err(cursor.error("JSON allows no comma before the closing bracket"));
    }
    Ok(())
}

fn string(cursor: &mut Cursor<'_>) -> Result<String, SyntaxError> {
    let start = cursor.clone();
    cursor.bump();
    let mut text = String::new();
    loop {
        match cursor.peek() {
            None => return Err(start.error("this text has no closing quote")),
            Some('"') => break,
            Some('\\') => text.push(escape(cursor)?),
            Some(control) if control < ' ' => {
                return Err(cursor.error("a control character stands in the text; write it as an escape"));
            }
            Some(character) => {
                text.push(character);
                cursor.bump();
            }
        }
    }
    cursor.bump();
    Ok(text)
}

fn escape(cursor: &mut Cursor<'_>) -> Result<char, SyntaxError> {
    cursor.bump();
    let here = cursor.clone();
    Ok(match cursor.bump() {
        Some(same @ ('"' | '\\' | '/')) => same,
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => unicode(cursor)?,
        _ => return Err(here.expected(r#"one of `" \ / b f n r t u` after the backslash"#)),
    })
}

/// `\uXXXX`, or two of them for a character beyond the first plane.
fn unicode(cursor: &mut Cursor<'_>) -> Result<char, SyntaxError> {
    let here = cursor.clone();
    let lone = || here.error("this is half of a surrogate pair");
    let first = cursor.hex(4)?;
    let code = match first {
        0xd800..=0xdbff if cursor.eat('\\') && cursor.eat('u') => {
            let second = cursor.hex(4)?;
            let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or_else(lone)?;
            0x1_0000 + ((first - 0xd800) << 10) + low
        }
        other => other,
    };
    char::from_u32(code).ok_or_else(lone)
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
    fn values_keep_their_places() {
        let items = parse("{\n  \"a\": [1, -2.5, null],\n  \"b\": {\"c\": \"\\u00e9\\ud83d\\ude00\"}\n}")
            .expect("well formed");
        assert_eq!((items[1].at.line, items[1].at.column), (3, 3));
        let Value::Object(inner) = &items[1].node.value else { panic!("an object") };
        assert_eq!(inner[0].node.value, Value::Text("é😀".into()));
        assert_eq!(inner[0].node.at.column, 14);
    }

    #[test]
    fn refusals_name_place_and_remedy() {
        refuses("[]", 1, 1, "expected `{` to open an object, found `[`");
        refuses("{\"a\": 1,}", 1, 9, "JSON allows no comma before the closing bracket");
        refuses("{\"a\" 1}", 1, 6, "expected `:` after the key, found `1`");
        refuses("{a: 1}", 1, 2, "expected a key in double quotes, found `a`");
        refuses("{\"a\": yes}", 1, 7, "`yes` is no JSON value; texts need double quotes");
        refuses("{\"a\": 01}", 1, 7, "`01` is no JSON number");
        refuses("{\"a\": \"x}", 1, 7, "this text has no closing quote");
        refuses("{\"a\": \"\\ud800\"}", 1, 10, "this is half of a surrogate pair");
        refuses(
            "{\"a\": \"\\q\"}",
            1,
            9,
            "expected one of `\" \\ / b f n r t u` after the backslash, found `q`",
        );
        refuses("{\"a\": 1} {}", 1, 10, "expected nothing after the closing `}`, found `{`");
        refuses("{\"a\": 1", 1, 8, "expected `,` or `}`, found the end of the file");
    }
}
