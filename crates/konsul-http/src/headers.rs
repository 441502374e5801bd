//! Looking up the headers of a request.
//!
//! Every request is asked for some headers that few requests have, and most requests have few headers. To compare their
//! names one by one then costs less than to hash the name that is looked for.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Over so many headers the map's own way is taken.
const FEW: usize = 8;

/// The first value of a header.
pub(crate) fn get<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    if headers.keys_len() > FEW {
        return headers.get(name);
    }
    headers.iter().find_map(|(found, value)| (found == name).then_some(value))
}

/// The first value of a header, if it is visible ASCII.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    get(headers, name)?.to_str().ok()
}

/// The first value of a header, and whether there is another one.
pub(crate) fn first<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<(&'h HeaderValue, bool)> {
    let value = get(headers, name)?;
    // Where each name has one value, so has this one.
    let again = headers.len() > headers.keys_len() && headers.get_all(name).iter().nth(1).is_some();
    Some((value, again))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: HeaderName = HeaderName::from_static("x-a");

    #[test]
    fn few_and_many_headers_are_found_alike() {
        let mut headers = HeaderMap::new();
        for number in 0..20 {
            assert_eq!(first(&headers, &A), None);
            headers.append(HeaderName::try_from(format!("x-{number}")).unwrap(), HeaderValue::from(number));
        }
        for room in [20, 0] {
            headers.clear();
            (0..room).for_each(|number| {
                headers
                    .append(HeaderName::try_from(format!("x-{number}")).unwrap(), HeaderValue::from(number));
            });
            headers.append(A, HeaderValue::from_static("one"));
            assert_eq!(
                (text(&headers, &A), first(&headers, &A).map(|found| found.1)),
                (Some("one"), Some(false))
            );
            headers.append(A, HeaderValue::from_static("two"));
            assert_eq!(
                (text(&headers, &A), first(&headers, &A).map(|found| found.1)),
                (Some("one"), Some(true))
            );
        }
    }
}
