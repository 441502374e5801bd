//! `txn`: several operations, all or none.

use clap::Args;
use konsul_client::Client;
use konsul_client::v2::api::batch::{Outcome as Member, Summary};
use konsul_client::v2::batch::BatchStep;
use serde_json::{Value, json};

use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Format, Row};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[covers("txn", &["batch"])];

const MORE: &str = r#"Examples:
  echo '[{"op":"kv_put","key":"a","value":"1"},{"op":"kv_check","key":"b","if_index":0}]' | konsulctl txn
  konsulctl txn changes.json
  konsulctl txn --best-effort changes.json

The operations are a JSON array, or an object with `operations`:
  {"op":"kv_put","key":K,"value":TEXT}        beside it: value_base64, flags, ttl, namespace; if_index (0: only if absent)
  {"op":"kv_get","key":K}
  {"op":"kv_delete","key":K}                  beside it: if_index
  {"op":"kv_delete_tree","prefix":P}
  {"op":"kv_check","key":K,"if_index":N}      fails unless the key is at this index (0: absent)

Exit codes: 0 all of it happened; 4 none of it did, since an operation failed; with --best-effort 1 if any failed."#;

/// Which operations, and how.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub struct Txn {
    /// A file with the operations; - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: String,
    /// Each operation for itself, in order, up to 10,000 of them; results come as they happen
    #[arg(long)]
    best_effort: bool,
}

impl Txn {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let text = self.text(run)?;
        let request = request(&text, !self.best_effort).map_err(|what| wrong(&self.file, &what))?;
        let client = run.client()?;
        if self.best_effort { each(&client, &request, run).await } else { all(&client, &request, run).await }
    }

    fn text(&self, run: &mut Run<'_>) -> Result<Vec<u8>, Failure> {
        if self.file != "-" {
            return std::fs::read(&self.file).map_err(|e| {
                Failure::with(Exit::Usage, format!("the file {} cannot be read: {e}", self.file))
            });
        }
        if run.console.stdin_is_terminal() {
            run.note("reading operations from the terminal; Ctrl-D ends them, `konsulctl txn --help` shows their form");
        }
        let mut text = Vec::new();
        let read = run.console.stdin().read_to_end(&mut text);
        read.map_err(|e| Failure::with(Exit::Failed, format!("standard input cannot be read: {e}")))?;
        Ok(text)
    }
}

/// The body of the call. What the operations hold is the server's to check: it names every fault with its place.
fn request(text: &[u8], atomic: bool) -> Result<Value, String> {
    let given: Value = serde_json::from_slice(text).map_err(|e| format!("is not JSON: {e}"))?;
    let mut body = match given {
        Value::Array(operations) => json!({ "operations": operations }),
        Value::Object(fields) => Value::Object(fields),
        other => return Err(format!("holds {other} instead of an array of operations")),
    };
    match body.get("atomic").and_then(Value::as_bool) {
        Some(said) if said != atomic => {
            Err(format!("says \"atomic\": {said}; leave that out, --best-effort decides it"))
        }
        _ => {
            body["atomic"] = Value::Bool(atomic);
            Ok(body)
        }
    }
}

fn wrong(file: &str, what: &str) -> Failure {
    let name = if file == "-" { "standard input" } else { file };
    Failure::with(Exit::Usage, format!("{name} {what}"))
        .next("`konsulctl txn --help` shows the form of operations")
}

async fn all(client: &Client, request: &Value, run: &mut Run<'_>) -> Outcome {
    let answer = client.v2().batch(request).await.map_err(|e| run.failed(&e))?;
    run.out().list(&answer.results, "nothing to do")
}

async fn each(client: &Client, request: &Value, run: &mut Run<'_>) -> Outcome {
    let mut results = client.v2().batch_stream(request).await.map_err(|e| run.failed(&e))?;
    while let Some(step) = results.next().await.map_err(|e| run.failed(&e))? {
        match step {
            BatchStep::Outcome(member) => run.out().item(&*member)?,
            BatchStep::Summary(summary) => return sums(&summary, run),
        }
    }
    Ok(())
}

fn sums(summary: &Summary, run: &mut Run<'_>) -> Outcome {
    if run.format() == Format::Table {
        run.note(&format!("{} done, {} failed", summary.succeeded, summary.failed));
    }
    match summary.failed {
        0 => Ok(()),
        failed => {
            Err(Failure::with(Exit::Failed, format!("{failed} operations failed; the others happened")))
        }
    }
}

impl Row for Member {
    const COLUMNS: &'static [Column] = &[
        Column::number("#", 9),
        Column::text("KEY", 8),
        Column::text("VALUE", 8),
        Column::number("INDEX", 5),
        Column::text("FAILED", 8),
    ];

    fn cells(&self) -> Vec<String> {
        let entry = self.entry.as_ref();
        let of = |text: Option<String>| text.unwrap_or_default();
        vec![
            self.position.to_string(),
            of(entry.map(|entry| entry.key.clone())),
            of(entry.and_then(|entry| entry.value.clone().or_else(|| entry.value_base64.clone()))),
            of(entry.map(|entry| entry.modify_index.to_string())),
            of(self.failure.as_ref().map(|why| format!("{} ({})", why.detail, why.code))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::request;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match request(text.as_bytes(), true) {
            Ok(body) => body.to_string(),
            Err(what) => what,
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn operations_are_an_array_or_an_object() {
        check(r#"[{"op":"kv_get"}]"#, r#"{"atomic":true,"operations":[{"op":"kv_get"}]}"#);
        check(r#"{"operations":[],"atomic":true}"#, r#"{"atomic":true,"operations":[]}"#);
        check(r#"{"atomic":false}"#, "says \"atomic\": false; leave that out, --best-effort decides it");
        check("7", "holds 7 instead of an array of operations");
        check("{", "is not JSON: EOF while parsing an object at line 1 column 1");
    }
}
