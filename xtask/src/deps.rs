//! `deps`: installs what the targets need and this machine lacks, by package name with the ordinary clients.
//!
//! Tools that are not part of a system (the spelling checker, cargo-deny, mdBook) go into a folder of their own,
//! `$KONSUL_TOOLS`, else `konsul-tools` in the user's cache directory, one subfolder for each version: nothing a
//! person has installed is changed, and another clone finds them there. System packages come from apt where this
//! is allowed to install; elsewhere the message says what to install.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::process::Command;

/// What a target needs, the later ones in addition to the toolchain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// `make check`, `make fix`, the book.
    Check,
    /// `make test`.
    Test,
    /// `make bench`.
    Bench,
}

/// A tool with a pinned version in the tools folder.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    package: &'static str,
    version: &'static str,
    program: &'static str,
    from: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A wheel that ships the program.
    Pip,
    /// Compiled here: about a minute each, once for a version.
    Cargo,
}

/// Finds misspelt words.
pub const TYPOS: Tool = Tool { package: "typos", version: "1.52.0", program: "typos", from: Source::Pip };
/// Judges licences, banned crates and sources.
pub const DENY: Tool =
    Tool { package: "cargo-deny", version: "0.20.2", program: "cargo-deny", from: Source::Cargo };
/// Builds the book.
pub const MDBOOK: Tool = Tool { package: "mdbook", version: "0.5.4", program: "mdbook", from: Source::Cargo };

impl Tool {
    /// Where the program is, or will be.
    pub fn path(&self) -> PathBuf {
        self.folder().join("bin").join(self.program)
    }

    fn folder(&self) -> PathBuf {
        tools_folder().join(format!("{}-{}", self.package, self.version))
    }

    fn ensure(&self) -> Result<()> {
        if Command::new(self.path()).arg("--version").succeeds() {
            return Ok(());
        }
        println!(
            "{} {} is not here yet: installing it into {}",
            self.package,
            self.version,
            self.folder().display()
        );
        self.install()?;
        let works = Command::new(self.path()).arg("--version").succeeds();
        let remedy =
            format!("it was installed and does not start; remove {} and try again", self.folder().display());
        works.then_some(()).ok_or_else(|| Error::Missing { what: self.package.to_owned(), remedy })
    }

    fn install(&self) -> Result<()> {
        match self.from {
            Source::Pip => self.pip().run(),
            Source::Cargo => {
                let build = tools_folder().join("build");
                self.cargo(&build).run()?;
                std::fs::remove_dir_all(&build).map_err(|source| Error::file("remove", &build, source))
            }
        }
    }

    fn pip(&self) -> Command {
        let command = Command::new("python3")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .words("-m pip install --quiet --disable-pip-version-check --no-deps");
        command.arg("--target").arg(self.folder()).arg(format!("{}=={}", self.package, self.version))
    }

    // Unoptimised: these tools run for a second, and their build is what one waits for.
    fn cargo(&self, build: &Path) -> Command {
        let command =
            Command::cargo().words("install --quiet --debug --locked --no-default-features --force");
        let command = command.words("--config profile.dev.debug=false").arg("--target-dir").arg(build);
        command.arg("--root").arg(self.folder()).arg(format!("{}@{}", self.package, self.version))
    }
}

fn tools_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    set("KONSUL_TOOLS")
        .or_else(|| cache().map(|cache| cache.join("konsul-tools")))
        .unwrap_or_else(|| crate::run::target_dir().join("tools"))
}

/// Something of the system, the Debian package that has it, and which targets need it.
#[derive(Debug, Clone, Copy)]
struct System {
    what: What,
    package: &'static str,
    group: Group,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// A program on the path.
    Program(&'static str),
    /// A module of Python's. Debian leaves out of Python what `python3 -m venv` needs.
    Module(&'static str),
    /// What a package puts where only the system's own programs look.
    File(&'static str),
}

impl What {
    fn is_here(self) -> bool {
        match self {
            What::Program(name) => on_path(name),
            What::Module(name) => Command::new("python3").args(["-c", &format!("import {name}")]).succeeds(),
            What::File(path) => Path::new(path).is_file(),
        }
    }
}

const fn program(name: &'static str, package: &'static str, group: Group) -> System {
    System { what: What::Program(name), package, group }
}

const SYSTEM: &[System] = &[
    program("git", "git", Group::Check),
    program("python3", "python3-pip", Group::Check),
    program("curl", "curl", Group::Test),
    program("strace", "strace", Group::Test),
    // The languages of other projects' clients.
    program("go", "golang-go", Group::Test),
    program("node", "nodejs", Group::Test),
    program("npm", "npm", Group::Test),
    program("python3", "python3", Group::Test),
    System { what: What::Module("ensurepip"), package: "python3-venv", group: Group::Test },
    // What other projects' programs ask of the registry.
    program("dig", "bind9-dnsutils", Group::Test),
    program("haproxy", "haproxy", Group::Test),
    program("promtool", "prometheus", Group::Test),
    program("patroni", "patroni", Group::Test),
    // How Patroni, on the system's own Python, speaks to its store.
    System {
        what: What::File("/usr/lib/python3/dist-packages/consul/__init__.py"),
        package: "python3-consul",
        group: Group::Test,
    },
    program("pg_createcluster", "postgresql", Group::Test),
    program("etcd", "etcd-server", Group::Bench),
    program("etcdctl", "etcd-client", Group::Bench),
    program("wrk", "wrk", Group::Bench),
    System { what: What::File("/usr/sbin/nsd"), package: "nsd", group: Group::Bench },
    program("dnsperf", "dnsperf", Group::Bench),
    program("taskset", "util-linux", Group::Bench),
];

/// Installs what the named target needs, or what all of them need.
///
/// # Errors
///
/// [`Error::Usage`] for an unknown word, else as [`ensure`].
pub fn run(words: &[String]) -> Result<()> {
    let groups: Vec<Group> = match words {
        [] => vec![Group::Check, Group::Test, Group::Bench],
        words => words.iter().map(|word| group(word)).collect::<Result<_>>()?,
    };
    groups.into_iter().try_for_each(ensure)
}

fn group(word: &str) -> Result<Group> {
    match word {
        "check" => Ok(Group::Check),
        "test" => Ok(Group::Test),
        "bench" => Ok(Group::Bench),
        other => Err(Error::Usage(format!("deps knows check, test and bench, not `{other}`"))),
    }
}

/// Installs what `wanted` needs and this machine lacks; quick when everything is there.
///
/// # Errors
///
/// [`Error::Missing`] with the command that would help, when it cannot be installed from here.
pub fn ensure(wanted: Group) -> Result<()> {
    toolchain()?;
    system(wanted)?;
    if wanted == Group::Check {
        [TYPOS, DENY, MDBOOK].iter().try_for_each(Tool::ensure)?;
    }
    Ok(())
}

fn toolchain() -> Result<()> {
    for component in ["fmt", "clippy"] {
        if !Command::cargo().args([component, "--version"]).succeeds() {
            let remedy = "run `rustup component add rustfmt clippy`".to_owned();
            return Err(Error::Missing { what: format!("cargo {component}"), remedy });
        }
    }
    Ok(())
}

fn system(wanted: Group) -> Result<()> {
    let needed = SYSTEM.iter().filter(|system| system.group == wanted);
    let packages: Vec<&str> =
        needed.filter(|system| !system.what.is_here()).map(|system| system.package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    println!("missing on this machine: {}", packages.join(", "));
    if !may_install() {
        let remedy = format!("install it, on Debian with `sudo apt-get install {}`", packages.join(" "));
        return Err(Error::Missing { what: packages.join(", "), remedy });
    }
    Command::new("apt-get").words("-qq update").run()?;
    let install = Command::new("apt-get").words("-qq --yes --no-install-recommends install").args(&packages);
    // A server that a package starts by itself would take the ports of the benchmark.
    install.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").run()
}

fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.trim() == "0");
    root && on_path("apt-get")
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_group_is_named() {
        assert!(run(&["tests".to_owned()]).expect_err("no such group").to_string().contains("`tests`"));
    }

    #[test]
    fn what_is_here_and_what_is_not_are_told_apart() {
        assert!(What::Program("sh").is_here() && What::Module("json").is_here());
        assert!(!What::Program("no-such-program").is_here() && !What::Module("no_such_module").is_here());
    }

    #[test]
    fn a_tool_of_another_version_is_another_tool() {
        let newer = Tool { version: "9.9.9", ..TYPOS };
        assert_ne!(newer.path(), TYPOS.path());
    }
}
