//! Backups of a state that stands still or moves, in a real directory.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use konsul_operations::Error;
use konsul_operations::backups::Backups as _;
use konsul_operations::ports::HealthState;
use konsul_runtime::time::{self, Duration};
use konsul_runtime::{JoinHandle, spawn};
use konsul_state::State;
use konsul_state::archive::Origin;
use konsul_types::{Command, Key, KvCommand, Millis, Namespace, Proposal, PutMode, Value};

use super::keeper::Door;
use super::{Keeper, Settings, Source};

/// A state that a test changes.
struct Store(Mutex<Result<State, String>>);

impl Source for Store {
    fn state(&self) -> Result<Arc<State>, String> {
        self.0.lock().unwrap().clone().map(Arc::new)
    }
}

fn put(state: &mut State, key: &str, value: &[u8]) {
    let op = KvCommand::Put {
        key: Key::new(key).unwrap(),
        value: Value::from(value.to_vec()),
        flags: 0,
        mode: PutMode::Set,
        ttl_ms: None,
    };
    let command = Command::Kv { namespace: Namespace::default_namespace(), op };
    let proposal = Proposal { at: Millis(1), request: None, actor: String::new(), command };
    let next = state.log_index() + 1;
    state.apply(1, next, &proposal).unwrap();
}

struct Bench {
    store: Arc<Store>,
    keeper: Arc<Keeper>,
    task: JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.keeper.stop();
        self.task.abort();
    }
}

fn settings(directory: &Path) -> Settings {
    Settings {
        directory: directory.to_owned(),
        interval: Duration::from_secs(3600),
        name: "konsul-{node}-{time}-{index}.snap".into(),
        keep: 24,
        keep_age: Duration::ZERO,
        drill: true,
        drill_interval: Duration::ZERO,
    }
}

impl Bench {
    fn start(settings: Settings) -> Bench {
        let mut state = State::new();
        (0..500).for_each(|n| put(&mut state, &format!("app/{n}"), &[7; 400]));
        let store = Arc::new(Store(Mutex::new(Ok(state))));
        let origin = Origin { node: "n1".into(), datacenter: "dc1".into(), ..Origin::default() };
        let keeper = Keeper::new(settings, origin, store.clone());
        let task = spawn(keeper.clone().keep());
        Bench { store, keeper, task }
    }

    fn change(&self, key: &str) {
        put(self.store.0.lock().unwrap().as_mut().unwrap(), key, b"x");
    }

    /// Runs one now; a scheduled one that is under way is waited for.
    async fn run(&self) -> Result<String, Error> {
        let end = time::now() + Duration::from_secs(20);
        loop {
            match Door(self.keeper.clone()).run().await {
                Err(Error::Busy { .. }) if time::now() < end => konsul_runtime::yield_now().await,
                other => return other.map(|made| made.name),
            }
        }
    }

    async fn until(&self, what: &str, holds: impl Fn(&Bench) -> bool) {
        let end = time::now() + Duration::from_secs(20);
        while !holds(self) {
            assert!(time::now() < end, "waited in vain for {what}: {:?}", self.keeper.health());
            time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await.unwrap_err();
        }
    }

    fn red(&self, line: usize) -> Option<String> {
        let line = &self.keeper.health()[line];
        (line.state == HealthState::Fail).then(|| line.reason.clone())
    }

    fn figure(&self, name: &str, sample: usize) -> f64 {
        let figures = self.keeper.figures();
        figures.iter().find(|figure| figure.name == name).map_or(-1.0, |figure| figure.samples[sample].value)
    }
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

#[test]
fn the_first_backup_comes_by_itself_is_private_and_passes_its_drill() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("deep/backups");
        let bench = Bench::start(Settings { interval: Duration::from_secs(2), ..settings(&directory) });
        bench.until("a drill", |bench| bench.figure("konsul_backup_drills", 0) >= 1.0).await;
        let names = files(&directory);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory.join(&names[0])), mode(&directory)), (0o600, 0o700));
        assert!(names[0].starts_with("konsul-n1-2") && names[0].ends_with("-500.snap"), "{names:?}");
        assert_eq!((bench.red(0), bench.red(1)), (None, None));
        assert!(bench.figure("konsul_backup_size_bytes", 0) > 500.0);
        assert!(bench.figure("konsul_backup_age_seconds", 0) >= 0.0);
        let report = Door(bench.keeper.clone()).report().await.unwrap();
        assert!(report.enabled && report.next_at.is_some() && report.last_run.unwrap().failure.is_none());
        assert_eq!((report.kept[0].index.0, &report.kept[0].name), (500, &names[0]));
    });
}

#[test]
fn a_start_makes_none_while_the_newest_is_young_and_no_more_than_wanted_are_kept() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let few = || Settings { keep: 2, ..settings(dir.path()) };
        let bench = Bench::start(few());
        fs::write(dir.path().join("notes.txt"), "not ours").unwrap();
        fs::write(dir.path().join(".konsul-n1-20200101T000000Z-3.snap.partial"), "cut off").unwrap();
        for n in 0..4 {
            bench.change(&format!("new/{n}"));
            bench.run().await.unwrap();
        }
        let names = files(dir.path());
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(
            names[0].ends_with("-503.snap") && names[1].ends_with("-504.snap") && names[2] == "notes.txt"
        );
        drop(bench);
        let again = Bench::start(few());
        again.until("a look at the directory", |bench| bench.figure("konsul_backup_files", 0) > 1.0).await;
        let report = Door(again.keeper.clone()).report().await.unwrap();
        let due_in = report.next_at.unwrap().since(Millis(time::wall_ms()));
        assert!(report.last_run.is_none() && due_in > 3_000_000, "due in {due_in} ms");
    });
}

#[test]
fn what_is_too_old_goes_but_never_the_newest() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let short = Settings { keep_age: Duration::from_millis(1), drill: false, ..settings(dir.path()) };
        let bench = Bench::start(short);
        let first = bench.run().await.unwrap();
        bench.change("k");
        let second = bench.run().await.unwrap();
        assert!(first != second && files(dir.path()) == [second], "{:?}", files(dir.path()));
        assert_eq!(bench.figure("konsul_backup_drills", 0), 0.0);
    });
}

#[test]
fn a_flipped_bit_fails_the_drill_and_a_new_backup_mends_it() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let own = Settings { drill_interval: Duration::from_millis(50), ..settings(dir.path()) };
        let bench = Bench::start(own);
        let name = bench.run().await.unwrap();
        bench.until("a drill that passes", |bench| bench.figure("konsul_backup_drills", 0) >= 1.0).await;
        let path = dir.path().join(&name);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 4;
        fs::write(&path, bad).unwrap();
        bench.until("a red line", |bench| bench.red(1).is_some()).await;
        let why = bench.red(1).unwrap();
        assert!(why.contains(&name) && why.contains("damaged at byte"), "{why}");
        assert_eq!((bench.red(0), bench.figure("konsul_backup_healthy", 0)), (None, 0.0));
        let report = Door(bench.keeper.clone()).report().await.unwrap();
        assert!(report.last_drill.unwrap().failure.is_some());
        // A new one is wanted soon, not only in an hour.
        assert!(report.next_at.unwrap().since(Millis(time::wall_ms())) < 60_000);
        bench.change("k");
        bench.run().await.unwrap();
        bench.until("a green line", |bench| bench.red(1).is_none()).await;
    });
}

#[test]
fn a_whole_backup_of_another_state_does_not_pass_for_ours() {
    run(async {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = |dir: &Path| Settings { drill_interval: Duration::from_millis(50), ..settings(dir) };
        let (bench, stranger) = (Bench::start(own(dir.path())), Bench::start(own(other.path())));
        let name = bench.run().await.unwrap();
        // As many entries, and another value in one.
        stranger.change("app/1");
        let theirs = stranger.run().await.unwrap();
        fs::copy(other.path().join(theirs), dir.path().join(&name)).unwrap();
        bench.until("a red line", |bench| bench.red(1).is_some()).await;
        assert!(bench.red(1).unwrap().contains("it is not the state that was written"), "{:?}", bench.red(1));
    });
}

#[test]
fn a_directory_that_cannot_be_used_is_red_and_heals() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("backups");
        fs::write(&directory, "a file in its place").unwrap();
        let bench = Bench::start(Settings { interval: Duration::from_secs(1), ..settings(&directory) });
        bench.until("two failures", |bench| bench.figure("konsul_backup_runs", 1) >= 2.0).await;
        let why = bench.red(0).unwrap();
        assert!(why.contains("cannot create the backup directory") && why.contains("in a row"), "{why}");
        let refused = bench.run().await.unwrap_err();
        assert!(
            matches!(&refused, Error::BackupFailed(why) if why.contains("backup.directory")),
            "{refused}"
        );
        fs::remove_file(&directory).unwrap();
        bench.until("it heals by itself", |bench| bench.red(0).is_none()).await;
        assert!(bench.figure("konsul_backup_runs", 0) >= 1.0);
    });
}

#[test]
fn a_full_disk_is_red_with_the_reason_and_leaves_nothing_behind() {
    // Whoever writes to it hears that there is no space.
    let full = Path::new("/dev/full");
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench::start(Settings { name: "full-{index}".into(), ..settings(dir.path()) });
        std::os::unix::fs::symlink(full, dir.path().join(".full-500.partial")).unwrap();
        let refused = bench.run().await.unwrap_err().to_string();
        assert!(refused.contains("No space left") && refused.contains("Make room"), "{refused}");
        assert!(bench.red(0).unwrap().contains("No space left"));
        assert_eq!(files(dir.path()), Vec::<String>::new());
    });
}

#[test]
fn a_node_that_has_not_caught_up_is_no_source() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench::start(settings(dir.path()));
        *bench.store.0.lock().unwrap() = Err("not here yet".into());
        let refused = bench.run().await.unwrap_err().to_string();
        assert!(refused.contains("not here yet"), "{refused}");
        assert!(files(dir.path()).is_empty());
    });
}
