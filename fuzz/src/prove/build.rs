//! Compiles the targets so that libFuzzer sees which code an input reaches.
//!
//! The stable compiler has no flag for this, but its LLVM has the pass: it is asked for by name, with the kinds of
//! coverage that libFuzzer reads. Sanitizers, which do need a nightly compiler, are not used. Everything is compiled for
//! a named host, because flags then leave build scripts and macros alone, which could not be linked with them.

use std::path::{Path, PathBuf};
use std::process::Command;

use konsul_fuzz::{Target, targets};

/// Edges as 8-bit counters, a table of them, and the operands of comparisons.
const FLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// As fast as a release, with every assertion on, and symbols for what is found.
const PROFILE: [(&str, &str); 7] = [
    ("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"),
    ("CARGO_PROFILE_RELEASE_STRIP", "none"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true"),
    ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true"),
];

/// Where the compiled targets are.
pub(super) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The binary of a target.
    pub(super) fn of(&self, target: &Target) -> PathBuf {
        self.folder.join(format!("fuzz-{}", target.name))
    }
}

/// Compiles all targets.
pub(super) fn binaries() -> Result<Binaries, String> {
    let host = host()?;
    let folder = target_dir()?.join("libfuzzer");
    let mut cargo = Command::new(cargo());
    cargo.args(["build", "--release", "--locked", "--package", "konsul-fuzz", "--features", "libfuzzer"]);
    // Not this program itself, which has no libFuzzer to be linked with.
    cargo.args(targets::ALL.iter().flat_map(|target| ["--bin".to_owned(), format!("fuzz-{}", target.name)]));
    cargo.args(["--target", &host]).arg("--target-dir").arg(&folder);
    cargo.env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS").envs(PROFILE);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    match cargo.status() {
        Ok(status) if status.success() => Ok(Binaries { folder: folder.join(host).join("release") }),
        Ok(status) => {
            Err(format!("the targets cannot be compiled for libFuzzer ({status}); a C++ compiler is needed"))
        }
        Err(why) => Err(format!("{}: {why}", cargo_name(&cargo))),
    }
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn cargo_name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn host() -> Result<String, String> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(&rustc).args(["--print", "host-tuple"]).output();
    let output = output.map_err(|why| format!("{rustc}: {why}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The folder that this program was built into: it stands two levels above the program itself.
fn target_dir() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|why| why.to_string())?;
    let folder = here.parent().and_then(Path::parent);
    folder.map(Path::to_path_buf).ok_or_else(|| format!("{} is not in a target folder", here.display()))
}
