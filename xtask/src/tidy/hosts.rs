//! No host name of a package registry: packages are named, and the client at hand knows where to get them.

use super::Finding;
use crate::tree::{File, Tree};

// Put together from halves so that this file does not break its own rule.
const HOSTS: &[(&str, &str)] = &[
    ("index.crates", ".io"),
    ("static.crates", ".io"),
    ("files.python", "hosted.org"),
    ("py", "pi.org"),
    ("registry.np", "mjs.org"),
    ("registry.ya", "rnpkg.com"),
    ("proxy.go", "lang.org"),
    ("sum.go", "lang.org"),
    ("repo.maven.", "apache.org"),
    ("repo1.", "maven.org"),
    ("deb.deb", "ian.org"),
];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    // Cargo writes its lock file; nothing in it is ours to choose.
    tree.files.iter().filter(|file| !file.path.ends_with("Cargo.lock")).flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let hosts: Vec<String> = HOSTS.iter().map(|(head, tail)| format!("{head}{tail}")).collect();
    let hits = file.text.lines().enumerate().filter_map(|(at, line)| {
        let host = hosts.iter().find(|host| line.contains(host.as_str()))?;
        let message = format!(
            "`{host}` is the host of a registry: name the package and leave the host to the client's own settings \
             (npm: `omit-lockfile-registry-resolved=true`)"
        );
        Some(Finding::at(&file.path, at + 1, message))
    });
    hits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fires_on_each_host() {
        for (head, tail) in HOSTS {
            let tree = Tree::of(&[("compat/js/package-lock.json", &format!("\"https://{head}{tail}/x\""))]);
            assert_eq!(check(&tree).len(), 1, "{head}{tail}");
        }
    }

    #[test]
    fn a_package_name_passes() {
        assert_eq!(check(&Tree::of(&[("a.sh", "pip install typos")])), []);
    }
}
