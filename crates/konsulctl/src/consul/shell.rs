//! Commands as Consul runs them: through a shell unless told otherwise, their ends told as Go tells them.

use std::process::ExitStatus;

use crate::console::Console;

/// The words to run. Through a shell the arguments become one line, as in Consul, which also takes the shell that the user
/// has.
pub(crate) fn script(arguments: &[&str], shell: bool, console: &Console<'_>) -> Vec<String> {
    if !shell {
        return arguments.iter().map(|word| (*word).to_owned()).collect();
    }
    let program = console.env("SHELL").unwrap_or_else(|| "/bin/sh".to_owned());
    vec![program, "-c".to_owned(), arguments.join(" ")]
}

/// How a command ended, in Go's words.
pub(crate) fn status_text(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(15)) => "signal: terminated".to_owned(),
        (None, Some(9)) => "signal: killed".to_owned(),
        (None, Some(2)) => "signal: interrupt".to_owned(),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => "exit status -1".to_owned(),
    }
}
