//! The log file (`log_file`): written beside the console, renamed when it is full or old, and begun anew.
//!
//! The file that is written always has the name of the option, so that whoever follows it by name goes on following. One
//! that is full gets the time of its renaming before the extension: `konsul-20260102T030405.123456Z.log`. Only files of
//! exactly that form are ever removed, the oldest first.
//!
//! A log that cannot be written must not stop the agent: the first failure is told on the console, and each later line
//! tries again.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use konsul_config::Config;

/// When a file is renamed, and how many renamed ones are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The size beyond which no line is added; `None` for no bound.
    pub bytes: Option<u64>,
    /// The age beyond which no line is added; `None` for no bound.
    pub age: Option<Duration>,
    /// How many renamed files stay; `None` for all.
    pub kept: Option<usize>,
}

/// The name of the file in a directory.
const NAME: &str = "konsul.log";

/// A log file that rotates. Each write is one line.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    rotation: Rotation,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    since: SystemTime,
}

impl LogFile {
    /// The file that the configuration asks for, opened for appending; `None` if it asks for none.
    ///
    /// # Errors
    /// The system's, with the file's name, if it cannot be opened: an agent whose log cannot be written should not start.
    pub fn of(config: &Config) -> io::Result<Option<LogFile>> {
        let Some(path) = &config.log_file else { return Ok(None) };
        let rotation = Rotation {
            bytes: Some(config.log_rotate_bytes).filter(|bytes| *bytes > 0),
            age: Some(config.log_rotate_duration.to_std()).filter(|age| !age.is_zero()),
            kept: match config.log_rotate_max_files {
                0 => None,
                number => Some(usize::try_from(number).unwrap_or(0)),
            },
        };
        LogFile::open(path, rotation).map(Some)
    }

    /// Opens a file of this name, or `konsul.log` in a directory of this name.
    ///
    /// # Errors
    /// The system's, with the file's name.
    pub fn open(path: &Path, rotation: Rotation) -> io::Result<LogFile> {
        let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let path = if ends_in_slash || path.is_dir() { path.join(NAME) } else { path.to_owned() };
        let shown = path.display().to_string();
        let mut file = LogFile { path, rotation, open: None };
        file.begin().map_err(|why| {
            io::Error::new(why.kind(), format!("the log file {shown} cannot be written: {why}"))
        })?;
        Ok(file)
    }

    fn begin(&mut self) -> io::Result<&mut Open> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        let about = file.metadata()?;
        // A system that does not keep the time of birth knows at least when the file was last written.
        let since = about.created().or_else(|_| about.modified()).unwrap_or_else(|_| SystemTime::now());
        Ok(self.open.insert(Open { file, bytes: about.len(), since }))
    }

    fn write_line(&mut self, line: &[u8], now: SystemTime) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.is_over(&self.rotation, line.len() as u64, now)) {
            self.open = None;
            self.set_aside(now)?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => self.begin()?,
        };
        open.file.write_all(line)?;
        open.bytes += line.len() as u64;
        Ok(())
    }

    /// Renames the file, and removes what is too many.
    fn set_aside(&self, now: SystemTime) -> io::Result<()> {
        let at = Timestamp::try_from(now).unwrap_or_default();
        let (stem, extension) = self.name();
        let mut aside = self.path.with_file_name(format!("{stem}-{}{extension}", stamp(at)));
        // Two in one microsecond, or a clock that was set back: never write over a file.
        let mut later = at;
        while aside.exists() {
            later += jiff::SignedDuration::from_micros(1);
            aside = self.path.with_file_name(format!("{stem}-{}{extension}", stamp(later)));
        }
        fs::rename(&self.path, aside)?;
        self.remove_oldest()
    }

    fn remove_oldest(&self) -> io::Result<()> {
        let Some(kept) = self.rotation.kept else { return Ok(()) };
        let directory = self.path.parent().filter(|path| !path.as_os_str().is_empty());
        let mut old: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(directory.unwrap_or(Path::new(".")))? {
            let path = entry?.path();
            if path.file_name().and_then(OsStr::to_str).is_some_and(|name| self.is_set_aside(name)) {
                old.push(path);
            }
        }
        old.sort();
        let surplus = old.len().saturating_sub(kept);
        old.into_iter().take(surplus).try_for_each(fs::remove_file)
    }

    fn is_set_aside(&self, name: &str) -> bool {
        let (stem, extension) = self.name();
        let rest = name.strip_prefix(&*stem).and_then(|rest| rest.strip_prefix('-'));
        rest.and_then(|rest| rest.strip_suffix(&*extension)).is_some_and(is_stamp)
    }

    /// The name before its extension, and the extension with its dot.
    fn name(&self) -> (String, String) {
        let text = |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        let extension = text(self.path.extension()).map(|extension| format!(".{extension}"));
        (text(self.path.file_stem()).unwrap_or_default(), extension.unwrap_or_default())
    }
}

impl Open {
    fn is_over(&self, rotation: &Rotation, more: u64, now: SystemTime) -> bool {
        // A file is never left empty, so that a line larger than the bound does not make files without end.
        let full = rotation.bytes.is_some_and(|most| self.bytes > 0 && self.bytes + more > most);
        let age = now.duration_since(self.since).unwrap_or_default();
        full || rotation.age.is_some_and(|most| self.bytes > 0 && age >= most)
    }
}

/// `20260102T030405.123456Z`: names in the order of time.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S%.6fZ").to_string()
}

fn is_stamp(text: &str) -> bool {
    const FORM: &[u8] = b"00000000T000000.000000Z";
    let same = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == FORM.len() && text.as_bytes().iter().zip(FORM).all(same)
}

/// Writes each line to the console and to a file. What is wrong with the file is said on the console, once.
pub struct WithFile<W> {
    console: W,
    file: LogFile,
    failing: bool,
}

impl<W: Write> WithFile<W> {
    /// A writer to both.
    pub fn new(console: W, file: LogFile) -> WithFile<W> {
        WithFile { console, file, failing: false }
    }
}

impl<W> std::fmt::Debug for WithFile<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WithFile").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<W: Write> Write for WithFile<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = self.file.write_line(line, SystemTime::now());
        if let (Err(why), false) = (&written, self.failing) {
            let path = self.file.path.display();
            // If the console fails too there is nobody left to tell.
            let _ = writeln!(self.console, "the log file {path} cannot be written: {why}");
        }
        self.failing = written.is_err();
        // A console that nobody reads is no reason to write the file a second time.
        let _ = self.console.write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.console.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn rotation(bytes: u64, kept: Option<usize>) -> Rotation {
        Rotation { bytes: Some(bytes), age: Some(Duration::from_secs(3600)), kept }
    }

    #[test]
    fn a_full_file_is_set_aside_and_no_line_is_cut_or_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/k.log");
        let mut log = LogFile::open(&path, rotation(12, None)).unwrap();
        for line in ["one\n", "two\n", "three\n", "a line beyond the bound\n", "five\n"] {
            log.write_line(line.as_bytes(), SystemTime::now()).unwrap();
        }
        let names = names(path.parent().unwrap());
        let texts: Vec<_> =
            names.iter().map(|name| fs::read_to_string(path.with_file_name(name)).unwrap()).collect();
        assert_eq!(texts, ["one\ntwo\n", "three\n", "a line beyond the bound\n", "five\n"], "{names:?}");
        assert!(log.is_set_aside(&names[0]) && names[3] == "k.log", "{names:?}");
    }

    #[test]
    fn an_old_file_is_set_aside_and_a_new_one_goes_on_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k.log");
        let now = SystemTime::now();
        LogFile::open(&path, rotation(1000, None)).unwrap().write_line(b"one\n", now).unwrap();
        let mut log = LogFile::open(&path, rotation(1000, None)).unwrap();
        log.write_line(b"two\n", now).unwrap();
        assert_eq!(names(dir.path()), ["k.log"]);
        log.write_line(b"three\n", now + Duration::from_secs(3700)).unwrap();
        assert_eq!(names(dir.path()).len(), 2);
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn only_the_newest_stay_and_nothing_else_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k.log");
        for foreign in ["k-1.log", "k-20260102T030405.123456Z.log.gz", "j-20260102T030405.123456Z.log"] {
            fs::write(dir.path().join(foreign), "").unwrap();
        }
        let mut log = LogFile::open(&path, rotation(1, Some(2))).unwrap();
        for number in 0..6 {
            log.write_line(format!("{number}\n").as_bytes(), SystemTime::now()).unwrap();
        }
        let names = names(dir.path());
        let aside: Vec<_> = names.iter().filter(|name| log.is_set_aside(name)).collect();
        assert_eq!((aside.len(), names.len()), (2, 6), "{names:?}");
        assert_eq!(fs::read_to_string(dir.path().join(aside[0])).unwrap(), "3\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_once_and_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/k.log");
        let log = LogFile::open(&path, rotation(4, None)).unwrap();
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        fs::write(dir.path().join("logs"), "in the way").unwrap();
        let mut both = WithFile::new(Vec::new(), log);
        // The first line still goes into the file that was open; the next ones need a new one.
        for line in ["one\n", "two\n", "three\n"] {
            both.write_all(line.as_bytes()).unwrap();
        }
        fs::remove_file(dir.path().join("logs")).unwrap();
        both.write_all(b"four\n").unwrap();
        let said = String::from_utf8(both.console.clone()).unwrap();
        assert_eq!(said.matches("cannot be written").count(), 1, "{said}");
        assert!(said.contains("one\n") && said.contains("four\n"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "four\n");
    }

    #[test]
    fn a_directory_gets_a_file_and_a_file_in_its_place_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let slashed = PathBuf::from(format!("{}/new/", dir.path().display()));
        LogFile::open(&slashed, rotation(1, None)).unwrap();
        assert!(dir.path().join("new/konsul.log").exists());
        let why =
            LogFile::open(&dir.path().join("new/konsul.log/x"), rotation(1, None)).unwrap_err().to_string();
        assert!(why.starts_with("the log file ") && why.contains("new/konsul.log/x"), "{why}");
    }
}
