//! JSON as Go's `encoding/json` writes it.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter};

/// Writes a body in one line without a newline at its end.
///
/// # Errors
/// If a map has keys that are no text.
pub fn to_vec<T: Serialize + ?Sized>(body: &T) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    body.serialize(&mut serde_json::Serializer::with_formatter(&mut out, GoFormatter))?;
    Ok(out)
}

/// Writes text as a JSON string, escaped as Go escapes it.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    let mut at = 0;
    while at < bytes.len() {
        match escape_at(bytes, at) {
            Some((escape, width)) => {
                out.extend_from_slice(&bytes[plain..at]);
                out.extend_from_slice(&escape[..escape_len(escape)]);
                at += width;
                plain = at;
            }
            None => at += 1,
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Writes a whole number.
pub fn write_u64(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        // A remainder by ten fits a byte.
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Spreads a body over lines, with four spaces a level and a newline at the end: Consul's `?pretty`.
///
/// The input must be what [`to_vec`] writes. Empty lists and objects stay in one line.
pub fn indent(compact: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() * 2);
    let mut depth = 0_usize;
    let mut at = 0;
    while at < compact.len() {
        let byte = compact[at];
        match byte {
            b'"' => {
                let end = string_end(compact, at);
                out.extend_from_slice(&compact[at..end]);
                at = end;
                continue;
            }
            b'{' | b'[' if compact.get(at + 1).is_some_and(|next| *next == byte + 2) => {
                // In ASCII the closing bracket lies two after the opening one.
                out.extend_from_slice(&compact[at..at + 2]);
                at += 2;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                out.push(byte);
                new_line(&mut out, depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(byte),
        }
        at += 1;
    }
    out.push(b'\n');
    out
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + 4 * depth, b' ');
}

/// Where the string that begins at `start` ends, its closing quote included.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// An escape is at most six bytes long; shorter ones are filled up with zeros.
type Escape = &'static [u8; 6];

const LONG_LINE_SEPARATOR: Escape = b"\\u2028";
const LONG_PARAGRAPH_SEPARATOR: Escape = b"\\u2029";

/// Escapes of single bytes; zeros where none is needed.
static ESCAPES: [[u8; 6]; 128] = escapes();

const fn escapes() -> [[u8; 6]; 128] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut table = [[0; 6]; 128];
    let mut byte = 0;
    while byte < 128 {
        let code = byte as u8;
        table[byte] = match code {
            b'"' => *b"\\\"\0\0\0\0",
            b'\\' => *b"\\\\\0\0\0\0",
            b'\n' => *b"\\n\0\0\0\0",
            b'\r' => *b"\\r\0\0\0\0",
            b'\t' => *b"\\t\0\0\0\0",
            0x08 => *b"\\b\0\0\0\0",
            0x0c => *b"\\f\0\0\0\0",
            0..=0x1f | b'<' | b'>' | b'&' => {
                [b'\\', b'u', b'0', b'0', HEX[(code >> 4) as usize], HEX[(code & 15) as usize]]
            }
            _ => [0; 6],
        };
        byte += 1;
    }
    table
}

fn escape_len(escape: Escape) -> usize {
    if escape[2] == 0 { 2 } else { 6 }
}

/// The escape needed at a place, and how many bytes of input it stands for.
#[inline]
fn escape_at(bytes: &[u8], at: usize) -> Option<(Escape, usize)> {
    let byte = bytes[at];
    if byte < 128 {
        let escape = &ESCAPES[usize::from(byte)];
        return (escape[0] != 0).then_some((escape, 1));
    }
    if byte == 0xe2 && bytes.get(at + 1) == Some(&0x80) {
        return match bytes.get(at + 2) {
            Some(0xa8) => Some((LONG_LINE_SEPARATOR, 3)),
            Some(0xa9) => Some((LONG_PARAGRAPH_SEPARATOR, 3)),
            _ => None,
        };
    }
    None
}

/// serde's way into the same escapes.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let bytes = fragment.as_bytes();
        let (mut plain, mut at) = (0, 0);
        while at < bytes.len() {
            match escape_at(bytes, at) {
                Some((escape, width)) => {
                    writer.write_all(&bytes[plain..at])?;
                    writer.write_all(&escape[..escape_len(escape)])?;
                    at += width;
                    plain = at;
                }
                None => at += 1,
            }
        }
        writer.write_all(&bytes[plain..])
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let byte = match escape {
            CharEscape::Quote => b'"',
            CharEscape::ReverseSolidus => b'\\',
            CharEscape::Solidus => return writer.write_all(b"/"),
            CharEscape::Backspace => 0x08,
            CharEscape::FormFeed => 0x0c,
            CharEscape::LineFeed => b'\n',
            CharEscape::CarriageReturn => b'\r',
            CharEscape::Tab => b'\t',
            CharEscape::AsciiControl(byte) => byte,
        };
        let escape = &ESCAPES[usize::from(byte)];
        writer.write_all(&escape[..escape_len(escape)])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let mut out = Vec::new();
        write_str(&mut out, text);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
        assert_eq!(String::from_utf8(to_vec(text).unwrap()).unwrap(), expect);
    }

    #[test]
    fn escapes_as_go_does() {
        check("plain", "\"plain\"");
        check("<a>&\"\\", "\"\\u003ca\\u003e\\u0026\\\"\\\\\"");
        check("\n\r\t\u{8}\u{c}\u{1}\u{7f}", "\"\\n\\r\\t\\b\\f\\u0001\u{7f}\"");
        check("a\u{2028}b\u{2029}ç/", "\"a\\u2028b\\u2029ç/\"");
    }

    #[test]
    fn indents_as_consul_does() {
        #[track_caller]
        fn check(compact: &str, expect: &str) {
            assert_eq!(String::from_utf8(indent(compact.as_bytes())).unwrap(), expect);
        }
        check("true", "true\n");
        check("[]", "[]\n");
        check(
            "[{\"A\":1,\"B\":{},\"C\":[\"x,{\\\"\"]}]",
            "[\n    {\n        \"A\": 1,\n        \"B\": {},\n        \"C\": [\n            \"x,{\\\"\"\n        ]\n    }\n]\n",
        );
    }

    proptest! {
        #[test]
        fn both_writers_agree_and_can_be_read_back(text in any::<String>(), number in any::<u64>()) {
            let mut out = Vec::new();
            write_str(&mut out, &text);
            prop_assert_eq!(&out, &to_vec(&text).unwrap());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text.clone());
            prop_assert_eq!(serde_json::from_slice::<String>(&indent(&out)).unwrap(), text);
            let mut digits = Vec::new();
            write_u64(&mut digits, number);
            prop_assert_eq!(String::from_utf8(digits).unwrap(), number.to_string());
        }
    }
}
