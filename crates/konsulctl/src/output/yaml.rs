//! YAML.

use super::Row;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

fn text(item: &impl serde::Serialize) -> Result<String, Failure> {
    serde_saphyr::to_string(item)
        .map_err(|e| Failure::with(Exit::Failed, format!("the answer cannot be written as YAML: {e}")))
}

pub(super) fn document<T: Row>(item: &T, console: &mut Console<'_>) -> Outcome {
    console.write(text(item)?.as_bytes())
}

pub(super) fn streamed<T: Row>(item: &T, console: &mut Console<'_>) -> Outcome {
    console.line("---")?;
    document(item, console)
}

pub(super) fn list<T: Row>(items: &[T], console: &mut Console<'_>) -> Outcome {
    console.write(text(&items)?.as_bytes())
}
