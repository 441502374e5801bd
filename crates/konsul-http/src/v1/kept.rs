//! Answers that are kept as they went out, because the same will be asked again: the instances of a service.
//!
//! A kept answer is never trusted by its age. Before it serves again the operations are asked at which index the answer
//! would stand now, as fresh as the request wants it; only an equal index lets it go out. So what is kept here can never be
//! staler than what would be read.
//!
//! What was not asked for in one generation is dropped with it: the older of two generations goes when the younger one is
//! full. Memory is bounded by bytes; answers too large for that, and those of services without instances, are not kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use konsul_types::{Index, Namespace};

use crate::encoding::{GZIP_MIN, Gzip};

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) shape: Shape,
    pub(crate) passing: bool,
    pub(crate) namespace: Namespace,
    pub(crate) datacenter: Arc<str>,
    pub(crate) service: String,
    pub(crate) tags: Vec<String>,
}

/// How the instances look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// Flat records of the catalogue.
    Catalog,
    /// Entries of health.
    Health,
}

impl Question {
    fn bytes(&self) -> usize {
        let tags = self.tags.iter().map(|tag| tag.len() + size_of::<String>()).sum::<usize>();
        size_of::<Question>() + self.service.len() + tags
    }
}

/// A body that may serve again.
pub(crate) struct KeptBody {
    index: Index,
    plain: Bytes,
    gzip: OnceLock<Option<Bytes>>,
}

/// Larger bodies are compressed each time, piece by piece: at one go they would hold up others.
const GZIP_AT_ONCE_MAX: usize = 1024 * 1024;

impl KeptBody {
    pub(crate) fn new(index: Index, body: Vec<u8>) -> KeptBody {
        KeptBody { index, plain: body.into(), gzip: OnceLock::new() }
    }

    /// As it is.
    pub(crate) fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// Compressed, if that pays. It is done once.
    pub(crate) fn gzip(&self) -> Option<Bytes> {
        if !(GZIP_MIN..=GZIP_AT_ONCE_MAX).contains(&self.plain.len()) {
            return None;
        }
        self.gzip.get_or_init(|| Some(compress(self.plain.clone()))).clone()
    }
}

fn compress(plain: Bytes) -> Bytes {
    let mut gzip = Gzip::new(plain);
    let mut out = Vec::new();
    while let Some(piece) = gzip.piece() {
        out.extend_from_slice(&piece);
    }
    out.into()
}

/// Answers that may serve again.
pub(crate) struct Kept {
    generations: Mutex<Generations>,
    /// Most bytes of each of the two generations.
    limit: usize,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Question, Arc<KeptBody>>,
    young_bytes: usize,
    old: HashMap<Question, Arc<KeptBody>>,
}

/// Both generations together take twice this, and a quarter of it more for what is compressed.
const GENERATION_BYTES: usize = 8 * 1024 * 1024;

impl Default for Kept {
    fn default() -> Kept {
        Kept { generations: Mutex::default(), limit: GENERATION_BYTES }
    }
}

impl Kept {
    /// The answer to a question, if it stands at this index.
    pub(crate) fn get(&self, question: &Question, index: Index) -> Option<Arc<KeptBody>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = generations.young.get(question) {
            return (found.index == index).then(|| Arc::clone(found));
        }
        let (question, found) = generations.old.remove_entry(question)?;
        if found.index != index {
            return None;
        }
        generations.put(question, Arc::clone(&found), self.limit);
        Some(found)
    }

    /// Keeps an answer.
    pub(crate) fn put(&self, question: Question, body: &Arc<KeptBody>) {
        if body.plain.len() > self.limit / 2 {
            return;
        }
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.put(question, Arc::clone(body), self.limit);
    }
}

impl Generations {
    fn put(&mut self, question: Question, body: Arc<KeptBody>, limit: usize) {
        let bytes = question.bytes() + body.plain.len();
        if self.young_bytes + bytes > limit {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        let own = question.bytes();
        if let Some(before) = self.young.insert(question, body) {
            self.young_bytes -= own + before.plain.len();
        }
        self.young_bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(service: &str) -> Question {
        Question {
            shape: Shape::Health,
            passing: false,
            namespace: Namespace::default_namespace(),
            datacenter: "dc1".into(),
            service: service.to_owned(),
            tags: Vec::new(),
        }
    }

    fn body(index: u64, bytes: usize) -> Arc<KeptBody> {
        Arc::new(KeptBody::new(Index(index), vec![b'x'; bytes]))
    }

    #[test]
    fn only_an_equal_index_serves_again() {
        let kept = Kept::default();
        kept.put(question("a"), &body(7, 10));
        assert!(kept.get(&question("a"), Index(7)).is_some());
        assert!(kept.get(&question("a"), Index(8)).is_none());
        assert!(kept.get(&question("a"), Index(6)).is_none());
        assert!(kept.get(&question("b"), Index(7)).is_none());
        let other = Question { passing: true, ..question("a") };
        assert!(kept.get(&other, Index(7)).is_none());
    }

    #[test]
    fn memory_is_bounded_and_what_is_asked_for_stays() {
        let kept = Kept { generations: Mutex::default(), limit: 20_000 };
        kept.put(question("hot"), &body(1, 1000));
        for at in 0..200 {
            kept.put(question(&format!("cold{at}")), &body(1, 1000));
            assert!(kept.get(&question("hot"), Index(1)).is_some(), "{at}");
            let generations = kept.generations.lock().unwrap();
            let held: usize = [&generations.young, &generations.old]
                .into_iter()
                .flat_map(|all| all.iter())
                .map(|(question, body)| question.bytes() + body.plain.len())
                .sum();
            assert!(held <= 2 * kept.limit, "{held}");
            let young: usize =
                generations.young.iter().map(|(question, body)| question.bytes() + body.plain.len()).sum();
            assert_eq!(young, generations.young_bytes);
        }
        assert!(kept.get(&question("cold0"), Index(1)).is_none());
        kept.put(question("large"), &body(1, 10_001));
        assert!(kept.get(&question("large"), Index(1)).is_none());
    }

    #[test]
    fn a_body_is_compressed_once_and_only_if_it_pays() {
        assert!(body(1, 100).gzip().is_none());
        let large = body(1, 100_000);
        let (one, two) = (large.gzip().unwrap(), large.gzip().unwrap());
        assert_eq!(one.as_ptr(), two.as_ptr());
        let mut unpacked = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&one[..]), &mut unpacked).unwrap();
        assert_eq!(unpacked, *large.plain());
    }
}
