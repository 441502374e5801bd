//! From a question to an answer: the grammar, the directory, records.
//!
//! # The life of a question
//!
//! [`Resolver::resolve`] finds the zone and reads the name ([`crate::grammar`]), asks the directory, and makes records:
//! [`node`], [`service`] and what is in the modules beside them. It knows neither who asks (but for prepared queries) nor
//! how much may be said; that is [`crate::render`]'s.

mod addresses;
mod authority;
mod chase;
mod node;
mod service;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::answer::{Answer, Data, Record};
use crate::directory::{
    Directory, DirectoryError, NodeQuery, PreparedQuery, ServiceKind, ServiceQuery, Virtual,
};
use crate::grammar::{Reading, Subject, read, read_reverse};
use crate::names;
use crate::recurse::Recursors;
use crate::settings::{Settings, seconds};
use crate::wire::{ClientSubnet, Name, Rcode, rtype};
use crate::zones::{Place, Zones};

/// Everything that an answer is made of.
pub(crate) struct Resolver {
    pub(crate) settings: Settings,
    pub(crate) zones: Zones,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) recursors: Recursors,
}

/// A question, free of its packet.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Lower-cased.
    pub(crate) name: Name,
    pub(crate) qtype: u16,
    pub(crate) source: IpAddr,
    pub(crate) subnet: Option<ClientSubnet>,
    /// Asked for while following a CNAME, so many of them deep.
    pub(crate) depth: u8,
}

/// An answer, and how long it holds.
pub(crate) struct Resolved {
    pub(crate) answer: Answer,
    pub(crate) keep: Keep,
}

/// How long an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keep {
    /// For this question alone.
    No,
    /// Until the directory's generation changes.
    Generation,
    /// Until the version of what this asks for changes.
    Version(Box<ServiceQuery>, u64),
}

impl Resolved {
    fn once(answer: Answer) -> Resolved {
        Resolved { answer, keep: Keep::No }
    }

    fn until_changed(answer: Answer) -> Resolved {
        Resolved { answer, keep: Keep::Generation }
    }
}

pub(crate) type Resolving<'a> = Pin<Box<dyn Future<Output = Resolved> + Send + 'a>>;

impl Resolver {
    /// The answer to a question. The name must not be a foreign one: those are forwarded, not resolved.
    pub(crate) fn resolve(&self, question: Question) -> Resolving<'_> {
        Box::pin(async move {
            let labels: Vec<&[u8]> = question.name.labels().collect();
            match self.zones.place(&labels) {
                Place::Zone(zone, left) => self.in_zone(zone, &labels[..left], &question).await,
                Place::Reverse(left) => self.reverse(&labels[..left], &question).await,
                Place::Foreign => Resolved::once(Answer::bare(Rcode::Refused, self.zones.primary())),
            }
        })
    }

    async fn in_zone(&self, zone: &Name, left: &[&[u8]], question: &Question) -> Resolved {
        match question.qtype {
            rtype::AXFR | rtype::IXFR => return Resolved::once(Answer::bare(Rcode::NotImp, zone)),
            rtype::SOA | rtype::NS => return Resolved::once(self.authority(zone, question.qtype).await),
            _ => {}
        }
        let reading = Reading {
            is_srv: question.qtype == rtype::SRV,
            prefer_namespace: self.settings.prefer_namespace,
        };
        let Some(subject) = read(left, reading) else {
            return Resolved::once(Answer::no_name(zone));
        };
        let resolved = self.subject(zone, subject, question).await;
        resolved.unwrap_or_else(|why| Resolved::once(failed(&why, zone)))
    }

    async fn subject(
        &self,
        zone: &Name,
        subject: Subject,
        question: &Question,
    ) -> Result<Resolved, DirectoryError> {
        let only_passing = self.settings.only_passing;
        match subject {
            Subject::Node { name, locality } => {
                let found = self.directory.node(NodeQuery { name, locality }).await?;
                let Some(node) = found else { return Ok(Resolved::once(Answer::no_name(zone))) };
                Ok(self.node(zone, &node, question).await)
            }
            Subject::Service { name, tag, kind, locality } => {
                let query = ServiceQuery { name, tag, kind, locality, only_passing };
                let Some(service) = self.directory.service(query.clone()).await? else {
                    return Ok(Resolved::once(Answer::no_name(zone)));
                };
                Ok(self.service(zone, query, &service, question).await)
            }
            Subject::Virtual { name, locality } => {
                let query =
                    ServiceQuery { name, tag: None, kind: ServiceKind::Plain, locality, only_passing };
                Ok(Resolved::once(match self.directory.virtual_address(query).await? {
                    Virtual::NoService => Answer::no_name(zone),
                    Virtual::NoAddress => Answer::bare(Rcode::NoError, zone),
                    Virtual::Address(address) => self.one_address(zone, address, question.qtype),
                }))
            }
            Subject::Query { name, datacenter } => self.prepared(zone, name, datacenter, question).await,
            Subject::Address(address) => {
                Ok(Resolved::once(self.spelt_address(zone, address, question.qtype)))
            }
        }
    }

    async fn prepared(
        &self,
        zone: &Name,
        name: String,
        datacenter: Option<String>,
        question: &Question,
    ) -> Result<Resolved, DirectoryError> {
        let subnet = question.subnet;
        let source = subnet.map_or(question.source, |subnet| subnet.address);
        let query = PreparedQuery { name, datacenter, source, subnet };
        let Some(executed) = self.directory.prepared_query(query).await? else {
            return Ok(Resolved::once(Answer::no_name(zone)));
        };
        let ttl = executed.ttl.map_or_else(|| self.service_ttl(&executed.service), seconds);
        let mut answer = self.instances(zone, &executed.instances, false, ttl, question).await.answer;
        answer.is_for_subnet = true;
        Ok(Resolved::once(answer))
    }

    /// One address under the name that was asked for.
    fn one_address(&self, zone: &Name, address: IpAddr, qtype: u16) -> Answer {
        let record = Record::of_question(self.node_ttl(), Data::Address(address));
        Answer::records(zone, Some(record).filter(|record| record.data.answers(qtype)))
    }

    /// The address that the name itself spells. Asked for the other family, it goes along as an additional record.
    fn spelt_address(&self, zone: &Name, address: IpAddr, qtype: u16) -> Answer {
        let mut answer = self.one_address(zone, address, qtype);
        if answer.units.is_empty() && matches!(qtype, rtype::A | rtype::AAAA) {
            answer.additional.push(Record::of_question(self.node_ttl(), Data::Address(address)));
        }
        answer
    }

    /// Who has an address. The TTL is zero, as Consul's.
    async fn reverse(&self, left: &[&[u8]], question: &Question) -> Resolved {
        let zone = self.zones.primary();
        let Some(address) = read_reverse(left) else { return Resolved::once(Answer::no_name(zone)) };
        let found = match self.directory.by_address(address).await {
            Ok(found) => found,
            Err(why) => return Resolved::once(failed(&why, zone)),
        };
        let Some(name) = found.and_then(|found| names::of_reverse(&found, zone)) else {
            return Resolved::once(Answer::no_name(zone));
        };
        let record = Record::of_question(0, Data::Ptr(name));
        let fits = record.data.answers(question.qtype);
        Resolved::once(Answer::records(zone, Some(record).filter(|_| fits)))
    }

    fn node_ttl(&self) -> u32 {
        seconds(self.settings.node_ttl)
    }

    fn service_ttl(&self, name: &str) -> u32 {
        self.settings.service_ttl.get(name).unwrap_or_else(|| self.node_ttl())
    }
}

/// What a directory's failure is for who asked.
fn failed(why: &DirectoryError, zone: &Name) -> Answer {
    tracing::debug!(error = %why, "the directory has no answer");
    match why {
        DirectoryError::NoPath(_) | DirectoryError::Unsupported(_) => Answer::no_name(zone),
        DirectoryError::Unavailable(_) => Answer::bare(Rcode::ServFail, zone),
    }
}
