//! `/v2/snapshot`: everything, saved and restored, both streamed.

use std::sync::Arc;

use konsul_api::v2::system::SnapshotRestored;
use konsul_operations::operations::RestoreSink;
use konsul_types::Index;

use super::inbound::{Begun, Inbound};
use super::rejection::Rejected;
use super::reply::Reply;
use crate::intake::Intake;
use crate::outgoing::Source;
use crate::paced::paced;

/// `GET`.
pub(crate) fn save(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let answer = edge.operations.snapshot_save(&context).await?;
        let reply =
            Reply::streamed("application/octet-stream", Source::Stream(Box::pin(paced(answer.value))));
        Ok(reply.with_index(answer.meta.index))
    })
}

/// `PUT`. It needs no idempotency key: to restore the same twice is to restore it. One that is given must be a key all the
/// same.
pub(crate) fn restore(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, _) = inbound.writing()?;
    context.request = None;
    inbound.media()?;
    let edge = Arc::clone(inbound.edge);
    let mut intake = inbound.take_intake();
    inbound.later(async move {
        let sink = edge.operations.snapshot_restore(&context).await?;
        let index = feed(&mut intake, sink).await?;
        Ok(Reply::json(&SnapshotRestored { index: index.0 }).with_index(index))
    })
}

/// A body that breaks off drops the sink, which leaves the state as it was.
async fn feed(intake: &mut Intake, mut sink: Box<dyn RestoreSink>) -> Rejected<Index> {
    while let Some(piece) = intake.next().await? {
        sink.write(&piece).await?;
    }
    Ok(sink.finish().await?)
}
