//! A batch under way: runs of members of the log, each as one batch of the operations, with members of the agent in between.

use std::collections::VecDeque;
use std::sync::Arc;

use konsul_operations::answer::BatchRun;
use konsul_operations::arguments::Batch;
use konsul_operations::{Context, Error};
use konsul_types::{BatchItem, Index, TxnOp};

use super::agent::OfAgent;
use super::decode::{Member, Members};
use crate::service::Edge;

/// What became of some members, in order.
pub(super) struct Part {
    /// Position of the first of them, from 0.
    pub(super) first: usize,
    /// The entry in which they were run; of those of the agent, the index of the state after it.
    pub(super) index: Index,
    /// What became of each.
    pub(super) items: Vec<Result<BatchItem, Error>>,
}

enum Piece {
    Log(Vec<TxnOp>),
    Agent(Box<OfAgent>),
}

/// What is left to do.
pub(super) struct Work {
    edge: Arc<Edge>,
    context: Context,
    atomic: bool,
    pieces: VecDeque<(usize, Piece)>,
    /// The run of members of the log that is under way, and the position of its first.
    running: Option<(usize, Box<dyn BatchRun>)>,
    /// How many such runs were begun.
    runs: u64,
}

impl Work {
    /// Everything but the first step.
    pub(super) fn new(edge: Arc<Edge>, context: Context, members: Members) -> Work {
        let mut pieces: VecDeque<(usize, Piece)> = VecDeque::new();
        for (at, member) in members.all.into_iter().enumerate() {
            match (member, pieces.back_mut()) {
                (Member::Log(op), Some((_, Piece::Log(ops)))) => ops.push(op),
                (Member::Log(op), _) => pieces.push_back((at, Piece::Log(vec![op]))),
                (Member::Agent(asks), _) => pieces.push_back((at, Piece::Agent(asks))),
            }
        }
        Work { edge, context, atomic: members.atomic, pieces, running: None, runs: 0 }
    }

    /// Begins with the first run of the log, so that what is wrong with the whole is known before anything is answered.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        match self.pieces.front() {
            Some((_, Piece::Log(_))) => self.begin_run().await,
            _ => Ok(()),
        }
    }

    async fn begin_run(&mut self) -> Result<(), Error> {
        let Some((first, Piece::Log(ops))) = self.pieces.pop_front() else { return Ok(()) };
        // The first has the request's own id, as a batch without members of the agent.
        let request = self.context.request.map(|request| match self.runs {
            0 => request,
            number => request.step(u64::MAX - number),
        });
        let context = Context { request, ..self.context.clone() };
        self.runs += 1;
        let run = self.edge.operations.batch(&context, Batch { atomic: self.atomic, ops }).await?;
        self.running = Some((first, run));
        Ok(())
    }

    /// The next results; `None` after the last. After an error it is over.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, Error> {
        loop {
            if let Some((base, run)) = &mut self.running {
                if let Some(part) = run.next().await? {
                    let items = part.items.into_iter().map(Ok).collect();
                    return Ok(Some(Part { first: *base + part.first, index: part.index, items }));
                }
                self.running = None;
            }
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some((first, Piece::Agent(asks))) => {
                    return Ok(Some(ask(&self.edge, &self.context, first, *asks).await));
                }
                Some(piece) => {
                    self.pieces.push_front(piece);
                    self.begin_run().await?;
                }
            }
        }
    }
}

async fn ask(edge: &Edge, context: &Context, first: usize, asks: OfAgent) -> Part {
    let operations = &*edge.operations;
    let done = asks.run(operations, context).await;
    let items = vec![done.map(|()| BatchItem::Done)];
    Part { first, index: operations.index(), items }
}
