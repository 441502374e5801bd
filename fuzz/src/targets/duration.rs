//! Durations as Go writes them.
//!
//! Input: the text.

use konsul_types::GoDuration;

use crate::Target;
use crate::bounds::Bounds;

/// The target.
pub static TARGET: Target = Target {
    name: "duration",
    about: "durations in Go's words",
    input_bytes_max: 512,
    bounds: Bounds { base_bytes: 1 << 20, bytes_per_byte: 64 },
    run,
    seeds,
};

fn run(bytes: &[u8]) {
    if let Some(number) = bytes.first_chunk() {
        check_shown(GoDuration(i64::from_le_bytes(*number)));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<GoDuration>() {
        Ok(span) => {
            check_shown(span);
            check_sign(text, span);
        }
        Err(why) => assert!(why.to_string().starts_with("time: "), "{why}"),
    }
}

/// What is shown reads as what it was.
fn check_shown(span: GoDuration) {
    let shown = span.to_string();
    assert_eq!(shown.parse(), Ok(span), "{shown} reads otherwise");
    assert!(span.as_millis() <= span.0.unsigned_abs() / 1_000_000);
}

/// The same text with the other sign is the opposite.
fn check_sign(text: &str, span: GoDuration) {
    if !text.starts_with(['-', '+']) {
        let opposite = format!("-{text}").parse::<GoDuration>();
        assert_eq!(opposite, Ok(GoDuration(-span.0)), "-{text} is not the opposite of {text}");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    [
        "0",
        "10s",
        "1h30m",
        "-1.5h",
        "1.25us",
        ".5s",
        "1m0.001s",
        "+7ns",
        "5",
        "1d",
        "9223372036854775807ns",
        "1µs1μs",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
