//! The reference page of the book, made from the tree of commands.

use std::fmt::Write as _;

use clap::{Arg, Command};

use crate::exit::EXITS;
use crate::{cli, commands};

const HEAD: &str = "\
<!-- Made from the commands in crates/konsulctl. Do not edit: change a command, and run
     UPDATE=1 cargo test -p konsulctl --test reference -->
# konsulctl

Konsul's own command line, for people and for scripts. `konsul kv …` and the like are [Consul's commands](cli.md);
[the guide](../guides/konsulctl.md) shows how these look and feel.

## Where the server is

The first of these that names a server decides, and brings its credentials with it:

1. `--server`, with the credentials of the environment
2. `--context`, or `KONSUL_CONTEXT`: only what the context holds, so that a token of the environment never reaches another
   server than it was meant for
3. `KONSUL_HTTP_ADDR`, or `CONSUL_HTTP_ADDR`, with the credentials of the environment
4. the context in use (`konsulctl context use`)
5. `127.0.0.1:8500`, with the credentials of the environment

Options for single settings, such as `--token-file`, win over all of them. An address is `host:port`, `http://host:port`,
`https://host:port` (port 8501 if none is given) or `unix:///path`.

| variable | meaning |
| --- | --- |
| `KONSUL_HTTP_ADDR` | the address |
| `KONSUL_HTTP_TOKEN`, `KONSUL_HTTP_TOKEN_FILE` | the token, or a file that holds it; the file wins |
| `KONSUL_HTTP_AUTH` | `user:password` for a proxy in front of the server |
| `KONSUL_HTTP_SSL` | `true` speaks TLS to an address without a scheme, or with `http://` |
| `KONSUL_HTTP_SSL_VERIFY` | `false` does not check the server's certificate |
| `KONSUL_CACERT`, `KONSUL_CAPATH` | certificates that the server's must come from: a file, a directory |
| `KONSUL_CLIENT_CERT`, `KONSUL_CLIENT_KEY` | the certificate to show, and its key |
| `KONSUL_TLS_SERVER_NAME` | the name that the server's certificate must have |
| `KONSUL_NAMESPACE` | the namespace |
| `KONSUL_CONTEXT` | the context |
| `KONSUL_CONTEXTS` | the file of contexts; else `konsul/contexts.json` in `XDG_CONFIG_HOME` or `~/.config` |
| `NO_COLOR` | no colour |

Each but the last three has Consul's twin, such as `CONSUL_HTTP_ADDR`; Konsul's own wins. Empty counts as not set.

## Output

`--output` (`-o`) is `table`, `json`, `yaml` or `plain`. Without it, it is `table` on a terminal and `plain` into a pipe or a
file. `plain` is a line for each thing, its cells parted by tabs, without headings and with nothing cut, so that `cut`,
`awk` and `while read` work without an option; tabs and control characters within a cell are escaped (`\\t`, `\\u{1b}`).
`json` and `yaml` have the fields of [the API](http-v2.md): fields are only ever added. What comes one after the other, such
as the events of a watch, is an object a line in `json` and a document each in `yaml`.

Answers go to standard output, everything else (notes, warnings, progress, errors) to standard error. Colour is on
terminals only. Progress is shown on terminals only, for what takes longer than a second. A reader that closes its end of
a pipe has what it wanted: that is no error.
";

/// The page.
pub fn page() -> String {
    let mut root = cli::command();
    root.build();
    let mut page = String::from(HEAD);
    exits(&mut page);
    page.push_str("\n## Options of every command\n\n");
    options(&root, &mut page, Arg::is_global_set);
    page.push_str("\n## Commands\n\n| command | does | operations of the API |\n| --- | --- | --- |\n");
    index(&root, &mut page);
    leaves(&root, &mut page);
    page
}

fn exits(page: &mut String) {
    page.push_str("\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n");
    for (exit, meaning) in EXITS {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| {} | {meaning} |", exit.code());
    }
}

/// The commands that do something, with their words.
pub(crate) fn each_leaf<'c>(command: &'c Command, path: &str, each: &mut impl FnMut(&str, &'c Command)) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let path =
            if path.is_empty() { sub.get_name().to_owned() } else { format!("{path} {}", sub.get_name()) };
        if sub.has_subcommands() {
            each_leaf(sub, &path, each);
        } else {
            each(&path, sub);
        }
    }
}

fn index(root: &Command, page: &mut String) {
    let covered = commands();
    each_leaf(root, "", &mut |path, command| {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let operations =
            covered.iter().find(|line| line.path == path).map_or(&[][..], |line| line.operations);
        let operations: Vec<String> = operations.iter().map(|id| format!("`{id}`")).collect();
        let anchor = path.replace(' ', "-");
        let _ = writeln!(page, "| [`{path}`](#{anchor}) | {} | {} |", escaped(&about), operations.join(", "));
    });
}

fn leaves(root: &Command, page: &mut String) {
    each_leaf(root, "", &mut |path, command| {
        let _ = write!(page, "\n### {path}\n\n");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
        let _ = write!(page, "{about}.");
        if !aliases.is_empty() {
            let _ = write!(page, " Also called {}.", aliases.join(", "));
        }
        let usage = command.clone().render_usage().to_string();
        let _ = write!(page, "\n\n```text\n{}\n```\n", usage.replace("Usage: ", "").trim());
        if command.get_arguments().any(is_own) {
            page.push('\n');
            options(command, page, is_own);
        }
        let more = command.get_after_help().or(command.get_after_long_help());
        if let Some(more) = more {
            let _ = write!(page, "\n```text\n{}\n```\n", more.to_string().trim());
        }
    });
}

fn is_own(arg: &Arg) -> bool {
    !arg.is_global_set() && !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version")
}

fn options(command: &Command, page: &mut String, which: impl Fn(&Arg) -> bool) {
    page.push_str("| option | meaning |\n| --- | --- |\n");
    let mut args: Vec<&Arg> =
        command.get_arguments().filter(|arg| which(arg) && !arg.is_hide_set()).collect();
    args.sort_by_key(|arg| !arg.is_positional());
    for arg in args {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "| {} | {}{} |", name(arg), escaped(&help), default(arg));
    }
}

fn name(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let values: Vec<String> =
        arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let values = if values.is_empty() { arg.get_id().as_str().to_uppercase() } else { values.join(" ") };
    if arg.is_positional() {
        return format!("`{values}`");
    }
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let value = if takes { format!(" {values}") } else { String::new() };
    format!("{short}`--{}{value}`", arg.get_long().unwrap_or_default())
}

fn default(arg: &Arg) -> String {
    let values: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let shown = arg.get_action().takes_values() && !arg.is_hide_default_value_set() && !values.is_empty();
    if shown { format!(" (default `{}`)", values.join(",")) } else { String::new() }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}
