//! The names of backups: made from the configured pattern, and recognised by it.

use jiff::Timestamp;
use konsul_types::Millis;

/// A piece of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The time in UTC, such as `20260102T030405Z`: names sort by it.
    Time,
    /// The index of the state.
    Index,
}

/// A pattern in which the node's own words are filled in. The configuration has checked its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Piece>);

const TIME: &str = "%Y%m%dT%H%M%SZ";

impl Pattern {
    pub(crate) fn new(pattern: &str, node: &str, datacenter: &str) -> Pattern {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (word, after) = after.split_once('}').unwrap_or((after, ""));
            let piece = match word {
                "time" => Piece::Time,
                "index" => Piece::Index,
                _ => {
                    text.push_str(&harmless(if word == "node" { node } else { datacenter }));
                    rest = after;
                    continue;
                }
            };
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(piece);
            rest = after;
        }
        text.push_str(rest);
        pieces.push(Piece::Text(text));
        Pattern(pieces)
    }

    /// The name of a backup of this index, taken at this time.
    pub(crate) fn name(&self, taken_at: Millis, index: u64) -> String {
        let words = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Time => time(taken_at),
            Piece::Index => index.to_string(),
        });
        words.collect()
    }

    /// Whether the pattern could have made this name: only such files are looked at, and only such are ever removed.
    pub(crate) fn made(&self, name: &str) -> bool {
        let rest = self.0.iter().try_fold(name, |rest, piece| match piece {
            Piece::Text(text) => rest.strip_prefix(text.as_str()),
            Piece::Time => after_time(rest),
            Piece::Index => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                (digits > 0).then(|| &rest[digits..])
            }
        });
        rest == Some("")
    }
}

fn time(at: Millis) -> String {
    let at = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    // A timestamp is written in UTC.
    at.strftime(TIME).to_string()
}

fn after_time(rest: &str) -> Option<&str> {
    const FORM: &[u8] = b"00000000T000000Z";
    let (time, rest) = rest.split_at_checked(FORM.len())?;
    let fits = |(found, form): (u8, &u8)| if *form == b'0' { found.is_ascii_digit() } else { found == *form };
    time.bytes().zip(FORM).all(fits).then_some(rest)
}

/// A node's name may hold what a file's may not.
fn harmless(text: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    text.chars().map(good).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_and_recognised() {
        let pattern = Pattern::new("konsul-{node}-{time}-{index}.snap", "n/1", "dc1");
        let name = pattern.name(Millis(1_767_323_045_678), 42);
        assert_eq!(name, "konsul-n_1-20260102T030405Z-42.snap");
        assert!(pattern.made(&name));
        for other in [
            "konsul-n_1-20260102T030405Z-.snap",
            "konsul-n_1-20260102T030405Z-42.snap.gz",
            "konsul-n_2-20260102T030405Z-42.snap",
            "konsul-n_1-2026010xT030405Z-42.snap",
            "my own file.snap",
            ".konsul-n_1-20260102T030405Z-42.snap.partial",
        ] {
            assert!(!pattern.made(other), "{other}");
        }
        let pattern = Pattern::new("{datacenter}.{index}", "n", "dc1");
        assert_eq!(pattern.name(Millis(0), 7), "dc1.7");
        assert!(pattern.made("dc1.7") && !pattern.made("dc1.x"));
    }
}
