//! Data given as text, as `@file` or as `-` for standard input.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::run::Run;

/// The bytes that an argument stands for.
pub(crate) fn read(argument: &str, run: &mut Run<'_>) -> Result<Vec<u8>, Failure> {
    if let Some(path) = argument.strip_prefix('@') {
        return std::fs::read(path)
            .map_err(|e| Failure::with(Exit::Usage, format!("the file {path} cannot be read: {e}")));
    }
    if argument != "-" {
        return Ok(argument.as_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    let read = run.console.stdin().read_to_end(&mut bytes);
    read.map_err(|e| Failure::with(Exit::Failed, format!("standard input cannot be read: {e}")))?;
    Ok(bytes)
}
