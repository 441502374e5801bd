//! Records of a node.

use std::net::IpAddr;

use super::addresses::Family;
use super::chase::Chased;
use super::{Question, Resolved, Resolver};
use crate::answer::{Answer, Data, Owner, Record, Unit};
use crate::directory::Node;
use crate::text;
use crate::wire::{Name, rtype};

impl Resolver {
    /// The answer to a question for a node.
    pub(crate) async fn node(&self, zone: &Name, node: &Node, question: &Question) -> Resolved {
        let qtype = question.qtype;
        let meta = || node_meta(node, &Owner::Question, self.node_ttl());
        match qtype {
            rtype::A | rtype::AAAA | rtype::ANY | rtype::CNAME => {
                let (units, is_chased) = self.node_units(node, question).await;
                let mut answer = Answer::no_data(zone).with_units(units);
                if qtype == rtype::ANY {
                    let mut units = std::mem::take(&mut answer.units);
                    units.extend(meta().into_iter().map(Unit::new));
                    answer = answer.with_units(units);
                } else if self.settings.additional_node_meta_txt && !answer.units.is_empty() {
                    answer.additional = meta();
                }
                if is_chased { Resolved::once(answer) } else { Resolved::until_changed(answer) }
            }
            rtype::TXT => {
                let additional = self.node_record(node, Family::Any).into_iter().collect();
                Resolved::until_changed(Answer { additional, ..Answer::records(zone, meta()) })
            }
            _ => Resolved::until_changed(Answer::no_data(zone)),
        }
    }

    fn node_record(&self, node: &Node, family: Family) -> Option<Record> {
        let address: IpAddr = self.node_address(node, family).parse().ok()?;
        Some(Record::of_question(self.node_ttl(), Data::Address(address)))
    }

    /// The node's address, or where its host name leads; and whether that was asked for elsewhere.
    async fn node_units(&self, node: &Node, question: &Question) -> (Vec<Unit>, bool) {
        let family = Family::of(question.qtype);
        let address = self.node_address(node, family);
        if address.parse::<IpAddr>().is_ok() {
            let record = self.node_record(node, family).filter(|record| record.data.answers(question.qtype));
            return (record.into_iter().map(Unit::new).collect(), false);
        }
        let Some(host) = Name::from_dotted(address).filter(|host| host.wire().len() > 1) else {
            return (Vec::new(), false);
        };
        let Chased { records, is_foreign } =
            self.follow(&host, Owner::Question, self.node_ttl(), question).await;
        (records.into_iter().map(Unit::new).collect(), is_foreign)
    }
}

/// The metadata of a node as TXT records.
pub(crate) fn node_meta(node: &Node, owner: &Owner, ttl: u32) -> Vec<Record> {
    let of = |(key, value): (&String, &String)| Record {
        owner: owner.clone(),
        ttl,
        data: text::of_pair(key, value),
    };
    node.meta.iter().map(of).collect()
}
