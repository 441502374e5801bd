//! The binary `konsulctl`: Konsul's own commands.

use std::process::ExitCode;

use konsulctl::Console;

fn main() -> ExitCode {
    if konsulctl::answered() {
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    ExitCode::from(konsulctl::native(&words, Console::of_process()))
}
