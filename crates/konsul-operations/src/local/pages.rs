//! Lists and searches of keys, a page at a time.
//!
//! The index of a page is that of the state it was read from: a watch that goes on after it misses nothing.

use std::sync::Arc;

use konsul_state::pages::{After, Hits, Listed, Work};
use konsul_state::{Keyspace, State};
use konsul_types::kv::KvCommand;
use konsul_types::{Command, Key, KvRecord, Outcome};
use regex::bytes::Regex;

use super::reads::answer;
use super::{Inner, unexpected};
use crate::answer::{Answer, KvEntry, KvListed, Page};
use crate::arguments::{KvPage, KvPatch, KvSearch, Needle, Resume};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

/// Most items of one page, whatever is asked for.
pub const PAGE_MAX: usize = 10_000;

/// How much one page of a search looks at.
const SEARCH_WORK: Work = Work { keys: 20_000, bytes: 8 << 20 };

impl<R: Replica> Inner<R> {
    pub(crate) async fn kv_patch(&self, ctx: &Context, args: KvPatch) -> Result<KvEntry, Error> {
        self.permit(ctx, &Permission::KeyWrite(args.key.as_str()))?;
        let KvPatch { key, flags, ttl, cas } = args;
        let op = KvCommand::Patch { key: key.clone(), flags, ttl, cas };
        match self.write(ctx, Command::Kv { namespace: ctx.namespace.clone(), op }).await? {
            (_, Outcome::Kv(record)) => Ok(KvEntry { namespace: ctx.namespace.clone(), key, record }),
            (_, other) => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn kv_page(&self, ctx: &Context, args: KvPage) -> Result<Answer<Page<KvListed>>, Error> {
        self.permit(ctx, &Permission::KeyList(&args.prefix))?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let page = self.page_of(ctx, &state, &args);
        Ok(answer(page, state.index(), ctx.consistency, staleness))
    }

    fn page_of(&self, ctx: &Context, state: &State, args: &KvPage) -> Page<KvListed> {
        let most = args.limit.clamp(1, PAGE_MAX);
        let after = args.after.as_ref().map(|last| After { name: &last.after, beyond: last.beyond });
        let level = state.keyspace(&ctx.namespace).into_iter();
        let mut level = level.flat_map(|keys| keys.level(&args.prefix, &args.delimiter, after));
        let (mut items, mut last) = (Vec::new(), None);
        for listed in level.by_ref().take(most) {
            last = Some(place_of(listed));
            items.extend(self.listed(ctx, listed));
        }
        let more = level.next().is_some();
        Page { items, next: last.filter(|_| more) }
    }

    /// What the identity may see of a name.
    fn listed(&self, ctx: &Context, listed: Listed<'_>) -> Option<KvListed> {
        match listed {
            Listed::Key(key, record) => self.visible(ctx, key, record).map(KvListed::Entry),
            Listed::Folder(name) => {
                self.permit(ctx, &Permission::KeyList(name)).ok().map(|()| KvListed::Folder(Arc::from(name)))
            }
        }
    }

    /// The entry, if the identity may read it.
    pub(super) fn visible(&self, ctx: &Context, key: &Key, record: &Arc<KvRecord>) -> Option<KvEntry> {
        self.permit(ctx, &Permission::KeyRead(key.as_str())).ok()?;
        Some(KvEntry { namespace: ctx.namespace.clone(), key: key.clone(), record: Arc::clone(record) })
    }

    pub(crate) async fn kv_search(
        &self,
        ctx: &Context,
        args: KvSearch,
    ) -> Result<Answer<Page<KvEntry>>, Error> {
        self.permit(ctx, &Permission::KeyList(&args.prefix))?;
        let needle = Finder::new(&args.needle)?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let found = state.keyspace(&ctx.namespace).map(|keys| needle.find(keys, &args));
        let Hits { hits, next } = found.unwrap_or(Hits { hits: Vec::new(), next: None });
        let visible = hits.iter().filter_map(|(key, record)| self.visible(ctx, key, record));
        let next = next.map(|key| Resume { after: key.to_string(), beyond: false });
        let page = Page { items: visible.collect(), next };
        Ok(answer(page, state.index(), ctx.consistency, staleness))
    }
}

fn place_of(listed: Listed<'_>) -> Resume {
    match listed {
        Listed::Key(key, _) => Resume { after: key.to_string(), beyond: false },
        Listed::Folder(name) => Resume { after: name.to_owned(), beyond: true },
    }
}

/// What is searched for, made ready.
enum Finder<'a> {
    KeyText(&'a str),
    KeyGlob(&'a konsul_watch::Glob),
    ValueBytes(Regex),
}

impl<'a> Finder<'a> {
    fn new(needle: &'a Needle) -> Result<Finder<'a>, Error> {
        Ok(match needle {
            Needle::KeyText(text) => Finder::KeyText(text),
            Needle::KeyGlob(glob) => Finder::KeyGlob(glob),
            Needle::ValueBytes(bytes) => Finder::ValueBytes(literal(bytes)?),
        })
    }

    fn find(&self, keys: &Keyspace, args: &KvSearch) -> Hits {
        let prefix = self.narrow(&args.prefix);
        let Some(prefix) = prefix else {
            return Hits { hits: Vec::new(), next: None };
        };
        let after = args.after.as_ref().map(|last| last.after.as_str());
        let most = args.limit.clamp(1, PAGE_MAX);
        keys.search(prefix, after, |key, record| self.matches(key, record), most, SEARCH_WORK)
    }

    /// The longer of the prefix asked for and that of the pattern; `None` if no key can have both.
    fn narrow(&self, prefix: &'a str) -> Option<&'a str> {
        let Finder::KeyGlob(glob) = self else { return Some(prefix) };
        let of_glob = glob.prefix();
        if of_glob.starts_with(prefix) {
            Some(of_glob)
        } else {
            prefix.starts_with(of_glob).then_some(prefix)
        }
    }

    fn matches(&self, key: &Key, record: &KvRecord) -> bool {
        match self {
            Finder::KeyText(text) => key.as_str().contains(text),
            Finder::KeyGlob(glob) => glob.matches(key.as_str()),
            Finder::ValueBytes(pattern) => pattern.is_match(record.value.as_bytes()),
        }
    }
}

/// A pattern for exactly these bytes: the library searches for a literal faster than a loop would.
fn literal(bytes: &[u8]) -> Result<Regex, Error> {
    use std::fmt::Write as _;
    let mut pattern = String::from("(?-u)");
    for byte in bytes {
        let _ = write!(pattern, "\\x{byte:02x}");
    }
    let unfit = |why| Error::invalid("q", format!("cannot be searched for: {why}"));
    Regex::new(&pattern).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_matches_its_bytes_and_nothing_else() {
        for bytes in [&b"a.b"[..], b"\xff\x00", b"(", "ç".as_bytes(), b""] {
            let pattern = literal(bytes).unwrap();
            assert!(pattern.is_match(&[b"x", bytes, b"y"].concat()), "{bytes:?}");
        }
        assert!(!literal(b"a.b").unwrap().is_match(b"axb"));
    }
}
