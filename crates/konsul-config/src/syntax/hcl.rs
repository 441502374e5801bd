//! HCL version 1.
//!
//! A text is a list of items: `key = value`, or `key "label" … { items }`, where each label is a level of its own.
//! Keys may be quoted. Items need no separator, a comma is allowed. `${…}` has no meaning to an agent: it stays in
//! the text as written, quotes inside it included.
//!
//! Two things that HCL 1 lets pass are refused, since neither is what anybody meant: a key with `=` and no value, which
//! it drops in silence, and a number glued to a word, which it takes for a value and the next key.

use super::cursor::{Cursor, number, shown};
use super::{Item, Node, Position, SyntaxError, Value};

pub(super) fn parse(text: &str) -> Result<Vec<Item>, SyntaxError> {
    let mut cursor = Cursor::new(text);
    // The file itself is a level, as its braces are in JSON.
    cursor.descend()?;
    let items = items(&mut cursor)?;
    match cursor.peek() {
        None => Ok(items),
        Some(_) => Err(cursor.expected("a key")),
    }
}

/// Spaces, line ends and the three kinds of comment.
fn skip_space(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
    loop {
        cursor.take_while(char::is_whitespace);
        if cursor.starts_with("#") || cursor.starts_with("//") {
            cursor.take_while(|character| character != '\n');
        } else if cursor.starts_with("/*") {
            skip_block_comment(cursor)?;
        } else {
            return Ok(());
        }
    }
}

fn skip_block_comment(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
    let start = cursor.clone();
    while !cursor.starts_with("*/") {
        if cursor.bump().is_none() {
            return Err(start.error("this comment has no closing `*/`"));
        }
    }
    cursor.bump();
    cursor.bump();
    Ok(())
}

/// Items up to something that begins none: the end, or a closing brace.
fn items(cursor: &mut Cursor<'_>) -> Result<Vec<Item>, SyntaxError> {
    let mut items = Vec::new();
    skip_space(cursor)?;
    while let Some(key) = key(cursor)? {
        items.push(item(cursor, key)?);
        skip_space(cursor)?;
        if cursor.eat(',') {
            skip_space(cursor)?;
        }
    }
    Ok(items)
}

fn key(cursor: &mut Cursor<'_>) -> Result<Option<(String, Position)>, SyntaxError> {
    let at = cursor.at();
    match cursor.peek() {
        Some('"') => Ok(Some((string(cursor)?, at))),
        Some(first) if first.is_alphabetic() || first == '_' => Ok(Some((identifier(cursor).to_owned(), at))),
        _ => Ok(None),
    }
}

fn identifier<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    cursor.take_while(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | '.'))
}

/// What follows a key: `= value`, a block, or labels and then a block.
fn item(cursor: &mut Cursor<'_>, (key, at): (String, Position)) -> Result<Item, SyntaxError> {
    skip_space(cursor)?;
    let start = cursor.at();
    let node = if cursor.eat('=') {
        skip_space(cursor)?;
        node(cursor)?
    } else if cursor.peek() == Some('{') {
        node(cursor)?
    } else {
        labelled(cursor, start)?
    };
    Ok(Item { key, at, node })
}

fn labelled(cursor: &mut Cursor<'_>, at: Position) -> Result<Node, SyntaxError> {
    let here = cursor.clone();
    let Some((label, label_at)) = key(cursor)? else {
        return Err(cursor.expected("`=` or `{` after the key"));
    };
    skip_space(cursor)?;
    if !matches!(cursor.peek(), Some('{' | '"')) {
        return Err(here.expected("`=` or `{` after the key"));
    }
    cursor.descend()?;
    let inner = item(cursor, (label, label_at))?;
    cursor.ascend();
    Ok(Node { value: Value::Object(vec![inner]), at })
}

fn node(cursor: &mut Cursor<'_>) -> Result<Node, SyntaxError> {
    let at = cursor.at();
    Ok(Node { value: value(cursor)?, at })
}

fn value(cursor: &mut Cursor<'_>) -> Result<Value, SyntaxError> {
    match cursor.peek() {
        Some('{') => object(cursor).map(Value::Object),
        Some('[') => list(cursor).map(Value::List),
        Some('"') => string(cursor).map(Value::Text),
        Some('<') if cursor.starts_with("<<") => here_document(cursor).map(Value::Text),
        Some('-' | '.' | '0'..='9') => numeral(cursor),
        Some(first) if first.is_alphabetic() => word(cursor),
        _ => Err(cursor.expected("a value")),
    }
}

fn word(cursor: &mut Cursor<'_>) -> Result<Value, SyntaxError> {
    let start = cursor.clone();
    match identifier(cursor) {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        other => Err(start.error(format!("{} is no value; texts need double quotes", shown(other)))),
    }
}

fn object(cursor: &mut Cursor<'_>) -> Result<Vec<Item>, SyntaxError> {
    let open = cursor.at();
    cursor.bump();
    cursor.descend()?;
    let items = items(cursor)?;
    if !cursor.eat('}') {
        let what = format!("a key, or the `}}` that closes the block of line {}", open.line);
        return Err(cursor.expected(&what));
    }
    cursor.ascend();
    Ok(items)
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Node>, SyntaxError> {
    cursor.bump();
    cursor.descend()?;
    let mut nodes = Vec::new();
    skip_space(cursor)?;
    while !cursor.eat(']') {
        nodes.push(node(cursor)?);
        skip_space(cursor)?;
        if cursor.eat(',') {
            skip_space(cursor)?;
        } else if cursor.peek() != Some(']') {
            return Err(cursor.expected("`,` or `]`"));
        }
    }
    cursor.ascend();
    Ok(nodes)
}

fn numeral(cursor: &mut Cursor<'_>) -> Result<Value, SyntaxError> {
    let start = cursor.clone();
    let text = cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'));
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    if let Some(integer) = prefixed(sign, digits) {
        return integer
            .map(Value::Integer)
            .ok_or_else(|| start.error(format!("{} is no number", shown(text))));
    }
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if plain && digits.parse::<f64>().is_ok() {
        return Ok(number(text));
    }
    Err(start.error(format!("`{text}` is no number; durations and sizes with a unit need double quotes")))
}

/// Hexadecimal (`0x1f`) and octal (`017`) integers; the outer `None` says that the number is neither.
fn prefixed(sign: &str, digits: &str) -> Option<Option<i64>> {
    let (base, body) = if let Some(body) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        (16, body)
    } else if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) {
        (8, &digits[1..])
    } else {
        return None;
    };
    // A second sign would be taken by the standard library and not by HCL.
    Some(if body.starts_with(['+', '-']) {
        None
    } else {
        i64::from_str_radix(&format!("{sign}{body}"), base).ok()
    })
}

fn string(cursor: &mut Cursor<'_>) -> Result<String, SyntaxError> {
    let start = cursor.clone();
    cursor.bump();
    let mut text = String::new();
    loop {
        match cursor.peek() {
            None | Some('\n') => return Err(start.error("this text has no closing quote on its line")),
            Some('"') => break,
            Some('\\') => text.push(escape(cursor)?),
            Some('$') if cursor.starts_with("${") => text.push_str(interpolation(cursor)?),
            Some(character) => {
                text.push(character);
                cursor.bump();
            }
        }
    }
    cursor.bump();
    Ok(text)
}

/// `${…}` as written, with its braces balanced.
fn interpolation<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, SyntaxError> {
    let start = cursor.clone();
    let mut open = 0_usize;
    cursor.bump();
    loop {
        match cursor.bump() {
            None => return Err(start.error("this `${` has no closing `}`")),
            Some('{') => open += 1,
            Some('}') if open == 1 => break,
            Some('}') => open -= 1,
            Some(_) => {}
        }
    }
    let whole = start.rest();
    Ok(&whole[..whole.len() - cursor.rest().len()])
}

fn escape(cursor: &mut Cursor<'_>) -> Result<char, SyntaxError> {
    cursor.bump();
    let here = cursor.clone();
    let code = match cursor.bump() {
        Some(same @ ('"' | '\\')) => return Ok(same),
        Some('a') => 0x07,
        Some('b') => 0x08,
        Some('f') => 0x0c,
        Some('n') => 0x0a,
        Some('r') => 0x0d,
        Some('t') => 0x09,
        Some('v') => 0x0b,
        Some(first @ '0'..='7') => octal(cursor, first)?,
        Some('x') => cursor.hex(2)?,
        Some('u') => cursor.hex(4)?,
        Some('U') => cursor.hex(8)?,
        _ => {
            return Err(here
                .expected(r#"one of `" \ a b f n r t v x u U` or three octal digits after the backslash"#));
        }
    };
    char::from_u32(code).ok_or_else(|| here.error("this escape is no character"))
}

/// Three octal digits, of which the first has been read.
fn octal(cursor: &mut Cursor<'_>, first: char) -> Result<u32, SyntaxError> {
    let mut number = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let digit = cursor.peek().and_then(|character| character.to_digit(8));
        number = number * 8 + digit.ok_or_else(|| cursor.expected("an octal digit"))?;
        cursor.bump();
    }
    Ok(number)
}

/// `<<MARK` up to a line that holds only the mark; `<<-MARK` allows that line, and then all of them, an indent.
fn here_document(cursor: &mut Cursor<'_>) -> Result<String, SyntaxError> {
    let start = cursor.clone();
    cursor.bump();
    cursor.bump();
    let indented = cursor.eat('-');
    let mark = identifier(cursor);
    if mark.is_empty() {
        return Err(cursor.expected("a mark such as `EOF` after `<<`"));
    }
    cursor.take_while(|character| character == '\r');
    if !cursor.eat('\n') {
        return Err(cursor.expected("a line end after the mark"));
    }
    let mut lines = Vec::new();
    while cursor.peek().is_some() {
        let line = cursor.take_while(|character| character != '\n');
        if line.trim() == mark && (indented || line.trim_end() == mark) {
            let indent = line.len() - line.trim_start().len();
            return Ok(join(&lines, &line[..indent]));
        }
        lines.push(line);
        cursor.bump();
    }
    Err(start.error(format!("this text has no closing line `{mark}`")))
}

/// The lines, each without the closing line's indent if all of them have it.
fn join(lines: &[&str], indent: &str) -> String {
    let all = lines.iter().all(|line| line.starts_with(indent) || line.trim().is_empty());
    let cut = |line: &str| {
        if all { line.strip_prefix(indent).unwrap_or("").to_owned() } else { line.to_owned() }
    };
    lines.iter().map(|line| cut(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(items: &[Item]) -> String {
        let list = items.iter().map(|item| format!("{}={}", item.key, show_value(&item.node.value)));
        list.collect::<Vec<_>>().join(" ")
    }

    fn show_value(value: &Value) -> String {
        match value {
            Value::Object(items) => format!("{{{}}}", show(items)),
            Value::List(nodes) => {
                let list: Vec<_> = nodes.iter().map(|node| show_value(&node.value)).collect();
                format!("[{}]", list.join(","))
            }
            Value::Text(text) => format!("{text:?}"),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => format!("~{number}"),
            Value::Bool(bool) => bool.to_string(),
            Value::Null => "null".into(),
        }
    }

    #[track_caller]
    fn reads(text: &str, tree: &str) {
        assert_eq!(parse(text).map(|items| show(&items)).as_deref(), Ok(tree), "{text}");
    }

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
    fn items_blocks_labels_and_comments() {
        reads("a = 1 b = true", "a=1 b=true");
        reads("# x\n// y\n/* z\n */ \"a\" = \"b\", c { d = [1, \"2\",] }", "a=\"b\" c={d=[1,\"2\"]}");
        reads("service \"web\" \"x\" { port = 80 }", "service={web={x={port=80}}}");
        reads("ports = { http = 8500, dns = -1 }", "ports={http=8500 dns=-1}");
        reads("a {} a {}", "a={} a={}");
        reads("l = [{a = 1}, {}]", "l=[{a=1},{}]");
    }

    #[test]
    fn numbers_and_texts() {
        reads(r#"a = "\101\x41" "#, r#"a="AA""#);
        reads(
            "a = 0x1F b = 010 c = -3 d = 1.5 e = 1e3 f = 99999999999999999999",
            "a=31 b=8 c=-3 d=~1.5 e=~1e3 f=~99999999999999999999",
        );
        reads(r#"a = "x\ty\"\\\u00e9" "#, r#"a="x\ty\"\\é""#);
        reads(r#"a = "${ f("x") {} } b" "#, r#"a="${ f(\"x\") {} } b""#);
        reads("a = <<EOF\n x\n  y\nEOF\nb = 1", "a=\" x\\n  y\\n\" b=1");
        reads("a = <<-EOF\n    x\n      y\n    EOF\n", "a=\"x\\n  y\\n\"");
        reads("a = <<-EOF\r\n  x\r\n   EOF\r\n", "a=\"  x\\r\\n\"");
    }

    #[test]
    fn refusals_name_place_and_remedy() {
        refuses("a = dev", 1, 5, "`dev` is no value; texts need double quotes");
        refuses("a = 10s", 1, 5, "`10s` is no number; durations and sizes with a unit need double quotes");
        refuses("a = 0xzz", 1, 5, "`0xzz` is no number");
        refuses("a\nb = 1", 2, 1, "expected `=` or `{` after the key, found `b`");
        refuses(
            "ports {\n  http = 1\n",
            3,
            1,
            "expected a key, or the `}` that closes the block of line 1, found the end of the file",
        );
        refuses("a = [1 2]", 1, 8, "expected `,` or `]`, found `2`");
        refuses("a = \"x\n\"", 1, 5, "this text has no closing quote on its line");
        refuses("a = ", 1, 5, "expected a value, found the end of the file");
        refuses("}", 1, 1, "expected a key, found `}`");
        refuses("/* a", 1, 1, "this comment has no closing `*/`");
        refuses("a = <<EOF\nx\n", 1, 5, "this text has no closing line `EOF`");
        refuses(
            "a = \"\\q\"",
            1,
            7,
            "expected one of `\" \\ a b f n r t v x u U` or three octal digits after the backslash, found `q`",
        );
    }
}
