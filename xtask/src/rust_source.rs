//! A light reading of Rust source: enough to tell code from comments and strings, and product code from tests.
//!
//! What it is not: a parser. It knows comments (nested ones too), string, raw string, byte string and character
//! literals, and balanced braces. Rules that look for a word in code need no more than that, and a full parser
//! would be the slowest dependency of the whole check.
//!
//! [`mask`] blanks comments and the inside of literals with spaces, keeping every line where it was;
//! [`test_lines`] marks the lines of items under `#[cfg(test)]`.

/// `source` with comments and the content of literals replaced by spaces. Line breaks stay.
pub fn mask(source: &str) -> String {
    let mut masker = Masker { rest: source, out: String::with_capacity(source.len()) };
    while !masker.rest.is_empty() {
        masker.step();
    }
    masker.out
}

struct Masker<'a> {
    rest: &'a str,
    out: String,
}

impl Masker<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(block_comment_len(rest));
        } else if let Some((open, close)) = raw_string(rest).filter(|_| !self.inside_word()) {
            let body = rest[open..].find(&close).map_or(rest.len() - open, |at| at + close.len());
            self.keep(open);
            self.blank(body);
        } else if rest.starts_with('"') {
            self.blank(string_len(rest));
        } else if let Some(len) = char_len(rest) {
            self.blank(len);
        } else {
            self.keep(rest.chars().next().map_or(1, char::len_utf8));
        }
    }

    // `r"` opens a raw string only where `r` does not end a longer word.
    fn inside_word(&self) -> bool {
        self.out.chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_')
    }

    fn keep(&mut self, len: usize) {
        let (kept, rest) = self.rest.split_at(len);
        self.out.push_str(kept);
        self.rest = rest;
    }

    fn blank(&mut self, len: usize) {
        let (gone, rest) = self.rest.split_at(len);
        self.out.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }
}

fn block_comment_len(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0usize);
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if tail.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

// The length of `r##"` or `br"` and the closing quote with as many hashes.
fn raw_string(rest: &str) -> Option<(usize, String)> {
    let after =
        rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    after[hashes..].starts_with('"').then(|| {
        let open = rest.len() - after.len() + hashes + 1;
        (open, format!("\"{}", "#".repeat(hashes)))
    })
}

fn string_len(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

// `'a'` and `'\n'` are characters, `'a` alone is a lifetime.
fn char_len(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if body.starts_with('\\') {
        let close = body.char_indices().skip(2).find(|(_, c)| *c == '\'')?;
        return Some(1 + close.0 + 1);
    }
    let first = body.chars().next()?;
    body[first.len_utf8()..].starts_with('\'').then(|| 2 + first.len_utf8())
}

/// For each line of masked source, whether it belongs to an item under `#[cfg(test)]` or a `#[test]` function.
pub fn test_lines(masked: &str) -> Vec<bool> {
    let lines: Vec<&str> = masked.lines().collect();
    let mut marks = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let end = if opens_test(lines[at]) { item_end(&lines, at) } else { at };
        if opens_test(lines[at]) {
            marks[at..=end].fill(true);
        }
        at = end + 1;
    }
    marks
}

fn opens_test(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(any(test") || line.starts_with("#[test]")
}

// The last line of the item that starts at `start`: where its braces close, or where a `;` ends it before any.
fn item_end(lines: &[&str], start: usize) -> usize {
    let mut depth = 0usize;
    for (offset, line) in lines[start..].iter().enumerate() {
        for c in line.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth <= 1 => return start + offset,
                '}' => depth -= 1,
                ';' if depth == 0 => return start + offset,
                _ => {}
            }
        }
    }
    lines.len() - 1
}

/// Whether a path is made of tests as a whole: integration tests, benches, examples and `tests.rs` modules.
pub fn is_test_path(path: &str) -> bool {
    let whole = ["/tests/", "/benches/", "/examples/"];
    whole.iter().any(|part| path.contains(part)) || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// Where `word` stands in `line` with no letter, digit or underscore directly before it.
pub fn finds_word(line: &str, word: &str) -> bool {
    let starts_in_word = word.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !(starts_in_word && before.is_some_and(|c| c.is_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expect: &str) {
        assert_eq!(mask(input), expect);
    }

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("f(\"x // y\", 'z')", "f(        ,    )");
        check("r#\"a\"b\"# c", "r#\"      c");
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check(r"'\'' x", "     x");
        check("\"a\\\"b\" c", "       c");
    }

    #[test]
    fn a_word_that_ends_in_r_opens_no_raw_string() {
        check("for\"x\"", "for   ");
    }

    #[test]
    fn items_under_cfg_test_are_marked() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n";
        assert_eq!(test_lines(source), [false, true, true, true, true, false]);
        let source = "#[cfg(test)]\nmod tests;\nfn c() {}\n";
        assert_eq!(test_lines(source), [true, true, false]);
    }

    #[test]
    fn words_are_found_as_words() {
        assert!(finds_word("use rand::rng;", "rand::"));
        assert!(!finds_word("use strand::rng;", "rand::"));
        assert!(finds_word("a.sleep(b)", ".sleep("));
    }
}
