//! One bash for a whole tour: it is given a command at a time and tells where its output ends.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::error::{Error, Result};

/// How long one command may take.
const COMMAND_WITHIN: Duration = Duration::from_secs(60);

/// Closes the output of a command; no command prints it by chance.
const END: &str = "──end-of-step──";

/// A running bash.
pub(super) struct Shell {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Shell {
    /// A bash in `folder`, with the programs of `bin_folder` first and the node's `address` in the environment.
    pub(super) fn start(folder: &Path, bin_folder: &Path, address: &str) -> Result<Self> {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", bin_folder.display());
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).current_dir(folder);
        command.env("PATH", path).env("KONSUL_HTTP_ADDR", address).env("CONSUL_HTTP_ADDR", address);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let hint = "a tour needs bash".to_owned();
        let started = command.spawn();
        let mut child =
            started.map_err(|source| Error::NotStarted { command: "bash".to_owned(), hint, source })?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| Error::Found("bash came without its pipes".to_owned()))?;
        Ok(Self { child, input, lines: read_lines(output) })
    }

    /// Runs `command` and returns what it printed on stdout and stderr, with `(exit CODE)` at the end if it failed.
    pub(super) fn run(&mut self, command: &str) -> Result<Vec<String>> {
        // The newline before the mark closes a last line that the command left open.
        let script = format!("{{ {command}\n}} </dev/null 2>&1\nprintf '\\n{END} %d\\n' $?\n");
        self.input.write_all(script.as_bytes()).map_err(|source| Error::file("write to", "bash", source))?;
        let mut printed = Vec::new();
        loop {
            let line = self.lines.recv_timeout(COMMAND_WITHIN).map_err(|why| lost(command, why, &printed))?;
            match line.strip_prefix(END) {
                None => printed.push(line),
                Some(" 0") => return Ok(printed),
                Some(code) => {
                    while printed.last().is_some_and(String::is_empty) {
                        printed.pop();
                    }
                    printed.push(format!("(exit{code})"));
                    return Ok(printed);
                }
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It is gone already when a command ended it; there is nothing else to tell.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn lost(command: &str, why: RecvTimeoutError, printed: &[String]) -> Error {
    let why = match why {
        RecvTimeoutError::Timeout => format!("did not end within {COMMAND_WITHIN:?}"),
        RecvTimeoutError::Disconnected => "ended the shell".to_owned(),
    };
    Error::Found(format!("`{command}` {why}; it printed:\n{}", printed.join("\n")))
}

// Reading in a thread of its own is what makes a limit possible; the channel holds a page and then waits.
fn read_lines(output: std::process::ChildStdout) -> Receiver<String> {
    use std::io::BufRead as _;
    let (sender, receiver) = sync_channel(1024);
    std::thread::spawn(move || {
        for line in std::io::BufReader::new(output).lines().map_while(std::result::Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(commands: &[&str], expect: &[&str]) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shell = Shell::start(folder.path(), folder.path(), "127.0.0.1:1").expect("bash starts");
        let mut printed = Vec::new();
        for command in commands {
            printed = shell.run(command).expect("the command ends");
        }
        while printed.last().is_some_and(String::is_empty) {
            printed.pop();
        }
        assert_eq!(printed, expect);
    }

    #[test]
    fn what_is_printed_comes_back_with_errors_and_without_input() {
        check(&["printf 'a\\nb'"], &["a", "b"]);
        check(&["echo a >&2"], &["a"]);
        check(&["cat"], &[]);
        check(&["echo $CONSUL_HTTP_ADDR"], &["127.0.0.1:1"]);
    }

    #[test]
    fn variables_functions_and_background_jobs_live_on() {
        check(&["f() { echo \"$A\"; }", "A=1; echo x > file &", "wait; f; cat file"], &["1", "x"]);
    }

    #[test]
    fn a_failure_says_its_code() {
        check(&["echo a; (exit 3)"], &["a", "(exit 3)"]);
    }

    #[test]
    fn a_command_that_ends_the_shell_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shell = Shell::start(folder.path(), folder.path(), "127.0.0.1:1").expect("bash starts");
        let error = shell.run("exit 3").expect_err("it is gone");
        assert!(error.to_string().contains("ended the shell"), "{error}");
    }
}
