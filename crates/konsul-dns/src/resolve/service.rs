//! Records of the instances of a service.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::addresses::Family;
use super::node::node_meta;
use super::{Keep, Question, Resolved, Resolver};
use crate::answer::{Answer, Data, Owner, Record, Unit};
use crate::directory::{Instance, Service, ServiceQuery, Status};
use crate::names;
use crate::wire::{Name, rtype};

/// Most host names that are followed for one answer. The SRV records of the others go out alone.
const FOLLOWED_MAX: usize = 16;

/// The records of instances, and what else has a part in them.
pub(crate) struct Made {
    pub(crate) answer: Answer,
    /// A recursor was asked: it holds for now alone.
    is_foreign: bool,
    /// A host name was met, so that other names have a part in it.
    leads_on: bool,
}

impl Made {
    /// Nothing but the instances has a part in it.
    fn alone(answer: Answer) -> Made {
        Made { answer, is_foreign: false, leads_on: false }
    }
}

impl Resolver {
    /// The answer to a question for a service.
    pub(crate) async fn service(
        &self,
        zone: &Name,
        query: ServiceQuery,
        service: &Service,
        question: &Question,
    ) -> Resolved {
        let ttl = self.service_ttl(&query.name);
        let only_passing = self.settings.only_passing;
        let mut made = self.instances(zone, &service.instances, only_passing, ttl, question).await;
        // A chain of CNAMEs is read from its beginning.
        if made.answer.is_srv || !made.leads_on {
            made.answer.order = service.order;
        }
        let keep = match service.version {
            _ if made.is_foreign => Keep::No,
            0 => Keep::Generation,
            _ if made.leads_on => Keep::Generation,
            version => Keep::Version(Box::new(query), version),
        };
        Resolved { answer: made.answer, keep }
    }

    /// The records of instances, in their order.
    pub(crate) async fn instances(
        &self,
        zone: &Name,
        instances: &[Instance],
        only_passing: bool,
        ttl: u32,
        question: &Question,
    ) -> Made {
        let is_usable = |instance: &&Instance| match instance.status {
            Status::Passing => true,
            Status::Warning => !only_passing,
            Status::Critical => false,
        };
        let usable: Vec<&Instance> = instances.iter().filter(is_usable).collect();
        if usable.is_empty() {
            return Made::alone(Answer::no_name(zone));
        }
        match question.qtype {
            rtype::SRV => self.srv(zone, &usable, ttl, question).await,
            rtype::A | rtype::AAAA | rtype::ANY | rtype::CNAME => {
                self.addresses(zone, &usable, ttl, question).await
            }
            rtype::TXT => {
                let any = Question { qtype: rtype::ANY, ..question.clone() };
                let made = self.addresses(zone, &usable, ttl, &any).await;
                let additional = made.answer.units.into_iter().map(|unit| unit.record).collect();
                Made { answer: Answer { additional, ..Answer::no_data(zone) }, ..made }
            }
            _ => Made::alone(Answer::no_data(zone)),
        }
    }

    /// One record for each address; if there are only host names, the first of them and what is behind it.
    async fn addresses(&self, zone: &Name, usable: &[&Instance], ttl: u32, question: &Question) -> Made {
        let family = Family::of(question.qtype);
        let (mut units, mut seen, mut hosts) = (Vec::new(), HashSet::new(), Vec::new());
        for instance in usable {
            match self.reached(instance, family, question) {
                Some(At::Ip(address)) => {
                    let record = Record::of_question(ttl, Data::Address(address));
                    if record.data.answers(question.qtype) && seen.insert(address) {
                        units.push(Unit { weight: weight_of(instance), ..Unit::new(record) });
                    }
                }
                Some(At::Host(host)) => hosts.push(host),
                None => {}
            }
        }
        if !units.is_empty() {
            return Made::alone(Answer::no_data(zone).with_units(units));
        }
        let mut first = None;
        let mut is_foreign = false;
        for host in hosts.iter().take(FOLLOWED_MAX) {
            let chased = self.follow(host, Owner::Question, ttl, question).await;
            is_foreign |= chased.is_foreign;
            let leads_on = chased.has_address();
            if leads_on || first.is_none() {
                first = Some(chased.records);
            }
            if leads_on {
                break;
            }
        }
        let units = first.unwrap_or_default().into_iter().map(Unit::new).collect();
        Made { answer: Answer::no_data(zone).with_units(units), is_foreign, leads_on: !hosts.is_empty() }
    }

    /// Where an instance is reached by address: its own, or its node's.
    fn reached(&self, instance: &Instance, family: Family, question: &Question) -> Option<At> {
        let own = self.own_address(instance, family).0;
        let own = if own.is_empty() { self.node_address(&instance.node, family) } else { own };
        let at = At::of(own)?;
        // A name that leads to itself leads nowhere.
        match at {
            At::Host(host) if is_same(&host, &question.name) => {
                At::of(self.node_address(&instance.node, family))
            }
            at => Some(at),
        }
    }

    async fn srv(&self, zone: &Name, usable: &[&Instance], ttl: u32, question: &Question) -> Made {
        let mut answer = Answer::no_data(zone);
        answer.is_srv = true;
        let (mut units, mut seen) = (Vec::new(), HashSet::new());
        let mut behind = Behind::default();
        for instance in usable {
            let (own, port) = self.own_address(instance, Family::Any);
            if !seen.insert((instance.node.name.as_str(), own, port)) {
                continue;
            }
            let Some(target) = self.target(instance, own, zone, question) else { continue };
            let name = target.name.clone();
            let (number, glue) = self.behind(target, ttl, question, &mut behind).await;
            let weight = weight_of(instance);
            let record = Record::of_question(ttl, Data::Srv { weight, port, target: name });
            let unit = Unit { weight, target: number, ..Unit::new(record) };
            units.push(unit.with(glue, self.extra(zone, instance)));
        }
        answer.shares_targets = behind.known.len() < units.len();
        Made {
            answer: answer.with_units(units),
            is_foreign: behind.is_foreign,
            leads_on: behind.followed > 0,
        }
    }

    /// The number of a target, and the records behind it. Every unit has them, since it may be the only one that is sent.
    async fn behind(
        &self,
        target: Target,
        ttl: u32,
        question: &Question,
        all: &mut Behind,
    ) -> (u32, Vec<Record>) {
        let next = all.known.len() as u32;
        if let Some(known) = all.known.get(&target.name) {
            return known.clone();
        }
        let glue = match target.at {
            At::Ip(address) => vec![Record { owner: Owner::Target, ttl, data: Data::Address(address) }],
            At::Host(_) if all.followed == FOLLOWED_MAX => Vec::new(),
            At::Host(host) => {
                all.followed += 1;
                let chased = if is_same(&host, &target.name) {
                    self.chase(&host, question).await
                } else {
                    self.follow(&host, Owner::Target, ttl, question).await
                };
                all.is_foreign |= chased.is_foreign;
                chased.records
            }
        };
        all.known.insert(target.name, (next, glue.clone()));
        (next, glue)
    }

    /// The name that an SRV record points at, and what is behind it.
    fn target(&self, instance: &Instance, own: &str, zone: &Name, question: &Question) -> Option<Target> {
        let node = &instance.node;
        let of_address =
            |address| Some(Target { name: names::of_address(address, node, zone)?, at: At::Ip(address) });
        match At::of(own) {
            Some(At::Ip(address)) => return of_address(address),
            Some(At::Host(name)) if !is_same(&name, &question.name) => {
                return Some(Target { name: name.clone(), at: At::Host(name) });
            }
            _ => {}
        }
        let at = At::of(self.node_address(node, Family::Any))?;
        match (names::of_node(node, zone), at) {
            (Some(name), at) => Some(Target { name, at }),
            (None, At::Ip(address)) => of_address(address),
            (None, At::Host(name)) => Some(Target { name: name.clone(), at: At::Host(name) }),
        }
    }

    fn extra(&self, zone: &Name, instance: &Instance) -> Vec<Record> {
        if !self.settings.additional_node_meta_txt || instance.node.meta.is_empty() {
            return Vec::new();
        }
        let name = names::of_node(&instance.node, zone);
        name.map_or_else(Vec::new, |name| node_meta(&instance.node, &Owner::Name(name), self.node_ttl()))
    }
}

/// Where something is reached.
enum At {
    Ip(IpAddr),
    Host(Name),
}

impl At {
    /// Reads an address; `None` for one that is empty, or no name either.
    fn of(address: &str) -> Option<At> {
        match address.parse() {
            Ok(address) => Some(At::Ip(address)),
            Err(_) => Name::from_dotted(address).filter(|name| name.wire().len() > 1).map(At::Host),
        }
    }
}

/// What is behind the targets of an answer.
#[derive(Default)]
struct Behind {
    known: HashMap<Name, (u32, Vec<Record>)>,
    /// Host names that were followed.
    followed: usize,
    is_foreign: bool,
}

/// Where an SRV record points.
struct Target {
    name: Name,
    at: At,
}

fn is_same(one: &Name, other: &Name) -> bool {
    one.wire().eq_ignore_ascii_case(other.wire())
}

fn weight_of(instance: &Instance) -> u16 {
    match instance.status {
        Status::Passing => instance.weights.passing,
        Status::Warning | Status::Critical => instance.weights.warning,
    }
}
