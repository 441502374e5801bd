//! `openapi`: writes what comes from the table of operations: the OpenAPI document and the book's pages on `/v2`.

use std::path::PathBuf;

use konsul_api::v2::{document, pages};

use crate::error::{Error, Result};

/// Each file, and what belongs into it.
fn files() -> [(&'static str, String); 3] {
    [
        ("openapi/v2.json", document::text()),
        ("docs/src/reference/http-v2.md", pages::operations()),
        ("docs/src/reference/http-v2-errors.md", pages::errors()),
    ]
}

/// Writes them.
///
/// # Errors
///
/// When a file cannot be written.
pub fn run(_words: &[String]) -> Result<()> {
    for (name, text) in files() {
        let path = path(name);
        std::fs::write(&path, text).map_err(|source| Error::file("write", &path, source))?;
        println!("wrote {name}");
    }
    Ok(())
}

fn path(name: &str) -> PathBuf {
    crate::tree::root().join(name)
}

#[cfg(test)]
mod tests {
    use konsul_api::v2::operations;

    use super::*;

    #[test]
    fn every_file_is_up_to_date() {
        for (name, text) in files() {
            let written = std::fs::read_to_string(path(name)).unwrap_or_default();
            assert!(written == text, "{name} is stale: cargo xtask openapi");
        }
    }

    #[test]
    fn every_operation_of_the_document_has_its_anchor_in_the_book_and_its_row_in_a_test() {
        let document: serde_json::Value = serde_json::from_str(&files()[0].1).expect("the document is JSON");
        let (page, tests) = (&files()[1].1, path("crates/konsul-http/tests/v2/every.rs"));
        let tests = std::fs::read_to_string(&tests).expect("the tests of every operation");
        let paths = document["paths"].as_object().expect("paths");
        let ids = paths.values().flat_map(|path| path.as_object().into_iter().flatten());
        let ids: Vec<&str> = ids.filter_map(|(_, one)| one["operationId"].as_str()).collect();
        assert_eq!(ids.len(), operations::all().count());
        for (_, operation) in operations::all() {
            let id = operation.id.as_str();
            assert!(ids.contains(&id), "{id} is not in the document");
            assert!(page.contains(&format!("\n### `{id}`\n")), "{id} has no place in the book");
            assert!(tests.contains(&format!("Id::{:?}", operation.id)), "{id} has no test");
        }
    }
}
