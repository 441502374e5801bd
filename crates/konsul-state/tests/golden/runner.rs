//! Runs the commands of a script against a state.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use konsul_state::{Restorer, State};
use konsul_types::restore::RestoreCommand;
use konsul_types::{Command, Index, Millis, Namespace, Proposal, Request, RequestId, RestoreId};
use uuid::Uuid;

use crate::words::{Fault, Words, number};
use crate::{operations, show};

/// With what a script goes on after each command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Continue {
    /// The state as it is.
    Same,
    /// What comes back from its snapshot.
    Restored,
}

/// A state, and what the next entry is stamped with.
pub(crate) struct Runner {
    state: State,
    mode: Continue,
    term: u64,
    now: u64,
    backups: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Runner {
    pub(crate) fn new(mode: Continue) -> Runner {
        Runner { state: State::new(), mode, term: 1, now: 1_000_000, backups: BTreeMap::new() }
    }

    /// Applies one command and says what came of it.
    fn apply(&mut self, command: Command, request: Option<Request>) -> Result<String, Fault> {
        let proposal = Proposal { at: Millis(self.now), request, actor: String::new(), command };
        let proposal = Proposal::decode(&proposal.encode())?;
        let before = self.state.hashes();
        let applied = self.state.apply(self.term, self.state.log_index() + 1, &proposal)?;
        let mut text = format!("@{} {}\n", applied.index, show::outcome(&applied.outcome));
        for change in applied.changes.iter().flat_map(|set| &set.changes) {
            let _ = writeln!(text, "  {}", show::change(change));
        }
        if applied.changes.is_none() && request.is_none() && before != self.state.hashes() {
            text.push_str("  (hash changed)\n");
        }
        Ok(text)
    }

    fn query(&mut self, name: &str, namespace: &Namespace, words: &mut Words<'_>) -> Result<String, Fault> {
        let found = |value: String, found: konsul_state::Found<()>| {
            format!("{value} changed={} reported={}", found.changed, found.reported)
        };
        Ok(match name {
            "get" => {
                let answer = self.state.kv_get(namespace, words.key()?.as_str());
                let value = answer.value.map_or("absent".into(), |kept| show::record(kept));
                format!("{value} changed={} reported={}", answer.changed, answer.reported)
            }
            "list" => {
                let prefix = words.next("the prefix")?;
                let keys = self.state.keyspace(namespace).into_iter().flat_map(|keys| keys.under(prefix));
                let keys: Vec<_> = keys.map(|(key, _)| key.to_string()).collect();
                found(format!("{keys:?}"), self.state.kv_under(namespace, prefix, ()))
            }
            "names" => {
                let (prefix, separator) = (words.next("the prefix")?, words.next("the separator")?);
                let keys = self.state.keyspace(namespace);
                let names: Vec<_> = keys.into_iter().flat_map(|keys| keys.names(prefix, separator)).collect();
                format!("{names:?}")
            }
            "index" => {
                let prefix = words.next("the prefix")?;
                found(format!("{prefix:?}"), self.state.kv_under(namespace, prefix, ()))
            }
            "sessions" => {
                let changed = self.state.sessions().changed(namespace);
                let ids = self.state.sessions().of(namespace).map(|kept| kept.spec.id.0.as_u128());
                found(format!("{:?}", ids.collect::<Vec<_>>()), self.state.found((), changed, changed))
            }
            "history" => {
                let key = words.key()?;
                let versions = self.state.kv_versions(namespace, key.as_str());
                versions.map(|version| show::version(&version) + "\n").collect()
            }
            "usage" => self
                .state
                .usage()
                .iter()
                .map(|u| {
                    format!("{} keys={} bytes={} sessions={}\n", u.namespace, u.keys, u.bytes, u.sessions)
                })
                .collect(),
            "dump" => show::state(&self.state),
            _ => return Err(format!("no command is named {name:?}").into()),
        })
    }

    /// What moves the world around the state.
    fn world(&mut self, name: &str, words: &mut Words<'_>) -> Result<Option<String>, Fault> {
        match name {
            "time" => self.now = words.next("the time")?.parse()?,
            "sleep" => self.now += words.next("the span")?.parse::<u64>()?,
            "term" => self.term = words.next("the term")?.parse()?,
            "blank" => {
                let entries: u64 = words.next("how many")?.parse()?;
                for _ in 0..entries {
                    self.state.advance(self.term, self.state.log_index() + 1);
                }
            }
            "new" => self.state = State::new(),
            "backup" => {
                self.backups.insert(words.next("its name")?.into(), self.state.chunks().collect());
            }
            "damage" => {
                let chunk =
                    self.backups.get_mut(words.next("the backup")?).and_then(|chunks| chunks.get_mut(1));
                let byte = chunk.and_then(|chunk| chunk.last_mut()).ok_or("there is nothing to damage")?;
                *byte ^= 1;
            }
            _ => return Ok(None),
        }
        Ok(Some(String::new()))
    }

    fn restore_step(&mut self, name: &str, words: &mut Words<'_>) -> Result<Option<Command>, Fault> {
        if !name.starts_with("restore-") {
            return Ok(None);
        }
        let id = RestoreId(Uuid::from_u128(number(words.next("the restore")?, 'x')?));
        Ok(Some(Command::Restore(match name {
            "restore-begin" => RestoreCommand::Begin { id },
            "restore-chunk" => {
                let chunks = self.backups.get(words.next("the backup")?).ok_or("there is no such backup")?;
                let number: u32 = words.next("the chunk")?.parse()?;
                let bytes = chunks.get(number as usize).cloned().unwrap_or_default();
                RestoreCommand::Chunk {
                    id,
                    number: words.named("as")?.unwrap_or(number),
                    bytes: bytes.into(),
                }
            }
            "restore-commit" => RestoreCommand::Commit { id, chunks: words.next("the count")?.parse()? },
            _ => RestoreCommand::Abort { id },
        })))
    }

    /// A whole restore in one line; only the commit is shown.
    fn restore(&mut self, words: &mut Words<'_>) -> Result<String, Fault> {
        let chunks = self.backups.get(words.next("the backup")?).cloned().ok_or("there is no such backup")?;
        let id = RestoreId(Uuid::from_u128(77));
        self.apply(Command::Restore(RestoreCommand::Begin { id }), None)?;
        let count = u32::try_from(chunks.len())?;
        for (number, bytes) in (0..).zip(chunks) {
            let chunk = RestoreCommand::Chunk { id, number, bytes: bytes.into() };
            self.apply(Command::Restore(chunk), None)?;
        }
        self.apply(Command::Restore(RestoreCommand::Commit { id, chunks: count }), None)
    }

    /// `req=r1` names a request made now, or at `made=`; `req=q1` one whose id tells no time.
    /// `fingerprint=` is the hash of what the client sent.
    fn request(&self, words: &mut Words<'_>) -> Result<Option<Request>, Fault> {
        let made = words.named("made")?.unwrap_or(self.now);
        let Some(word) = words.0.take_key("req") else {
            return Ok(None);
        };
        let bits = match number(word, 'q') {
            Ok(plain) => 4 << 76 | plain,
            Err(_) => u128::from(made) << 80 | 7 << 76 | 2 << 62 | number(word, 'r')?,
        };
        Ok(Some(Request { id: RequestId(Uuid::from_u128(bits)), fingerprint: words.named("fingerprint")? }))
    }

    fn dispatch(&mut self, name: &str, words: &mut Words<'_>) -> Result<String, Fault> {
        if let Some(text) = self.world(name, words)? {
            return Ok(text);
        }
        match name {
            "restore" => return self.restore(words),
            "compare-hash" => return self.compare_hash(words),
            _ => {}
        }
        let request = self.request(words)?;
        let namespace = words.namespace()?;
        let times: u32 = words.named("repeat")?.unwrap_or(1);
        let command = match self.restore_step(name, words)? {
            Some(step) => Some(step),
            None => operations::command(name, namespace.clone(), words, self.state.limits())?,
        };
        let Some(command) = command else {
            return self.query(name, &namespace, words);
        };
        for _ in 1..times {
            self.apply(command.clone(), request)?;
        }
        self.apply(command, request)
    }

    /// Compares with the remembered hashes, or with others where `differs=` names a table's position.
    fn compare_hash(&mut self, words: &mut Words<'_>) -> Result<String, Fault> {
        let (mut index, mut hashes) = self.state.last_checkpoint().cloned().ok_or("nothing is remembered")?;
        if let Some(table) = words.named::<usize>("differs")? {
            hashes[table] ^= 1;
        }
        if let Some(other) = words.named("index")? {
            index = Index(other);
        }
        self.apply(Command::CompareHash { index, hashes }, None)
    }

    fn check(&mut self) -> Result<(), Fault> {
        if let Some(what) = self.state.verify() {
            return Err(what.into());
        }
        let restored = reread(&self.state)?;
        if restored != self.state {
            return Err("the restored state differs".into());
        }
        if self.mode == Continue::Restored {
            self.state = restored;
        }
        Ok(())
    }
}

impl goldenscript::Runner for Runner {
    type Command = goldenscript::Command;

    fn run(&mut self, command: &Self::Command, _: &goldenscript::Context) -> Result<String, Fault> {
        let mut words = Words(command.consume_args());
        let text = self.dispatch(&command.name, &mut words);
        words.end()?;
        self.check()?;
        text
    }
}

/// The state that comes back from its snapshot.
fn reread(state: &State) -> Result<State, Fault> {
    let mut restorer = Restorer::new();
    for chunk in state.chunks() {
        restorer.chunk(&chunk)?;
    }
    Ok(restorer.finish()?)
}
