//! The documentation's page is what the table of routes says.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

use std::path::PathBuf;

#[test]
fn the_page_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/http-v1.md");
    let page = konsul_http::docs::page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/src/reference/http-v1.md is stale: UPDATE=1 cargo test -p konsul-http --test docs"
    );
}

/// What the document says that an operation needs is what the operation asks for; the sweep of `konsul-operations` shows
/// that the latter is true.
#[test]
fn the_document_says_what_operations_need() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for (_, operation) in konsul_api::v2::operations::all() {
        let id = operation.id.as_str();
        // What a stream needs depends on what is watched.
        let mut known = konsul_operations::catalogue::OPERATIONS.iter().filter(|known| known.id != "watch");
        let Some(known) = known.find(|known| known.id == id) else {
            continue;
        };
        if operation.needs != known.needs {
            wrong.push(format!("{id}: document {}, catalogue {}", operation.needs, known.needs));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared > 50, "only {compared} operations were compared");
}
