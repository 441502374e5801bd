//! Exceptions written where they are taken: `// tidy: WORD because REASON`.

/// Whether line `at` (counted from 0) or the comment lines directly above it carry the exception `word` with a reason.
pub fn allows(lines: &[&str], at: usize, word: &str) -> bool {
    if carries(lines[at], word) {
        return true;
    }
    let above = lines[..at].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
    above.into_iter().any(|line| carries(line, word))
}

fn carries(line: &str, word: &str) -> bool {
    let Some((_, comment)) = line.split_once("// tidy: ") else {
        return false;
    };
    let reason = comment.strip_prefix(word).and_then(|rest| rest.strip_prefix(" because "));
    reason.is_some_and(|reason| !reason.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_needs_its_word_and_a_reason() {
        let good = ["let a = 1; // tidy: odd because it must be"];
        assert!(allows(&good, 0, "odd"));
        assert!(!allows(&good, 0, "even"));
        assert!(!allows(&["let a = 1; // tidy: odd because "], 0, "odd"));
        assert!(!allows(&["let a = 1; // tidy: odd"], 0, "odd"));
    }

    #[test]
    fn it_may_stand_in_the_comment_above_but_not_beyond_code() {
        let lines = ["// tidy: odd because it must be", "// and more words", "let a = 1;", "let b = 1;"];
        assert!(allows(&lines, 2, "odd"));
        assert!(!allows(&lines, 3, "odd"));
    }
}
