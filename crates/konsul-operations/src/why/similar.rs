//! Names that somebody may have meant.

/// Most names that are suggested.
pub const SIMILAR_MAX: usize = 5;

/// The names closest to the asked one, the closest first, equal ones by name: those that a third of its letters away at
/// most (by insertions, deletions, exchanges and swaps of neighbours), and those that one of both begins or ends.
pub fn similar<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let asked: Vec<char> = asked.to_lowercase().chars().collect();
    let far = (asked.len() / 3).clamp(1, 4);
    let mut close: Vec<(usize, &str)> =
        names.into_iter().filter_map(|name| Some((rank(&asked, name, far)?, name))).collect();
    close.sort_unstable();
    close.dedup();
    close.into_iter().map(|(_, name)| name).take(SIMILAR_MAX).collect()
}

fn rank(asked: &[char], name: &str, far: usize) -> Option<usize> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    distance(asked, &name, far).or_else(|| is_part(asked, &name).then_some(far + 1))
}

/// Short texts begin far too many names.
fn is_part(asked: &[char], name: &[char]) -> bool {
    let (short, long) = if asked.len() < name.len() { (asked, name) } else { (name, asked) };
    short.len() >= 3 && (long.starts_with(short) || long.ends_with(short))
}

/// The distance between two texts, if it is at most `far`; "optimal string alignment", three rows at a time.
fn distance(a: &[char], b: &[char], far: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > far {
        return None;
    }
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, &to) in b.iter().enumerate() {
            let exchange = row[j] + usize::from(from != to);
            let mut best = exchange.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && from == b[j - 1] && a[i - 1] == to {
                best = best.min(above[j - 1] + 1);
            }
            next.push(best);
        }
        // Rows never fall below the smallest of the two before.
        if next.iter().chain(&row).min().is_some_and(|best| *best > far) {
            return None;
        }
        above = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= far)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_suggested_and_far_ones_are_not() {
        let names = ["payments", "payment", "paymetns", "payments-api", "web", "db", "Payments"];
        assert_eq!(
            similar("payments", names),
            ["Payments", "payments", "payment", "paymetns", "payments-api"]
        );
        assert_eq!(similar("wbe", names), ["web"]);
        assert_eq!(similar("dv", names), ["db"]);
        assert_eq!(similar("zzzzzz", names), [""; 0]);
        assert_eq!(similar("", names), [""; 0]);
    }

    #[test]
    fn distances_are_right_up_to_the_bound() {
        let of = |a: &str, b: &str, far| {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            distance(&letters(a), &letters(b), far)
        };
        assert_eq!(of("kitten", "sitting", 4), Some(3));
        assert_eq!(of("kitten", "sitting", 2), None);
        assert_eq!(of("abcd", "abdc", 1), Some(1));
        assert_eq!(of("same", "same", 0), Some(0));
    }
}
