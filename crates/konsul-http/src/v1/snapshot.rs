//! `/v1/snapshot`: backup and restore, both streamed: neither is ever whole in memory here.

use std::sync::Arc;

use http::StatusCode;
use konsul_operations::operations::RestoreSink;
use konsul_operations::{Consistency, Error};

use super::error::reply;
use super::inbound::Inbound;
use super::kv::body_refused;
use super::read::Options;
use super::reply::{Fresh, Reply};
use super::route::Route;
use crate::intake::{Intake, IntakeError};
use crate::outgoing::Source;
use crate::paced::paced;
use crate::service::Handled;

/// `GET`: a backup, made while it is sent.
pub(crate) fn save(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.snapshot_save(&context).await {
            Ok(answer) => {
                Reply::streamed("application/octet-stream", Source::Stream(Box::pin(paced(answer.value))))
                    .with_fresh(Fresh::Read(answer.meta))
            }
            Err(why) => reply(&why),
        }
    }))
}

/// `PUT`: replaces the state by a backup, all of it or nothing.
pub(crate) fn restore(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { mut context, .. } = inbound.options()?;
    // Only the leader restores, whatever the request says.
    context.consistency = Consistency::Default;
    let edge = Arc::clone(inbound.edge);
    let mut intake = inbound.take_intake();
    Ok(Box::pin(async move {
        let sink = match edge.operations.snapshot_restore(&context).await {
            Ok(sink) => sink,
            Err(why) => return reply(&why),
        };
        match feed(&mut intake, sink).await {
            Ok(()) => Reply::empty(StatusCode::OK),
            Err(Failed::Intake(why)) => body_refused(&why, ""),
            Err(Failed::Operation(why)) => reply(&why),
        }
    }))
}

enum Failed {
    Intake(IntakeError),
    Operation(Error),
}

/// A body that breaks off drops the sink, which leaves the state as it was.
async fn feed(intake: &mut Intake, mut sink: Box<dyn RestoreSink>) -> Result<(), Failed> {
    while let Some(piece) = intake.next().await.map_err(Failed::Intake)? {
        sink.write(&piece).await.map_err(Failed::Operation)?;
    }
    sink.finish().await.map_err(Failed::Operation)?;
    Ok(())
}
