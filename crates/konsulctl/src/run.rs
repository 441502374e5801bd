//! What a native command is given.

use konsul_client::{Client, Error};

use crate::cli::Globals;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::output::{Format, Output};
use crate::progress::Progress;
use crate::target::Target;

/// What a native command is given: the global options, the console, and what is made of them when it is asked for.
pub(crate) struct Run<'c> {
    /// The options of every command.
    pub(crate) globals: Globals,
    /// Everything of the outside.
    pub(crate) console: Console<'c>,
    target: Option<Target>,
}

impl<'c> Run<'c> {
    pub(crate) fn new(globals: Globals, console: Console<'c>) -> Run<'c> {
        Run { globals, console, target: None }
    }

    /// The server to speak to and how each setting came about. Read once; warnings are shown then.
    pub(crate) fn target(&mut self) -> Result<&Target, Failure> {
        if self.target.is_none() {
            let target = Target::resolve(&self.globals, &self.console)?;
            target.warnings.iter().for_each(|warning| self.console.warn(&format!("Warning: {warning}")));
            self.target = Some(target);
        }
        Ok(self.target.as_ref().expect("it was put there just now"))
    }

    /// A client of that server. Nothing is dialled yet.
    pub(crate) fn client(&mut self) -> Result<Client, Failure> {
        let config = self.target()?.config.clone();
        Client::connect(config).map_err(|error| self.failed(&error))
    }

    /// What a failed call means: what was wrong, what to do next, and the exit code.
    pub(crate) fn failed(&self, error: &Error) -> Failure {
        crate::target::failed(error, self.target.as_ref())
    }

    /// Where the command shows things.
    pub(crate) fn out(&mut self) -> Output<'_, 'c> {
        let format = self.format();
        Output::new(&mut self.console, format)
    }

    /// The form of the output: the one asked for, else a table on a terminal and plain lines elsewhere.
    pub(crate) fn format(&self) -> Format {
        let usual = if self.console.width().is_some() { Format::Table } else { Format::Plain };
        self.globals.output.unwrap_or(usual)
    }

    /// The options that name the server, as they were given: for a command that a person is told to run.
    pub(crate) fn connection_words(&self) -> Vec<String> {
        let Globals { server, context, namespace, .. } = &self.globals;
        let given = [("--server", server), ("--context", context), ("--namespace", namespace)];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        given.flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// Says something that is not the answer, on standard error.
    pub(crate) fn note(&mut self, text: &str) {
        self.console.note(text);
    }

    /// A bar for something that may take longer than a second; shown only then, and only on a terminal. `total` is
    /// zero where it is not known.
    pub(crate) fn progress(&self, what: &str, total: u64, unit: crate::progress::Unit) -> Progress {
        Progress::start(&self.console, what, total, unit)
    }

    /// From now on Ctrl-C and SIGTERM do not end the process: the command must.
    pub(crate) fn interrupt(&self) -> Result<Interrupt, Failure> {
        Interrupt::listen()
    }

    pub(crate) fn end(&mut self, result: Outcome) -> u8 {
        match result.and_then(|()| self.console.flush()) {
            Ok(()) => 0,
            Err(failure) => self.console.fail(&failure),
        }
    }
}
