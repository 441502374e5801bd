//! Lines of an import.
//!
//! Input: the size of the pieces in which the bytes come, and the bytes.

use bytes::Bytes;
use konsul_http::v2::body::Undecoded;
use konsul_http::v2::import::line;
use konsul_http::v2::lines::{LineTooLong, Lines};
use konsul_types::Namespace;

use crate::Target;
use crate::bounds::Bounds;
use crate::input::Input;

/// The target.
pub static TARGET: Target = Target {
    name: "ndjson",
    about: "imports: lines cut anywhere, and the entry in each",
    input_bytes_max: 16 * 1024,
    bounds: Bounds { base_bytes: 16 << 20, bytes_per_byte: 512 },
    run,
    seeds,
};

/// Small, so that inputs meet it.
const LINE_BYTES_MAX: usize = 256;

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let size = usize::from(input.byte()).max(1);
    let whole = input.rest();
    let in_pieces = cut(whole, size);
    assert_eq!(in_pieces, cut(whole, whole.len().max(1)), "it matters how the bytes were cut");
    let Ok(lines) = in_pieces else { return };
    assert!(lines.is_sorted_by(|one, next| one.0 < next.0), "lines are out of order");
    for (_, text) in &lines {
        match line(text, &Namespace::default_namespace()) {
            Ok(entry) => assert!(!entry.key.as_str().is_empty()),
            Err(Undecoded::Shape(faults)) => assert!(faults.iter().all(|fault| fault.pointer.is_some())),
            Err(Undecoded::Json(why)) => assert!(!why.is_empty()),
        }
    }
}

fn cut(bytes: &[u8], size: usize) -> Result<Vec<(u64, Bytes)>, LineTooLong> {
    let mut lines = Lines::new(LINE_BYTES_MAX);
    let mut out = Vec::new();
    for piece in bytes.chunks(size) {
        lines.feed(piece);
        while let Some(line) = lines.next_line()? {
            out.push(line);
        }
    }
    out.extend(lines.last()?);
    Ok(out)
}

fn seeds() -> Vec<Vec<u8>> {
    [
        "{\"key\":\"a\",\"value\":\"b\",\"flags\":0,\"namespace\":\"default\"}\n{\"key\":\"c\",\"value_base64\":\"/w==\",\"flags\":7,\"namespace\":\"team\",\"ttl\":\"1m30s\"}\n",
        "{\"key\":\"a\",\"value\":\"b\"}",
        "\n \r\n{\"key\":\"\",\"value\":1,\"other\":null}\n{\"key\":\"a\"",
        "[]\n7\n\"x\"\nnull\n",
    ]
    .map(|text| [&[5], text.as_bytes()].concat())
    .into()
}
