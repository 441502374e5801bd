//! Everything of the outside that a command may touch, so that a test can give it other ends.

use std::io::{self, BufWriter, Read, Write};

use crate::failure::Failure;

/// Looks up a variable of the environment.
pub type Lookup<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// Input, output and environment of one command.
pub struct Console<'a> {
    env: Lookup<'a>,
    stdin: Box<dyn Read + Send + 'a>,
    stdout: BufWriter<Box<dyn Write + 'a>>,
    stderr: Box<dyn Write + 'a>,
    terminal: bool,
}

impl<'a> Console<'a> {
    /// A console over given ends. `terminal` says whether a person reads the output.
    pub fn new(
        env: Lookup<'a>,
        stdin: Box<dyn Read + Send + 'a>,
        stdout: Box<dyn Write + 'a>,
        stderr: Box<dyn Write + 'a>,
        terminal: bool,
    ) -> Console<'a> {
        Console { env, stdin, stdout: BufWriter::new(stdout), stderr, terminal }
    }

    /// The process's own.
    pub fn of_process() -> Console<'static> {
        use std::io::IsTerminal as _;
        let terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        Console::new(
            Box::new(|name| std::env::var(name).ok()),
            Box::new(io::stdin()),
            Box::new(io::stdout()),
            Box::new(io::stderr()),
            terminal,
        )
    }

    /// A variable of the environment; empty counts as unset.
    pub fn env(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.is_empty())
    }

    /// Every lookup for whoever reads many variables.
    pub(crate) fn lookup(&self) -> &dyn Fn(&str) -> Option<String> {
        &self.env
    }

    /// Whether colour helps: a person reads, and did not say otherwise (`NO_COLOR`, <https://no-color.org>).
    pub(crate) fn colour(&self) -> bool {
        self.terminal && self.env("NO_COLOR").is_none() && self.env("TERM").as_deref() != Some("dumb")
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.write_all(bytes).map_err(|e| Failure::of_output(&e))
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: impl AsRef<[u8]>) -> Result<(), Failure> {
        self.write(text.as_ref())?;
        self.write(b"\n")
    }

    /// Makes everything written so far visible.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(|e| Failure::of_output(&e))
    }

    /// Writes a line to standard error. If even that fails there is nobody left to tell.
    pub(crate) fn warn(&mut self, text: &str) {
        let _ = writeln!(self.stderr, "{text}");
    }

    /// Standard input.
    pub(crate) fn stdin(&mut self) -> &mut (dyn Read + Send + 'a) {
        &mut *self.stdin
    }

    /// Shows a failure and answers its exit code. What was printed before it comes first.
    pub(crate) fn fail(&mut self, failure: &Failure) -> u8 {
        // The failure at hand says more than that its output could not be flushed.
        let _ = self.stdout.flush();
        match failure {
            Failure::ClosedPipe => 0,
            Failure::Told(code) => *code,
            Failure::Because { text, code } => {
                self.warn(text.trim_end());
                *code
            }
        }
    }
}
