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
