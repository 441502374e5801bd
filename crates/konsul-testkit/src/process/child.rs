//! An agent as a child process: its output line by line, its end in time.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Lines of output that may wait to be looked at.
const LINES_KEPT: usize = 65_536;

/// A running agent, ended when this goes.
#[derive(Debug)]
pub struct AgentProcess {
    child: Child,
    lines: Receiver<String>,
    /// The lines of its output that were looked at.
    pub seen: Vec<String>,
    /// Where it answers, such as `127.0.0.1:43210`.
    pub address: String,
}

impl AgentProcess {
    /// Starts a command that runs an agent, and waits until it says where it answers. Its standard output is taken; what it
    /// says on standard error goes where the command sends it.
    ///
    /// # Errors
    /// What it said when it ended instead, or that it took too long.
    pub fn start(command: &mut Command, patience: Duration) -> Result<AgentProcess, String> {
        clean(command);
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|why| format!("{}: {why}", command.get_program().display()))?;
        let stdout = child.stdout.take().ok_or("the agent has no output")?;
        let (tell, lines) = sync_channel(LINES_KEPT);
        // Goes on reading for as long as there is output, so that the agent never waits for a reader.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // What nobody looks at for so long, or at all, is dropped.
                let _ = tell.try_send(line);
            }
        });
        let mut agent = AgentProcess { child, lines, seen: Vec::new(), address: String::new() };
        let line = agent.line_with("Client Addr: ", patience)?;
        agent.address = address_in(&line).ok_or_else(|| format!("no address is in {line:?}"))?;
        Ok(agent)
    }

    /// Waits for a line of output that contains `what`.
    ///
    /// # Errors
    /// The lines that came instead, if the agent ends or `patience` does.
    pub fn line_with(&mut self, what: &str, patience: Duration) -> Result<String, String> {
        let end = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(what) {
                        return Ok(line);
                    }
                }
                Err(why) => {
                    let why = match why {
                        RecvTimeoutError::Timeout => "in time",
                        RecvTimeoutError::Disconnected => "before the agent ended",
                    };
                    return Err(format!("no line with {what:?} came {why}:\n{}", self.seen.join("\n")));
                }
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// The system's, for example if it has ended.
    pub fn signal(&self, signal: Signal) -> Result<(), String> {
        kill_process(Pid::from_child(&self.child), signal).map_err(|why| why.to_string())
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end, and answers how it ended and all that it said.
    ///
    /// # Errors
    /// If it does not end in time; then it is killed.
    pub fn wait(mut self, patience: Duration) -> Result<(ExitStatus, Vec<String>), String> {
        let status = wait(&mut self.child, patience)?;
        self.seen.extend(self.lines.iter());
        Ok((status, std::mem::take(&mut self.seen)))
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        // It may be gone already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of a child.
///
/// # Errors
/// If it does not end in time; then it is killed.
pub(super) fn wait(child: &mut Child, patience: Duration) -> Result<ExitStatus, String> {
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().map_err(|why| why.to_string())? {
            return Ok(status);
        }
        if Instant::now() >= end {
            let _ = child.kill();
            return Err(format!("the process did not end within {patience:?}"));
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// What a test is told by its environment is not for the agent, which names every variable of its own that it does not
/// know. What the command sets itself stays.
fn clean(command: &mut Command) {
    let own: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
    let ours =
        |name: &std::ffi::OsString| name.to_string_lossy().starts_with("KONSUL_") && !own.contains(name);
    for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
}

/// The address in the line of the banner that names it: `Client Addr: http://127.0.0.1:8500`.
fn address_in(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("Client Addr: ")?;
    let first = rest.split([',', ' ']).next()?;
    Some(first.strip_prefix("http://").unwrap_or(first).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_servers_own_words() {
        let found = |line| address_in(line);
        assert_eq!(found("   Client Addr: http://127.0.0.1:43210").as_deref(), Some("127.0.0.1:43210"));
        assert_eq!(found("   Client Addr: 127.0.0.1:1, 127.0.0.2:1").as_deref(), Some("127.0.0.1:1"));
        assert_eq!(found("no address here"), None);
    }

    #[test]
    fn what_an_agent_said_that_did_not_start_is_told() {
        let why = AgentProcess::start(Command::new("echo").arg("no such option"), Duration::from_secs(20));
        let why = why.expect_err("it is no agent");
        assert!(why.contains("before the agent ended") && why.contains("no such option"), "{why}");
    }
}
