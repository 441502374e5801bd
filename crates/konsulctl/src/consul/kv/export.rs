//! `kv export`: a prefix as JSON, written as it arrives.

use clap::{ArgMatches, Command};
use konsul_client::exchange;

use crate::console::Console;
use crate::consul::connection::{all_flags, connect, query_failed, reading};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::words::arguments;
use crate::failure::Outcome;

const MORE: &str = "\
Examples:
  konsul kv export > all.json           everything
  konsul kv export app/ > app.json      what is under a prefix
  konsul kv import @app.json            brings it back

The form is that of `consul kv export`: a JSON array of key, flags and value (base64).";

pub(crate) fn command() -> Command {
    all_flags(leaf("konsul kv export [OPTIONS] [PREFIX]", "Prints keys under a prefix as JSON", MORE))
        .arg(arguments("PREFIX", "The prefix; everything if not given"))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let prefix = input::key(input::at_most_one(matches)?);
    let client = connect(matches, console)?;
    let mut stream =
        client.kv().list_stream(prefix, &reading(matches)).await.map_err(|e| query_failed(&e))?;
    let mut writer = exchange::consul::Writer::default();
    let mut text = Vec::new();
    while let Some(pairs) = stream.next().await.map_err(|e| query_failed(&e))? {
        text.clear();
        for pair in pairs {
            let place = [pair.namespace.as_deref(), pair.partition.as_deref()];
            writer.write_parts(&mut text, &pair.key, &pair.value, pair.flags, place);
        }
        console.write(&text)?;
    }
    text.clear();
    writer.finish(&mut text);
    console.write(&text)
}
