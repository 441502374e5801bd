//! `/v2/backups`: the agent's own backups.

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v2::backup::{Attempt as AttemptBody, Backup, Backups};
use konsul_api::v2::time::Timestamp;
use konsul_operations::backups::{Attempt, BackupReport, KeptBackup};
use konsul_types::duration::GoDuration;

use super::inbound::{Begun, Inbound};
use super::reply::Reply;

/// `GET`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let report = edge.operations.backup_list(&context).await?;
        Ok(Reply::json(&body(&report)))
    })
}

/// `POST`.
pub(crate) fn run(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let made = edge.operations.backup_run(&context).await?;
        Ok(Reply::json(&kept(&made)).with_status(StatusCode::CREATED))
    })
}

fn body(report: &BackupReport) -> Backups {
    let attempt = |one: &Attempt| AttemptBody { at: Timestamp(one.at.0), failure: one.failure.clone() };
    Backups {
        enabled: report.enabled,
        interval: report.enabled.then(|| GoDuration::from_millis(report.interval_ms).to_string()),
        keep: report.enabled.then_some(report.keep),
        next_at: report.next_at.map(|at| Timestamp(at.0)),
        last_run: report.last_run.as_ref().map(attempt),
        last_drill: report.last_drill.as_ref().map(attempt),
        items: report.kept.iter().map(kept).collect(),
    }
}

fn kept(one: &KeptBackup) -> Backup {
    Backup { name: one.name.clone(), at: Timestamp(one.taken_at.0), index: one.index.0, bytes: one.bytes }
}
