//! `kv edit`.
//!
//! The value is written into a private file, an editor is run on it, and what it left is put back on the condition that
//! nobody changed the key meanwhile. If somebody did, nothing is lost: the file stays and is named.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap_complete::ArgValueCompleter;
use konsul_client::v2::Condition;
use konsul_client::v2::kv::{put_of, value_of};

use super::key;
use super::rows::Written;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::run::Run;

const MORE: &str = "\
Examples:
  konsulctl kv edit app/config
  EDITOR='sed -i s/blue/green/' konsulctl kv edit app/color

The editor is KONSUL_EDITOR, VISUAL or EDITOR, else vi. A key that does not exist begins empty. Nothing is written if
the text is as it was.

Exit codes: 0 written, or nothing to write; 4 somebody changed the key meanwhile: your text is kept in a file.";

/// Opens a key's value in an editor.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Edit {
    /// The key
    #[arg(add = ArgValueCompleter::new(crate::complete::keys))]
    key: String,
}

impl Edit {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let key = key(&self.key);
        let entry = client.v2().kv_get(key, None).await.map_err(|e| run.failed(&e))?;
        let before = match &entry {
            None => Vec::new(),
            Some(entry) => value_of(entry).map_err(|e| failed(format!("the value cannot be read: {e}")))?,
        };
        if std::str::from_utf8(&before).is_err() {
            return Err(failed(format!("the value of {key} is no text: an editor would damage it"))
                .next(format!("konsulctl kv get {key} > FILE, change it, konsulctl kv put {key} @FILE")));
        }
        let draft = Draft::new(key, &before)?;
        edit(&editor(run), draft.path())?;
        let after = fs::read(draft.path()).map_err(|e| failed(format!("the edited text is gone: {e}")))?;
        if after == before {
            draft.remove();
            run.note("Nothing was changed.");
            return Ok(());
        }
        let condition = entry.as_ref().map_or(Condition::Absent, |e| Condition::ModifyIndex(e.modify_index));
        let flags = entry.as_ref().map(|entry| entry.flags).filter(|flags| *flags != 0);
        let put = konsul_client::v2::api::kv::Put { flags, ..put_of(&after) };
        match client.v2().kv_put(key, &put, condition).await {
            Ok(written) => {
                draft.remove();
                let sentence = format!("Wrote {key} at index {}", written.modify_index);
                run.out().done(&sentence, &Written(written))
            }
            Err(error) => Err(kept(&draft, key, &error, run)),
        }
    }
}

fn kept(draft: &Draft, key: &str, error: &konsul_client::Error, run: &Run<'_>) -> Failure {
    let file = draft.path().display();
    if !matches!(error.status(), Some(409 | 412)) {
        return run.failed(error).detail(format!("Your text is kept in {file}"));
    }
    Failure::with(
        Exit::Conflict,
        format!("somebody changed {key} while you were editing; nothing was written"),
    )
    .detail(format!("Your text is kept in {file}"))
    .next(format!("konsulctl kv diff {key}  shows what was changed meanwhile"))
    .next(format!("konsulctl kv edit {key}  begins again on what is there now"))
    .next(format!("konsulctl kv put {key} @{file}  writes your text over it"))
}

fn failed(what: String) -> Failure {
    Failure::with(Exit::Failed, what)
}

fn editor(run: &Run<'_>) -> String {
    ["KONSUL_EDITOR", "VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| run.console.env(name))
        .unwrap_or_else(|| "vi".to_owned())
}

/// Runs the editor through the shell, since people write `code --wait` and the like.
fn edit(editor: &str, file: &Path) -> Outcome {
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$1\"")).arg(editor).arg(file).status();
    let next = |failure: Failure| failure.next("name another one: EDITOR=nano konsulctl kv edit KEY");
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(next(
            failed(format!("the editor {editor:?} ended with {status}; nothing was written"))
                .detail(format!("Your text is kept in {}", file.display())),
        )),
        Err(error) => Err(next(failed(format!("the editor {editor:?} cannot be run: {error}")))),
    }
}

/// A private file with a text on its way to a key.
struct Draft {
    dir: PathBuf,
    file: PathBuf,
}

impl Draft {
    /// The file's name ends as the key does, so that editors know its language.
    fn new(key: &str, text: &[u8]) -> Result<Draft, Failure> {
        let cannot = |e: std::io::Error| failed(format!("no file for the editor can be made: {e}"));
        let name: String = key
            .rsplit('/')
            .find(|part| !part.is_empty())
            .unwrap_or("value")
            .chars()
            .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
            .take(100)
            .collect();
        let dir = private_dir().map_err(cannot)?;
        let file = dir.join(
            name.trim_start_matches('.').to_owned() + if name == "." || name == ".." { "value" } else { "" },
        );
        let mut open = OpenOptions::new();
        let mut out = open.write(true).create_new(true).mode(0o600).open(&file).map_err(cannot)?;
        out.write_all(text).map_err(cannot)?;
        Ok(Draft { dir, file })
    }

    fn path(&self) -> &Path {
        &self.file
    }

    fn remove(&self) {
        // What is left in the directory for temporary files harms nobody.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A new directory that nobody else can look into.
fn private_dir() -> std::io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut last = None;
    for attempt in 0..100 {
        let dir = std::env::temp_dir().join(format!("konsulctl-edit-{}-{attempt}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AlreadyExists.into()))
}
