//! Integers with the base in their prefix.

use super::{NumberError, underscores_separate};

/// Reads a signed integer of 64 bits: decimal, `0x`, `0o`, `0b`, or octal after a `0`; underscores may separate digits.
pub(crate) fn parse_int(text: &[u8]) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [] => return Err(NumberError::Syntax),
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let size = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -size } else { size }).map_err(|_| NumberError::Range)
}

/// Reads an unsigned integer of 64 bits, without a sign.
pub(crate) fn parse_uint(text: &[u8]) -> Result<u64, NumberError> {
    let (base, digits) = base_of(text)?;
    let mut number: u64 = 0;
    for &byte in digits {
        if byte == b'_' {
            continue;
        }
        let digit = char::from(byte).to_digit(36).filter(|digit| *digit < base).ok_or(NumberError::Syntax)?;
        let grown =
            number.checked_mul(u64::from(base)).and_then(|number| number.checked_add(u64::from(digit)));
        number = grown.ok_or(NumberError::Range)?;
    }
    if digits.contains(&b'_') && !underscores_separate(text) {
        return Err(NumberError::Syntax);
    }
    Ok(number)
}

fn base_of(text: &[u8]) -> Result<(u32, &[u8]), NumberError> {
    Ok(match text {
        [] => return Err(NumberError::Syntax),
        [b'0', b'b' | b'B', digits @ ..] if !digits.is_empty() => (2, digits),
        [b'0', b'o' | b'O', digits @ ..] if !digits.is_empty() => (8, digits),
        [b'0', b'x' | b'X', digits @ ..] if !digits.is_empty() => (16, digits),
        [b'0', digits @ ..] => (8, digits),
        digits => (10, digits),
    })
}
