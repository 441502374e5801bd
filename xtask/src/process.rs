//! Child processes: a command line that is echoed, run in the workspace, and turned into a typed error.
//!
//! A step with a wall limit is run in a process group of its own, so that stopping it stops what it started.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Child, Command as StdCommand, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// A command line to run.
#[derive(Debug)]
pub struct Command {
    inner: StdCommand,
}

impl Command {
    /// `program` in the root of the workspace, without input.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut inner = StdCommand::new(program);
        inner.current_dir(crate::tree::root()).stdin(Stdio::null());
        Self { inner }
    }

    /// The cargo that runs this program.
    pub fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    /// Adds the words of `line`, split at white space: for fixed command lines without quoting.
    #[must_use]
    pub fn words(mut self, line: &str) -> Self {
        self.inner.args(line.split_whitespace());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.inner.args(args);
        self
    }

    /// Sets an environment variable for the child.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Runs in `directory` instead of the root of the workspace.
    #[must_use]
    pub fn dir(mut self, directory: &Path) -> Self {
        self.inner.current_dir(directory);
        self
    }

    /// Hands the terminal's input to the child, for commands that a person talks to.
    #[must_use]
    pub fn with_input(mut self) -> Self {
        self.inner.stdin(Stdio::inherit());
        self
    }

    /// Echoes the command line and runs it to its end.
    ///
    /// # Errors
    ///
    /// [`Error::NotStarted`] or, when it exits with anything but 0, [`Error::Failed`].
    pub fn run(mut self) -> Result<()> {
        println!("$ {self}");
        let status = self.inner.status().map_err(|source| self.not_started(source))?;
        self.judge(status)
    }

    /// Runs without echo and returns what was written to stdout.
    ///
    /// # Errors
    ///
    /// As [`Command::run`]; what the child wrote to stderr is part of the message.
    pub fn output(mut self) -> Result<String> {
        let output = self.inner.output().map_err(|source| self.not_started(source))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let status = format!("{}: {}", output.status, said.trim());
            return Err(Error::Failed { command: self.to_string(), status });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether the command starts and succeeds; it prints nothing.
    pub fn succeeds(mut self) -> bool {
        self.inner.stdout(Stdio::null()).stderr(Stdio::null());
        self.inner.status().is_ok_and(|status| status.success())
    }

    /// Starts the child with its stdout piped, in a process group of its own.
    ///
    /// # Errors
    ///
    /// [`Error::NotStarted`].
    pub fn start_group(mut self) -> Result<Group> {
        use std::os::unix::process::CommandExt as _;
        println!("$ {self}");
        let spawned = self.inner.process_group(0).stdout(Stdio::piped()).spawn();
        let child = spawned.map_err(|source| self.not_started(source))?;
        Ok(Group { child })
    }

    fn judge(&self, status: ExitStatus) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed { command: self.to_string(), status: status.to_string() })
    }

    fn not_started(&self, source: std::io::Error) -> Error {
        let hint = "`cargo xtask deps` installs what can be installed".to_owned();
        Error::NotStarted { command: self.to_string(), hint, source }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = format!("{}/", crate::tree::root().display());
        write!(f, "{}", program_name(self.inner.get_program()))?;
        for arg in self.inner.get_args() {
            write!(f, " {}", arg.to_string_lossy().replace(&root, ""))?;
        }
        Ok(())
    }
}

fn program_name(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    name.to_string_lossy().into_owned()
}

/// A running child and everything it started.
#[derive(Debug)]
pub struct Group {
    child: Child,
}

impl Group {
    /// The child's stdout; `None` when it was taken before.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// The child's exit, if it has ended.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until the child ends or `limit` is over; `None` means that the limit was reached and the group
    /// was told to stop, then killed after ten seconds.
    pub fn wait_at_most(&mut self, limit: Duration) -> Option<ExitStatus> {
        let status = self.poll_until(Instant::now() + limit);
        if status.is_none() {
            self.stop();
        }
        status
    }

    /// Ends the group: first by request, after ten seconds by force.
    pub fn stop(&mut self) {
        self.signal("TERM");
        if self.poll_until(Instant::now() + Duration::from_secs(10)).is_none() {
            self.signal("KILL");
            self.poll_until(Instant::now() + Duration::from_secs(10));
        }
    }

    // A child's end has no portable wait with a limit in std; polling at 50 ms is exact enough here.
    fn poll_until(&mut self, end: Instant) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.try_wait() {
                return Some(status);
            }
            if Instant::now() >= end {
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    fn signal(&self, name: &str) {
        // The shell's own `kill`: the program of that name is not on every system.
        Command::new("sh").args(["-c", &format!("kill -s {name} -- -{}", self.child.id())]).succeeds();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.try_wait().is_none() {
            self.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_line() {
        let error = Command::new("false").arg("--now").run().expect_err("false fails");
        assert!(error.to_string().starts_with("`false --now` failed"), "{error}");
    }

    #[test]
    fn a_missing_program_says_what_to_do() {
        let error = Command::new("no-such-program-here").run().expect_err("there is none");
        assert!(error.to_string().contains("cargo xtask deps"), "{error}");
    }

    #[test]
    fn the_limit_ends_the_whole_group() {
        let mut group =
            Command::new("sh").args(["-c", "sleep 600 & wait"]).start_group().expect("sh is there");
        assert_eq!(group.wait_at_most(Duration::from_millis(100)), None);
        assert!(group.try_wait().is_some(), "the group is gone");
    }
}
