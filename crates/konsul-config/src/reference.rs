//! The reference page of the book, made from the declarations.

use crate::consul;
use crate::flags::LOADER_FLAGS;
use crate::kind::Kind;
use crate::option::{ConfigOption, Reload};
use crate::options::SECTIONS;

const HEAD: &str = "\
<!-- Made from the declarations in crates/konsul-config. Do not edit: change a declaration, and run
     UPDATE=1 cargo test -p konsul-config --test reference -->
# Configuration

An agent is configured by files, environment variables and flags. All of them set the same options, under names that
follow from each other: the key `ports.http` is `ports { http = 8500 }` in a file and `KONSUL_PORTS_HTTP` in the
environment; its flag is given below.

## Where values come from

Later wins:

1. the defaults below,
2. what `-dev` sets,
3. files and directories, in the order of the command line,
4. environment variables (an empty one counts as not set),
5. flags,
6. the texts of `-hcl`.

Lists are not replaced but joined: flags first, then variables, then files. Maps are joined key by key.

Files are HCL version 1 (`.hcl`) or JSON (`.json`), as Consul's are, or TOML (`.toml`). A directory is read without those below it, in the
order of the file names; other files in it are skipped with a warning. Keys are read without regard to case. A key that
is unknown, of the wrong type or out of range stops the start, and all such faults are listed at once, each with file,
line and column.

Flags take one dash or two, and their value after `=` or as the next word. A boolean flag stands alone or takes `=true`
or `=false`. In the environment a list is written with commas, and a map as a JSON object; on the command line either
is given entry by entry, a map's as `name:value`. Blocks are JSON in both. Durations are written as Go writes them: `10s`, `1h30m`, `1.5s`,
`200ms`.

```hcl
server           = true
bootstrap_expect = 1
data_dir         = \"/var/lib/konsul\"

ports {
  http = 8500
}
```

`konsul validate FILE_OR_DIRECTORY...` says what an agent would say of files, and `konsul config show -origin` shows
every value in force with the place it came from. `konsul config schema` prints a JSON Schema of the files, for editors.

## Reload

SIGHUP, `konsul reload` and `PUT /v1/agent/reload` read all sources again. A fault in any of them changes nothing. Of what
has changed, the options marked so below take effect at once; the others wait for a restart, and the answer and the
log name both.

## Consul's keys

Every key of Consul's agent is one of three. It *works*: it is one of the options below, under the same name. It is
*not built yet*: a file that asks for it is refused, with the key's name; the list is at the end of this page. Or it
*means nothing here*, and gets a warning with the reason; that list is there too. Any other key is unknown and refused,
with the nearest right one.
";

/// The whole page as Markdown.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(HEAD);
    page.push_str("\n## Sources\n\n| Flag | Meaning |\n| --- | --- |\n");
    for flag in LOADER_FLAGS {
        let value = flag.value.replace('|', "\\|");
        page.push_str(&format!("| `-{}={value}` | {} |\n", flag.name, flag.doc));
    }
    for section in SECTIONS {
        page.push_str(&format!("\n## {}\n", section.title));
        for option in section.options {
            page.push_str(&entry(option));
        }
    }
    page.push_str(&means_nothing());
    page.push_str(&not_built());
    page
}

fn entry(option: &ConfigOption) -> String {
    let mut text = format!("\n### `{}`\n\n{}\n\n", option.key, option.doc);
    let mut line = |name: &str, value: &str| text.push_str(&format!("- {name}: {value}\n"));
    line("Type", &type_text(option));
    line("Default", &default_text(option));
    if !option.range_text().is_empty() {
        line("Range", &option.range_text());
    }
    line("Flag", &format!("`-{}`", option.flag_name()));
    line("Environment", &format!("`{}`", option.variable()));
    if !option.aliases.is_empty() {
        line("Also read", &quoted(option.aliases));
    }
    if !option.in_files {
        line("In files", "no");
    }
    line("Reload", reload_text(option.reload));
    text
}

fn type_text(option: &ConfigOption) -> String {
    match (option.kind, option.unit) {
        (Kind::Choice(words), _) => format!("one of {}", quoted(words)),
        (kind, Some(unit)) => format!("{}, in {unit}", kind.name()),
        (kind, None) => kind.name().to_owned(),
    }
}

fn default_text(option: &ConfigOption) -> String {
    let default =
        if option.default.is_empty() { option.unset.to_owned() } else { format!("`{}`", option.default) };
    match option.dev {
        Some(dev) => format!("{default}; with `-dev` `{dev}`"),
        None => default,
    }
}

fn reload_text(reload: Reload) -> &'static str {
    match reload {
        Reload::Live => "takes effect at a reload",
        Reload::Restart => "needs a restart",
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn means_nothing() -> String {
    let mut text = String::from(
        "\n## Consul's keys that mean nothing here\n\n\
         They are accepted with a warning; leaving them out changes nothing. `.*` stands for everything in the block.\n\n\
         | Key | Why |\n| --- | --- |\n",
    );
    for (key, reason) in consul::MEANS_NOTHING {
        text.push_str(&format!("| `{key}` | {reason} |\n"));
    }
    text
}

fn not_built() -> String {
    let mut text = String::from(
        "\n## Consul's keys that are not built yet\n\n\
         A file that asks for one of these is refused. A value that asks for nothing is accepted: `false` (`true` for a \
         `disable_` key), `-1`, an empty text, list or block, and anything in a block with `enabled = false`.\n\n",
    );
    let mut keys: Vec<_> = consul::NOT_BUILT.to_vec();
    keys.sort_unstable();
    for key in keys {
        text.push_str(&format!("- `{key}`\n"));
    }
    text
}
