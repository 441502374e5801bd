//! Classes of letters and escapes, as text for the `regex` crate in which every letter is a code.

use super::error::{Code, PatternError};
use super::names;

const LETTER_MAX: u32 = 0x10_ffff;
/// Codes that no letter has; a Go pattern may name them.
const SURROGATES: std::ops::RangeInclusive<u32> = 0xd800..=0xdfff;
/// Matches nothing.
pub(super) const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";
/// Matches anything.
pub(super) const ANYTHING: &str = r"[\x{0}-\x{10FFFF}]";

const POSIX: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// A letter that means itself.
pub(super) fn letter(code: u32) -> String {
    match char::from_u32(code) {
        Some(letter) if letter.is_ascii_alphanumeric() => letter.into(),
        Some(_) => format!("\\x{{{code:X}}}"),
        None => NOTHING.into(),
    }
}

/// A class, or what stands for one letter.
pub(super) struct Class {
    pub(super) text: String,
    /// How many items in it name very many letters.
    pub(super) wide: usize,
}

/// An escape outside a class, and the rest.
pub(super) fn escape(text: &str) -> Result<(Class, &str), PatternError> {
    if let Some((item, rest)) = group_escape(text)? {
        return Ok((Class { wide: usize::from(is_wide(&item)), text: format!("[{item}]") }, rest));
    }
    let (code, rest) = letter_escape(text)?;
    Ok((Class { wide: 0, text: letter(code) }, rest))
}

/// A class in brackets, and the rest.
pub(super) fn class(text: &str) -> Result<(Class, &str), PatternError> {
    let mut rest = &text[1..];
    let negated = rest.starts_with('^');
    rest = rest.strip_prefix('^').unwrap_or(rest);
    let (mut items, mut wide) = (String::new(), 0);
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        let (item, after) = item(text, rest)?;
        wide += usize::from(is_wide(&item));
        items.push_str(&item);
        rest = after;
    }
    Ok((Class { text: bracketed(&items, negated), wide }, &rest[1..]))
}

/// Whether an item may name very many letters: the complement of a group, a group of Unicode, a range that ends beyond what
/// two digits can write.
fn is_wide(item: &str) -> bool {
    let complement = item.starts_with("[^") || item.starts_with("[:^");
    let long_range =
        item.split_once('-').is_some_and(|(low, high)| low != high && high.len() > r"\x{FF}".len());
    complement || item.starts_with(r"\p") || item.starts_with(r"\P") || long_range
}

fn bracketed(items: &str, negated: bool) -> String {
    match (items.is_empty(), negated) {
        (true, false) => NOTHING.into(),
        (true, true) => ANYTHING.into(),
        (false, false) => format!("[{items}]"),
        (false, true) => format!("[^{items}]"),
    }
}

/// One item of a class.
fn item<'a>(whole: &str, text: &'a str) -> Result<(String, &'a str), PatternError> {
    if let Some(found) = posix(text)? {
        return Ok(found);
    }
    if let Some(found) = group_escape(text)? {
        return Ok(found);
    }
    range(whole, text)
}

/// `[:name:]` or `[:^name:]`.
fn posix(text: &str) -> Result<Option<(String, &str)>, PatternError> {
    let Some(body) = text.strip_prefix("[:") else { return Ok(None) };
    let Some(end) = body.find(":]") else { return Ok(None) };
    let name = &body[..end];
    if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(PatternError::new(Code::ClassRange, &text[..end + 4]));
    }
    Ok(Some((text[..end + 4].to_owned(), &body[end + 2..])))
}

/// `\d`, `\pL`, `\p{Name}`: escapes for many letters, as they stand inside brackets.
fn group_escape(text: &str) -> Result<Option<(String, &str)>, PatternError> {
    let group = match text.as_bytes() {
        [b'\\', b'd', ..] => "0-9",
        [b'\\', b'D', ..] => "[^0-9]",
        [b'\\', b's', ..] => r"\t\n\x0C\r\x20",
        [b'\\', b'S', ..] => r"[^\t\n\x0C\r\x20]",
        [b'\\', b'w', ..] => "0-9A-Za-z_",
        [b'\\', b'W', ..] => "[^0-9A-Za-z_]",
        [b'\\', b'p' | b'P', ..] => return unicode(text),
        _ => return Ok(None),
    };
    Ok(Some((group.to_owned(), &text[2..])))
}

fn unicode(text: &str) -> Result<Option<(String, &str)>, PatternError> {
    let Some(next) = text[2..].chars().next() else {
        return Err(PatternError::new(Code::ClassRange, text));
    };
    let (name, whole) = if next == '{' {
        let end = text.find('}').ok_or_else(|| PatternError::new(Code::ClassRange, text))?;
        (&text[3..end], &text[..=end])
    } else {
        let end = 2 + next.len_utf8();
        (&text[2..end], &text[..end])
    };
    let plain = name.strip_prefix('^').unwrap_or(name);
    let negated = text.starts_with("\\P") != (plain.len() < name.len());
    let group = names::group(plain, negated).ok_or_else(|| PatternError::new(Code::ClassRange, whole))?;
    Ok(Some((group, &text[whole.len()..])))
}

/// A letter, or two with a dash between them.
fn range<'a>(whole: &str, text: &'a str) -> Result<(String, &'a str), PatternError> {
    let (low, rest) = class_letter(whole, text)?;
    let (high, after) = match rest.strip_prefix('-') {
        Some(end) if !end.is_empty() && !end.starts_with(']') => class_letter(whole, end)?,
        _ => (low, rest),
    };
    if high < low {
        return Err(PatternError::new(Code::ClassRange, &text[..text.len() - after.len()]));
    }
    Ok((codes(low, high), after))
}

fn class_letter<'a>(whole: &str, text: &'a str) -> Result<(u32, &'a str), PatternError> {
    match text.chars().next() {
        None => Err(PatternError::new(Code::MissingBracket, whole)),
        Some('\\') => letter_escape(text),
        Some(letter) => Ok((letter.into(), &text[letter.len_utf8()..])),
    }
}

/// A range without the codes that no letter has.
fn codes(low: u32, high: u32) -> String {
    let low = if SURROGATES.contains(&low) { SURROGATES.end() + 1 } else { low };
    let high = if SURROGATES.contains(&high) { SURROGATES.start() - 1 } else { high };
    if low > high { String::new() } else { format!("\\x{{{low:X}}}-\\x{{{high:X}}}") }
}

/// An escape for one letter: its code, and the rest.
fn letter_escape(text: &str) -> Result<(u32, &str), PatternError> {
    let body = &text[1..];
    let Some(kind) = body.chars().next() else {
        return Err(PatternError::new(Code::TrailingBackslash, ""));
    };
    let rest = &body[kind.len_utf8()..];
    let plain = |code: u32| Ok((code, rest));
    let octal_follows = rest.starts_with(|digit: char| digit.is_digit(8));
    match kind {
        '0' => Ok(octal(body)),
        '1'..='7' if octal_follows => Ok(octal(body)),
        'x' => hexadecimal(text, rest),
        'a' => plain(7),
        'f' => plain(12),
        'n' => plain(10),
        'r' => plain(13),
        't' => plain(9),
        'v' => plain(11),
        _ if kind.is_ascii() && !kind.is_ascii_alphanumeric() => plain(kind.into()),
        _ => Err(PatternError::new(Code::Escape, &text[..text.len() - rest.len()])),
    }
}

/// Up to three digits.
fn octal(text: &str) -> (u32, &str) {
    let length = text.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let code = text[..length].bytes().fold(0, |code, digit| code * 8 + u32::from(digit - b'0'));
    (code, &text[length..])
}

/// Two digits, or any number of them in braces. A fault is shown up to the letter at which it was seen.
fn hexadecimal<'a>(text: &str, rest: &'a str) -> Result<(u32, &'a str), PatternError> {
    let fault = |left: &str| PatternError::new(Code::Escape, &text[..text.len() - left.len()]);
    let mut letters = rest.chars();
    match letters.next() {
        None => Err(fault("")),
        Some('{') => in_braces(letters.as_str(), fault),
        Some(first) => {
            // Go takes a second letter to be there, and calls the end of the text a letter that is none.
            let second = letters.next();
            let left = letters.as_str();
            let digits = first.to_digit(16).zip(second.and_then(|second| second.to_digit(16)));
            digits.map(|(first, second)| (first * 16 + second, left)).ok_or_else(|| fault(left))
        }
    }
}

fn in_braces(text: &str, fault: impl Fn(&str) -> PatternError) -> Result<(u32, &str), PatternError> {
    let (mut code, mut any) = (0, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let left = letters.as_str();
        if letter == '}' {
            return if any { Ok((code, left)) } else { Err(fault(left)) };
        }
        code = code * 16 + letter.to_digit(16).ok_or_else(|| fault(left))?;
        if code > LETTER_MAX {
            return Err(fault(left));
        }
        any = true;
    }
    Err(fault(""))
}
