//! Quoted texts. They are bytes: an escape may write what is no UTF-8.

use std::fmt::Write as _;

/// The text in double quotes, as Go's `%q` writes it.
pub(crate) fn quoted(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|letter| push_escaped(&mut out, letter));
        for byte in chunk.invalid() {
            push_code(&mut out, 'x', 2, u32::from(*byte));
        }
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, letter: char) {
    let short = match letter {
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0c' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0b' => 'v',
        '"' | '\\' => letter,
        _ if is_printable(letter) => return out.push(letter),
        '\0'..=' ' | '\x7f' => return push_code(out, 'x', 2, letter.into()),
        '\0'..='\u{ffff}' => return push_code(out, 'u', 4, letter.into()),
        _ => return push_code(out, 'U', 8, letter.into()),
    };
    out.push('\\');
    out.push(short);
}

fn push_code(out: &mut String, kind: char, width: usize, code: u32) {
    write!(out, "\\{kind}{code:0width$x}").expect("a String takes everything");
}

/// Letters, marks, numbers, punctuation, symbols and the space, as for Go. The standard library knows them when it escapes a
/// text, and takes a mark for printable where it is not the first.
fn is_printable(letter: char) -> bool {
    match letter {
        ' '..='~' => true,
        '\0'..='\x7f' => false,
        _ => format!("a{letter}").escape_debug().nth(1) == Some(letter),
    }
}

/// The text inside double quotes or back quotes, or nothing where an escape is wrong.
pub(crate) fn unquote(literal: &str) -> Option<Vec<u8>> {
    let inner = literal.get(1..literal.len().checked_sub(1)?)?;
    if literal.starts_with('`') {
        return Some(inner.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let (mut out, mut rest) = (Vec::with_capacity(inner.len()), inner);
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\n' => return None,
            '\\' => rest = unescape(rest, &mut out)?,
            _ => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(out)
}

/// Reads what follows a backslash.
fn unescape<'a>(text: &'a str, out: &mut Vec<u8>) -> Option<&'a str> {
    let kind = text.bytes().next()?;
    let plain = match kind {
        b'a' => b'\x07',
        b'b' => b'\x08',
        b'f' => b'\x0c',
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => b'\x0b',
        b'\\' | b'"' => kind,
        b'x' => return byte(text, 1, 2, 16, out),
        b'0'..=b'7' => return byte(text, 0, 3, 8, out),
        b'u' => return letter(text, 4, out),
        b'U' => return letter(text, 8, out),
        _ => return None,
    };
    out.push(plain);
    text.get(1..)
}

fn byte<'a>(text: &'a str, from: usize, digits: usize, base: u32, out: &mut Vec<u8>) -> Option<&'a str> {
    out.push(u8::try_from(code(text.get(from..from + digits)?, base)?).ok()?);
    text.get(from + digits..)
}

fn letter<'a>(text: &'a str, digits: usize, out: &mut Vec<u8>) -> Option<&'a str> {
    let letter = char::from_u32(code(text.get(1..=digits)?, 16)?)?;
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    text.get(digits + 1..)
}

/// Digits only: the standard library would take a sign as well.
fn code(digits: &str, base: u32) -> Option<u32> {
    digits.chars().all(|digit| digit.is_digit(base)).then(|| u32::from_str_radix(digits, base).ok())?
}
