//! What each record of an answer stands for, and why there is none.

use std::net::IpAddr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use konsul_client::v2::api::catalog::{Instance, Status};
use konsul_client::v2::api::discovery::Why;
use serde::Serialize;

use super::known::Known;
use super::subject::{Subject, spelt};
use crate::output::{Column, Row};

/// A record with what it stands for.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    /// `answer`, `authority` or `additional`.
    pub(super) section: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) ttl: u32,
    pub(super) data: String,
    /// What it stands for.
    pub(super) says: String,
    /// Where its time to live comes from.
    pub(super) ttl_from: &'static str,
    /// The instances that it stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) instances: Vec<Stands>,
}

/// An instance that a record stands for.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) id: String,
    pub(super) service: String,
    pub(super) node: String,
    pub(super) status: Option<Status>,
}

impl Row for Shown {
    const COLUMNS: &'static [Column] = &[
        Column::text("SECTION", 5),
        Column::text("TYPE", 8),
        Column::text("NAME", 6),
        Column::number("TTL", 4),
        Column::text("DATA", 9),
        Column::text("SAYS", 7),
        Column::text("TTL FROM", 2),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.section.to_owned(),
            self.kind.clone(),
            self.name.clone(),
            self.ttl.to_string(),
            self.data.clone(),
            self.says.clone(),
            self.ttl_from.to_owned(),
        ]
    }
}

/// An answer being explained.
pub(super) struct Explaining<'a> {
    pub(super) message: &'a Message,
    pub(super) subject: &'a Subject,
    pub(super) known: &'a Known,
}

impl Explaining<'_> {
    /// Every record but OPT, which belongs to the transport.
    pub(super) fn records(&self) -> Vec<Shown> {
        let sections = [
            ("answer", &self.message.answers),
            ("authority", &self.message.authorities),
            ("additional", &self.message.additionals),
        ];
        sections
            .into_iter()
            .flat_map(|(section, records)| records.iter().map(move |record| (section, record)))
            .filter(|(_, record)| record.record_type() != RecordType::OPT)
            .map(|(section, record)| self.one(section, record))
            .collect()
    }

    fn one(&self, section: &'static str, record: &Record) -> Shown {
        let (says, found) = self.says(section, record);
        Shown {
            section,
            kind: record.record_type().to_string(),
            name: record.name.to_string(),
            ttl: record.ttl,
            data: record.data.to_string(),
            says,
            ttl_from: self.ttl_from(section, record),
            instances: found.into_iter().map(stands).collect(),
        }
    }

    fn says(&self, section: &str, record: &Record) -> (String, Vec<&Instance>) {
        match &record.data {
            RData::SRV(srv) => {
                let target = srv.target.to_string();
                let found = self.behind(&target, srv.port);
                (self.srv(&target, srv.port, srv.weight, &found), found)
            }
            RData::SOA(soa) => {
                let text = format!("the zone; that there is nothing may be remembered for {} s", soa.minimum);
                (text, Vec::new())
            }
            RData::NS(_) => ("a server of the zone".to_owned(), Vec::new()),
            RData::TXT(_) => ("a pair of the node's metadata".to_owned(), Vec::new()),
            RData::PTR(_) => ("what has this address".to_owned(), Vec::new()),
            RData::CNAME(_) => ("the address is a name, and this is it".to_owned(), Vec::new()),
            data => match data.ip_addr() {
                Some(address) => self.address(section, address),
                None => (String::new(), Vec::new()),
            },
        }
    }

    fn address(&self, section: &str, address: IpAddr) -> (String, Vec<&Instance>) {
        if section != "answer" {
            // The record itself says all of it: where the target of another one is.
            return (String::new(), Vec::new());
        }
        match self.subject {
            Subject::Node(name) => (format!("the address of the node {name}"), Vec::new()),
            Subject::Address => ("the address that the name spells".to_owned(), Vec::new()),
            Subject::Other => (String::new(), Vec::new()),
            Subject::Service { .. } | Subject::Query(_) => {
                let found = self.known.at(address);
                let text = if found.is_empty() { self.unknown() } else { listed(&found) };
                (text, found)
            }
        }
    }

    fn srv(&self, target: &str, port: u16, weight: u16, found: &[&Instance]) -> String {
        if found.is_empty() {
            return format!("port {port} of {target}; {}", self.unknown());
        }
        let by = |one: &&Instance| match one.status {
            Some(Status::Warning) => one.weights.warning == u64::from(weight),
            _ => one.weights.passing == u64::from(weight),
        };
        let from = match found.iter().find(|one| by(one)).map(|one| one.status) {
            Some(Some(Status::Warning)) => "its weight while it warns",
            Some(_) => "its weight while it passes",
            None => "not the weight that it has now",
        };
        format!("{}; weight {weight} is {from}", listed(found))
    }

    /// The instances that a target and a port stand for.
    fn behind(&self, target: &str, port: u16) -> Vec<&Instance> {
        let mut addresses: Vec<IpAddr> = spelt(target).into_iter().collect();
        let additional = self.message.additionals.iter();
        addresses.extend(
            additional
                .filter(|record| record.name.to_string().eq_ignore_ascii_case(target))
                .filter_map(|record| record.data.ip_addr()),
        );
        let bare = target.trim_end_matches('.');
        let node = match super::subject::read(target, false) {
            Subject::Node(name) => Some(name),
            _ => None,
        };
        let is_it = |one: &&Instance| {
            let at = one.address.parse::<IpAddr>().is_ok_and(|at| addresses.contains(&at));
            let named = one.address.eq_ignore_ascii_case(bare);
            let on = node.as_ref().is_some_and(|node| one.node.eq_ignore_ascii_case(node));
            one.port == port && (at || named || on)
        };
        self.known.instances.iter().filter(is_it).collect()
    }

    fn unknown(&self) -> String {
        if self.known.asked { "no instance of the catalogue has it now" } else { "nothing more is known" }
            .to_owned()
    }

    fn ttl_from(&self, section: &str, record: &Record) -> &'static str {
        match (&record.data, self.subject) {
            (RData::SOA(_), _) => "dns_config.soa.min_ttl",
            (RData::NS(_) | RData::TXT(_), _) => "dns_config.node_ttl",
            _ if section == "authority" => "dns_config.node_ttl",
            (_, Subject::Service { .. }) => "dns_config.service_ttl, else dns_config.node_ttl",
            (_, Subject::Query(_)) => "dns.ttl of the query, else dns_config.service_ttl",
            (_, Subject::Node(_) | Subject::Address) => "dns_config.node_ttl",
            (_, Subject::Other) => "",
        }
    }

    /// The instances of the service that the answer leaves out.
    pub(super) fn left_out(&self, records: &[Shown]) -> Vec<Stands> {
        if self.message.answers.is_empty() {
            return Vec::new();
        }
        let told: Vec<&Stands> = records.iter().flat_map(|one| &one.instances).collect();
        let all = self.known.instances.iter().map(stands);
        all.filter(|one| !told.iter().any(|told| told.id == one.id && told.node == one.node)).collect()
    }

    /// Why there is no answer, a line each; empty if there is one.
    pub(super) fn why_empty(&self) -> Vec<String> {
        if !self.message.answers.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![self.by_code().to_owned()];
        lines.extend(self.known.why.iter().filter(|why| !why.in_dns).flat_map(told));
        let there = self.known.why.iter().filter(|why| why.in_dns).count();
        if there > 0 && self.message.metadata.response_code == ResponseCode::NoError {
            let what = if there == 1 { "1 instance is" } else { &format!("{there} instances are") };
            lines.push(format!("{what} in DNS, with addresses of another kind"));
        }
        lines
    }

    fn by_code(&self) -> &'static str {
        match self.message.metadata.response_code {
            ResponseCode::NoError => "the name is there, and has no record of this type",
            ResponseCode::NXDomain => "there is nothing of this name that DNS may answer with",
            ResponseCode::ServFail => "the server cannot tell: it has no state yet, or a recursor failed",
            ResponseCode::Refused => "the name is in no zone of the server's, and it has no recursors",
            ResponseCode::FormErr => "the server could not read the question",
            _ => "the server does not answer such questions",
        }
    }
}

fn told(why: &Why) -> Vec<String> {
    let of = |one: &Instance| format!("{} on {}: ", one.id, one.node);
    let id = why.instance.as_ref().map(of).unwrap_or_default();
    why.reasons.iter().map(|reason| format!("{id}{}", reason.detail)).collect()
}

impl Stands {
    /// In words.
    pub(super) fn told(&self) -> String {
        let status = self.status.map(|status| format!(", {}", status.as_str())).unwrap_or_default();
        format!("{} on {}{status}", self.id, self.node)
    }
}

/// Instances in words.
fn listed(found: &[&Instance]) -> String {
    found.iter().map(|one| stands(one).told()).collect::<Vec<_>>().join("; ")
}

fn stands(of: &Instance) -> Stands {
    Stands { id: of.id.clone(), service: of.service.clone(), node: of.node.clone(), status: of.status }
}
