//! `/v2/kv` and `/v2/kv_search`: many keys, page by page. A cursor holds the last name that was told.

use std::sync::Arc;

use konsul_api::v2::text::{write_number, write_str};
use konsul_operations::arguments::{KvPage, KvSearch, Needle, Resume};
use konsul_operations::watch::Glob;
use konsul_operations::{Answer, answer::KvListed, answer::Page};
use konsul_types::Index;

use super::cursor::{CursorError, Question};
use super::entry;
use super::inbound::{Begun, Inbound, bad_cursor};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;

/// `GET /v2/kv`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let (question, after) = resumed(inbound, &["prefix", "delimiter", "keys_only"], &context)?;
    let text = |name: &str| inbound.query.get(name).unwrap_or("").to_owned();
    let args = KvPage { prefix: text("prefix"), delimiter: text("delimiter"), after, limit: inbound.limit() };
    let with_values = !inbound.flag("keys_only");
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: page, meta } = edge.operations.kv_page(&context, args).await?;
        let mut out = b"{\"items\":[".to_vec();
        write_items(&mut out, &page, with_values);
        out.push(b']');
        write_prefixes(&mut out, &page);
        Ok(ended(out, question, page.next, meta.index))
    })
}

fn write_items(out: &mut Vec<u8>, page: &Page<KvListed>, with_values: bool) {
    let entries = page.items.iter().filter_map(|item| match item {
        KvListed::Entry(entry) => Some(entry),
        KvListed::Folder(_) => None,
    });
    for (at, entry) in entries.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        entry::write(out, &entry.key, &entry.record, with_values);
    }
}

fn write_prefixes(out: &mut Vec<u8>, page: &Page<KvListed>) {
    let folders = page.items.iter().filter_map(|item| match item {
        KvListed::Folder(name) => Some(name),
        KvListed::Entry(_) => None,
    });
    let mut begin: &[u8] = b",\"prefixes\":[";
    for name in folders {
        out.extend_from_slice(begin);
        write_str(out, name);
        begin = b",";
    }
    if begin == b"," {
        out.push(b']');
    }
}

/// The end of a page that is written by hand.
fn ended(mut out: Vec<u8>, question: Question, next: Option<Resume>, index: Index) -> Reply {
    out.extend_from_slice(b",\"next_cursor\":");
    match next {
        None => out.extend_from_slice(b"null"),
        Some(resume) => write_str(&mut out, &question.cursor(&place(&resume))),
    }
    write_number(&mut out, b",\"index\":", index.0);
    out.push(b'}');
    Reply::written(out).with_index(index)
}

fn place(resume: &Resume) -> Vec<u8> {
    let mut out = vec![u8::from(resume.beyond)];
    out.extend_from_slice(resume.after.as_bytes());
    out
}

/// The question of a list and where its page begins.
fn resumed(
    inbound: &Inbound<'_>,
    names: &[&str],
    context: &konsul_operations::Context,
) -> Rejected<(Question, Option<Resume>)> {
    let (question, place) = inbound.question(context, names)?;
    let resume =
        place.map(|place| resume(&place).ok_or_else(|| bad_cursor(&CursorError::Malformed))).transpose()?;
    Ok((question, resume))
}

fn resume(place: &[u8]) -> Option<Resume> {
    let (beyond, after) = place.split_first()?;
    Some(Resume { after: std::str::from_utf8(after).ok()?.to_owned(), beyond: *beyond == 1 })
}

/// `GET /v2/kv_search`.
pub(crate) fn search(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let (question, after) = resumed(inbound, &["q", "in", "prefix"], &context)?;
    let prefix = inbound.query.get("prefix").unwrap_or("").to_owned();
    let args = KvSearch { prefix, needle: needle(inbound)?, after, limit: inbound.limit() };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: page, meta } = edge.operations.kv_search(&context, args).await?;
        let mut out = b"{\"items\":[".to_vec();
        for (at, entry) in page.items.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            entry::write(&mut out, &entry.key, &entry.record, true);
        }
        out.push(b']');
        Ok(ended(out, question, page.next, meta.index))
    })
}

fn needle(inbound: &Inbound<'_>) -> Rejected<Needle> {
    let q = inbound.query.get("q").unwrap_or("");
    if inbound.query.get("in") == Some("values") {
        return Ok(Needle::ValueBytes(q.as_bytes().to_vec()));
    }
    if !q.contains(['*', '?']) {
        return Ok(Needle::KeyText(q.to_owned()));
    }
    let glob = Glob::new(q).map_err(|why| Rejection::of_parameter("q", why.to_string()))?;
    Ok(Needle::KeyGlob(glob))
}
