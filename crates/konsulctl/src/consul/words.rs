//! Go's way of writing flags, turned into clap's.
//!
//! Go takes one dash or two, and a flag's value after `=` or as the next word; flags end at the first word that is none,
//! at a lone `-`, or at `--`. Everything after that is an argument, whatever it looks like: `kv put key -5` puts `-5`.

use clap::{Arg, ArgAction, Command};

/// The words for clap: the same meaning, with flags in their two-dash form and arguments behind `--`. `command` is the
/// root, whose subcommands the leading words name.
pub(crate) fn for_clap(root: &Command, words: &[String]) -> Vec<String> {
    let mut out = Vec::with_capacity(words.len() + 2);
    let mut command = root;
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        if word == "--" || word == "-" || !word.starts_with('-') {
            match command.find_subcommand(word) {
                Some(sub) => {
                    command = sub;
                    out.push(word.to_owned());
                    continue;
                }
                None => return with_arguments(command, out, word, words),
            }
        }
        let flag = two_dashes(word);
        if let Some((name, on)) = resolved(command, &flag) {
            // The last word on a switch counts.
            let off = format!("--{NO}{}", name.trim_start_matches('-'));
            out.retain(|earlier| earlier != name && *earlier != off);
            let has_off = takes(command, &off);
            out.extend(if on { Some(name.to_owned()) } else { has_off.then_some(off) });
            continue;
        }
        out.retain(|earlier| earlier.strip_prefix("--no-") != flag.strip_prefix("--"));
        let waits_for_value = takes_value(command, &flag) && !flag.contains('=');
        out.push(flag);
        if let Some(value) = words.next_if(|_| waits_for_value) {
            // Attached, so that a value that begins with a dash stays a value.
            let last = out.pop().unwrap_or_default();
            out.push(format!("{last}={value}"));
        }
    }
    out
}

fn with_arguments<'a>(
    command: &Command,
    mut out: Vec<String>,
    first: &str,
    rest: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    // A group has subcommands instead of arguments; clap names the word it does not know.
    if !command.has_subcommands() {
        out.push("--".to_owned());
    }
    out.extend((first != "--").then(|| first.to_owned()));
    out.extend(rest.map(str::to_owned));
    out
}

fn two_dashes(word: &str) -> String {
    match word {
        "-h" | "-?" => "--help".to_owned(),
        _ if word.starts_with("--") => word.to_owned(),
        _ => format!("-{word}"),
    }
}

fn takes(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == flag.strip_prefix("--"))
}

fn takes_value(command: &Command, flag: &str) -> bool {
    let name = flag.trim_start_matches('-');
    let name = name.split('=').next().unwrap_or(name);
    command.get_arguments().any(|arg| arg.get_long() == Some(name) && !is_switch(arg))
}

/// Whether it is one of [`switch`]'s, whose value is never the next word.
fn is_switch(arg: &Arg) -> bool {
    !arg.get_action().takes_values()
}

/// A flag that is true when named. Go's `-flag=true` and `-flag=false` are resolved before clap sees them.
pub(crate) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue).overrides_with(name)
}

/// What the name of a switch's hidden counterpart begins with.
const NO: &str = "no-";

/// A flag that is true unless it is named as `-flag=false`: the flag, and its hidden counterpart, which is what is asked for.
pub(crate) fn switched_on(name: &'static str, off: &'static str, help: &'static str) -> [Arg; 2] {
    debug_assert_eq!(off.strip_prefix(NO), Some(name));
    [switch(name, help), switch(off, "").hide(true)]
}

/// What Go's flag package takes for a truth value.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A switch with a truth value attached, such as `--cas=false`: its name and the value.
fn resolved<'f>(command: &Command, flag: &'f str) -> Option<(&'f str, bool)> {
    let (name, value) = flag.split_once('=')?;
    let known = command.get_arguments().find(|arg| arg.get_long() == name.strip_prefix("--"))?;
    is_switch(known).then_some((name, go_bool(value)?))
}

/// A flag with a value.
pub(crate) fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).value_name(value).overrides_with(name)
}

/// The free arguments of a command. How many are right is for the command to say, in Consul's words.
pub(crate) fn arguments(value: &'static str, help: &'static str) -> Arg {
    Arg::new(ARGUMENTS).value_name(value).help(help).num_args(0..)
}

/// The id of [`arguments`].
pub(crate) const ARGUMENTS: &str = "arguments";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, expect: &str) {
        let put = Command::new("put")
            .arg(switch("cas", ""))
            .arg(option("flags", "N", ""))
            .arg(arguments("KEY", ""));
        let root = Command::new("x").subcommand(Command::new("kv").subcommand(put));
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        assert_eq!(for_clap(&root, &words).join(" "), expect);
    }

    #[test]
    fn one_dash_becomes_two_and_arguments_stay_as_they_are() {
        check("kv put -cas -flags 5 key -5", "kv put --cas --flags=5 -- key -5");
        check("kv put --flags=-1 key -cas", "kv put --flags=-1 -- key -cas");
        check("kv put -flags -1 key", "kv put --flags=-1 -- key");
        check("kv put -cas=false -", "kv put -- -");
        check("kv put -cas=1 --cas=F -cas=true k", "kv put --cas -- k");
        check("kv put -cas=maybe k", "kv put --cas=maybe -- k");
        check("kv put -cas -- -key", "kv put --cas -- -key");
        check("kv put -h", "kv put --help");
        check("kv -help", "kv --help");
        check("kv bogus -x", "kv bogus -x");
        check("kv put -unknown key", "kv put --unknown -- key");
    }

    #[test]
    fn a_switch_that_is_on_can_be_turned_off() {
        let lock =
            Command::new("lock").args(switched_on("shell", "no-shell", "")).arg(arguments("CHILD", ""));
        let root = Command::new("x").subcommand(lock);
        let check = |words: &str, expect: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            assert_eq!(for_clap(&root, &words).join(" "), expect);
        };
        check("lock -shell=false p c", "lock --no-shell -- p c");
        check("lock -shell=false -shell p c", "lock --shell -- p c");
        check("lock -shell=false -shell=true p c", "lock --shell -- p c");
        check("lock p -shell=false", "lock -- p -shell=false");
    }
}
