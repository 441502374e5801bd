//! `POST /v2/batch`: many operations in one request.

mod agent;
mod catalogue;
mod decode;
mod results;
mod work;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::unfold;
use konsul_api::v2::code;
use konsul_types::{Index, Key, Namespace, TxnOp};

pub(crate) use decode::{Member, decode};

use super::inbound::{Begun, Inbound};
use super::rejection::{Rejected, Rejection};
use super::reply::{NDJSON, Reply};
use crate::outgoing::Source;
use results::{Sums, Written};
use work::{Part, Work};

/// Most bytes of a batch's body: what a log entry takes, as JSON.
pub(crate) const BODY_MAX: u64 = 16 * 1024 * 1024;

/// Reads a batch's body and answers the members that go into the log, for a request in a namespace, with a bound on each
/// value.
///
/// # Errors
/// What is wrong with it, in words.
pub fn members(body: &[u8], namespace: &Namespace, value_bytes: u64) -> Result<Vec<TxnOp>, String> {
    let members = decode(body, namespace, value_bytes).map_err(|why| why.detail)?;
    Ok(members.all.iter().filter_map(|member| member.log().cloned()).collect())
}

/// `POST`.
pub(crate) fn run(inbound: &mut Inbound<'_>) -> Begun {
    let read = inbound.context()?;
    let (mut context, once) = inbound.writing()?;
    inbound.media()?;
    let value_bytes = inbound.edge.settings.limits.value_bytes;
    let whole = inbound.whole(BODY_MAX)?;
    let as_lines = inbound.form == 1;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        if let Some(once) = once {
            context.request = Some(once.request(&bytes));
        }
        let members = decode(&bytes, &context.namespace, value_bytes)?;
        drop(bytes);
        // How fresh only matters where nothing is written: a write is answered by the log.
        if !members.all.iter().any(|member| member.log().is_none_or(TxnOp::is_write)) {
            context.consistency = read.consistency;
        }
        let (asked, atomic) = (Asked::of(&members.all), members.atomic);
        let mut work = Work::new(edge, context, members);
        work.begin().await?;
        let job = Job { work, asked, sums: Sums::default(), index: Index(0), atomic, over: false };
        if as_lines { job.lines().await } else { job.whole().await }
    })
}

/// What has to be known of the members when their results are told.
struct Asked {
    members: usize,
    /// The keys of those that read one, by position.
    reads: Vec<(usize, Key)>,
}

impl Asked {
    fn of(all: &[Member]) -> Asked {
        let read = |(at, member): (usize, &Member)| Some((at, results::read_key(member.log()?)?.clone()));
        Asked { members: all.len(), reads: all.iter().enumerate().filter_map(read).collect() }
    }

    fn read_key(&self, position: usize) -> Option<&Key> {
        let found = self.reads.binary_search_by_key(&position, |(at, _)| *at).ok()?;
        Some(&self.reads[found].1)
    }
}

/// A batch under way.
struct Job {
    work: Work,
    asked: Asked,
    sums: Sums,
    index: Index,
    atomic: bool,
    /// Whether all was said.
    over: bool,
}

impl Job {
    /// The next results; `None` after the last.
    async fn part(&mut self) -> Rejected<Option<Part>> {
        let Some(part) = self.work.next().await? else { return Ok(None) };
        self.index = part.index.max(self.index);
        if self.atomic && part.items.iter().any(results::is_failure) {
            return Err(results::rolled_back(&part));
        }
        Ok(Some(part))
    }

    async fn whole(mut self) -> Rejected<Reply> {
        let mut out = b"{\"results\":[".to_vec();
        loop {
            match self.part().await {
                Ok(Some(part)) => self.write(&mut out, &part, Written::List),
                Ok(None) => break,
                Err(why) if self.sums.told() == 0 => return Err(why),
                Err(why) => {
                    self.fail_rest(&mut out, &why, Written::List);
                    break;
                }
            }
        }
        out.extend_from_slice(b"],\"summary\":");
        self.sums.write(&mut out, self.index);
        out.push(b'}');
        Ok(Reply::written(out).with_index(self.index))
    }

    /// The first part before the head, so that a batch that fails as a whole has its own status.
    async fn lines(mut self) -> Rejected<Reply> {
        let mut first = Vec::new();
        if let Some(part) = self.part().await? {
            self.write(&mut first, &part, Written::Lines);
        }
        let index = self.index;
        let rest = unfold((Some(first), self), async |(first, mut job)| {
            if let Some(first) = first.filter(|first| !first.is_empty()) {
                return Some((Bytes::from(first), (None, job)));
            }
            let piece = job.line_piece().await?;
            Some((piece.into(), (None, job)))
        });
        Ok(Reply::streamed(NDJSON, Source::Stream(Box::pin(rest))).with_index(index))
    }

    async fn line_piece(&mut self) -> Option<Vec<u8>> {
        if self.over {
            return None;
        }
        let mut out = Vec::new();
        match self.part().await {
            Ok(Some(part)) => {
                self.write(&mut out, &part, Written::Lines);
                return Some(out);
            }
            Ok(None) => {}
            Err(why) => self.fail_rest(&mut out, &why, Written::Lines),
        }
        self.over = true;
        out.extend_from_slice(b"{\"summary\":");
        self.sums.write(&mut out, self.index);
        out.extend_from_slice(b"}\n");
        Some(out)
    }

    fn write(&mut self, out: &mut Vec<u8>, part: &Part, form: Written) {
        for (position, item) in (part.first..).zip(&part.items) {
            form.begin(out, self.sums.told());
            results::write(out, position, item, self.asked.read_key(position));
            form.end(out);
            self.sums.count(item);
        }
    }

    /// What the rest heard: the run broke off, and later members were not tried.
    fn fail_rest(&mut self, out: &mut Vec<u8>, why: &Rejection, form: Written) {
        for position in self.sums.told()..self.asked.members {
            form.begin(out, self.sums.told());
            results::write_failure(out, position, why.code.id, &why.detail);
            form.end(out);
            self.sums.fail();
        }
    }
}

/// A batch of nothing or of too much.
pub(super) fn check_count(count: usize, most: usize) -> Rejected<()> {
    if count > most {
        let detail = format!("the batch has {count} members; at most {most} are allowed");
        return Err(Rejection::new(&code::TOO_MANY_OPERATIONS, detail));
    }
    Ok(())
}
