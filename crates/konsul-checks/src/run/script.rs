//! Script checks: a program of this machine, in a process group of its own.
//!
//! The run is over when the program has ended *and* its output is closed: what it left behind in the background with
//! the output in hand belongs to the run, as in Consul. At the deadline the whole group gets SIGKILL, which nothing in
//! it can ignore. The program is waited for only after its output has ended, because as long as nobody has waited, its
//! number cannot be given to another process, and the signal reaches nobody else.

use std::io;
use std::process::{ExitStatus, Stdio};

use konsul_runtime::time::{Duration, timeout, timeout_at};
use konsul_types::{CheckStatus, GoDuration};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use super::errors::system;
use super::{Limit, Run, RunFuture};
use crate::decide::{Finding, Tail};
use crate::definition::ScriptCheck;

/// So long a killed program is waited for. One that the kernel does not let go is left to the reaper of the runtime.
const GONE_WITHIN: Duration = Duration::from_secs(1);

pub(crate) struct ScriptRunner {
    arguments: Vec<String>,
}

impl ScriptRunner {
    pub(crate) fn new(check: &ScriptCheck) -> Result<Self, String> {
        let arguments = command_line(check.shell.as_deref(), &check.arguments);
        match arguments.first() {
            Some(program) if !program.is_empty() => Ok(Self { arguments }),
            _ => Err("need an executable to run".to_owned()),
        }
    }

    async fn execute(&self, limit: Limit) -> Finding {
        let (mut group, mut output) = match self.spawn() {
            Ok(spawned) => spawned,
            Err(why) => return Finding::critical(self.not_started(&why)),
        };
        let mut tail = Tail::new(limit.output_max);
        let ended = timeout_at(limit.until, async {
            drain(&mut output, &mut tail).await;
            group.child.wait().await
        });
        match ended.await {
            Ok(Ok(status)) => {
                group.over = true;
                Finding { status: judged(status), output: tail.captured().into() }
            }
            Ok(Err(why)) => Finding::critical(system(&why)),
            Err(_) => {
                group.kill().await;
                Finding::critical(timed_out(limit.timeout, &tail.captured()))
            }
        }
    }

    fn spawn(&self) -> io::Result<(Group, pipe::Receiver)> {
        let (read, write) = io::pipe()?;
        let mut command = Command::new(&self.arguments[0]);
        command.args(&self.arguments[1..]).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(write.try_clone()?).stderr(write);
        let child = command.spawn()?;
        // The command holds the writing end, which has to close for the output to end.
        drop(command);
        let group =
            Group { pid: child.id().and_then(|id| Pid::from_raw(id.cast_signed())), child, over: false };
        Ok((group, pipe::Receiver::from_owned_fd(read.into())?))
    }

    /// Go's words, which tell whether the program was looked for.
    fn not_started(&self, why: &io::Error) -> String {
        let program = &self.arguments[0];
        match why.kind() {
            io::ErrorKind::NotFound if !program.contains('/') => {
                format!("exec: {program:?}: executable file not found in $PATH")
            }
            _ => format!("fork/exec {program}: {}", system(why)),
        }
    }
}

impl Run for ScriptRunner {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        Box::pin(self.execute(limit))
    }
}

/// What is executed: the arguments as they are, or a shell that is handed them.
pub(super) fn command_line(shell: Option<&str>, arguments: &[String]) -> Vec<String> {
    match shell.filter(|shell| !shell.is_empty()) {
        Some(shell) => vec![shell.to_owned(), "-c".to_owned(), arguments.join(" ")],
        None => arguments.to_vec(),
    }
}

/// The status that an exit code stands for, in scripts and in containers.
pub(super) fn status_of(code: Option<i64>) -> CheckStatus {
    match code {
        Some(0) => CheckStatus::Passing,
        Some(1) => CheckStatus::Warning,
        _ => CheckStatus::Critical,
    }
}

fn judged(status: ExitStatus) -> CheckStatus {
    status_of(status.code().map(i64::from))
}

async fn drain(output: &mut pipe::Receiver, tail: &mut Tail) {
    let mut buffer = [0; 4096];
    // An error ends the output as its end does; how the program ends tells the rest.
    while let Ok(count) = output.read(&mut buffer).await
        && count > 0
    {
        tail.push(&buffer[..count]);
    }
}

fn timed_out(after: Duration, output: &str) -> String {
    let nanos = i64::try_from(after.as_nanos()).unwrap_or(i64::MAX);
    let text = format!("Timed out ({}) running check", GoDuration(nanos));
    if output.is_empty() { text } else { format!("{text}\n\n{output}") }
}

/// A program and all that it started. When it is dropped before its end, all of it is killed.
struct Group {
    child: Child,
    pid: Option<Pid>,
    over: bool,
}

impl Group {
    async fn kill(&mut self) {
        self.signal();
        // Whether it is gone in time changes nothing any more: it cannot run on.
        let _ = timeout(GONE_WITHIN, self.child.wait()).await;
        self.over = true;
    }

    fn signal(&self) {
        if let Some(pid) = self.pid {
            // An error means that nobody of the group is left.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.over {
            self.signal();
        }
    }
}
