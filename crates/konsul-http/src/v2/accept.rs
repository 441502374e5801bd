//! In which form the client wants its answer.

use http::header::{ACCEPT, HeaderMap};
use konsul_api::v2::code;
use konsul_api::v2::operations::{Body, Operation};

use super::rejection::{Rejected, Rejection};
use crate::headers;

/// The place of the form that is answered in, among those of the operation's first answer.
pub(crate) fn choose(headers: &HeaderMap, operation: &Operation) -> Rejected<usize> {
    let forms = operation.answers[0].body;
    let Some(header) = headers::get(headers, &ACCEPT) else { return Ok(0) };
    if forms.is_empty() || header.as_bytes() == b"*/*" {
        return Ok(0);
    }
    let all: Option<Vec<&str>> = headers.get_all(ACCEPT).iter().map(|value| value.to_str().ok()).collect();
    let text = all.ok_or_else(|| Rejection::of_header("Accept", "is not visible ASCII"))?.join(",");
    best(&text, forms).ok_or_else(|| {
        let known: Vec<&str> = forms.iter().map(|form| form.media).collect();
        Rejection::new(&code::NOT_ACCEPTABLE, format!("the answer can be {}", known.join(" or ")))
    })
}

/// The form with the highest weight; of equal ones the operation's first. An empty header takes anything.
fn best(accept: &str, forms: &[Body]) -> Option<usize> {
    if accept.trim().is_empty() {
        return Some(0);
    }
    let mut found: Option<(f32, usize)> = None;
    for (at, form) in forms.iter().enumerate() {
        let weight = weight(accept, form.media);
        if weight > 0.0 && found.is_none_or(|(best, _)| weight > best) {
            found = Some((weight, at));
        }
    }
    found.map(|(_, at)| at)
}

/// The weight that the most specific range gives to a media type.
fn weight(accept: &str, media: &str) -> f32 {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let fits = fits(parts.next()?, media)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        Some((fits, weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0))))
    });
    ranges.max_by_key(|(fits, _)| *fits).map_or(0.0, |(_, weight)| weight)
}

/// How exactly a range names a media type; `None` if it does not.
fn fits(range: &str, media: &str) -> Option<u8> {
    if range.eq_ignore_ascii_case(media) {
        return Some(2);
    }
    if range == "*/*" {
        return Some(0);
    }
    let (kind, _) = media.split_once('/')?;
    let of_kind = range.strip_suffix("/*").is_some_and(|wanted| wanted.eq_ignore_ascii_case(kind));
    of_kind.then_some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_weight_wins_and_zero_is_a_refusal() {
        const FORMS: &[Body] = &[
            Body { media: "application/json", schema: "X", stream: false },
            Body { media: "application/octet-stream", schema: "", stream: false },
        ];
        #[track_caller]
        fn check(accept: &str, expect: Option<usize>) {
            assert_eq!(best(accept, FORMS), expect, "{accept}");
        }
        check("", Some(0));
        check("application/json", Some(0));
        check("application/octet-stream", Some(1));
        check("application/*", Some(0));
        check("text/html, */*;q=0.1", Some(0));
        check("application/json;q=0.5, application/octet-stream", Some(1));
        check("application/json;q=0, */*", Some(1));
        check("APPLICATION/JSON; charset=utf-8", Some(0));
        check("text/html", None);
        check("application/json;q=x", None);
    }
}
