//! The tour runner against a stand-in for a node: a few lines of Python that answer what a tour needs.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use xtask::tour::run_file;

/// Leads at once, and answers every other path with the path.
const NODE: &str = r#"#!/usr/bin/env python3
import http.server, sys
class Node(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'"127.0.0.1:8300"' if self.path == "/v1/status/leader" else self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
if sys.argv[1] == "agent":
    port = next(word for word in sys.argv if word.startswith("-http-port="))
    http.server.HTTPServer(("127.0.0.1", int(port.split("=")[1])), Node).serve_forever()
print("you said", *sys.argv[1:])
"#;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(node: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a folder") };
        std::fs::write(place.bin(), node).expect("the stand-in is written");
        std::fs::set_permissions(place.bin(), std::fs::Permissions::from_mode(0o755)).expect("it may run");
        place
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("konsul")
    }

    fn tour(&self, page: &str) -> Result<usize, String> {
        let file = self.folder.path().join("page.md");
        std::fs::write(&file, page).expect("the page is written");
        run_file(&self.bin(), &file).map_err(|error| error.to_string())
    }
}

#[test]
fn a_page_that_tells_the_truth_passes() {
    let page = "```console\n$ konsul kv get a\nyou said kv ... a\n\n\
                $ A=b; curl -s http://127.0.0.1:8500/$A\n/b\n\n$ echo 127.0.0.1:8500\n127.0.0.1:8500\n```\n";
    assert_eq!(Place::new(NODE).tour(page), Ok(3));
}

#[test]
fn a_page_that_does_not_is_told_with_both_texts() {
    let told = Place::new(NODE).tour("```console\n$ konsul kv get a\nblue\n```\n").expect_err("it says more");
    assert!(told.contains("line 2") && told.contains("blue") && told.contains("you said"), "{told}");
}

#[test]
fn a_page_without_commands_is_no_tour() {
    assert!(Place::new(NODE).tour("nothing\n").is_err());
}

#[test]
fn a_node_that_ends_is_told() {
    let told = Place::new("#!/bin/sh\nexit 7\n").tour("```console\n$ true\n```\n").expect_err("it ended");
    assert!(told.contains("ended before it was ready"), "{told}");
}
