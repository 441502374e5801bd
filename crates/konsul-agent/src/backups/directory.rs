//! The directory that holds the backups: writes them, lists them, removes what is too many or too old.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use konsul_state::State;
use konsul_state::archive::{ArchiveReader, Head, Origin, archive};
use konsul_types::Millis;

use super::name::Pattern;

/// Bytes written at once.
const BUFFER: usize = 1 << 20;

/// Bytes in which a head always is.
const FRONT: u64 = 128 << 10;

const PARTIAL: &str = ".partial";

/// See the module's head.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    pub(crate) pattern: Pattern,
}

/// A file of the directory that carries one of our names.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// What it says of itself, or why that cannot be read.
    pub(crate) head: Result<Head, String>,
    /// When it was begun; of a file that does not say, when it was last written.
    pub(crate) taken_at: Millis,
}

/// Why there is no backup, or none that can be read. The text names the file and says what to do.
pub(crate) type Failure = String;

impl Directory {
    /// Writes a state down. The file has its name only once all of it is on the disk.
    pub(crate) fn write(&self, state: &State, origin: &Origin, stop: &AtomicBool) -> Result<Kept, Failure> {
        let name = self.pattern.name(origin.taken_at, state.index().0);
        self.make().map_err(|why| failed("create the backup directory", &self.path, &why))?;
        let partial = self.path.join(format!(".{name}{PARTIAL}"));
        let written = self.write_file(state, origin, &partial, &name, stop);
        if written.is_err() {
            // What is left of it is no backup. If it cannot be removed, the next attempt tries again.
            let _ = fs::remove_file(&partial);
        }
        let head = Ok(Head::of(state, origin.clone()));
        written.map(|bytes| Kept { name, bytes, head, taken_at: origin.taken_at })
    }

    fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path)
    }

    fn write_file(
        &self,
        state: &State,
        origin: &Origin,
        partial: &Path,
        name: &str,
        stop: &AtomicBool,
    ) -> Result<u64, Failure> {
        let cannot_write = |why: io::Error| failed("write", partial, &why);
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(partial);
        let mut file = BufWriter::with_capacity(BUFFER, opened.map_err(cannot_write)?);
        let mut bytes = 0;
        let mut pace = Pace::begin();
        for piece in archive(state, origin.clone()) {
            if stop.load(Ordering::Relaxed) {
                return Err("the agent is stopping".to_owned());
            }
            bytes += piece.len() as u64;
            file.write_all(&piece).map_err(cannot_write)?;
            pace.rest();
        }
        let file = file.into_inner().map_err(|e| cannot_write(e.into_error()))?;
        file.sync_all().map_err(|why| failed("sync", partial, &why))?;
        let whole = self.path.join(name);
        fs::rename(partial, &whole).map_err(|why| failed("rename to", &whole, &why))?;
        let synced = File::open(&self.path).and_then(|dir| dir.sync_all());
        synced.map_err(|why| failed("sync", &self.path, &why))?;
        Ok(bytes)
    }

    /// The files that carry our names, newest first. A directory that does not exist holds none.
    pub(crate) fn list(&self) -> Result<Vec<Kept>, Failure> {
        let mut kept: Vec<Kept> =
            self.names(|name| self.pattern.made(name))?.iter().filter_map(|name| self.look(name)).collect();
        kept.sort_by(|a, b| (b.taken_at, &b.name).cmp(&(a.taken_at, &a.name)));
        Ok(kept)
    }

    /// A file that vanishes while it is looked at was removed by somebody, and is none.
    fn look(&self, name: &str) -> Option<Kept> {
        let path = self.path.join(name);
        let meta = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let head = read_head(&path);
        let modified = meta.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = Millis(modified.map_or(0, |since| since.as_millis() as u64));
        let taken_at = head.as_ref().map_or(modified, |head| Millis(head.taken_at_ms));
        Some(Kept { name: name.to_owned(), bytes: meta.len(), head, taken_at })
    }

    fn names(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, Failure> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(failed("read the backup directory", &self.path, &why)),
        };
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        let names: io::Result<Vec<Option<String>>> = names.collect();
        let names = names.map_err(|why| failed("read the backup directory", &self.path, &why))?;
        Ok(names.into_iter().flatten().filter(|name| wanted(name)).collect())
    }

    /// Removes all but the newest `keep`, and what is older than `age` (zero: any age), and what an attempt left that was
    /// cut off. The newest that can be read always stays. Answers the names of what is gone.
    pub(crate) fn prune(&self, keep: usize, age: Duration, now: Millis) -> Result<Vec<String>, Failure> {
        let kept = self.list()?;
        let newest = kept.iter().position(|file| file.head.is_ok()).unwrap_or(0);
        let too_old = |file: &Kept| !age.is_zero() && now.since(file.taken_at) > age.as_millis() as u64;
        let surplus = kept
            .iter()
            .enumerate()
            .filter(|(at, file)| *at != newest && (*at >= keep.max(1) || too_old(file)));
        let mut gone: Vec<String> = surplus.map(|(_, file)| file.name.clone()).collect();
        gone.extend(self.names(|name| self.is_leftover(name))?);
        for name in &gone {
            let path = self.path.join(name);
            match fs::remove_file(&path) {
                Err(why) if why.kind() != ErrorKind::NotFound => return Err(failed("remove", &path, &why)),
                _ => {}
            }
        }
        Ok(gone)
    }

    fn is_leftover(&self, name: &str) -> bool {
        let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(PARTIAL));
        inner.is_some_and(|name| self.pattern.made(name))
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn read_head(path: &Path) -> Result<Head, Failure> {
    let mut front = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FRONT).read_to_end(&mut front));
    read.map_err(|why| failed("read", path, &why))?;
    let mut reader = ArchiveReader::new();
    reader.feed(&front);
    let begun = reader.next_chunk().map(|_| ());
    match (reader.head(), begun) {
        (Some(head), _) => Ok(head.clone()),
        (None, Err(why)) => Err(format!("{}: {why}", path.display())),
        (None, Ok(())) => Err(format!("{}: the backup is cut short within its head", path.display())),
    }
}

/// A failure with its path, and what helps against it.
pub(crate) fn failed(what: &str, path: &Path, why: &io::Error) -> Failure {
    let hint = match why.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ". Make room, keep fewer with backup.keep, or name another directory with backup.directory"
        }
        ErrorKind::PermissionDenied => {
            ". The user that runs the agent needs to read, write and enter it, or name another one with backup.directory"
        }
        ErrorKind::ReadOnlyFilesystem => {
            ". The disk is read-only; name another directory with backup.directory"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            ". A file is in the place of a directory; name another one with backup.directory"
        }
        _ => "",
    };
    format!("cannot {what} {}: {why}{hint}", path.display())
}

/// Keeps work that nobody waits for at a quarter of a processor's time, so that those who wait are served.
#[derive(Debug)]
pub(crate) struct Pace {
    since: Instant,
}

/// Shorter rests than this cost more than they give.
const SHORTEST_REST: Duration = Duration::from_millis(2);

impl Pace {
    pub(crate) fn begin() -> Pace {
        Pace { since: Instant::now() }
    }

    /// Rests three times as long as was worked since the last rest.
    pub(crate) fn rest(&mut self) {
        let worked = self.since.elapsed();
        if worked >= SHORTEST_REST {
            // A disk that hung for a minute is no reason to wait for another one.
            std::thread::sleep(3 * worked.min(Duration::from_millis(50)));
            self.since = Instant::now();
        }
    }
}
