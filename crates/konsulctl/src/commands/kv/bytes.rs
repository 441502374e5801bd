//! A value given as an argument, as `@file`, or on standard input.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::run::Run;

/// The bytes that an argument stands for. With `literal` they are its own, whatever it begins with.
pub(crate) fn given(argument: Option<&str>, literal: bool, run: &mut Run<'_>) -> Result<Vec<u8>, Failure> {
    match argument {
        Some(text) if literal => Ok(text.as_bytes().to_vec()),
        Some("-") => stdin(run),
        Some(text) => match text.strip_prefix('@') {
            Some(path) => file(path),
            None => Ok(text.as_bytes().to_vec()),
        },
        None if run.console.stdin_is_terminal() => Err(Failure::with(Exit::Usage, "there is no value")
            .next("give it as an argument, as @FILE, or on standard input: echo blue | konsulctl kv put app/color")
            .next("an empty value is written as ''")),
        None => stdin(run),
    }
}

fn file(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| {
        Failure::with(Exit::Usage, format!("the file {path} cannot be read: {e}"))
            .next(format!("if the value itself begins with @, add --literal: --literal '@{path}'"))
    })
}

fn stdin(run: &mut Run<'_>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = run.console.stdin().read_to_end(&mut bytes);
    read.map_err(|e| Failure::with(Exit::Failed, format!("standard input cannot be read: {e}")))?;
    Ok(bytes)
}
