//! Everything of the outside that a command may touch, so that a test can give it other ends.

use std::io::{self, BufWriter, Read, Write};

use crate::failure::Failure;
use crate::output::filled;

/// Looks up a variable of the environment.
pub type Lookup<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// Input, output and environment of one command.
pub struct Console<'a> {
    env: Lookup<'a>,
    stdin: Box<dyn Read + Send + 'a>,
    stdout: BufWriter<Box<dyn Write + 'a>>,
    stderr: Box<dyn Write + 'a>,
    terminal: Terminal,
}

/// Who looks at the output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminal {
    /// Columns of the terminal that standard output is; `None` for a pipe or a file.
    pub width: Option<usize>,
    /// Its lines, if it tells.
    pub rows: Option<usize>,
    /// Whether standard error is a terminal.
    pub stderr: bool,
    /// Its columns, if it tells.
    pub stderr_width: Option<usize>,
    /// Whether standard input is one: then nothing comes from it unless a person types.
    pub stdin: bool,
    /// Whether colour is unwanted, whatever the terminal can do.
    pub plain: bool,
}

/// Columns of a terminal that does not tell how wide it is.
const USUAL_WIDTH: usize = 80;

impl<'a> Console<'a> {
    /// A console over given ends. `terminal` says whether a person reads the output.
    pub fn new(
        env: Lookup<'a>,
        stdin: Box<dyn Read + Send + 'a>,
        stdout: Box<dyn Write + 'a>,
        stderr: Box<dyn Write + 'a>,
        terminal: bool,
    ) -> Console<'a> {
        let width = terminal.then_some(USUAL_WIDTH);
        let terminal = Terminal { width, stderr: terminal, ..Terminal::default() };
        Console { env, stdin, stdout: BufWriter::new(stdout), stderr, terminal }
    }

    /// The same with another terminal.
    #[must_use]
    pub fn seen_on(mut self, terminal: Terminal) -> Console<'a> {
        self.terminal = terminal;
        self
    }

    /// The process's own.
    pub fn of_process() -> Console<'static> {
        use std::io::IsTerminal as _;
        let width = io::stdout().is_terminal().then(|| {
            let size = terminal_size::terminal_size_of(io::stdout());
            size.map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0))
        });
        let (stderr, stdin) = (io::stderr().is_terminal(), io::stdin().is_terminal());
        let stderr_width =
            terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0));
        let console = Console::new(
            Box::new(|name| std::env::var(name).ok()),
            Box::new(io::stdin()),
            Box::new(io::stdout()),
            Box::new(io::stderr()),
            false,
        );
        let mut console =
            console.seen_on(Terminal { width, rows: None, stderr, stderr_width, stdin, plain: false });
        console.measure();
        console
    }

    /// A variable of the environment; empty counts as unset.
    pub fn env(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.is_empty())
    }

    /// Every lookup for whoever reads many variables.
    pub(crate) fn lookup(&self) -> &dyn Fn(&str) -> Option<String> {
        &self.env
    }

    /// Columns of the terminal that a person reads the output on; `None` if it goes into a pipe or a file.
    pub(crate) fn width(&self) -> Option<usize> {
        self.terminal.width
    }

    /// Lines of that terminal, if it tells.
    pub(crate) fn rows(&self) -> Option<usize> {
        self.terminal.rows
    }

    /// Looks again at how large the terminal is: whoever draws more than once may find another one.
    pub(crate) fn measure(&mut self) {
        if let (Some(_), Some((width, height))) =
            (self.terminal.width, terminal_size::terminal_size_of(io::stdout()))
        {
            self.terminal.width = Some(usize::from(width.0));
            self.terminal.rows = Some(usize::from(height.0));
        }
    }

    /// Whether standard input is a terminal.
    pub(crate) fn stdin_is_terminal(&self) -> bool {
        self.terminal.stdin
    }

    /// Turns colour off.
    pub(crate) fn set_plain(&mut self) {
        self.terminal.plain = true;
    }

    /// Whether colour helps: a person reads, and did not say otherwise (`NO_COLOR`, <https://no-color.org>).
    pub(crate) fn colour(&self) -> bool {
        self.terminal.width.is_some() && self.takes_colour()
    }

    /// The same for standard error.
    pub(crate) fn colour_on_stderr(&self) -> bool {
        self.terminal.stderr && self.takes_colour()
    }

    fn takes_colour(&self) -> bool {
        !self.terminal.plain && self.env("NO_COLOR").is_none() && self.env("TERM").as_deref() != Some("dumb")
    }

    /// Whether somebody would see something that moves on standard error.
    pub(crate) fn progress_is_seen(&self) -> bool {
        self.terminal.stderr && self.env("TERM").as_deref() != Some("dumb")
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

    /// Says something to a person that is not the answer; what was printed before it comes first.
    pub(crate) fn note(&mut self, text: &str) {
        // What cannot be flushed now is reported when the command ends.
        let _ = self.stdout.flush();
        let columns = self.terminal.stderr_width.unwrap_or(usize::MAX);
        for line in text.lines().flat_map(|line| filled(line, columns)) {
            self.warn(&line);
        }
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
            Failure::Problem(problem) => {
                let text = problem.render(self.colour_on_stderr(), self.terminal.stderr_width);
                self.warn(text.trim_end());
                problem.exit.code()
            }
        }
    }
}
