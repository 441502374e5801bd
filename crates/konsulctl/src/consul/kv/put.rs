//! `kv put`: writes a value, under a condition or a lock if asked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{ArgMatches, Command};
use konsul_client::kv::{PutMode, PutOptions};

use crate::console::Console;
use crate::consul::connection::{all_flags, connect, is_on, text};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::words::{arguments, option, switch};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul kv put app/color blue                   a value
  konsul kv put app/license @license.txt         what a file holds
  echo blue | konsul kv put app/color -          what standard input holds
  konsul kv put app/on                           an empty value
  konsul kv put -cas -modify-index=12 app/color red    only if unchanged since index 12
  konsul kv put -acquire -session=ID app/lock me       take a lock
  konsul kv put -ttl=30s app/alive yes           a key that vanishes (Konsul only)

Exit codes: 0 written; 1 not written, for whatever reason.";

pub(crate) fn command() -> Command {
    let number =
        |name, help| option(name, "N", help).value_parser(clap::value_parser!(u64)).default_value("0");
    all_flags(leaf("konsul kv put [OPTIONS] KEY [DATA]", "Writes a key", MORE))
        .arg(switch("cas", "Write only if the key's modify index is that of -modify-index"))
        .arg(number("modify-index", "The index to compare with; 0 writes only if the key is absent"))
        .arg(number("flags", "A number to keep with the key, for programs to use as they like"))
        .arg(switch("base64", "DATA is in base64"))
        .arg(option("session", "ID", "The session for -acquire and -release").default_value(""))
        .arg(switch("acquire", "Take the key's lock for the session"))
        .arg(switch("release", "Give the key's lock back; the session must hold it"))
        .arg(option("ttl", "DURATION", "Remove the key after this time, such as 30s or 1h30m (Konsul only)"))
        .arg(arguments("KEY [DATA]", "The key, and the data: text, @file, or - for standard input"))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let (key, argument) = match input::arguments(matches).as_slice() {
        [] => return Err(Failure::new("Error! Missing KEY argument")),
        [key] => (*key, ""),
        [key, data] => (*key, *data),
        many => {
            let got = many.len();
            return Err(Failure::new(format!("Error! Too many arguments (expected 1 or 2, got {got})")));
        }
    };
    let mode = mode(matches)?;
    let value = value(argument, is_on(matches, "base64"), console)?;
    let flags = matches.get_one("flags").copied().unwrap_or(0);
    let ttl = text(matches, "ttl").map(str::to_owned);
    let client = connect(matches, console)?;
    let options = PutOptions { mode, flags, ttl, ..PutOptions::default() };
    let result = client.kv().put(key, value, &options).await;
    let done = result.map_err(|e| failed(&options.mode, key, &e))?;
    if !done {
        return Err(Failure::new(refused(&options.mode, key)));
    }
    console.line(match options.mode {
        PutMode::Acquire(_) => format!("Success! Lock acquired on: {key}"),
        PutMode::Release(_) => format!("Success! Lock released on: {key}"),
        PutMode::Set | PutMode::Cas(_) => format!("Success! Data written to: {key}"),
    })
}

fn value(argument: &str, base64: bool, console: &mut Console<'_>) -> Result<Vec<u8>, Failure> {
    let bytes = input::data(argument, console)?;
    if !base64 {
        return Ok(bytes);
    }
    // Go's decoder, and so Consul, skips line ends.
    let packed: Vec<u8> = bytes.into_iter().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    STANDARD.decode(packed).map_err(|e| Failure::new(format!("Error! Cannot base 64 decode data: {e}")))
}

/// The condition. Where several are given Consul takes the first of cas, acquire, release; saying so is better.
fn mode(matches: &ArgMatches) -> Result<PutMode, Failure> {
    let [cas, acquire, release] = ["cas", "acquire", "release"].map(|name| is_on(matches, name));
    if u8::from(cas) + u8::from(acquire) + u8::from(release) > 1 {
        return Err(Failure::new("Error! Only one of -cas, -acquire and -release can be given"));
    }
    let session = text(matches, "session").unwrap_or_default();
    if (acquire || release) && session.is_empty() {
        return Err(Failure::new("Error! Missing -session (required with -acquire and -release)"));
    }
    let index_given = matches.value_source("modify-index") == Some(clap::parser::ValueSource::CommandLine);
    if cas && !index_given {
        return Err(Failure::new("Must specify -modify-index with -cas!"));
    }
    if !cas && index_given {
        return Err(Failure::new("Cannot specify -modify-index without -cas!"));
    }
    Ok(match (cas, acquire, release) {
        (true, ..) => PutMode::Cas(matches.get_one("modify-index").copied().unwrap_or(0)),
        (_, true, _) => PutMode::Acquire(session.to_owned()),
        (_, _, true) => PutMode::Release(session.to_owned()),
        _ => PutMode::Set,
    })
}

fn refused(mode: &PutMode, key: &str) -> String {
    match mode {
        PutMode::Acquire(_) => "Error! Did not acquire lock".to_owned(),
        PutMode::Release(_) => "Error! Did not release lock".to_owned(),
        PutMode::Set | PutMode::Cas(_) => format!("Error! Did not write to {key}: CAS failed"),
    }
}

fn failed(mode: &PutMode, key: &str, error: &konsul_client::Error) -> Failure {
    Failure::new(match mode {
        PutMode::Cas(_) => format!("Error! Did not write to {key}: {error}"),
        _ => format!("Error! Failed writing data: {error}"),
    })
}
