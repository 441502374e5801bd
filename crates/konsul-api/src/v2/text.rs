//! JSON written by hand, where it is written often: the bytes that `serde_json` gives.

/// Appends a field's name, as it is, and a number.
pub fn write_number(out: &mut Vec<u8>, name: &[u8], number: u64) {
    out.extend_from_slice(name);
    crate::v1::json::write_u64(out, number);
}

/// Appends a field's name, as it is, and a text.
pub fn write_field(out: &mut Vec<u8>, name: &[u8], text: &str) {
    out.extend_from_slice(name);
    write_str(out, text);
}

/// Appends a text as a JSON string. Only quotes, backslashes and control characters are escaped.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[plain..at]);
        plain = at + 1;
        write_escape(out, escape, byte);
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

fn write_escape(out: &mut Vec<u8>, escape: u8, byte: u8) {
    if escape != b'u' {
        return out.extend_from_slice(&[b'\\', escape]);
    }
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
    out.extend_from_slice(b"\\u00");
    out.extend_from_slice(&digits);
}

/// What follows the backslash for each byte; zero for a byte that stands for itself.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[0x08] = b'b';
    table[b'\t' as usize] = b't';
    table[b'\n' as usize] = b'n';
    table[0x0c] = b'f';
    table[b'\r' as usize] = b'r';
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_escape_is_that_of_the_library() {
        let text: String = ('\0'..='\u{ff}').chain(['\u{2028}', '€', '😀']).collect();
        let mut out = Vec::new();
        write_str(&mut out, &text);
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_the_library_does(text in any::<String>()) {
            let mut out = Vec::new();
            write_str(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}
