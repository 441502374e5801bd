//! The file that holds the process id while the agent runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::AgentError;

/// Removes the file when it goes.
#[derive(Debug)]
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    pub(crate) fn write(path: &Path) -> Result<PidFile, AgentError> {
        let failed = |source| AgentError::Path { what: "write the pid file", path: path.to_owned(), source };
        fs::write(path, format!("{}\n", std::process::id())).map_err(failed)?;
        Ok(PidFile(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Whoever removed it already wanted the same.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_as_long_as_the_agent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("konsul.pid");
        let file = PidFile::write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        drop(file);
        assert!(!path.exists());
        let why = PidFile::write(&dir.path().join("no/such")).unwrap_err().to_string();
        assert!(why.starts_with("cannot write the pid file "), "{why}");
    }
}
