//! One target under libFuzzer.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use konsul_fuzz::{Target, corpus};

/// How long libFuzzer lets one input run, in seconds. The targets' own bound on processor time is lower.
const TIMEOUT: u32 = 25;
/// Most memory of the process, in MiB. The targets' own bounds are lower.
const RSS: u32 = 3072;
/// How long it tries to make an input that fails smaller, in seconds.
const MINIMISE: u32 = 30;
/// How long it may take to reduce a corpus, in seconds.
const REDUCE: u32 = 30;

/// A target, its binary, and the folder that keeps what it finds.
pub(super) struct Campaign<'a> {
    pub(super) target: &'static Target,
    pub(super) binary: &'a Path,
    pub(super) folder: &'a Path,
}

/// What came of a campaign.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) ran: Duration,
    pub(super) executions: u64,
    /// Inputs in the corpus afterwards.
    inputs: usize,
    /// Edges that they reach, as libFuzzer counts them.
    edges: u64,
    /// Inputs that fail.
    pub(super) crashes: Vec<PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { ran, executions, inputs, edges, crashes } = self;
        let seconds = ran.as_secs();
        write!(
            f,
            "{seconds} s, {executions} executions, {edges} edges, {inputs} inputs kept, {} fail",
            crashes.len()
        )
    }
}

impl Campaign<'_> {
    /// Runs for a share of time, or until something is found.
    pub(super) fn run(&self, share: Duration) -> Result<Report, String> {
        self.prepare().map_err(|why| format!("{}: {why}", self.folder.display()))?;
        self.forget_what_is_mended()?;
        let started = Instant::now();
        let output = self.fuzz(share)?;
        let ran = started.elapsed();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        self.keep("last.log", &said)?;
        if !output.status.success() {
            self.minimise()?;
        }
        self.reduce()?;
        let crashes = files(&self.crashes()).map_err(|why| why.to_string())?;
        if !output.status.success() && crashes.is_empty() {
            return Err(format!("libFuzzer ended with {}; what it said is in last.log", output.status));
        }
        let inputs = files(&self.corpus()).map_err(|why| why.to_string())?.len();
        let executions = statistic(&said).unwrap_or(0);
        Ok(Report { ran, executions, inputs, edges: edges(&said), crashes })
    }

    fn corpus(&self) -> PathBuf {
        self.folder.join("corpus")
    }

    fn crashes(&self) -> PathBuf {
        self.folder.join("crashes")
    }

    fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(self.crashes())?;
        corpus::write_seeds(&self.corpus(), &(self.target.seeds)())
    }

    fn keep(&self, name: &str, text: &str) -> Result<(), String> {
        let file = self.folder.join(name);
        fs::write(&file, text).map_err(|why| format!("{}: {why}", file.display()))
    }

    fn libfuzzer(&self) -> Command {
        let mut command = Command::new(self.binary);
        command.arg(format!("-timeout={TIMEOUT}")).arg(format!("-rss_limit_mb={RSS}"));
        command.arg(format!("-max_len={}", self.target.input_bytes_max)).current_dir(self.folder);
        command
    }

    fn start(&self, command: &mut Command) -> Result<Output, String> {
        command.output().map_err(|why| format!("{}: {why}", self.binary.display()))
    }

    /// Inputs that failed in an earlier run and do no more are no finding.
    fn forget_what_is_mended(&self) -> Result<(), String> {
        for file in files(&self.crashes()).map_err(|why| why.to_string())? {
            if self.start(self.libfuzzer().arg(&file))?.status.success() {
                fs::remove_file(&file).map_err(|why| format!("{}: {why}", file.display()))?;
            }
        }
        Ok(())
    }

    fn fuzz(&self, share: Duration) -> Result<Output, String> {
        let mut command = self.libfuzzer();
        command.arg(format!("-max_total_time={}", share.as_secs().max(1))).arg("-print_final_stats=1");
        command.arg("-artifact_prefix=crashes/");
        let words = Path::new(env!("CARGO_MANIFEST_DIR")).join("dictionaries").join(self.target.name);
        if words.is_file() {
            command.arg(format!("-dict={}", words.display()));
        }
        // New inputs go into the first folder; the others are only read.
        command.arg("corpus").arg(corpus::checked_in(self.target.name));
        self.start(&mut command)
    }

    /// Makes the inputs that fail smaller, as far as that goes in a short time.
    fn minimise(&self) -> Result<(), String> {
        for file in files(&self.crashes()).map_err(|why| why.to_string())? {
            let smaller = file.with_extension("smaller");
            let mut command = self.libfuzzer();
            command.arg("-minimize_crash=1").arg(format!("-max_total_time={MINIMISE}"));
            command.arg(format!("-exact_artifact_path={}", smaller.display())).arg(&file);
            let output = self.start(&mut command)?;
            self.keep("minimised.log", &String::from_utf8_lossy(&output.stderr))?;
            if smaller.is_file() {
                fs::rename(&smaller, &file).map_err(|why| format!("{}: {why}", file.display()))?;
            }
        }
        Ok(())
    }

    /// Keeps of the corpus what reaches code that nothing smaller in it does. If that does not end in time, the corpus
    /// stays as it is.
    fn reduce(&self) -> Result<(), String> {
        let (corpus, reduced) = (self.corpus(), self.folder.join("reduced"));
        let io = |why: io::Error| format!("{}: {why}", reduced.display());
        if reduced.exists() {
            fs::remove_dir_all(&reduced).map_err(io)?;
        }
        fs::create_dir_all(&reduced).map_err(io)?;
        let mut command = self.libfuzzer();
        command.arg("-merge=1").arg(format!("-max_total_time={REDUCE}")).arg(&reduced).arg(&corpus);
        let merged = self.start(&mut command)?;
        if merged.status.success() && !files(&reduced).map_err(io)?.is_empty() {
            fs::remove_dir_all(&corpus).map_err(io)?;
            fs::rename(&reduced, &corpus).map_err(io)?;
        }
        Ok(())
    }
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|file| file.map(|file| file.path())).collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

/// The number of executions in libFuzzer's closing statistics.
fn statistic(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    line.trim().parse().ok()
}

/// The last count of edges in its progress lines, `#123 NEW cov: 456 ft: …`.
fn edges(said: &str) -> u64 {
    let count = |line: &str| line.split_once("cov: ")?.1.split_whitespace().next()?.parse().ok();
    said.lines().rev().find_map(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands in for libFuzzer: finds one input, makes it smaller, and fails on inputs that hold `bad`.
    const STAND_IN: &str = r#"#!/bin/sh
for word in "$@"; do
    case "$word" in
        -exact_artifact_path=*) printf bad > "${word#*=}"; exit 77 ;;
        -print_final_stats=1)
            printf 'something bad' > crashes/crash-1
            echo '#9 NEW cov: 5 ft: 6' >&2; echo 'stat::number_of_executed_units: 9' >&2; exit 77 ;;
        -merge=1) for last in "$@"; do :; done; cp "$last"/* reduced/; exit 0 ;;
    esac
done
for last in "$@"; do :; done
! grep -q bad "$last"
"#;

    #[test]
    fn what_fails_is_kept_small_and_is_forgotten_once_it_passes() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary directory");
        let binary = folder.path().join("stand-in");
        fs::write(&binary, STAND_IN).expect("it takes a file");
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).expect("its owner may do this");
        let target = konsul_fuzz::find("duration").expect("a target");
        let campaign = Campaign { target, binary: &binary, folder: &folder.path().join("duration") };
        let report = campaign.run(Duration::from_secs(1)).expect("the stand-in runs");
        assert_eq!((report.executions, report.edges, report.crashes.len()), (9, 5, 1));
        assert_eq!(report.inputs, (target.seeds)().len());
        assert_eq!(fs::read(&report.crashes[0]).expect("it is kept"), b"bad");
        fs::write(&report.crashes[0], "mended").expect("it takes a file");
        campaign.forget_what_is_mended().expect("the stand-in runs");
        assert!(!report.crashes[0].exists());
    }

    #[test]
    fn libfuzzers_words_are_read() {
        let said = "#8192 pulse  cov: 12 ft: 13\n#9000 NEW    cov: 456 ft: 789 corp: 1/1b\n\
            stat::number_of_executed_units: 123456\nstat::average_exec_per_sec:     9\n";
        assert_eq!((statistic(said), edges(said)), (Some(123_456), 456));
        assert_eq!((statistic("killed"), edges("killed")), (None, 0));
    }
}
