//! Cursors of lists.
//!
//! Input: a cursor as text; or the place of one, which must come back.

use konsul_http::v2::cursor::{CursorError, Question};

use crate::Target;
use crate::bounds::Bounds;

/// The target.
pub static TARGET: Target = Target {
    name: "cursor",
    about: "cursors of lists: their queries, their checksums",
    input_bytes_max: 8 * 1024,
    bounds: Bounds { base_bytes: 1 << 20, bytes_per_byte: 64 },
    run,
    seeds,
};

fn run(bytes: &[u8]) {
    let (ours, other) =
        (Question::new("kv_list", ["default", "a/"]), Question::new("kv_list", ["default", "b/"]));
    let cursor = ours.cursor(bytes);
    assert_eq!(ours.place(&cursor).as_deref(), Ok(bytes), "a place came back otherwise");
    assert_eq!(other.place(&cursor), Err(CursorError::Mismatch), "a cursor was taken for another query");
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(place) = ours.place(text) {
        // Whoever makes such a text by hand has made the cursor itself.
        assert_eq!(ours.cursor(&place), text, "two texts are one cursor");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let question = Question::new("kv_list", ["default", "a/"]);
    let cursors = ["", "\0a/7", "\u{1}a/b/"].map(|place| question.cursor(place.as_bytes()).into_bytes());
    let broken = [&b"AQ"[..], b"not a cursor", b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"].map(<[u8]>::to_vec);
    cursors.into_iter().chain(broken).collect()
}
