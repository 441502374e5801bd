//! `kv tree`.

use std::collections::BTreeMap;

use clap_complete::ArgValueCompleter;
use konsul_client::v2::kv::ListQuery;
use serde::Serialize;

use super::{Reading, key};
use crate::failure::Outcome;
use crate::output::{Column, Format, Row, cut, shown};
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv tree
  konsulctl kv tree --depth 2 app/
  konsulctl kv tree --limit 0 app/      all of it, however much there is";

/// Draws the keys below a prefix as a tree.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Tree {
    /// Where the tree begins; the top if not given
    #[arg(default_value = "", hide_default_value = true, add = ArgValueCompleter::new(crate::complete::keys))]
    prefix: String,
    /// So many levels; what is deeper is counted
    #[arg(long, value_name = "LEVELS", default_value_t = usize::MAX, hide_default_value = true)]
    depth: usize,
    /// So many keys are read at most; 0 for all
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    limit: u64,
    #[command(flatten)]
    reading: Reading,
}

/// A folder or a key, or both: nothing keeps `app` and `app/color` apart.
#[derive(Debug, Default, Serialize)]
struct Branch {
    name: String,
    /// Whether there is a key of this very name.
    is_key: bool,
    /// Keys here and below.
    keys: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Branch>,
}

impl Row for Branch {
    const COLUMNS: &'static [Column] = &[Column::text("NAME", 9), Column::number("KEYS", 8)];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.keys.to_string()]
    }
}

/// A branch in the making.
#[derive(Default)]
struct Sprout {
    is_key: bool,
    keys: u64,
    children: BTreeMap<String, Sprout>,
}

impl Sprout {
    /// Puts a key in. What is below `depth` levels only counts.
    fn put(&mut self, rest: &str, depth: usize) {
        self.keys += 1;
        if depth == 0 {
            return;
        }
        match rest.split_once('/') {
            None => {
                let leaf = self.children.entry(rest.to_owned()).or_default();
                leaf.is_key = true;
                leaf.keys += 1;
            }
            Some((folder, "")) => {
                let leaf = self.children.entry(format!("{folder}/")).or_default();
                leaf.is_key = true;
                leaf.keys += 1;
            }
            Some((folder, rest)) => {
                self.children.entry(format!("{folder}/")).or_default().put(rest, depth - 1);
            }
        }
    }

    fn grow(self, name: String) -> Branch {
        let children = self.children.into_iter().map(|(name, child)| child.grow(name)).collect();
        Branch { name, is_key: self.is_key, keys: self.keys, children }
    }
}

impl Tree {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let prefix = key(&self.prefix);
        let query = ListQuery {
            prefix: prefix.to_owned(),
            keys_only: true,
            consistency: self.reading.mode(),
            ..ListQuery::default()
        };
        let limit = if self.limit == 0 { u64::MAX } else { self.limit };
        let mut pages = client.v2().kv_list(&query).limit(1000);
        let (mut root, mut more) = (Sprout::default(), false);
        'all: while let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? {
            for entry in page.items {
                if root.keys == limit {
                    more = true;
                    break 'all;
                }
                root.put(entry.key.strip_prefix(prefix).unwrap_or(&entry.key), self.depth);
            }
        }
        let name = if prefix.is_empty() { "/" } else { prefix };
        let root = root.grow(name.to_owned());
        match run.format() {
            Format::Json | Format::Yaml => run.out().one(&root)?,
            Format::Table | Format::Plain => draw(&root, run)?,
        }
        if more {
            run.note(&format!("Only the first {limit} keys are shown; --limit 0 shows all."));
        }
        Ok(())
    }
}

fn draw(root: &Branch, run: &mut Run<'_>) -> Outcome {
    let columns = run.console.width().unwrap_or(usize::MAX);
    run.out().line(&cut(&shown(&root.name), columns))?;
    below(root, "", columns, run)?;
    let keys = if root.keys == 1 { "key" } else { "keys" };
    if run.console.width().is_some() {
        run.note(&format!("{} {keys}", root.keys));
    }
    Ok(())
}

fn below(branch: &Branch, before: &str, columns: usize, run: &mut Run<'_>) -> Outcome {
    for (at, child) in branch.children.iter().enumerate() {
        let last = at + 1 == branch.children.len();
        let (joint, further) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let folder = child.name.ends_with('/') && child.children.is_empty() && !child.is_key;
        let count = if folder { format!("  ({})", child.keys) } else { String::new() };
        let room = columns.saturating_sub(count.len());
        let text = cut(&format!("{before}{joint}{}", shown(&child.name)), room);
        run.out().line(&format!("{text}{count}"))?;
        below(child, &format!("{before}{further}"), columns, run)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(branch: &Branch, before: &str, out: &mut Vec<String>) {
        for child in &branch.children {
            let key = if child.is_key { "*" } else { "" };
            out.push(format!("{before}{}{key} {}", child.name, child.keys));
            lines(child, &format!("{before}  "), out);
        }
    }

    fn grow(keys: &[&str], depth: usize) -> Vec<String> {
        let mut root = Sprout::default();
        keys.iter().for_each(|key| root.put(key, depth));
        let mut out = Vec::new();
        lines(&root.grow("/".to_owned()), "", &mut out);
        out
    }

    #[test]
    fn a_name_may_be_a_key_and_a_folder() {
        let keys = ["app", "app/", "app/a", "app/b/c", "z"];
        assert_eq!(grow(&keys, 9), ["app* 1", "app/* 3", "  a* 1", "  b/ 1", "    c* 1", "z* 1"]);
    }

    #[test]
    fn what_is_deeper_only_counts() {
        assert_eq!(grow(&["a/b/c", "a/d", "e"], 1), ["a/ 2", "e* 1"]);
    }
}
