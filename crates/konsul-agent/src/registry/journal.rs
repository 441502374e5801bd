//! Where registrations that came over HTTP are kept over a restart: one file of frames, each a change.
//!
//! A frame is the length of its content, CRC32C over it, both as four bytes with the lowest first, and the content. Frames
//! are appended and synced before the registration is answered; what comes while a sync runs goes in the next one. At the
//! start the file is read, what is left of it is written anew beside it, synced and renamed over it. The same happens
//! whenever it has become much larger than what was left the last time, so that it does not grow for ever.
//!
//! A frame that is cut off at the end of the file was never acknowledged, and is dropped. Anything else that cannot be read
//! stops the start with the file and the offset: registrations would be lost in silence.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use konsul_runtime::sync::oneshot;
use konsul_runtime::worker::Worker;
use konsul_types::{CheckDefinition, ServiceDefinition, encoding};
use serde::{Deserialize, Serialize};

use super::held::{CheckKey, ServiceKey};

/// The file's name in the data directory.
const FILE: &str = "registrations";
/// Its name until it is whole.
const BESIDE: &str = "registrations.new";

/// The file is written anew when it has this many times the bytes that it had then, and no fewer than these.
const GROWTH: u64 = 4;
const GROWTH_BYTES_MIN: u64 = 256 * 1024;

/// Most changes that wait for the disk.
const WAITING_MAX: usize = 1024;

/// A change. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Entry {
    Service(ServiceKey, Box<ServiceDefinition>),
    ServiceGone(ServiceKey),
    Check(CheckKey, Box<CheckDefinition>),
    CheckGone(CheckKey),
    /// A check that puts into maintenance, with its reason.
    Maintenance(CheckKey, String),
}

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) services: BTreeMap<ServiceKey, ServiceDefinition>,
    pub(super) checks: BTreeMap<CheckKey, CheckDefinition>,
    pub(super) maintenance: BTreeMap<CheckKey, String>,
}

impl Kept {
    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Service(key, definition) => drop(self.services.insert(key, *definition)),
            Entry::ServiceGone(key) => drop(self.services.remove(&key)),
            Entry::Check(key, definition) => drop(self.checks.insert(key, *definition)),
            Entry::CheckGone(key) => {
                self.checks.remove(&key);
                self.maintenance.remove(&key);
            }
            Entry::Maintenance(key, reason) => drop(self.maintenance.insert(key, reason)),
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let services =
            self.services.iter().map(|(key, one)| Entry::Service(key.clone(), Box::new(one.clone())));
        let checks = self.checks.iter().map(|(key, one)| Entry::Check(key.clone(), Box::new(one.clone())));
        let maintenance =
            self.maintenance.iter().map(|(key, why)| Entry::Maintenance(key.clone(), why.clone()));
        services.chain(checks).chain(maintenance)
    }
}

/// Changes that wait for the disk, each with who waits for it.
type Waiting = Vec<(Vec<u8>, oneshot::Sender<Result<(), String>>)>;

/// The open file, and what is to be written to it.
struct Pen {
    dir: PathBuf,
    file: File,
    /// Bytes that it had when it was last written anew.
    fresh: u64,
    /// Why nothing can be written any more.
    broken: Option<String>,
    waiting: Waiting,
}

/// A handle on the file, which a thread of its own writes.
pub(super) struct Journal {
    worker: Worker<Pen>,
}

impl Journal {
    /// Reads what is kept in a data directory, and opens the file for what comes.
    pub(super) fn open(dir: &Path) -> Result<(Journal, Kept), String> {
        let path = dir.join(FILE);
        let kept = read(&path)?;
        let unwritable = |why: io::Error| format!("cannot write {}: {why}", path.display());
        let Fresh { file, bytes } = Fresh::write(dir, &kept).map_err(unwritable)?;
        put_in_place(dir).map_err(unwritable)?;
        let pen = Pen { dir: dir.to_owned(), file, fresh: bytes, broken: None, waiting: Waiting::new() };
        let worker = Worker::start("registrations", pen, WAITING_MAX, commit)
            .map_err(|why| format!("cannot start a thread for {}: {why}", path.display()))?;
        Ok((Journal { worker }, kept))
    }

    /// Appends changes; they are on the disk when it answers.
    pub(super) async fn append(&self, entries: &[Entry]) -> Result<(), String> {
        let bytes = entries.iter().flat_map(frame).collect();
        let (done, answer) = oneshot::channel();
        let queued = self.worker.submit(move |pen| pen.waiting.push((bytes, done))).await;
        queued.map_err(|_| "the journal of registrations is closed".to_owned())?;
        answer.await.map_err(|_| "the journal of registrations is closed".to_owned())?
    }
}

/// Writes and syncs everything that waits, and tells those who wait.
fn commit(pen: &mut Pen) {
    let batch = std::mem::take(&mut pen.waiting);
    if batch.is_empty() {
        return;
    }
    let bytes: Vec<u8> = batch.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
    let written = match &pen.broken {
        Some(why) => Err(why.clone()),
        None => write(&mut pen.file, &bytes).map_err(|why| why.to_string()),
    };
    let result = written
        .as_ref()
        .map(drop)
        .map_err(|why| format!("the registration could not be written to the disk: {why}"));
    for (_, done) in batch {
        let _ = done.send(result.clone());
    }
    if written.is_ok_and(|length| length > GROWTH_BYTES_MIN && length > GROWTH * pen.fresh) {
        shrink(pen);
    }
}

/// Appends and syncs; answers the file's length.
fn write(file: &mut File, bytes: &[u8]) -> io::Result<u64> {
    let whole = file.metadata()?.len();
    file.write_all(bytes).and_then(|()| file.sync_data()).inspect_err(|_| {
        // Half a frame in the middle of the file could not be told from damage.
        let _ = file.set_len(whole);
    })?;
    Ok(whole + bytes.len() as u64)
}

/// Writes what is left of the file anew. What fails before the new one is in place leaves the old one as it was; after
/// that nobody could say which of the two a crash would leave, and nothing is taken any more.
fn shrink(pen: &mut Pen) {
    let fresh = read(&pen.dir.join(FILE)).and_then(|kept| {
        Fresh::write(&pen.dir, &kept).map_err(|why| format!("cannot be written anew: {why}"))
    });
    let Fresh { file, bytes } = match fresh {
        Ok(fresh) => fresh,
        Err(why) => {
            tracing::warn!(%why, "the file of registrations cannot be made smaller");
            pen.fresh = pen.fresh.saturating_mul(2).max(GROWTH_BYTES_MIN);
            return;
        }
    };
    (pen.file, pen.fresh) = (file, bytes);
    pen.broken = put_in_place(&pen.dir).err().map(|why| why.to_string());
}

fn frame(entry: &Entry) -> Vec<u8> {
    let content = encoding::encode(entry);
    let length = u32::try_from(content.len()).expect("a registration has less than 4 GiB");
    let mut frame = Vec::with_capacity(content.len() + 8);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&crc32c::crc32c(&content).to_le_bytes());
    frame.extend_from_slice(&content);
    frame
}

fn read(path: &Path) -> Result<Kept, String> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        Err(why) => return Err(format!("cannot read {}: {why}", path.display())),
    };
    let mut kept = Kept::default();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let offset = bytes.len() - rest.len();
        let damaged = |what: String| {
            format!(
                "{} is damaged at byte {offset}: {what}. Put it aside to start without the registrations that it holds; \
                 their owners can register again",
                path.display()
            )
        };
        let Some((head, behind)) = rest.split_first_chunk::<8>() else { break };
        let [length, checksum] = [&head[..4], &head[4..]]
            .map(|part| u32::from_le_bytes(part.try_into().expect("both halves of eight bytes have four")));
        let Some((content, behind)) = behind.split_at_checked(length as usize) else { break };
        if crc32c::crc32c(content) != checksum {
            return Err(damaged("its checksum is wrong".into()));
        }
        let entry = encoding::decode(content).map_err(|why| damaged(why.to_string()))?;
        kept.apply(entry);
        rest = behind;
    }
    Ok(kept)
}

/// A new file beside the old one, open for what comes.
struct Fresh {
    file: File,
    bytes: u64,
}

impl Fresh {
    fn write(dir: &Path, kept: &Kept) -> io::Result<Fresh> {
        let path = dir.join(BESIDE);
        drop(OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path)?);
        let mut file = OpenOptions::new().append(true).open(&path)?;
        let mut bytes = 0;
        for entry in kept.entries() {
            let frame = frame(&entry);
            file.write_all(&frame)?;
            bytes += frame.len() as u64;
        }
        file.sync_all()?;
        Ok(Fresh { file, bytes })
    }
}

/// Renames the new file over the old one.
fn put_in_place(dir: &Path) -> io::Result<()> {
    fs::rename(dir.join(BESIDE), dir.join(FILE))?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use konsul_types::{CheckId, Namespace};

    use super::*;

    fn check(name: &str) -> (CheckKey, CheckDefinition) {
        let id = CheckId::new(name).unwrap();
        let definition = CheckDefinition { name: name.into(), ttl_ms: 10_000, ..CheckDefinition::default() };
        ((Namespace::default_namespace(), id), definition)
    }

    fn put(name: &str) -> Entry {
        let (key, definition) = check(name);
        Entry::Check(key, Box::new(definition))
    }

    fn names(dir: &Path) -> Vec<String> {
        read(&dir.join(FILE)).unwrap().checks.keys().map(|(_, id)| id.to_string()).collect()
    }

    fn written(dir: &Path) {
        let (journal, kept) = Journal::open(dir).unwrap();
        assert_eq!(kept, Kept::default());
        konsul_runtime::block_on(async {
            journal.append(&[put("a"), put("b")]).await.unwrap();
            journal.append(&[Entry::CheckGone(check("a").0), put("c")]).await.unwrap();
        });
    }

    #[test]
    fn what_was_answered_is_there_again_and_the_file_does_not_grow() {
        let dir = tempfile::tempdir().unwrap();
        written(dir.path());
        let before = fs::metadata(dir.path().join(FILE)).unwrap().len();
        let (_, kept) = Journal::open(dir.path()).unwrap();
        assert_eq!(kept.checks, BTreeMap::from([check("b"), check("c")]));
        assert!(fs::metadata(dir.path().join(FILE)).unwrap().len() < before);
        assert_eq!(names(dir.path()), ["b", "c"]);
    }

    #[test]
    fn a_cut_frame_at_the_end_is_dropped_and_a_damaged_one_stops_the_start() {
        let dir = tempfile::tempdir().unwrap();
        written(dir.path());
        let path = dir.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        let last = frame(&put("c")).len();
        for cut in 1..last {
            fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            assert_eq!(names(dir.path()), ["b"], "{cut} bytes short");
        }
        let mut bad = whole.clone();
        bad[10] ^= 1;
        fs::write(&path, &bad).unwrap();
        let why = Journal::open(dir.path()).map(drop).unwrap_err();
        assert!(why.contains("is damaged at byte 0: its checksum is wrong"), "{why}");
        assert_eq!(fs::read(&path).unwrap(), bad, "a damaged file is left as it is");
    }

    #[test]
    fn coming_and_going_does_not_make_it_grow() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let (journal, _) = Journal::open(dir.path()).unwrap();
        let long = "x".repeat(400);
        let mut largest = 0;
        konsul_runtime::block_on(async {
            journal.append(&[put("stays")]).await.unwrap();
            for _ in 0..1500 {
                journal.append(&[put(&long), Entry::CheckGone(check(&long).0)]).await.unwrap();
                largest = largest.max(fs::metadata(&path).unwrap().len());
            }
            journal.append(&[put("last")]).await.unwrap();
        });
        // A frame or two above the bound; without it there would be 1500 KiB and more.
        assert!((GROWTH_BYTES_MIN..GROWTH_BYTES_MIN + 4096).contains(&largest), "{largest}");
        assert_eq!(names(dir.path()), ["last", "stays"]);
        drop(journal);
        let (_, kept) = Journal::open(dir.path()).unwrap();
        assert_eq!(kept.checks.len(), 2);
    }
}
