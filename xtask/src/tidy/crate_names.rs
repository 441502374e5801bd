//! A crate's folder has the crate's name, so that a path tells the package and a package the path.

use super::Finding;
use super::graph::{Crate, Graph};

/// The rule.
pub fn check(graph: &Graph) -> Vec<Finding> {
    let wrong = graph.crates.iter().filter(|member| folder_name(member) != member.name);
    wrong.map(|member| Finding::on(&member.manifest(), message(member))).collect()
}

fn folder_name(member: &Crate) -> &str {
    let last = member.folder.rsplit('/').next().unwrap_or_default();
    // The folders beside `crates/` go by their short names: `bench` holds `konsul-bench`.
    if member.folder.contains('/') {
        last
    } else {
        member.name.strip_suffix(last).map_or(last, |_| &member.name)
    }
}

fn message(member: &Crate) -> String {
    format!("the package `{}` lives in `{}`: give both one name", member.name, member.folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(name: &str, folder: &str) -> usize {
        let member = Crate { name: name.to_owned(), folder: folder.to_owned(), ..Crate::default() };
        check(&Graph { crates: vec![member], ..Graph::default() }).len()
    }

    #[test]
    fn a_folder_of_another_name_is_found() {
        assert_eq!(count("konsul-raft", "crates/konsul-raft"), 0);
        assert_eq!(count("konsul-raft", "crates/raft"), 1);
        assert_eq!(count("konsul-bench", "bench"), 0);
        assert_eq!(count("konsul-bench", "attic"), 1);
    }
}
