//! Nothing unfinished is called done: no skipped test, no hole, no note to self.

use super::Finding;
use crate::rust_source::{finds_word, mask};
use crate::tree::{File, Tree};

// Words of code, looked for outside comments and strings.
const IN_CODE: &[(&str, &str)] = &[
    ("#[ignore", "a test that does not run proves nothing: mend it, or move it to a part of `prove`"),
    ("todo!(", "build it, or leave the room without it"),
    ("unimplemented!(", "build it, or leave the room without it"),
];

// Words of comments; split so that this file does not break its own rule.
const IN_TEXT: &[(&str, &str)] = &[("FIX", "ME"), ("XX", "X:"), ("TO", "DO")];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let masked = mask(&file.text);
    let notes: Vec<String> = IN_TEXT.iter().map(|(head, tail)| format!("{head}{tail}")).collect();
    let lines = masked.lines().zip(file.text.lines()).enumerate();
    let hits = lines.filter_map(|(at, (code, text))| {
        let message = in_code(code).or_else(|| in_text(text, &notes))?;
        Some(Finding::at(&file.path, at + 1, message))
    });
    hits.collect()
}

fn in_code(line: &str) -> Option<String> {
    let (word, instead) = IN_CODE.iter().find(|(word, _)| finds_word(line, word))?;
    Some(format!("`{word}`: {instead}"))
}

fn in_text(line: &str, notes: &[String]) -> Option<String> {
    let note = notes.iter().find(|note| finds_word(line, note))?;
    Some(format!("`{note}`: do it, or open an issue and say in a sentence what is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&Tree::of(&[("crates/a/src/b.rs", text)])).len()
    }

    #[test]
    fn it_fires_on_each_word() {
        for (word, _) in IN_CODE {
            assert_eq!(count(&format!("{word}\"later\")]")), 1, "{word}");
        }
        for (head, tail) in IN_TEXT {
            assert_eq!(count(&format!("// {head}{tail} later")), 1, "{head}{tail}");
        }
    }

    #[test]
    fn words_of_code_may_be_written_about() {
        assert_eq!(count("// `todo!()` is not used here\nlet a = \"#[ignore]\";"), 0);
    }
}
