//! JSON: indented where a person reads, one line elsewhere.

use super::Row;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

fn text<T: Row>(item: &T, indented: bool) -> Result<String, Failure> {
    let text = if indented { serde_json::to_string_pretty(item) } else { serde_json::to_string(item) };
    text.map_err(|e| Failure::with(Exit::Failed, format!("the answer cannot be written as JSON: {e}")))
}

pub(super) fn one<T: Row>(item: &T, console: &mut Console<'_>) -> Outcome {
    let text = text(item, console.width().is_some())?;
    console.line(text)
}

pub(super) fn line<T: Row>(item: &T, console: &mut Console<'_>) -> Outcome {
    console.line(text(item, false)?)
}

/// Some of an array's elements, a line each; `first` begins the array.
pub(super) fn page<T: Row>(first: bool, items: &[T], console: &mut Console<'_>) -> Outcome {
    let mut before = if first { "[\n" } else { ",\n" };
    for item in items {
        console.write(before.as_bytes())?;
        console.write(b"  ")?;
        console.write(text(item, false)?.as_bytes())?;
        before = ",\n";
    }
    Ok(())
}

pub(super) fn end(empty: bool, console: &mut Console<'_>) -> Outcome {
    console.line(if empty { "[]" } else { "\n]" })
}
