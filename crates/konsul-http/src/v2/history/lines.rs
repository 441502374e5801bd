//! Two texts, line by line: a longest common subsequence within a bound.

use konsul_api::v2::kv::{DiffKind, DiffLine};

/// Most cells of the table. Beyond it the texts are said to differ, and not how.
const CELLS_MAX: usize = 4_000_000;

/// The difference; `None` if it would take too much.
pub(super) fn compare(old: &str, new: &str) -> Option<Vec<DiffLine>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (head, old, new) = (&old[..same], &old[same..], &new[same..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, end) = old.split_at(old.len() - tail);
    let new = &new[..new.len() - tail];
    let mut out: Vec<DiffLine> = head.iter().map(|text| line(DiffKind::Same, text)).collect();
    middle(old, new, &mut out)?;
    out.extend(end.iter().map(|text| line(DiffKind::Same, text)));
    Some(out)
}

fn line(kind: DiffKind, text: &str) -> DiffLine {
    DiffLine { kind, text: text.to_owned() }
}

fn middle(old: &[&str], new: &[&str], out: &mut Vec<DiffLine>) -> Option<()> {
    let width = new.len() + 1;
    if (old.len() + 1).checked_mul(width)? > CELLS_MAX {
        return None;
    }
    let common = common(old, new, width);
    let (mut at, mut to) = (0, 0);
    while at < old.len() && to < new.len() {
        if old[at] == new[to] {
            out.push(line(DiffKind::Same, old[at]));
            (at, to) = (at + 1, to + 1);
        } else if common[(at + 1) * width + to] >= common[at * width + to + 1] {
            out.push(line(DiffKind::Removed, old[at]));
            at += 1;
        } else {
            out.push(line(DiffKind::Added, new[to]));
            to += 1;
        }
    }
    out.extend(old[at..].iter().map(|text| line(DiffKind::Removed, text)));
    out.extend(new[to..].iter().map(|text| line(DiffKind::Added, text)));
    Some(())
}

/// For each pair of places, how many lines their rests have in common.
fn common(old: &[&str], new: &[&str], width: usize) -> Vec<u32> {
    let mut table = vec![0u32; (old.len() + 1) * width];
    for at in (0..old.len()).rev() {
        for to in (0..new.len()).rev() {
            table[at * width + to] = if old[at] == new[to] {
                table[(at + 1) * width + to + 1] + 1
            } else {
                table[(at + 1) * width + to].max(table[at * width + to + 1])
            };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn side(lines: &[DiffLine], left_out: DiffKind) -> Vec<&str> {
        lines.iter().filter(|line| line.kind != left_out).map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_changed_line_is_removed_and_added() {
        let found = compare("a\nb\nc", "a\nx\nc\n").unwrap();
        let told: Vec<(DiffKind, &str)> = found.iter().map(|line| (line.kind, line.text.as_str())).collect();
        assert_eq!(
            told,
            [(DiffKind::Same, "a"), (DiffKind::Removed, "b"), (DiffKind::Added, "x"), (DiffKind::Same, "c")]
        );
    }

    #[test]
    fn what_would_take_too_much_is_not_done() {
        let (old, new) = ("a\n".repeat(3000), "b\n".repeat(3000));
        assert_eq!(compare(&old, &new), None);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_told_from_the_difference(
            old in proptest::collection::vec("[ab]{0,2}", 0..12), new in proptest::collection::vec("[ab]{0,2}", 0..12),
        ) {
            let (old, new) = (old.join("\n"), new.join("\n"));
            let found = compare(&old, &new).unwrap();
            prop_assert_eq!(side(&found, DiffKind::Added), old.lines().collect::<Vec<_>>());
            prop_assert_eq!(side(&found, DiffKind::Removed), new.lines().collect::<Vec<_>>());
        }
    }
}
