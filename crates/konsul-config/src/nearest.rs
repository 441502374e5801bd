//! The nearest right word for a wrong one.

/// The candidate with the fewest single-character changes, if it is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing costs the product of the lengths, and no key of ours is this long.
    if word.len() > 100 {
        return None;
    }
    let scored = candidates.map(|candidate| (distance(word, candidate), candidate));
    let bound = (word.chars().count() / 3).clamp(1, 4);
    scored.filter(|(distance, _)| *distance <= bound).min().map(|(_, candidate)| candidate)
}

/// How many insertions, deletions, replacements and swaps of neighbours turn one word into the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            rows[i][j] = cell(&rows, &from, &to, i, j);
        }
    }
    rows[from.len()][to.len()]
}

fn cell(rows: &[Vec<usize>], from: &[char], to: &[char], i: usize, j: usize) -> usize {
    if i == 0 || j == 0 {
        return i + j;
    }
    let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
    let changed = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
    let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
    if swapped { changed.min(rows[i - 2][j - 2] + 1) } else { changed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let keys = ["ports", "datacenter", "data_dir", "server"];
        let near = |word| nearest(word, keys.into_iter());
        assert_eq!(near("prots"), Some("ports"));
        assert_eq!(near("datacentre"), Some("datacenter"));
        assert_eq!(near("datadir"), Some("data_dir"));
        assert_eq!(near("sever"), Some("server"));
        assert_eq!(near("flux"), None);
        assert_eq!(near(&"x".repeat(5000)), None);
    }
}
