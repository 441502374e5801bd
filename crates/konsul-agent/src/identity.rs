//! Who this node is: its name, its id, and the id it votes under.
//!
//! The id is a UUID, made at the first start and kept in `node-id` in the data directory, where Consul keeps its own. The
//! id that consensus knows is made from it, so it never depends on an address or a name. A data directory whose log is
//! there and whose `node-id` is gone is refused: under a new id the node would be a stranger to its own log, or worse,
//! vote twice.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use konsul_config::{Config, StorageEngine};
use konsul_types::{NodeId, NodeName};
use uuid::Uuid;

use crate::error::AgentError;
use crate::host;

/// Who this node is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) name: NodeName,
    pub(crate) id: NodeId,
    /// Where the log is kept; `None` if it is in memory.
    pub(crate) log_dir: Option<PathBuf>,
}

const ID_FILE: &str = "node-id";
const LOG_DIR: &str = "raft";

impl Identity {
    /// Settles it, and makes the data directory if there is to be one.
    pub(crate) fn settle(config: &Config) -> Result<Identity, AgentError> {
        let name = name(config)?;
        let dir = config.data_dir.as_deref().filter(|_| config.storage.engine == StorageEngine::Disk);
        let Some(dir) = dir else {
            let id = config.node_id.unwrap_or_else(|| NodeId(Uuid::new_v4()));
            return Ok(Identity { name, id, log_dir: None });
        };
        make_directory(dir)?;
        let log_dir = dir.join(LOG_DIR);
        let id = match read_id(&dir.join(ID_FILE))? {
            Some(kept) => agree(config.node_id, kept, dir)?,
            None => new_id(config.node_id, dir, &log_dir)?,
        };
        Ok(Identity { name, id, log_dir: Some(log_dir) })
    }

    /// The id that consensus knows: the first half of the UUID, never 0.
    pub(crate) fn raft_id(&self) -> u64 {
        ((self.id.0.as_u128() >> 64) as u64).max(1)
    }
}

fn name(config: &Config) -> Result<NodeName, AgentError> {
    if let Some(name) = &config.node_name {
        return Ok(name.clone());
    }
    let host = host::hostname();
    NodeName::new(&*host).map_err(|e| {
        AgentError::Identity(format!(
            "the name of this machine cannot be a node's name: {e}. Give one with -node=NAME"
        ))
    })
}

fn make_directory(dir: &Path) -> Result<(), AgentError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|source| failed("create the data directory", dir, source))?;
    // Says at once whether it may be read; whether it may be written is seen when the id or the log is.
    fs::read_dir(dir).map(drop).map_err(|source| failed("read the data directory", dir, source))
}

fn read_id(path: &Path) -> Result<Option<NodeId>, AgentError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("read", path, source)),
    };
    let parsed = text.trim().parse().map(Some);
    parsed.map_err(|_| {
        AgentError::Identity(format!("{} does not hold a UUID; restore it from a backup", path.display()))
    })
}

fn agree(wanted: Option<NodeId>, kept: NodeId, dir: &Path) -> Result<NodeId, AgentError> {
    match wanted {
        Some(wanted) if wanted != kept => Err(AgentError::Identity(format!(
            "node_id is {wanted}, but {} belongs to node {kept}: leave node_id out, or name another directory with \
             -data-dir",
            dir.display()
        ))),
        _ => Ok(kept),
    }
}

fn new_id(wanted: Option<NodeId>, dir: &Path, log_dir: &Path) -> Result<NodeId, AgentError> {
    let path = dir.join(ID_FILE);
    if fs::read_dir(log_dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(AgentError::Identity(format!(
            "{} is gone, but {} holds a log: this node must not vote under a new id. Put the file back, or set aside \
             the whole data directory to begin anew",
            path.display(),
            log_dir.display()
        )));
    }
    let id = wanted.unwrap_or_else(|| NodeId(Uuid::new_v4()));
    write_id(&path, id).map_err(|source| failed("write", &path, source))?;
    Ok(id)
}

/// The file is whole and on the disk before anything is done under the id.
fn write_id(path: &Path, id: NodeId) -> std::io::Result<()> {
    let partial = path.with_extension("tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

fn failed(what: &'static str, path: &Path, source: std::io::Error) -> AgentError {
    AgentError::Path { what, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &Path) -> Config {
        Config { data_dir: Some(dir.to_owned()), ..Config::default() }
    }

    #[test]
    fn an_id_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let nested = dir.path().join("a/b");
        let first = Identity::settle(&config(&nested)).unwrap();
        let second = Identity::settle(&config(&nested)).unwrap();
        assert_eq!(first.id, second.id);
        assert!(first.raft_id() != 0 && first.raft_id() == second.raft_id());
        assert_eq!(first.log_dir, Some(nested.join("raft")));
    }

    #[test]
    fn another_id_or_a_lost_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Identity::settle(&config(dir.path())).unwrap();
        let other = Config { node_id: Some(NodeId(Uuid::new_v4())), ..config(dir.path()) };
        let why = Identity::settle(&other).unwrap_err().to_string();
        assert!(why.contains("belongs to node"), "{why}");
        fs::remove_file(dir.path().join(ID_FILE)).unwrap();
        fs::create_dir(dir.path().join(LOG_DIR)).unwrap();
        fs::write(dir.path().join(LOG_DIR).join("segment"), "x").unwrap();
        let why = Identity::settle(&config(dir.path())).unwrap_err().to_string();
        assert!(why.contains("must not vote under a new id"), "{why}");
        fs::write(dir.path().join(ID_FILE), "no uuid").unwrap();
        let why = Identity::settle(&config(dir.path())).unwrap_err().to_string();
        assert!(why.contains("does not hold a UUID"), "{why}");
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let why = Identity::settle(&config(&file)).unwrap_err().to_string();
        assert!(
            why.starts_with("cannot create the data directory ") && why.contains(file.to_str().unwrap()),
            "{why}"
        );
    }
}
