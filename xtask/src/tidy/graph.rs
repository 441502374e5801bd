//! The crates of the workspace and what they depend on, as `cargo metadata` tells it.

use std::collections::BTreeSet;

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};

use crate::error::{Error, Result};
use crate::process::Command;

/// One crate of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crate {
    /// The package name.
    pub name: String,
    /// The folder of its manifest, relative to the root.
    pub folder: String,
    /// Direct dependencies of the product: normal and build ones.
    pub normal: BTreeSet<String>,
    /// Direct dependencies of its tests alone.
    pub dev: BTreeSet<String>,
}

impl Crate {
    /// Where a finding about this crate points.
    pub fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

/// Every crate of the workspace, and the names that the root manifest shares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// In order of their names.
    pub crates: Vec<Crate>,
    /// The names under `[workspace.dependencies]`.
    pub shared: BTreeSet<String>,
}

impl Graph {
    /// Asks cargo, and reads the shared names from the root manifest.
    ///
    /// # Errors
    ///
    /// [`Error::Metadata`] when cargo's answer cannot be had.
    pub fn read() -> Result<Self> {
        let root = crate::tree::root();
        let mut command = MetadataCommand::new();
        command.current_dir(&root).no_deps().features(CargoOpt::SomeFeatures(Vec::new()));
        let metadata = command.exec().map_err(|error| Error::Metadata(error.to_string()))?;
        let mut crates: Vec<Crate> = metadata
            .packages
            .iter()
            .map(|package| member(package, metadata.workspace_root.as_str()))
            .collect();
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        let manifest = root.join("Cargo.toml");
        let text =
            std::fs::read_to_string(&manifest).map_err(|source| Error::file("read", &manifest, source))?;
        Ok(Self { crates, shared: shared_names(&text) })
    }

    /// The names of the crates of the workspace.
    pub fn names(&self) -> BTreeSet<&str> {
        self.crates.iter().map(|member| member.name.as_str()).collect()
    }
}

fn member(package: &cargo_metadata::Package, root: &str) -> Crate {
    let folder = package.manifest_path.parent().map_or("", |folder| folder.as_str());
    let folder = folder.strip_prefix(root).unwrap_or(folder).trim_start_matches('/').to_owned();
    let of = |dev: bool| {
        let wanted =
            package.dependencies.iter().filter(|dep| (dep.kind == DependencyKind::Development) == dev);
        wanted.map(|dep| dep.name.clone()).collect()
    };
    Crate { name: package.name.to_string(), folder, normal: of(false), dev: of(true) }
}

// The table is ours and flat: one `name = …` a line until the next `[`.
fn shared_names(manifest: &str) -> BTreeSet<String> {
    let lines = manifest.lines().skip_while(|line| line.trim() != "[workspace.dependencies]").skip(1);
    let table = lines.take_while(|line| !line.starts_with('['));
    let names = table.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim());
    names
        .filter(|name| !name.starts_with('#'))
        .map(|name| name.trim_end_matches(".workspace").to_owned())
        .collect()
}

/// The chain of packages from a crate of the workspace to one that its product is linked with.
pub type Chain = Vec<String>;

/// Every package that the product of `krate` is linked with, by the shortest of cargo's chains to it.
///
/// Features are resolved for this crate alone, as it is when nothing else of the workspace is built; procedural
/// macros are left out, since they run in the compiler.
///
/// # Errors
///
/// When cargo cannot resolve the crate.
pub fn linked(krate: &str) -> Result<Vec<Chain>> {
    let command = Command::cargo()
        .words("tree --quiet --locked --edges normal,no-proc-macro --prefix depth --format {p}");
    let text = command.args(["--package", krate]).output()?;
    Ok(chains(&text))
}

// `cargo tree --prefix depth` prints the depth and then the package, parents before children.
fn chains(text: &str) -> Vec<Chain> {
    let (mut path, mut chains): (Chain, Vec<Chain>) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Ok(depth) = line[..digits].parse::<usize>() else {
            continue;
        };
        let name = line[digits..].split_whitespace().next().unwrap_or_default();
        path.truncate(depth);
        path.push(name.to_owned());
        chains.push(path.clone());
    }
    chains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_names_are_read_from_the_table() {
        let manifest = "[workspace]\nx = 1\n[workspace.dependencies]\n# words\na = \"1\"\nb-c = { version = \"2\" }\n[z]\nd = 1\n";
        assert_eq!(shared_names(manifest), BTreeSet::from(["a".to_owned(), "b-c".to_owned()]));
    }

    #[test]
    fn a_chain_tells_who_pulled_it_in() {
        let text = "0konsul-state v0.1.0 (/x)\n1imbl v7.0.2\n2rand_core v0.9.5\n1serde v1.0.0 (*)\n";
        let chains = chains(text);
        assert_eq!(chains[2], ["konsul-state", "imbl", "rand_core"]);
        assert_eq!(chains[3], ["konsul-state", "serde"]);
    }

    #[test]
    fn cargo_knows_this_crate() {
        let graph = Graph::read().expect("cargo metadata works");
        let this = graph.crates.iter().find(|member| member.name == "xtask").expect("xtask is a member");
        assert_eq!(this.folder, "xtask");
        assert!(this.normal.contains("cargo_metadata") && !this.normal.contains("konsul"));
    }
}
