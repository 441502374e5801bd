//! Backup and restore of everything.

use std::sync::Arc;

use bytes::Bytes;
use konsul_state::archive::{ArchiveReader, Origin, archive};
use konsul_types::restore::{RESTORE_CHUNK_MAX, RestoreCommand};
use konsul_types::{Command, Index, Outcome, RestoreId, Value};

use super::Inner;
use super::reads::answer;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::Error;
use crate::operations::{BackupBytes, Reply, RestoreSink};
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn snapshot_save(&self, ctx: &Context) -> Result<Answer<BackupBytes>, Error> {
        self.permit(ctx, &Permission::Management)?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let bytes: BackupBytes = Box::new(archive(&state, self.origin()).map(Bytes::from));
        Ok(answer(bytes, state.index(), ctx.consistency, staleness))
    }

    /// What a backup says of who wrote it. A cluster of one has the id of its only server.
    fn origin(&self) -> Origin {
        let agent = self.agent.info();
        Origin {
            cluster_id: agent.node_id,
            datacenter: agent.datacenter,
            node: agent.node_name,
            konsul: agent.version,
            taken_at: self.replica.now(),
        }
    }
}

pub(super) async fn begin<R: Replica>(
    inner: &Arc<Inner<R>>,
    ctx: &Context,
) -> Result<Box<dyn RestoreSink>, Error> {
    inner.permit(ctx, &Permission::Management)?;
    let id = RestoreId(konsul_runtime::random::uuid_v4());
    inner.write(ctx, Command::Restore(RestoreCommand::Begin { id })).await?;
    let inner = Arc::clone(inner);
    Ok(Box::new(Sink { inner, id, reader: ArchiveReader::new(), chunks: 0, done: false, ctx: ctx.clone() }))
}

/// Takes an archive's bytes and puts its chunks into the log as they come.
struct Sink<R: Replica> {
    inner: Arc<Inner<R>>,
    id: RestoreId,
    reader: ArchiveReader,
    chunks: u32,
    done: bool,
    ctx: Context,
}

impl<R: Replica> RestoreSink for Sink<R> {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Reply<'a, ()> {
        Box::pin(async move {
            self.reader.feed(bytes);
            self.drain().await
        })
    }

    fn finish(mut self: Box<Self>) -> Reply<'static, Index> {
        Box::pin(async move {
            self.drain().await?;
            self.reader.end().map_err(refused)?;
            self.done = true;
            let (id, chunks) = (self.id, self.chunks);
            match self.inner.write(&self.ctx, Command::Restore(RestoreCommand::Commit { id, chunks })).await?
            {
                (index, Outcome::Counted(_)) => Ok(index),
                (_, other) => Err(super::unexpected(&other)),
            }
        })
    }
}

impl<R: Replica> Sink<R> {
    async fn drain(&mut self) -> Result<(), Error> {
        while let Some(chunk) = self.reader.next_chunk().map_err(refused)? {
            self.may_fit()?;
            self.stage(chunk).await?;
        }
        Ok(())
    }

    /// Refuses at once what the commit would refuse after all of it was staged. A file without a head has to wait for that.
    fn may_fit(&self) -> Result<(), Error> {
        let level = self.inner.replica.state().feature_level();
        match self.reader.head().filter(|head| head.feature_level > level) {
            Some(head) => Err(refused(format!(
                "it has feature level {}, this cluster {level}; raise that first",
                head.feature_level
            ))),
            None => Ok(()),
        }
    }

    /// A chunk of the state is staged whole: the state's own chunks are far below what the log takes.
    async fn stage(&mut self, chunk: Vec<u8>) -> Result<(), Error> {
        // The bound of the state, which refuses more.
        let most = RESTORE_CHUNK_MAX as u64 + self.inner.replica.state().limits().value_bytes;
        if chunk.len() as u64 > most {
            return Err(refused(format!(
                "a chunk of {} bytes is larger than any that is written",
                chunk.len()
            )));
        }
        let step = RestoreCommand::Chunk { id: self.id, number: self.chunks, bytes: Value::from(chunk) };
        self.chunks += 1;
        self.inner.write(&self.ctx, Command::Restore(step)).await.map(|_| ())
    }
}

impl<R: Replica> Drop for Sink<R> {
    /// What was staged and not committed takes memory on every server, so an abandoned restore is called off.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let (inner, id) = (Arc::clone(&self.inner), self.id);
        konsul_runtime::spawn(async move {
            let abort = Command::Restore(RestoreCommand::Abort { id });
            if let Err(why) = inner.replica.propose(None, abort).await {
                tracing::warn!(%why, "an abandoned restore could not be called off; the next one replaces it");
            }
        });
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn refused(why: impl std::fmt::Display) -> Error {
    Error::Refused(konsul_types::Refusal::RestoreRefused { why: format!("{why}") })
}
