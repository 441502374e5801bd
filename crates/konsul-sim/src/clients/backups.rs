//! Backups and restores: whole ones, damaged ones, abandoned ones.

use std::sync::Arc;

use konsul_operations::{Context, Error, Operations};
use konsul_runtime::time::Duration;
use konsul_types::Namespace;

use super::Client;
use crate::history::Backup;
use crate::port::answered_by;

/// A restore takes many entries.
const LONG: Duration = Duration::from_secs(20);

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    let mut kept: Vec<Backup> = Vec::new();
    while client.goes_on() {
        client.think(700).await;
        if kept.is_empty() || client.one_in(2) {
            kept.extend(save(&mut client).await);
        } else {
            let backup = client.pick(&kept).clone();
            restore(&mut client, &backup).await;
        }
    }
}

async fn save(client: &mut Client) -> Option<Backup> {
    let ctx = client.context(&Namespace::default_namespace());
    let heard = client
        .ask(LONG, move |c| async move {
            let saved = c.operations.snapshot_save(&ctx).await?;
            let index = answered_by();
            let bytes: Vec<u8> = saved.value.flatten().collect();
            Ok(Backup { index, bytes: Arc::new(bytes) })
        })
        .await;
    let backup = heard.ok()?;
    client.common.history.journals().backups.insert(backup.index, backup.clone());
    Some(backup)
}

/// Feeds a backup in pieces. One of four is damaged on its way, one of six abandoned.
async fn restore(client: &mut Client, backup: &Backup) {
    let mut bytes = backup.bytes.to_vec();
    if client.one_in(4) {
        let (at, bit) = (client.below(bytes.len() as u64) as usize, client.below(8));
        bytes[at] ^= 1 << bit;
    }
    let upto = if client.one_in(6) { bytes.len() / 2 } else { bytes.len() };
    let piece = 1 + client.below(4_000) as usize;
    let ctx = Context::new(Namespace::default_namespace());
    client
        .ask(LONG, move |c| async move {
            let mut sink = c.operations.snapshot_restore(&ctx).await?;
            for piece in bytes[..upto].chunks(piece) {
                sink.write(piece).await?;
            }
            if upto < bytes.len() {
                return Err(Error::Internal("abandoned on purpose".into()));
            }
            sink.finish().await
        })
        .await;
}
