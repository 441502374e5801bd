//! `konsul agent`: configuration in, agent running, exit code out.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use konsul_agent::{Agent, LogFile, Logs, Reread, WithFile};
use konsul_config::{Config, ConfigError, Disk, Loaded, help_text};

use crate::banner;

pub(crate) fn run(words: &[String]) -> ExitCode {
    let loaded = match load(words) {
        Ok(loaded) => loaded,
        Err(errors) if errors.contains(&ConfigError::HelpRequested) => return help(),
        Err(errors) => return refuse(&errors),
    };
    for warning in &loaded.warnings {
        eprintln!("==> Warning: {warning}");
    }
    let config = loaded.config;
    let json = config.log_json.unwrap_or_else(|| !io::stdout().is_terminal());
    let out = match log_writer(&config) {
        Ok(out) => out,
        Err(why) => {
            eprintln!("==> konsul did not start: {why}; see log_file (-log-file)");
            return ExitCode::FAILURE;
        }
    };
    let logs = Logs::new(out, config.log_level, json);
    logs.install();
    let shown = config.clone();
    let agent = Agent { logs: logs.clone(), reread: Some(reread(words.to_vec())) };
    let result = konsul_agent::run(agent, config, |running| banner::show(running, &shown));
    logs.flush();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("==> konsul did not start: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where the log goes: to standard output, and to a file if there is to be one.
fn log_writer(config: &Config) -> io::Result<Box<dyn io::Write + Send>> {
    Ok(match LogFile::of(config)? {
        Some(file) => Box::new(WithFile::new(io::stdout(), file)),
        None => Box::new(io::stdout()),
    })
}

fn load(words: &[String]) -> Result<Loaded, Vec<ConfigError>> {
    // Variables that are not text cannot be options.
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let variables: Vec<(String, String)> = std::env::vars_os().filter_map(text).collect();
    Config::load(words, &variables, &Disk)
}

/// A reload reads what the start read: the same words, the same files as they are now.
fn reread(words: Vec<String>) -> Reread {
    Box::new(move || match load(&words) {
        Ok(loaded) => Ok(loaded.config),
        Err(errors) => Err(list(&errors)),
    })
}

fn help() -> ExitCode {
    // Whoever closed the pipe has read enough.
    let _ = io::stdout().write_all(help_text().as_bytes());
    ExitCode::SUCCESS
}

fn refuse(errors: &[ConfigError]) -> ExitCode {
    eprintln!("==> konsul did not start: {}", list(errors));
    eprintln!("    `konsul agent -help` lists every option.");
    ExitCode::FAILURE
}

fn list(errors: &[ConfigError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n    ")
}
