//! What lists of the catalogue have in common: parameters that narrow them, and pages.

use konsul_operations::Context;
use konsul_operations::arguments::{Narrow, Near};
use konsul_types::{NodeName, Pairs};

use super::cursor::{CursorError, Question};
use super::inbound::{Inbound, bad_cursor};
use super::rejection::{Rejected, Rejection};

/// Parameters that narrow a list, of those that its operation has.
pub(crate) fn narrow(inbound: &Inbound<'_>) -> Rejected<Narrow> {
    Ok(Narrow {
        node_meta: pairs(inbound, "node_meta")?,
        filter: inbound.query.get("filter").unwrap_or("").to_owned(),
        near: near(inbound)?,
    })
}

/// By whose place the answer is sorted.
pub(crate) fn near(inbound: &Inbound<'_>) -> Rejected<Option<Near>> {
    match inbound.query.get("near") {
        None => Ok(None),
        Some("_agent") => Ok(Some(Near::Agent)),
        Some("_ip") => Ok(Some(Near::Client(inbound.peer))),
        Some(name) => {
            let name = NodeName::new(name).map_err(|why| Rejection::of_parameter("near", why.what))?;
            Ok(Some(Near::Node(name)))
        }
    }
}

/// Pairs of a parameter that may be repeated.
pub(crate) fn pairs(inbound: &Inbound<'_>, name: &str) -> Rejected<Pairs> {
    let pair = |text: &str| match text.split_once(':') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Rejection::of_parameter(name, format!("{text:?} is no pair: write key:value"))),
    };
    inbound.query.all(name).map(pair).collect()
}

/// Texts of a parameter that may be repeated.
pub(crate) fn texts(inbound: &Inbound<'_>, name: &str) -> Vec<String> {
    inbound.query.all(name).map(str::to_owned).collect()
}

/// A list on its way out as a page.
pub(crate) struct Paging {
    question: Question,
    after: Option<Place>,
    limit: usize,
    /// Whether the list has an order of its own, which is not that of its keys.
    near: bool,
}

/// Where a page ended: how many items came before, and the key of the last one.
struct Place {
    count: usize,
    key: Vec<u8>,
}

impl Paging {
    /// What was asked: the page, and the parameters that its cursor belongs to.
    pub(crate) fn read(inbound: &Inbound<'_>, context: &Context, names: &[&str]) -> Rejected<Paging> {
        let (question, place) = inbound.question(context, names)?;
        let after = place.map(|place| parse(&place)).transpose()?;
        Ok(Paging { question, after, limit: inbound.limit(), near: inbound.query.has("near") })
    }

    /// The page and where the next one begins. Without `near` items are brought into the order of their keys, so that
    /// what comes or goes between two pages neither hides nor repeats another item.
    pub(crate) fn page<T>(&self, items: &mut Vec<T>, key: impl Fn(&T) -> Vec<u8>) -> Option<String> {
        if !self.near {
            items.sort_by_cached_key(&key);
        }
        let begin = self.after.as_ref().map_or(0, |after| self.begin(after, items, &key));
        items.drain(..begin);
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| more)?;
        let mut place = ((begin + items.len()) as u64).to_be_bytes().to_vec();
        place.extend(key(last));
        Some(self.question.cursor(&place))
    }

    fn begin<T>(&self, after: &Place, items: &[T], key: &impl Fn(&T) -> Vec<u8>) -> usize {
        if !self.near {
            return items.partition_point(|item| key(item) <= after.key);
        }
        let found = items.iter().position(|item| key(item) == after.key);
        // The last one that was shown may be gone: then one is shown again rather than another one missed.
        found.map_or(after.count.saturating_sub(1).min(items.len()), |at| at + 1)
    }
}

fn parse(place: &[u8]) -> Rejected<Place> {
    let bad = || bad_cursor(&CursorError::Malformed);
    let (count, key) = place.split_first_chunk::<8>().ok_or_else(bad)?;
    let count = usize::try_from(u64::from_be_bytes(*count)).map_err(|_| bad())?;
    Ok(Place { count, key: key.to_vec() })
}

/// A key of several names, without their case where the catalogue looks past it.
pub(crate) fn key(parts: &[&str]) -> Vec<u8> {
    parts.join("\0").to_lowercase().into_bytes()
}
