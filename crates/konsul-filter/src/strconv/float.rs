//! Floating-point numbers: decimal, hexadecimal, infinities.

use super::{NumberError, underscores_separate};

/// Beyond this an exponent only says "very large", and must not overflow on the way.
const EXPONENT_MAX: i64 = 100_000;

/// Reads a number of 64 bits.
pub(crate) fn parse_float(text: &[u8]) -> Result<f64, NumberError> {
    let text = std::str::from_utf8(text).map_err(|_| NumberError::Syntax)?;
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let signed = |number: f64| if negative { -number } else { number };
    if let Some(special) = special(rest, rest.len() < text.len()) {
        return Ok(signed(special));
    }
    if text.contains('_') && !underscores_separate(text.as_bytes()) {
        return Err(NumberError::Syntax);
    }
    let digits = rest.replace('_', "");
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let number = match hex {
        Some(hex) => hexadecimal(hex)?,
        None => decimal(&digits)?,
    };
    if number.is_infinite() { Err(NumberError::Range) } else { Ok(signed(number)) }
}

fn special(text: &str, has_sign: bool) -> Option<f64> {
    if text.eq_ignore_ascii_case("inf") || text.eq_ignore_ascii_case("infinity") {
        return Some(f64::INFINITY);
    }
    (text.eq_ignore_ascii_case("nan") && !has_sign).then_some(f64::NAN)
}

fn decimal(digits: &str) -> Result<f64, NumberError> {
    // What else the standard library takes for a number (a second sign, `inf`) begins with neither.
    let begins = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if begins { digits.parse().map_err(|_| NumberError::Syntax) } else { Err(NumberError::Syntax) }
}

/// A mantissa in base 16, and an exponent of two that must be there.
fn hexadecimal(text: &str) -> Result<f64, NumberError> {
    let (mantissa, exponent) = text.split_once(['p', 'P']).ok_or(NumberError::Syntax)?;
    let (mantissa, shift) = hexadecimal_mantissa(mantissa)?;
    let exponent = exponent_of(exponent)?.saturating_add(shift).clamp(-EXPONENT_MAX, EXPONENT_MAX);
    Ok(scaled(mantissa, exponent))
}

/// The leading digits as an integer, with its lowest bit set if digits that do not fit are not all zero; and the power of
/// two that it has to be multiplied with.
fn hexadecimal_mantissa(text: &str) -> Result<(u64, i64), NumberError> {
    let (mut mantissa, mut shift, mut fraction, mut any) = (0_u64, 0_i64, false, false);
    for letter in text.chars() {
        if letter == '.' && !fraction {
            fraction = true;
            continue;
        }
        let digit = u64::from(letter.to_digit(16).ok_or(NumberError::Syntax)?);
        any = true;
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            shift -= if fraction { 4 } else { 0 };
        } else {
            mantissa |= u64::from(digit != 0);
            shift += if fraction { 0 } else { 4 };
        }
    }
    if any { Ok((mantissa, shift)) } else { Err(NumberError::Syntax) }
}

fn exponent_of(text: &str) -> Result<i64, NumberError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let size = digits.parse().unwrap_or(EXPONENT_MAX);
    Ok(if text.starts_with('-') { -size } else { size })
}

/// `mantissa * 2^exponent`, rounded once: bits that a subnormal number has no room for are gathered before the rounding.
fn scaled(mut mantissa: u64, mut exponent: i64) -> f64 {
    const LOWEST: i64 = -1074;
    while mantissa > 1 && exponent < LOWEST - 2 {
        mantissa = mantissa >> 1 | mantissa & 1;
        exponent += 1;
    }
    // Above this the product is exact but for the one rounding of the mantissa, or overflows as it should.
    let bits = i64::from(64 - mantissa.leading_zeros());
    if exponent + bits > -1022 {
        return exact_power(mantissa as f64, exponent);
    }
    // A subnormal: bring it to whole units of the smallest number, ties to even, then it is exact.
    let drop = LOWEST - exponent;
    if drop <= 0 {
        return exact_power(mantissa as f64, exponent);
    }
    let (kept, half) =
        (mantissa.checked_shr(drop as u32).unwrap_or(0), 1_u64.checked_shl(drop as u32 - 1).unwrap_or(0));
    let lost = mantissa - kept.checked_shl(drop as u32).unwrap_or(0);
    let up = half != 0 && (lost > half || lost == half && kept & 1 == 1);
    f64::from_bits(kept + u64::from(up))
}

fn exact_power(mut number: f64, mut exponent: i64) -> f64 {
    const STEP: i64 = 1000;
    while exponent > STEP && number != 0.0 && number.is_finite() {
        number *= 2_f64.powi(STEP as i32);
        exponent -= STEP;
    }
    while exponent < -STEP && number != 0.0 {
        number *= 2_f64.powi(-STEP as i32);
        exponent += STEP;
    }
    number * 2_f64.powi(exponent.clamp(-STEP, STEP) as i32)
}
