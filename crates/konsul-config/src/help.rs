//! The text of `-help`, made from the declarations.

use crate::flags::LOADER_FLAGS;
use crate::kind::Kind;
use crate::option::ConfigOption;
use crate::options::SECTIONS;

const WIDTH: usize = 80;
const INDENT: &str = "      ";

/// The help of `konsul agent`, at most 80 columns wide, with a line end at its end.
#[must_use]
pub fn help_text() -> String {
    let mut text = String::from(
        "Usage: konsul agent [options]\n\n  Runs a Konsul agent until it is told to stop.\n\n  \
         To try it:     konsul agent -dev\n  \
         To keep data:  konsul agent -server -bootstrap-expect=1 -data-dir=PATH\n\n  \
         Flags take one dash or two, and their value after = or as the next word. The\n  \
         key in brackets sets the same in a file; KONSUL_ and the key in capitals, with\n  \
         _ for each dot, sets it in the environment.\n\nSources\n\n",
    );
    for flag in LOADER_FLAGS {
        push(&mut text, &format!("  -{}=<{}>", flag.name, flag.value), flag.doc);
    }
    for section in SECTIONS {
        text.push_str(&format!("{}\n\n", section.title));
        for option in section.options {
            push(&mut text, &head(option), &body(option));
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn head(option: &ConfigOption) -> String {
    let value = match option.kind {
        Kind::Bool => String::new(),
        Kind::Choice(words) => format!("=<{}>", words.join("|")),
        Kind::List => "=<text>".to_owned(),
        Kind::Map => "=<name:value>".to_owned(),
        Kind::Blocks => "=<JSON>".to_owned(),
        kind => format!("=<{}>", kind.name()),
    };
    format!("  -{}{value}", option.flag_name())
}

fn body(option: &ConfigOption) -> String {
    let mut body = option.doc.to_owned();
    if option.kind.joins() {
        body.push_str(" May be given several times.");
    }
    let default = if option.default.is_empty() { option.unset } else { option.default };
    if option.kind != Kind::Bool || default == "true" {
        body.push_str(&format!(" Default: {default}."));
    }
    if option.in_files {
        body.push_str(&format!(" [{}]", option.key));
    }
    body
}

fn push(text: &mut String, head: &str, body: &str) {
    text.push_str(head);
    text.push('\n');
    for line in wrap(body, WIDTH - INDENT.len()) {
        text.push_str(&format!("{INDENT}{line}\n"));
    }
    text.push('\n');
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
