//! `completion`: a script that teaches a shell the commands, options and keys.

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::run::Run;

/// What each command covers: the script itself asks for keys when tab is pressed.
pub(crate) const OPERATIONS: &[Covered] = &[covers("completion", &[])];

const MORE: &str = "\
Examples:
  konsulctl completion bash > ~/.local/share/bash-completion/completions/konsulctl
  konsulctl completion zsh > ~/.zfunc/_konsulctl
  konsulctl completion fish > ~/.config/fish/completions/konsulctl.fish
  konsulctl completion powershell >> $PROFILE

Tab completes commands, options, contexts and keys: `konsulctl kv get app/` and tab asks the server for half a second.";

/// The command's arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Completion {
    /// The shell: bash, zsh, fish, powershell or elvish
    #[arg(value_enum, value_name = "SHELL", hide_possible_values = true)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

impl Completion {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let shell = match self.shell {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Powershell => "powershell",
            Shell::Elvish => "elvish",
        };
        crate::complete::script(shell, &mut run.console)
    }
}
