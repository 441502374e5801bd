//! Text that fits: widths as terminals count them, control characters made visible, sizes and times for people.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most so many columns; `…` stands where something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The text in lines of at most so many columns, broken between words; a word that is longer has a line of its own.
/// Blanks stay as they are where a line is not broken.
pub(crate) fn filled(text: &str, columns: usize) -> Vec<String> {
    let (mut out, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        if !line.trim().is_empty() && width(&line) + 1 + width(word) > columns {
            out.push(std::mem::take(&mut line).trim_end().to_owned());
            if word.is_empty() {
                continue;
            }
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push(line);
    out
}

/// The text in pieces of at most so many columns; at least one piece.
pub(crate) fn pieces(text: &str, columns: usize) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > columns && used > 0 {
            out.push(String::new());
            used = 0;
        }
        used += wide;
        out.last_mut().expect("there is always one").push(c);
    }
    out
}

/// Somebody else's text in lines of at most so many columns, broken between words where that is possible.
pub(crate) fn folded(text: &str, columns: usize) -> Vec<String> {
    filled(&shown(text), columns).iter().flat_map(|line| pieces(line, columns)).collect()
}

/// The text on one line, with nothing in it that moves a cursor: a value of somebody else's must not paint the screen.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Beside the control characters: those that turn the direction of writing.
            c if c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A size for people.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (count as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A span of time for people: its two largest parts.
pub(crate) fn ago(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_never_takes_more_columns_than_it_may() {
        for text in ["", "a", "abcdef", "日本語の鍵", "e\u{301}e\u{301}e\u{301}", "👩‍👩‍👧"] {
            for columns in 0..8 {
                let cut = cut(text, columns);
                assert!(width(&cut) <= columns, "{text:?} in {columns}: {cut:?}");
                assert!(cut == text || columns == 0 || cut.ends_with('…'));
            }
        }
        assert_eq!(cut("日本語", 4), "日…");
    }

    #[test]
    fn nothing_that_moves_a_cursor_gets_through() {
        assert_eq!(shown("a\x1b[2Jb\n\u{202e}c\u{7f}"), "a\\u{1b}[2Jb\\n\\u{202e}c\\u{7f}");
        assert_eq!(shown("ç 日本"), "ç 日本");
    }

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(quoted("app/a.ndjson"), "app/a.ndjson");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn sizes_and_spans() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(u64::MAX), "16777216.0 TiB");
        assert_eq!(ago(Duration::from_secs(59)), "59s");
        assert_eq!(ago(Duration::from_secs(3661)), "1h1m");
        assert_eq!(ago(Duration::from_secs(90_000)), "1d1h");
    }
}
