//! `kv delete`: removes a key, or everything under a prefix.

use clap::{ArgMatches, Command};
use konsul_client::{Client, WriteOptions};

use crate::console::Console;
use crate::consul::connection::{all_flags, connect, is_on};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::words::{arguments, option, switch};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul kv delete app/color                        one key; an absent one is no failure
  konsul kv delete -cas -modify-index=12 app/color  only if unchanged since index 12
  konsul kv delete -recurse app/                    every key under a prefix

Exit codes: 0 gone; 1 not removed, for whatever reason.";

pub(crate) fn command() -> Command {
    let index = option("modify-index", "N", "The index to compare with").default_value("0");
    all_flags(leaf(
        "konsul kv delete [OPTIONS] KEY_OR_PREFIX",
        "Removes a key, or every key under a prefix",
        MORE,
    ))
    .arg(switch("cas", "Remove only if the key's modify index is that of -modify-index"))
    .arg(index.value_parser(clap::value_parser!(u64)))
    .arg(switch("recurse", "Remove every key under the prefix"))
    .arg(arguments("KEY_OR_PREFIX", "The key, or the prefix with -recurse"))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let key = input::key(input::at_most_one(matches)?);
    let (cas, recurse) = (is_on(matches, "cas"), is_on(matches, "recurse"));
    let index: u64 = matches.get_one("modify-index").copied().unwrap_or(0);
    check(key, cas, recurse, index)?;
    let client = connect(matches, console)?;
    if recurse {
        tree(&client, key).await?;
        return console.line(format!("Success! Deleted keys with prefix: {key}"));
    }
    one(&client, key, cas.then_some(index)).await?;
    console.line(format!("Success! Deleted key: {key}"))
}

fn check(key: &str, cas: bool, recurse: bool, index: u64) -> Outcome {
    let wrong = if key.is_empty() && !recurse {
        "Error! Missing KEY argument"
    } else if cas && index == 0 {
        "Cannot delete a key that does not exist. Provide a -modify-index greater than than 0."
    } else if index != 0 && !cas {
        "Cannot specify -modify-index without -cas!"
    } else if recurse && cas {
        "Cannot specify both -cas and -recurse!"
    } else {
        return Ok(());
    };
    Err(Failure::new(wrong))
}

async fn tree(client: &Client, prefix: &str) -> Outcome {
    let result = client.kv().delete_tree(prefix, &WriteOptions::default()).await;
    result.map_err(|e| Failure::new(format!("Error! Did not delete prefix {prefix}: {e}")))
}

async fn one(client: &Client, key: &str, cas: Option<u64>) -> Outcome {
    let result = client.kv().delete(key, cas, &WriteOptions::default()).await;
    let done = result.map_err(|e| {
        Failure::new(match cas {
            Some(_) => format!("Error! Did not delete key {key}: {e}"),
            None => format!("Error deleting key {key}: {e}"),
        })
    })?;
    if !done {
        return Err(Failure::new(format!("Error! Did not delete key {key}: CAS failed")));
    }
    Ok(())
}
