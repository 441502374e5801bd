//! Follows a host name that stands where an address should: CNAME, and what is behind it.
//!
//! Under our own zones the question is asked here again, three deep at most; elsewhere the recursors are asked. Their
//! records keep the TTL that they came with, so that a client may keep them as long as anybody may.

use std::net::IpAddr;

use super::{Question, Resolver};
use crate::answer::{Data, Owner, Record};
use crate::wire::{Name, rtype};
use crate::zones::Place;

/// How deep our own names may point at each other.
const DEPTH_MAX: u8 = 3;
/// Most records that are taken from an answer of a recursor.
const RECORDS_MAX: usize = 16;

/// Records behind a host name.
#[derive(Debug, Default)]
pub(crate) struct Chased {
    pub(crate) records: Vec<Record>,
    /// Somebody else was asked: it holds for now alone.
    pub(crate) is_foreign: bool,
}

impl Resolver {
    /// A CNAME from `owner` to `host`, and what is behind it.
    pub(crate) async fn follow(&self, host: &Name, owner: Owner, ttl: u32, question: &Question) -> Chased {
        let mut chased = Chased::default();
        if question.qtype != rtype::CNAME {
            chased = self.chase(host, question).await;
        }
        chased.records.insert(0, Record { owner, ttl, data: Data::Cname(host.clone()) });
        chased
    }

    /// Addresses of a host name, under the name itself.
    pub(crate) async fn chase(&self, host: &Name, question: &Question) -> Chased {
        let lower = Name::from_wire(&host.wire().to_ascii_lowercase());
        let labels: Vec<&[u8]> = lower.labels().collect();
        match self.zones.place(&labels) {
            Place::Foreign => self.chase_foreign(host, question).await,
            _ if question.depth >= DEPTH_MAX => Chased::default(),
            _ => self.chase_own(host, lower.clone(), question).await,
        }
    }

    async fn chase_own(&self, host: &Name, name: Name, question: &Question) -> Chased {
        let qtype = if question.qtype == rtype::SRV { rtype::ANY } else { question.qtype };
        let nested = Question { name, qtype, depth: question.depth + 1, ..question.clone() };
        let answer = self.resolve(nested).await.answer;
        let named = |record: Record| match record.owner {
            Owner::Question => Record { owner: Owner::Name(host.clone()), ..record },
            _ => record,
        };
        let records = answer.units.into_iter().map(|unit| named(unit.record));
        let is_wanted = |record: &Record| matches!(record.data, Data::Address(_) | Data::Cname(_));
        Chased { records: records.filter(is_wanted).take(RECORDS_MAX).collect(), is_foreign: false }
    }

    async fn chase_foreign(&self, host: &Name, question: &Question) -> Chased {
        if self.recursors.is_empty() {
            return Chased::default();
        }
        let qtype = if question.qtype == rtype::AAAA { rtype::AAAA } else { rtype::A };
        let records = self.recursors.lookup(host, qtype).await;
        Chased { records: records.into_iter().take(RECORDS_MAX).collect(), is_foreign: true }
    }
}

impl Chased {
    /// Whether anything in it is an address.
    pub(crate) fn has_address(&self) -> bool {
        self.records.iter().any(|record| matches!(record.data, Data::Address(IpAddr::V4(_) | IpAddr::V6(_))))
    }
}
