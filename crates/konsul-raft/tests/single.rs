//! A cluster of one on real threads.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Disk, Shown, command, leads, options, until, up};
use konsul_raft::Raft;
use konsul_raft::contract::{BarrierError, Options, ProposeError, Role, StartError};
use konsul_runtime::block_on;
use konsul_runtime::time::{Duration, Instant, now, sleep, timeout};

#[test]
fn a_new_node_elects_itself_at_once_and_applies_in_order() {
    block_on(async {
        let (disk, shown) = (Disk::default(), Shown::default());
        let slow =
            Options { heartbeat_ms: 1000, election_min_ms: 5000, election_max_ms: 10_000, ..options() };
        let begun = now();
        let raft = up(&disk, &shown, slow).await;
        assert!(begun.elapsed() < Duration::from_millis(200), "took {:?}", begun.elapsed());
        for n in 1..=100u64 {
            let (id, reply) = raft.propose(command(format!("line {n}"))).await.unwrap();
            // Before it: the membership and the blank entry.
            assert_eq!((id.index, reply), (n + 2, n));
        }
        assert_eq!(shown.lines().len(), 100);
        assert_eq!(disk.reads(), 0, "applying reads no disk");
        let status = raft.status();
        assert_eq!((status.role, status.leader, status.voters.clone()), (Role::Leader, Some(1), vec![1]));
        raft.shutdown().await;
        assert_eq!(disk.open_handles(), 0);
    });
}

#[test]
fn what_queues_while_a_sync_runs_shares_the_next_one() {
    block_on(async {
        let (disk, shown) = (Disk::default(), Shown::default());
        let raft = up(&disk, &shown, options()).await;
        let before = disk.syncs();
        disk.hold_syncs(true);
        let first = konsul_runtime::spawn({
            let raft = raft.clone();
            async move { raft.propose(command("first")).await }
        });
        konsul_runtime::yield_now().await;
        disk.wait_for_sync();
        let proposals: Vec<_> = (0..500)
            .map(|n| {
                let raft = raft.clone();
                konsul_runtime::spawn(async move { raft.propose(command(format!("line {n}"))).await })
            })
            .collect();
        until(&raft, |status| status.last_log >= 503).await;
        assert!(shown.lines().is_empty(), "nothing is applied before it is durable");
        disk.hold_syncs(false);
        first.await.unwrap().unwrap();
        for proposal in proposals {
            proposal.await.unwrap().unwrap();
        }
        let syncs = disk.syncs() - before;
        assert!(syncs <= 4, "{syncs} syncs for 501 proposals");
        assert!(shown.view(|view| view.batches.iter().max().copied()) > Some(100));
    });
}

#[test]
fn a_restart_replays_the_log_and_goes_on() {
    block_on(async {
        let disk = Disk::default();
        for life in 0..4u64 {
            let shown = Shown::default();
            let raft = up(&disk, &shown, options()).await;
            assert_eq!(shown.lines().len() as u64, life * 50);
            for n in 0..50 {
                raft.propose(command(format!("{life}.{n}"))).await.unwrap();
            }
            assert_eq!(shown.lines()[0], "0.0");
            // Dropping the last handle ends the node too; here the power goes instead.
            disk.crash();
        }
    });
}

#[test]
fn a_shutdown_finishes_what_was_handed_to_the_disk() {
    block_on(async {
        let disk = Disk::default();
        let raft = up(&disk, &Shown::default(), options()).await;
        disk.hold_syncs(true);
        let proposing = raft.clone();
        let proposal = konsul_runtime::spawn(async move { proposing.propose(command("late")).await });
        konsul_runtime::yield_now().await;
        disk.wait_for_sync();
        let ending = raft.clone();
        let end = konsul_runtime::spawn(async move { ending.shutdown().await });
        until(&raft, |status| status.stopped.is_some()).await;
        disk.hold_syncs(false);
        end.await.unwrap();
        // Whether the proposer still learnt of it is a race; that it is on disk is not.
        let outcome = proposal.await.unwrap();
        assert!(!matches!(outcome, Err(ProposeError::NotLeader { .. } | ProposeError::Full)), "{outcome:?}");
        assert_eq!(disk.durable_commands(), ["late"]);
        assert_eq!(disk.open_handles(), 0);
    });
}

#[test]
fn a_dropped_handle_closes_the_storage() {
    block_on(async {
        let disk = Disk::default();
        drop(up(&disk, &Shown::default(), options()).await);
        let begun = now();
        while disk.open_handles() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10));
            sleep(Duration::from_millis(1)).await; // tidy: sleep because this polls a condition with a deadline.
        }
    });
}

#[test]
fn snapshots_are_taken_and_the_log_is_purged_under_the_older_one() {
    block_on(async {
        let (disk, shown) = (Disk::default(), Shown::default());
        let raft = up(&disk, &shown, Options { snapshot_every: 100, ..options() }).await;
        // How many lines three snapshots take is the machine's to say: each covers what was applied when its thread came to it.
        let mut lines = 0;
        while raft.status().snapshot < 300 || raft.status().purged < 200 {
            raft.propose(command(format!("line {lines}"))).await.unwrap();
            lines += 1;
            assert!(lines < 1_000_000, "no snapshots");
        }
        let last = raft.snapshot_now().await.unwrap();
        assert_eq!(last.index, lines + 2);
        let snapshots = disk.snapshots();
        assert_eq!(snapshots.len(), 2);
        until(&raft, |status| status.purged >= snapshots[0]).await;
        assert_eq!(disk.purged(), snapshots[0]);
        assert_eq!(raft.snapshot_now().await.unwrap(), last, "nothing new: the same one");
        raft.shutdown().await;

        let again = Shown::default();
        let raft = up(&disk, &again, options()).await;
        assert_eq!(again.view(|view| view.restored), 1);
        assert_eq!(again.lines(), shown.lines());
        raft.propose(command("after")).await.unwrap();
        assert_eq!(again.lines().len() as u64, lines + 1);
    });
}

#[test]
fn a_snapshot_does_not_stop_writes() {
    block_on(async {
        let (disk, shown) = (Disk::default(), Shown::default());
        let raft = up(&disk, &shown, options()).await;
        for n in 0..10 {
            raft.propose(command(format!("before {n}"))).await.unwrap();
        }
        disk.hold_snapshots(true);
        let asked = raft.clone();
        let snapshot = konsul_runtime::spawn(async move { asked.snapshot_now().await });
        for n in 0..200 {
            raft.propose(command(format!("while {n}"))).await.unwrap();
        }
        assert!(!snapshot.is_finished());
        disk.hold_snapshots(false);
        let last = snapshot.await.unwrap().unwrap();
        assert!((12..212).contains(&last.index), "the picture is of when it was asked for: {last}");
        raft.shutdown().await;
        let again = Shown::default();
        up(&disk, &again, options()).await;
        assert_eq!(again.lines(), shown.lines());
    });
}

#[test]
fn a_barrier_covers_what_was_acknowledged_before_it() {
    block_on(async {
        let (disk, shown) = (Disk::default(), Shown::default());
        let raft = up(&disk, &shown, options()).await;
        for n in 0..20 {
            let (id, _) = raft.propose(command(format!("line {n}"))).await.unwrap();
            assert!(raft.barrier().await.unwrap() >= id);
        }
        let many: Vec<_> = (0..1000)
            .map(|_| {
                let raft = raft.clone();
                konsul_runtime::spawn(async move { raft.barrier().await })
            })
            .collect();
        for one in many {
            assert_eq!(one.await.unwrap().unwrap().index, 22);
        }
        raft.shutdown().await;
        assert!(matches!(raft.barrier().await, Err(BarrierError::Stopped(_))));
    });
}

#[test]
fn the_lease_is_kept_alive_and_ends_with_the_node() {
    block_on(async {
        let disk = Disk::default();
        let raft = up(&disk, &Shown::default(), options()).await;
        held_within(&raft, Duration::from_secs(1)).await;
        // Longer than a lease lasts, so it must have been renewed.
        let until = now() + Duration::from_millis(400);
        while now() < until {
            sleep(Duration::from_millis(1)).await; // tidy: sleep because a lease must be shown to outlive its own length.
        }
        held_within(&raft, Duration::from_secs(1)).await;
        raft.shutdown().await;
        assert!(matches!(raft.lease(), Err(BarrierError::Stopped(_))));
    });
}

async fn held_within(raft: &Raft<u64>, limit: Duration) {
    let begun: Instant = now();
    while raft.lease().is_err() {
        assert!(begun.elapsed() < limit, "no lease: {:?}", raft.lease());
        sleep(Duration::from_millis(1)).await; // tidy: sleep because this polls a condition with a deadline.
    }
}

#[test]
fn a_state_machine_that_refuses_stops_the_node() {
    block_on(async {
        let disk = Disk::default();
        let raft = up(&disk, &Shown::default(), options()).await;
        let outcome = raft.propose(command("stop")).await;
        assert!(matches!(outcome, Err(ProposeError::Unknown(_))), "{outcome:?}");
        until(&raft, |status| status.role == Role::Stopped).await;
        let reason = raft.status().stopped.clone().unwrap();
        assert!(reason.contains("told to"), "{reason}");
        assert!(matches!(raft.propose(command("x")).await, Err(ProposeError::Stopped(why)) if why == reason));
        assert!(matches!(raft.barrier().await, Err(BarrierError::Stopped(_))));
        assert!(raft.lease().is_err());
        raft.shutdown().await;
    });
}

#[test]
fn a_failed_sync_stops_the_node_and_acknowledges_nothing() {
    block_on(async {
        let disk = Disk::default();
        let raft = up(&disk, &Shown::default(), options()).await;
        raft.propose(command("kept")).await.unwrap();
        disk.fail_next_sync();
        let outcome = raft.propose(command("lost")).await;
        assert!(matches!(outcome, Err(ProposeError::Unknown(_))), "{outcome:?}");
        until(&raft, |status| status.role == Role::Stopped).await;
        let outcome = raft.propose(command("after")).await;
        assert!(
            matches!(&outcome, Err(ProposeError::Stopped(why)) if why.contains("storage")),
            "{outcome:?}"
        );
        disk.crash();
        assert_eq!(disk.durable_commands(), ["kept"]);
    });
}

#[test]
fn a_full_disk_refuses_writes_and_recovers() {
    block_on(async {
        let (disk, shown) = (Disk::default(), Shown::default());
        let raft = up(&disk, &shown, options()).await;
        raft.propose(command("before")).await.unwrap();
        disk.fill(true);
        let caught = raft.propose(command("caught")).await;
        assert!(matches!(caught, Err(ProposeError::Unknown(_))), "{caught:?}");
        assert_eq!(raft.propose(command("refused")).await, Err(ProposeError::Full));
        raft.barrier().await.unwrap();
        raft.lease().unwrap();
        assert_eq!(raft.status().role, Role::Leader);
        disk.fill(false);
        let begun = now();
        let (_, lines) = loop {
            match raft.propose(command("after")).await {
                Ok(done) => break done,
                Err(error) => assert_eq!(error, ProposeError::Full),
            }
            assert!(begun.elapsed() < Duration::from_secs(5));
            sleep(Duration::from_millis(1)).await; // tidy: sleep because this polls a condition with a deadline.
        };
        assert_eq!(lines, 3);
        assert_eq!(shown.lines(), ["before", "caught", "after"]);
    });
}

#[test]
fn a_full_disk_fails_a_snapshot_and_not_the_node() {
    block_on(async {
        let disk = Disk::default();
        let raft = up(&disk, &Shown::default(), options()).await;
        raft.propose(command("x")).await.unwrap();
        disk.fill(true);
        assert!(raft.snapshot_now().await.unwrap_err().to_string().contains("space"));
        disk.fill(false);
        raft.snapshot_now().await.unwrap();
        raft.propose(command("y")).await.unwrap();
    });
}

#[test]
fn a_start_on_a_full_disk_waits_for_space() {
    block_on(async {
        let disk = Disk::default();
        let shown = Shown::default();
        up(&disk, &shown, options()).await.shutdown().await;
        disk.fill(true);
        let raft = Raft::start(options(), disk.open(), common::Ledger::new(&shown)).await.unwrap();
        let refused = timeout(Duration::from_millis(300), raft.barrier()).await;
        assert!(!matches!(refused, Ok(Ok(_))), "{refused:?}");
        disk.fill(false);
        leads(&raft).await;
        raft.propose(command("x")).await.unwrap();
    });
}

#[test]
fn too_large_a_command_is_refused_and_the_largest_passes() {
    block_on(async {
        let disk = Disk::default();
        let raft = up(&disk, &Shown::default(), options()).await;
        let max = konsul_raft::MAX_COMMAND_BYTES;
        let refused = raft.propose(bytes::Bytes::from(vec![b'x'; max + 1])).await;
        assert_eq!(refused, Err(ProposeError::TooLarge { bytes: max + 1, max }));
        // Larger than the whole queue, too: it waits for all of it.
        raft.propose(bytes::Bytes::from(vec![b'x'; max])).await.unwrap();
    });
}

#[test]
fn bytes_under_way_are_bounded() {
    block_on(async {
        let disk = Disk::default();
        let raft = up(&disk, &Shown::default(), Options { queue_bytes: 1000, ..options() }).await;
        disk.hold_syncs(true);
        let proposals: Vec<_> = (0..10)
            .map(|_| {
                let raft = raft.clone();
                konsul_runtime::spawn(async move { raft.propose(command("x".repeat(300))).await })
            })
            .collect();
        until(&raft, |status| status.last_log == 5).await;
        disk.wait_for_sync();
        assert_eq!(raft.status().last_log, 5, "three of 300 bytes fit");
        disk.hold_syncs(false);
        for proposal in proposals {
            proposal.await.unwrap().unwrap();
        }
    });
}

#[test]
fn a_node_without_a_cluster_does_not_lead() {
    block_on(async {
        let disk = Disk::default();
        let waiting = Options { bootstrap: false, ..options() };
        let raft = Raft::start(waiting, disk.open(), common::Ledger::new(&Shown::default())).await.unwrap();
        assert_eq!(raft.propose(command("x")).await, Err(ProposeError::NotLeader { leader: None }));
        assert_eq!(raft.barrier().await, Err(BarrierError::NotLeader { leader: None }));
        assert_eq!(raft.lease(), Err(BarrierError::NotLeader { leader: None }));
    });
}

#[test]
fn contradicting_options_are_refused() {
    let refused = |options: Options| {
        let started = Raft::start(options, Disk::default().open(), common::Ledger::new(&Shown::default()));
        block_on(started).unwrap_err()
    };
    let wrong = [
        Options { node_id: 0, ..options() },
        Options { queue_bytes: 0, ..options() },
        Options { snapshot_every: 0, ..options() },
        Options { election_min_ms: 300, election_max_ms: 200, ..options() },
        Options { heartbeat_ms: 500, ..options() },
    ];
    for options in wrong {
        let error = refused(options.clone());
        assert!(matches!(error, StartError::Options(_)), "{options:?}: {error}");
    }
}
