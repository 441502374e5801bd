//! A command that is run under a lock or for a change: started, waited for, stopped with everything that it started.
//!
//! The child is the leader of a process group of its own, so that stopping it reaches what it started too. One exception:
//! a child that reads the terminal must stay in the terminal's group, or the system would stop it at its first read; then
//! only the child itself is stopped.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::process::{Child as Process, Command};
use tokio::time::Instant;

/// How often a group that was asked to end is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What is run.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The program and its arguments; never empty.
    pub(crate) words: Vec<String>,
    /// Variables beside those of this process.
    pub(crate) env: Vec<(String, String)>,
    /// Where its input comes from.
    pub(crate) stdin: Stdin,
}

/// Where a child's input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stdin {
    /// There is none.
    Nothing,
    /// From this process's own, which is no terminal.
    Inherited,
    /// From the terminal that this process has.
    Terminal,
    /// From this process, byte by byte.
    Piped,
}

/// A running command.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    pid: Pid,
    has_group: bool,
}

impl Child {
    /// Starts it.
    pub(crate) fn start(spec: &Spec) -> io::Result<Child> {
        let (program, arguments) = spec.words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).envs(spec.env.iter().map(|(name, value)| (name, value)));
        command.stdin(match spec.stdin {
            Stdin::Nothing => Stdio::null(),
            Stdin::Inherited | Stdin::Terminal => Stdio::inherit(),
            Stdin::Piped => Stdio::piped(),
        });
        let has_group = spec.stdin != Stdin::Terminal;
        if has_group {
            command.process_group(0);
        }
        let process = command.spawn()?;
        let pid = process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| io::Error::other("the system gave the child no process id"))?;
        Ok(Child { process, pid, has_group })
    }

    /// The end of its input that is written to; `None` unless it is [`Stdin::Piped`], and after the first call.
    pub(crate) fn stdin(&mut self) -> Option<tokio::process::ChildStdin> {
        self.process.stdin.take()
    }

    /// Waits until it ends.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Asks it to end, and what it started; after `grace` they are ended without being asked.
    pub(crate) async fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + grace;
        self.handle().signal(Signal::TERM);
        let waited = tokio::time::timeout_at(deadline, self.process.wait()).await;
        while self.group_lives() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
        // Where nobody is left nobody is signalled: the number may be another's by now.
        if waited.is_err() || self.group_lives() {
            self.handle().kill();
        }
        match waited {
            Ok(status) => status,
            Err(_) => self.process.wait().await,
        }
    }

    fn group_lives(&self) -> bool {
        self.has_group && test_kill_process_group(self.pid).is_ok()
    }

    /// What reaches it while it is being waited for.
    pub(crate) fn handle(&self) -> Handle {
        Handle { pid: self.pid, has_group: self.has_group }
    }
}

/// What reaches a running command. Good as long as its [`Child`] lives and was not waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handle {
    pid: Pid,
    has_group: bool,
}

impl Handle {
    /// Ends it, and what it started, without asking.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // Whoever is not there any more needs no signal.
        let _ = if self.has_group {
            kill_process_group(self.pid, signal)
        } else {
            kill_process(self.pid, signal)
        };
    }
}

/// The exit code of a shell for such an end: a signal counts as 128 and its number.
pub(crate) fn code_of(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The exit code of a shell for a program that cannot be started.
pub(crate) fn code_of_start(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn spec(script: &str) -> Spec {
        let words = ["sh", "-c", script].map(str::to_owned).to_vec();
        Spec { words, env: vec![("WORD".into(), "7".into())], stdin: Stdin::Nothing }
    }

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn an_end_is_told_as_shells_tell_it() {
        run(async {
            let code =
                |script| async move { code_of(Child::start(&spec(script)).unwrap().wait().await.unwrap()) };
            assert_eq!(code("exit $WORD").await, 7);
            assert_eq!(code("kill -TERM $$").await, 143);
            let missing = Spec { words: vec!["/nonexistent/program".into()], ..spec("") };
            assert_eq!(code_of_start(&Child::start(&missing).unwrap_err()), 127);
        });
    }

    #[test]
    fn stopping_reaches_what_the_child_started_and_ends_what_does_not_listen() {
        let (mut ours, theirs) = std::io::pipe().unwrap();
        run(async {
            // Both the child and its own child ignore the request; the pipe closes when both are gone.
            let words = ["sh", "-c", "trap '' TERM; sleep 600 & echo up >&2; wait"];
            let mut command = Command::new(words[0]);
            command
                .args(&words[1..])
                .stdin(Stdio::null())
                .stdout(theirs)
                .stderr(Stdio::piped())
                .process_group(0);
            let mut process = command.spawn().unwrap();
            let mut up = [0; 3];
            tokio::io::AsyncReadExt::read_exact(process.stderr.as_mut().unwrap(), &mut up).await.unwrap();
            let pid = Pid::from_raw(process.id().unwrap().cast_signed()).unwrap();
            let mut child = Child { process, pid, has_group: true };
            let status = child.stop(Duration::from_millis(50)).await.unwrap();
            assert_eq!(code_of(status), 137);
        });
        assert_eq!(ours.read(&mut [0]).unwrap(), 0);
    }
}
