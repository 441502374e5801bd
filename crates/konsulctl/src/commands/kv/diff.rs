//! `kv diff`.

use clap_complete::ArgValueCompleter;
use konsul_client::v2::api::kv::{Diff as Answer, DiffKind, Version, VersionKind};

use super::{key, rows};
use crate::failure::Outcome;
use crate::output::{Column, Format, Row, cut, shown};
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv diff app/color                      what the last change did
  konsulctl kv diff --from 42 app/color            from index 42 to now
  konsulctl kv diff --from 42 --to 57 app/color

`konsulctl kv history KEY` lists the versions.";

/// Shows the difference between two versions of a key.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Diff {
    /// The key
    #[arg(add = ArgValueCompleter::new(crate::complete::keys))]
    key: String,
    /// Index of the older version [default: the one before the newer]
    #[arg(long, value_name = "INDEX")]
    from: Option<u64>,
    /// Index of the newer version [default: the present one]
    #[arg(long, value_name = "INDEX")]
    to: Option<u64>,
}

impl Row for Answer {
    const COLUMNS: &'static [Column] = &[
        Column::text("KEY", 9),
        Column::number("FROM", 8),
        Column::number("TO", 8),
        Column::text("EQUAL", 7),
    ];

    fn cells(&self) -> Vec<String> {
        let equal = if self.equal { "yes" } else { "no" };
        vec![self.key.clone(), self.from.index.to_string(), self.to.index.to_string(), equal.to_owned()]
    }
}

impl Diff {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let key = key(&self.key);
        let answer = client.v2().kv_diff(key, self.from, self.to).await.map_err(|e| {
            let failure = run.failed(&e);
            if e.is_not_found() {
                return failure.next(format!("konsulctl kv history {key}  lists the versions that are kept"));
            }
            failure
        })?;
        match run.format() {
            Format::Json | Format::Yaml => run.out().one(&answer),
            Format::Table | Format::Plain => draw(&answer, run),
        }
    }
}

/// The lines as `diff -u` marks them; it is what people and tools know.
fn draw(answer: &Answer, run: &mut Run<'_>) -> Outcome {
    let paint = Paint { colour: run.console.colour(), columns: run.console.width() };
    let head = |sign: &str, version: &Version| {
        let when = version.at.map(|at| format!("  {at}")).unwrap_or_default();
        format!("{sign} {}@{}{when}", shown(&answer.key), version.index)
    };
    run.out().line(&paint.line("1", &head("---", &answer.from)))?;
    run.out().line(&paint.line("1", &head("+++", &answer.to)))?;
    if answer.equal {
        run.note("The values are equal.");
        return Ok(());
    }
    match &answer.lines {
        Some(lines) => lines.iter().try_for_each(|line| {
            let (sign, colour) = match line.kind {
                DiffKind::Same => (" ", ""),
                DiffKind::Removed => ("-", "31"),
                DiffKind::Added => ("+", "32"),
            };
            run.out().line(&paint.line(colour, &format!("{sign}{}", shown(&line.text))))
        }),
        None => {
            run.out().line(&paint.line("31", &format!("-{}", whole(&answer.from))))?;
            run.out().line(&paint.line("32", &format!("+{}", whole(&answer.to))))
        }
    }
}

/// A version that is not compared line by line.
fn whole(version: &Version) -> String {
    match version.kind {
        VersionKind::Delete => "(removed)".to_owned(),
        VersionKind::Put => {
            shown(&rows::value_cell(version.value.as_deref(), version.value_base64.as_deref()))
        }
    }
}

struct Paint {
    colour: bool,
    columns: Option<usize>,
}

impl Paint {
    fn line(&self, code: &str, text: &str) -> String {
        let text = self.columns.map_or_else(|| text.to_owned(), |columns| cut(text, columns));
        if self.colour && !code.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text }
    }
}
