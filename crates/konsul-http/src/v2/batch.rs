//! `POST /v2/batch`: many operations in one request.

mod decode;
mod results;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::unfold;
use konsul_api::v2::code;
use konsul_operations::answer::{BatchPart, BatchRun};
use konsul_operations::arguments::Batch;
use konsul_types::{Index, Key, Namespace, TxnOp};

pub(crate) use decode::{Members, decode};

use super::inbound::{Begun, Inbound};
use super::rejection::{Rejected, Rejection};
use super::reply::{NDJSON, Reply};
use crate::outgoing::Source;
use results::{Sums, Written};

/// Most bytes of a batch's body: what a log entry takes, as JSON.
pub(crate) const BODY_MAX: u64 = 16 * 1024 * 1024;

/// Reads a batch's body as the members of it, for a request in a namespace, with a bound on each value.
///
/// # Errors
/// What is wrong with it, in words.
pub fn members(body: &[u8], namespace: &Namespace, value_bytes: u64) -> Result<Vec<TxnOp>, String> {
    decode(body, namespace, value_bytes).map(|members| members.ops).map_err(|why| why.detail)
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
        let Members { atomic, ops } = decode(&bytes, &context.namespace, value_bytes)?;
        drop(bytes);
        // How fresh only matters where nothing is written: a write is answered by the log.
        if !ops.iter().any(TxnOp::is_write) {
            context.consistency = read.consistency;
        }
        let asked = Asked::of(&ops);
        let run = edge.operations.batch(&context, Batch { atomic, ops }).await?;
        let job = Job { run, asked, sums: Sums::default(), index: Index(0), atomic, over: false };
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
    fn of(ops: &[TxnOp]) -> Asked {
        let reads = ops.iter().enumerate().filter_map(|(at, op)| Some((at, results::read_key(op)?.clone())));
        Asked { members: ops.len(), reads: reads.collect() }
    }

    fn read_key(&self, position: usize) -> Option<&Key> {
        let found = self.reads.binary_search_by_key(&position, |(at, _)| *at).ok()?;
        Some(&self.reads[found].1)
    }
}

/// A batch under way.
struct Job {
    run: Box<dyn BatchRun>,
    asked: Asked,
    sums: Sums,
    index: Index,
    atomic: bool,
    /// Whether all was said.
    over: bool,
}

impl Job {
    /// The next results; `None` after the last.
    async fn part(&mut self) -> Rejected<Option<BatchPart>> {
        let Some(part) = self.run.next().await? else { return Ok(None) };
        self.index = part.index.max(self.index);
        if self.atomic && part.items.iter().any(|item| item.failure().is_some()) {
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

    fn write(&mut self, out: &mut Vec<u8>, part: &BatchPart, form: Written) {
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
