//! The answers of the original, `github.com/hashicorp/go-bexpr` 0.1.2, to random expressions over records with a field
//! of every kind: the first line of the file has the records, each other one an expression (`e`) with either a `1` or `0`
//! for each record (`r`) or the error (`x`).
//!
//! `KONSUL_FILTER_ANSWERS` names another file of that form, for a longer comparison.

mod common;

use common::{EVERYTHING, Everything};
use konsul_filter::{Filter, fits};
use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    e: String,
    r: Option<String>,
    x: Option<String>,
}

fn recorded() -> (Vec<Everything>, Vec<Answer>) {
    let text = match std::env::var_os("KONSUL_FILTER_ANSWERS") {
        Some(path) => std::fs::read_to_string(path).expect("the file can be read"),
        None => include_str!("go-bexpr.jsonl").to_owned(),
    };
    let (records, answers) = text.split_once('\n').expect("a line of records");
    let answers = answers.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"));
    (serde_json::from_str(records).expect("records"), answers.collect())
}

fn ours(text: &str, records: &[Everything]) -> Result<String, String> {
    let filter = Filter::new(text, &EVERYTHING).map_err(|error| error.to_string())?;
    Ok(records.iter().map(|record| if filter.matches(record) { '1' } else { '0' }).collect())
}

#[test]
fn expressions_are_answered_as_the_original_answers_them() {
    let (records, answers) = recorded();
    let mut differences = Vec::new();
    let mut refused = 0;
    for Answer { e, r, x } in &answers {
        let theirs = r.clone().ok_or_else(|| x.clone().expect("an answer or an error"));
        refused += usize::from(theirs.is_err());
        let ours = ours(e, &records);
        if ours != theirs {
            differences.push(format!("{e:?}\n  theirs {theirs:?}\n  ours   {ours:?}"));
        }
    }
    let shown = &differences[..differences.len().min(40)];
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), shown.join("\n"));
    assert!(answers.len() - refused > 500 && refused > 500, "the corpus is whole");
}

#[test]
fn the_records_are_what_their_schema_says() {
    for record in recorded().0 {
        assert_eq!(fits(&record), Ok(()));
    }
}
