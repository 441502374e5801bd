//! An answer before it is bytes: what there is to say, without who asks or how much fits.
//!
//! It is kept and sent many times: order, bounds, case of the name, flags and sizes are decided for each question anew
//! ([`crate::render`]).

use std::net::IpAddr;
use std::sync::Arc;

use crate::directory::Order;
use crate::wire::{Name, Rcode, rtype};

/// What there is to say to a question.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) rcode: Rcode,
    /// The answer section, and what each of its records brings along.
    pub(crate) units: Vec<Unit>,
    pub(crate) order: Order,
    /// Two units may share a target, whose address is sent once if it does not fit with each of them.
    pub(crate) shares_targets: bool,
    /// Units are SRV, of which fewer are sent over TCP.
    pub(crate) is_srv: bool,
    pub(crate) authority: Authority,
    /// Sent if they fit.
    pub(crate) additional: Vec<Record>,
    /// The zone in whose name it speaks.
    pub(crate) zone: Name,
    /// It depends on who asked (RFC 7871): the scope is the source's prefix.
    pub(crate) is_for_subnet: bool,
}

/// The authority section.
#[derive(Debug, Clone)]
pub(crate) enum Authority {
    None,
    /// That there is nothing.
    Soa,
    Records(Vec<Record>),
}

/// A record of the answer section with what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) record: Record,
    /// For [`Order::Weighted`].
    pub(crate) weight: u16,
    /// Units with the same number have the same target.
    pub(crate) target: u32,
    /// What belongs to it, if anything does: kept answers are mostly addresses, which stand alone.
    pub(crate) belongings: Option<Box<Belongings>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Belongings {
    glue: Vec<Record>,
    extra: Vec<Record>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) owner: Owner,
    pub(crate) ttl: u32,
    pub(crate) data: Data,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Who was asked for.
    Question,
    /// The target of the SRV record that brings it along.
    Target,
    Name(Name),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Data {
    Address(IpAddr),
    Srv {
        weight: u16,
        port: u16,
        target: Name,
    },
    /// Strings, each with its length before it.
    Txt(Arc<[u8]>),
    Cname(Name),
    Ns(Name),
    Ptr(Name),
    /// Its fields are settings.
    Soa,
}

impl Data {
    pub(crate) fn rtype(&self) -> u16 {
        match self {
            Data::Address(IpAddr::V4(_)) => rtype::A,
            Data::Address(IpAddr::V6(_)) => rtype::AAAA,
            Data::Srv { .. } => rtype::SRV,
            Data::Txt(_) => rtype::TXT,
            Data::Cname(_) => rtype::CNAME,
            Data::Ns(_) => rtype::NS,
            Data::Ptr(_) => rtype::PTR,
            Data::Soa => rtype::SOA,
        }
    }

    /// Whether a question for a type is answered by it.
    pub(crate) fn answers(&self, qtype: u16) -> bool {
        qtype == rtype::ANY || self.rtype() == qtype
    }
}

/// What a shared text takes beside itself: two counters, and what the allocator rounds up.
const SHARED: usize = 24;

impl Unit {
    pub(crate) fn new(record: Record) -> Unit {
        Unit { record, weight: 1, target: 0, belongings: None }
    }

    /// With the addresses of its target, without which it is not sent, and what is sent with it if it fits.
    pub(crate) fn with(self, glue: Vec<Record>, extra: Vec<Record>) -> Unit {
        let has_any = !(glue.is_empty() && extra.is_empty());
        Unit { belongings: has_any.then(|| Box::new(Belongings { glue, extra })), ..self }
    }

    /// Addresses of its target: without them it is not sent.
    pub(crate) fn glue(&self) -> &[Record] {
        self.belongings.as_ref().map_or(&[], |with| &with.glue)
    }

    /// Sent if they fit.
    pub(crate) fn extra(&self) -> &[Record] {
        self.belongings.as_ref().map_or(&[], |with| &with.extra)
    }

    fn bytes(&self) -> usize {
        let belongings = if self.belongings.is_some() { size_of::<Belongings>() } else { 0 };
        let records = self.glue().iter().chain(self.extra()).map(|one| size_of::<Record>() + one.heap());
        size_of::<Unit>() + self.record.heap() + belongings + records.sum::<usize>()
    }
}

impl Record {
    pub(crate) fn of_question(ttl: u32, data: Data) -> Record {
        Record { owner: Owner::Question, ttl, data }
    }

    pub(crate) fn of(owner: &Name, ttl: u32, data: Data) -> Record {
        Record { owner: Owner::Name(owner.clone()), ttl, data }
    }

    /// What its names and texts take.
    fn heap(&self) -> usize {
        let owner = match &self.owner {
            Owner::Name(name) => SHARED + name.wire().len(),
            Owner::Question | Owner::Target => 0,
        };
        let data = match &self.data {
            Data::Srv { target: name, .. } | Data::Cname(name) | Data::Ns(name) | Data::Ptr(name) => {
                SHARED + name.wire().len()
            }
            Data::Txt(strings) => SHARED + strings.len(),
            Data::Address(_) | Data::Soa => 0,
        };
        owner + data
    }
}

impl Answer {
    fn new(rcode: Rcode, zone: &Name, authority: Authority) -> Answer {
        Answer {
            rcode,
            units: Vec::new(),
            order: Order::Given,
            shares_targets: false,
            is_srv: false,
            authority,
            additional: Vec::new(),
            zone: zone.clone(),
            is_for_subnet: false,
        }
    }

    /// There is no such name.
    pub(crate) fn no_name(zone: &Name) -> Answer {
        Answer::new(Rcode::NxDomain, zone, Authority::Soa)
    }

    /// There is such a name, but nothing of the type.
    pub(crate) fn no_data(zone: &Name) -> Answer {
        Answer::new(Rcode::NoError, zone, Authority::Soa)
    }

    /// An empty answer, or one of a failure, that says nothing of what there is.
    pub(crate) fn bare(rcode: Rcode, zone: &Name) -> Answer {
        Answer::new(rcode, zone, Authority::None)
    }

    /// These records, in this order; nothing of the type if there are none.
    pub(crate) fn records(zone: &Name, records: impl IntoIterator<Item = Record>) -> Answer {
        Answer::no_data(zone).with_units(records.into_iter().map(Unit::new).collect())
    }

    /// Gives an answer its units; if there are any, SOA has no place in it.
    pub(crate) fn with_units(mut self, units: Vec<Unit>) -> Answer {
        if !units.is_empty() {
            self.authority = Authority::None;
        }
        self.units = units;
        self
    }

    /// Roughly what it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let additional = self.additional.iter().map(|one| size_of::<Record>() + one.heap());
        let units = self.units.iter().map(Unit::bytes);
        size_of::<Answer>() + units.sum::<usize>() + additional.sum::<usize>()
    }
}
