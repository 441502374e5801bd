//! `kv get`: one value, or what begins with a prefix.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{ArgMatches, Command};
use konsul_client::Client;
use konsul_client::kv::KvPair;

use crate::console::Console;
use crate::consul::connection::{all_flags, connect, is_on, query_failed, reading, text};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::words::{arguments, option, switch};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul kv get app/color             the value of one key
  konsul kv get -detailed app/color   with its indexes, flags and session
  konsul kv get -recurse app/         every key and value under a prefix
  konsul kv get -keys app/            the names one level below a prefix

Exit codes: 0 found, or nothing under a prefix; 1 no such key, or any failure.";

pub(crate) fn command() -> Command {
    all_flags(leaf(
        "konsul kv get [OPTIONS] KEY_OR_PREFIX",
        "Shows a key's value, or the keys under a prefix",
        MORE,
    ))
    .arg(switch("base64", "Print values in base64"))
    .arg(switch("detailed", "Print indexes, flags and session too"))
    .arg(switch("keys", "Print the names of keys under the prefix, cut at the separator"))
    .arg(switch("recurse", "Print every key and value under the prefix"))
    .arg(option("separator", "TEXT", "Where -keys cuts names; empty for nowhere").default_value("/"))
    .arg(arguments("KEY_OR_PREFIX", "The key, or the prefix with -keys and -recurse"))
}

struct Shape {
    base64: bool,
    detailed: bool,
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let key = input::key(input::at_most_one(matches)?);
    let (keys, recurse) = (is_on(matches, "keys"), is_on(matches, "recurse"));
    if key.is_empty() && !keys && !recurse {
        return Err(Failure::new("Error! Missing KEY argument"));
    }
    let shape = Shape { base64: is_on(matches, "base64"), detailed: is_on(matches, "detailed") };
    let client = connect(matches, console)?;
    if keys {
        let separator = text(matches, "separator").unwrap_or("/");
        let names =
            client.kv().keys(key, separator, &reading(matches)).await.map_err(|e| query_failed(&e))?;
        return names.value.iter().try_for_each(|name| console.line(name));
    }
    if recurse {
        list(&client, key, &shape, matches, console).await
    } else {
        one(&client, key, &shape, matches, console).await
    }
}

async fn one(
    client: &Client,
    key: &str,
    shape: &Shape,
    matches: &ArgMatches,
    console: &mut Console<'_>,
) -> Outcome {
    let found = client.kv().get(key, &reading(matches)).await.map_err(|e| query_failed(&e))?;
    match found.value {
        None => Err(Failure::new(format!("Error! No key exists at: {key}"))),
        Some(pair) if shape.detailed => detail(&pair, shape, console),
        Some(pair) => console.line(shown(&pair, shape)),
    }
}

async fn list(
    client: &Client,
    prefix: &str,
    shape: &Shape,
    matches: &ArgMatches,
    console: &mut Console<'_>,
) -> Outcome {
    let mut stream =
        client.kv().list_stream(prefix, &reading(matches)).await.map_err(|e| query_failed(&e))?;
    let mut first = true;
    while let Some(pairs) = stream.next().await.map_err(|e| query_failed(&e))? {
        for pair in pairs {
            if !shape.detailed {
                console.write(pair.key.as_bytes())?;
                console.write(b":")?;
                console.line(shown(&pair, shape))?;
                continue;
            }
            if !std::mem::take(&mut first) {
                console.line("")?;
            }
            detail(&pair, shape, console)?;
        }
    }
    Ok(())
}

fn shown(pair: &KvPair, shape: &Shape) -> Vec<u8> {
    if shape.base64 { STANDARD.encode(&pair.value).into_bytes() } else { pair.value.clone() }
}

/// Consul's table: names in a column of 17, the value last and as it is.
fn detail(pair: &KvPair, shape: &Shape, console: &mut Console<'_>) -> Outcome {
    let session = pair.session.as_deref().filter(|id| !id.is_empty()).unwrap_or("-");
    let rows = [
        ("CreateIndex", pair.create_index.to_string()),
        ("Flags", pair.flags.to_string()),
        ("Key", pair.key.clone()),
        ("LockIndex", pair.lock_index.to_string()),
        ("ModifyIndex", pair.modify_index.to_string()),
        ("Session", session.to_owned()),
    ];
    for (name, value) in rows {
        console.line(format!("{name:<17}{value}"))?;
    }
    console.write(format!("{:<17}", "Value").as_bytes())?;
    console.line(shown(pair, shape))
}
