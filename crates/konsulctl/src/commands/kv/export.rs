//! `kv export`: bytes go through as they arrive, so that a million keys need the memory of one.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap_complete::ArgValueCompleter;
use konsul_client::exchange::{Pair, consul};
use konsul_client::v2::transfer::{Export as Stream, Scope};

use super::key;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::progress::{Progress, Unit};
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv export > all.ndjson
  konsulctl kv export app/ --to app.ndjson     the file appears when it is whole
  konsulctl kv export app/ | gzip > app.ndjson.gz
  konsulctl kv export --form consul app/       what `consul kv import` reads

A line of JSON for each key, sorted: the same keys give the same bytes. All of it is one state at one index.";

/// Writes keys as lines of JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Export {
    /// What the names begin with; everything if not given
    #[arg(default_value = "", hide_default_value = true, add = ArgValueCompleter::new(crate::complete::keys))]
    prefix: String,
    /// Write into this file instead of standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// The form: ndjson, or consul for Consul's JSON array
    #[arg(long, value_enum, default_value_t = Form::Ndjson, value_name = "FORM", hide_possible_values = true)]
    form: Form,
    /// The keys of every namespace, each line with its own
    #[arg(long)]
    all_namespaces: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Ndjson,
    Consul,
}

/// The sums of an export.
#[derive(Debug, Default)]
struct Sums {
    keys: u64,
    index: u64,
}

impl Export {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let prefix = key(&self.prefix);
        let total =
            if prefix.is_empty() && !self.all_namespaces { keys_in_all(&client, run).await } else { 0 };
        let mut progress = run.progress("Exporting", total, Unit::Items);
        let stream = client.v2().export(&self.scope()).await.map_err(|e| run.failed(&e))?;
        let Some(path) = &self.to else {
            let mut sink = Sink::Console;
            return self.copy(stream, &mut sink, &mut progress, run).await.map(|_| ());
        };
        let mut sink = Sink::file(path)?;
        let mut interrupt = run.interrupt()?;
        let sums = tokio::select! {
            sums = self.copy(stream, &mut sink, &mut progress, run) => sums?,
            () = interrupt.requested() => {
                progress.end();
                return Err(Failure::with(Exit::Interrupted, format!("interrupted; {} was not made", path.display())));
            }
        };
        sink.keep(path)?;
        progress.end();
        let keys = if sums.keys == 1 { "key" } else { "keys" };
        run.note(&format!("Wrote {} {keys} as of index {} to {}", sums.keys, sums.index, path.display()));
        Ok(())
    }

    fn scope(&self) -> Scope {
        Scope { prefix: key(&self.prefix).to_owned(), all_namespaces: self.all_namespaces }
    }

    async fn copy(
        &self,
        stream: Stream,
        sink: &mut Sink,
        progress: &mut Progress,
        run: &mut Run<'_>,
    ) -> Result<Sums, Failure> {
        let mut sums = Sums { index: stream.index(), ..Sums::default() };
        match self.form {
            Form::Ndjson => bytes(stream, sink, progress, &mut sums, run).await?,
            Form::Consul => array(stream, sink, progress, &mut sums, run).await?,
        }
        Ok(sums)
    }
}

async fn bytes(
    mut stream: Stream,
    sink: &mut Sink,
    progress: &mut Progress,
    sums: &mut Sums,
    run: &mut Run<'_>,
) -> Outcome {
    while let Some(piece) = stream.piece().await.map_err(|e| run.failed(&e))? {
        let lines = piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        sums.keys += lines;
        progress.add(lines);
        sink.write(&piece, run)?;
    }
    Ok(())
}

/// Consul's form: an array, indented with tabs.
async fn array(
    stream: Stream,
    sink: &mut Sink,
    progress: &mut Progress,
    sums: &mut Sums,
    run: &mut Run<'_>,
) -> Outcome {
    let mut lines = stream.lines();
    let mut writer = consul::Writer::default();
    let mut text = Vec::new();
    while let Some(line) = lines.next().await.map_err(|e| run.failed(&e))? {
        let pair = Pair::try_from(line).map_err(|e| Failure::with(Exit::Failed, e))?;
        text.clear();
        writer.write(&mut text, &pair);
        sink.write(&text, run)?;
        sums.keys += 1;
        progress.add(1);
    }
    text.clear();
    writer.finish(&mut text);
    sink.write(&text, run)
}

/// How many keys there are, for a bar that knows its end. Without it the bar only counts.
async fn keys_in_all(client: &konsul_client::Client, run: &Run<'_>) -> u64 {
    if !run.console.progress_is_seen() {
        return 0;
    }
    let namespace = run.globals.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let usage = client.v2().usage(None).await;
    let found = usage.ok().and_then(|usage| usage.namespaces.into_iter().find(|n| n.name == namespace));
    found.map_or(0, |namespace| namespace.keys)
}

/// Where an export goes.
enum Sink {
    Console,
    File { partial: Partial, out: BufWriter<File> },
}

/// A file that is not whole yet: gone with this value, unless it is kept.
struct Partial(Option<PathBuf>);

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Nothing more can be done about it, and the failure at hand says why it is there.
            let _ = fs::remove_file(path);
        }
    }
}

impl Sink {
    fn file(path: &Path) -> Result<Sink, Failure> {
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        let partial = PathBuf::from(name);
        // Values may be secrets: nobody else reads them unless the file is opened to them.
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial);
        let file = opened.map_err(|e| cannot_write(&partial, &e))?;
        Ok(Sink::File { partial: Partial(Some(partial)), out: BufWriter::with_capacity(1 << 16, file) })
    }

    fn write(&mut self, bytes: &[u8], run: &mut Run<'_>) -> Outcome {
        match self {
            Sink::Console => run.out().raw(bytes),
            Sink::File { out, partial } => out.write_all(bytes).map_err(|e| match &partial.0 {
                Some(path) => cannot_write(path, &e),
                None => Failure::with(Exit::Failed, e.to_string()),
            }),
        }
    }

    fn keep(self, path: &Path) -> Outcome {
        let Sink::File { mut partial, out } = self else { return Ok(()) };
        let done =
            out.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        done.map_err(|e| cannot_write(path, &e))?;
        if let Some(from) = partial.0.take() {
            fs::rename(&from, path).map_err(|e| {
                partial.0 = Some(from);
                cannot_write(path, &e)
            })?;
        }
        Ok(())
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::with(Exit::Failed, format!("{} cannot be written: {error}", path.display()))
}
