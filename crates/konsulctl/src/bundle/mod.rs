//! A bundle for a bug report: files in a compressed archive, with nothing in them that opens a door.
//!
//! Whatever goes in passes [`scrub`] on its way, documents and logs alike: there is no way around it. So the rule "no
//! secrets" is kept here, and not by each file's author.

mod scrub;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

pub(crate) use scrub::Scrubber;

/// Files on their way into an archive.
pub(crate) struct Bundle {
    scrubber: Scrubber,
    /// The folder that they are in, inside the archive.
    folder: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Bundle {
    pub(crate) fn new(folder: &str, scrubber: Scrubber) -> Bundle {
        Bundle { scrubber, folder: folder.to_owned(), files: Vec::new() }
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        let clean = self.scrubber.text(text);
        self.files.push((name.to_owned(), clean.into_bytes()));
    }

    /// Adds a document.
    pub(crate) fn json(&mut self, name: &str, mut document: Value) {
        self.scrubber.json(&mut document);
        let text = serde_json::to_string_pretty(&document).unwrap_or_else(|e| e.to_string());
        self.files.push((name.to_owned(), (text + "\n").into_bytes()));
    }

    /// The names of what is in it.
    pub(crate) fn names(&self) -> Vec<String> {
        self.files.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Writes the archive. The file appears under its name only when it is whole; only its owner can read it.
    pub(crate) fn write(&self, path: &Path) -> io::Result<u64> {
        let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        let written = self.pack(opened).and_then(|()| fs::rename(&partial, path));
        if written.is_err() {
            // Half of it helps nobody; why it could not be written says enough.
            let _ = fs::remove_file(&partial);
        }
        written?;
        Ok(fs::metadata(path)?.len())
    }

    /// Writes the files into a folder, which must not be there yet.
    pub(crate) fn unpacked(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)?;
        for (name, bytes) in &self.files {
            let opened =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
            io::BufWriter::new(opened).write_all(bytes)?;
        }
        Ok(())
    }

    fn pack(&self, file: File) -> io::Result<()> {
        let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
        for (name, bytes) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(super::commands::session::now().0 / 1000);
            archive.append_data(&mut header, format!("{}/{name}", self.folder), bytes.as_slice())?;
        }
        archive.into_inner()?.finish()?.sync_all()
    }
}
