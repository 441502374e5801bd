//! An [`Answer`] becomes bytes for one question: order, counts, sizes.
//!
//! What is left out, in this order: authority, extra records, then answers from the end together with the addresses they
//! bring along. An answer is whole or not there: where not even one fits, the message is empty and has TC.

use smallvec::SmallVec;

use konsul_runtime::random;

use crate::answer::{Answer, Authority, Data, Owner, Record, Unit};
use crate::directory::Order;
use crate::settings::{Settings, seconds};
use crate::wire::{Edns, Head, OutName, POINTER_MAX, Query, Rcode, Writer, rtype, write_cookie};

/// Most answers over UDP without EDNS0, whatever the settings say.
const PLAIN_ANSWERS_MAX: usize = 8;
/// Most answers over TCP, and most of them if they are SRV.
const TCP_ANSWERS_MAX: usize = 4096;
const TCP_SRV_MAX: usize = 1024;
/// What one message over TCP can hold, less a little for what is added on the way.
const TCP_BYTES_MAX: usize = 65_523;
/// A datagram without EDNS0.
pub(crate) const PLAIN_BYTES: usize = 512;

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// On a connection.
    Tcp,
}

/// What all answers of a moment have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rendering<'s> {
    pub(crate) settings: &'s Settings,
    pub(crate) transport: Transport,
    /// Seconds since 1970: the serial number of the zone.
    pub(crate) seconds: u32,
    /// The cookie for the client.
    pub(crate) cookie: Option<[u8; 24]>,
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// Something was left out.
    pub(crate) is_cut: bool,
}

/// Most bytes of an answer to a question.
pub(crate) fn bytes_max(query: &Query<'_>, transport: Transport, settings: &Settings) -> usize {
    match (transport, &query.edns) {
        (Transport::Tcp, _) => TCP_BYTES_MAX,
        (Transport::Udp, None) => PLAIN_BYTES,
        (Transport::Udp, Some(edns)) => {
            usize::from(edns.size).clamp(PLAIN_BYTES, settings.limits.udp_bytes.max(PLAIN_BYTES))
        }
    }
}

impl Rendering<'_> {
    fn head(&self, rcode: Rcode, authoritative: bool) -> Head {
        let recursion = !self.settings.recursors.is_empty();
        Head { rcode, authoritative, recursion, truncated: false }
    }

    /// Writes an answer without records.
    pub(crate) fn empty(&self, query: &Query<'_>, rcode: Rcode, truncated: bool, out: &mut Vec<u8>) {
        let head = Head { truncated, ..self.head(rcode, false) };
        let mut writer = Writer::new(query, head, true, out);
        if let Some(edns) = &query.edns {
            self.opt(&mut writer, edns, rcode, 0);
            writer.count(3, 1);
        }
    }

    /// Writes an answer.
    pub(crate) fn answer(&self, query: &Query<'_>, answer: &Answer, out: &mut Vec<u8>) -> Rendered {
        // A failure is nobody's word on what there is.
        let head = self.head(answer.rcode, answer.rcode != Rcode::ServFail);
        let compress = !self.settings.disable_compression;
        let mut writer = Writer::new(query, head, compress, out);
        let opt_bytes = query.edns.as_ref().map_or(0, |edns| opt_bytes(edns, self.cookie.is_some()));
        let room = bytes_max(query, self.transport, self.settings).saturating_sub(opt_bytes);
        let chosen = self.choose(query, answer, &mut writer, room);
        for (section, records) in [(1, chosen.answers), (2, chosen.authorities)] {
            writer.count(section, records);
        }
        let is_cut = chosen.is_cut;
        if is_cut && (self.settings.enable_truncate || chosen.answers == 0) {
            writer.truncated();
        }
        let mut additionals = chosen.additionals;
        if let Some(edns) = &query.edns {
            let is_for_subnet = answer.is_for_subnet && answer.rcode == Rcode::NoError;
            let scope = edns.subnet.filter(|_| is_for_subnet).map_or(0, |subnet| subnet.prefix);
            self.opt(&mut writer, edns, answer.rcode, scope);
            additionals += 1;
        }
        writer.count(3, additionals);
        Rendered { is_cut }
    }

    /// Most units of an answer by count, and whether leaving more out counts as cutting.
    fn counts(&self, query: &Query<'_>, answer: &Answer) -> (usize, usize) {
        let is_address =
            answer.units.first().is_some_and(|unit| matches!(unit.record.data, Data::Address(_)));
        let asked = match self.settings.a_record_limit {
            limit if limit > 0 && is_address => answer.units.len().min(limit),
            _ => answer.units.len(),
        };
        let most = match self.transport {
            Transport::Udp if query.edns.is_none() => {
                self.settings.udp_answer_limit.clamp(1, PLAIN_ANSWERS_MAX)
            }
            Transport::Udp => usize::MAX,
            Transport::Tcp if answer.is_srv => TCP_SRV_MAX,
            Transport::Tcp => TCP_ANSWERS_MAX,
        };
        (asked, most.min(asked))
    }

    fn choose(&self, query: &Query<'_>, answer: &Answer, writer: &mut Writer<'_>, room: usize) -> Chosen {
        let (asked, most) = self.counts(query, answer);
        let order = order_of(answer, most);
        let begin = writer.len();
        // Clients pair addresses with SRV records one to one, so that a target of several has its address several times,
        // as in Consul; where that does not fit, those that share a target share its address.
        let mut taken = self.take(query, answer, &order, writer, room, false);
        if taken.is_cut && answer.shares_targets {
            writer.cut(begin);
            taken = self.take(query, answer, &order, writer, room, true);
        }
        let Taken { sent, reserved, is_cut } = taken;
        let mut chosen =
            Chosen { answers: sent.len() as u16, is_cut: is_cut || most < asked, ..Chosen::default() };
        self.write_authority(answer, writer, room.saturating_sub(reserved), &mut chosen);
        for one in &sent {
            let glue = one.unit.glue().iter().filter(|_| one.has_glue);
            for record in glue.chain(one.unit.extra().iter().filter(|_| one.has_extra)) {
                self.write(writer, record, one.target.map(|at| (at, one.unit)));
                chosen.additionals += 1;
            }
        }
        self.write_while(&answer.additional, writer, room, &mut chosen.additionals);
        chosen
    }

    /// Writes as many units as fit together with what they bring along, which is written after the last of them.
    fn take<'a>(
        &self,
        query: &Query<'_>,
        answer: &'a Answer,
        order: &[u16],
        writer: &mut Writer<'_>,
        room: usize,
        share_glue: bool,
    ) -> Taken<'a> {
        let mut taken = Taken::default();
        for at in order {
            let unit = &answer.units[usize::from(*at)];
            let before = writer.len();
            let target = self.write(writer, &unit.record, None);
            let is_known =
                answer.shares_targets && taken.sent.iter().any(|other| other.unit.target == unit.target);
            let (has_glue, wants_extra) = (!(is_known && share_glue), !is_known);
            let cost = |records, wanted| if wanted { self.cost(query, records, target, unit) } else { 0 };
            let (glue, extra) = (cost(unit.glue(), has_glue), cost(unit.extra(), wants_extra));
            let used = writer.len() + taken.reserved + glue;
            let with_extra = used + extra <= room;
            if used > room {
                writer.cut(before);
                taken.is_cut = true;
                break;
            }
            taken.reserved += glue + if with_extra { extra } else { 0 };
            taken.sent.push(Sent { unit, target, has_glue, has_extra: wants_extra && with_extra });
        }
        taken
    }

    fn write_authority(&self, answer: &Answer, writer: &mut Writer<'_>, room: usize, chosen: &mut Chosen) {
        let soa;
        let records: &[Record] = match &answer.authority {
            Authority::None => &[],
            Authority::Soa => {
                soa = [Record::of(&answer.zone, seconds(self.settings.soa.min_ttl), Data::Soa)];
                &soa
            }
            Authority::Records(records) => records,
        };
        self.write_while(records, writer, room, &mut chosen.authorities);
    }

    /// Writes records until one does not fit.
    fn write_while(&self, records: &[Record], writer: &mut Writer<'_>, room: usize, count: &mut u16) {
        for record in records {
            let before = writer.len();
            self.write(writer, record, None);
            if writer.len() > room {
                return writer.cut(before);
            }
            *count += 1;
        }
    }

    /// Writes a record; answers where the target of an SRV record stands.
    fn write(&self, writer: &mut Writer<'_>, record: &Record, by: Option<(usize, &Unit)>) -> Option<usize> {
        let owner = match (&record.owner, by) {
            (Owner::Question, _) => OutName::Question,
            (Owner::Name(name), _) => OutName::Full(name.wire()),
            (Owner::Target, Some((at, unit))) => OutName::At(at, target_of(unit)),
            (Owner::Target, None) => OutName::Question,
        };
        let mut target = None;
        writer.record(owner, record.data.rtype(), record.ttl, |writer| match &record.data {
            Data::Address(address) => writer.address(*address),
            Data::Srv { weight, port, target: name } => {
                [1, *weight, *port].into_iter().for_each(|number| writer.u16(number));
                target = Some(writer.plain_name(name.wire()));
            }
            Data::Txt(strings) => writer.bytes(strings),
            Data::Cname(name) | Data::Ns(name) | Data::Ptr(name) => writer.name(OutName::Full(name.wire())),
            Data::Soa => self.soa(writer, &record.owner),
        });
        target
    }

    fn soa(&self, writer: &mut Writer<'_>, owner: &Owner) {
        let zone = match owner {
            Owner::Name(zone) => zone.wire(),
            Owner::Question | Owner::Target => &[0],
        };
        let under = |label: &[u8]| [&[label.len() as u8], label, zone].concat();
        writer.name(OutName::Full(&under(b"ns")));
        writer.name(OutName::Full(&under(b"hostmaster")));
        let soa = &self.settings.soa;
        writer.u32(self.seconds);
        [soa.refresh, soa.retry, soa.expire, soa.min_ttl]
            .into_iter()
            .for_each(|time| writer.u32(seconds(time)));
    }

    /// Bytes that records take at most.
    fn cost(&self, query: &Query<'_>, records: &[Record], target: Option<usize>, unit: &Unit) -> usize {
        let compress = !self.settings.disable_compression;
        let can_point = compress && target.is_some_and(|at| at <= POINTER_MAX);
        let of = |record: &Record| {
            let owner = match &record.owner {
                Owner::Name(name) => name.wire().len(),
                Owner::Question if compress => 2,
                Owner::Question => query.name().len(),
                Owner::Target if can_point => 2,
                Owner::Target => target_of(unit).len(),
            };
            let data = match &record.data {
                Data::Address(std::net::IpAddr::V4(_)) => 4,
                Data::Address(std::net::IpAddr::V6(_)) => 16,
                Data::Txt(strings) => strings.len(),
                Data::Srv { target, .. } => 6 + target.wire().len(),
                Data::Cname(name) | Data::Ns(name) | Data::Ptr(name) => name.wire().len(),
                Data::Soa => 2 * 255 + 20,
            };
            owner + 10 + data
        };
        records.iter().map(of).sum()
    }

    fn opt(&self, writer: &mut Writer<'_>, edns: &Edns, rcode: Rcode, scope: u8) {
        let mut options = Vec::new();
        if let Some(subnet) = &edns.subnet {
            subnet.write(scope, &mut options);
        }
        if let Some(cookie) = &self.cookie {
            write_cookie(cookie, &mut options);
        }
        writer.bytes(&[0]);
        writer.u16(rtype::OPT);
        writer.u16(edns.size.max(PLAIN_BYTES as u16));
        writer.u32(u32::from(rcode.number() >> 4) << 24);
        writer.u16(options.len() as u16);
        writer.bytes(&options);
    }
}

fn opt_bytes(edns: &Edns, has_cookie: bool) -> usize {
    let subnet = edns.subnet.map_or(0, |subnet| 8 + usize::from(subnet.prefix.div_ceil(8)));
    11 + subnet + if has_cookie { 4 + 24 } else { 0 }
}

fn target_of(unit: &Unit) -> &[u8] {
    match &unit.record.data {
        Data::Srv { target, .. } | Data::Cname(target) => target.wire(),
        _ => &[0],
    }
}

#[derive(Default)]
struct Chosen {
    answers: u16,
    authorities: u16,
    additionals: u16,
    is_cut: bool,
}

/// What was written, before what it brings along.
#[derive(Default)]
struct Taken<'a> {
    sent: SmallVec<[Sent<'a>; 16]>,
    /// Bytes of what it brings along.
    reserved: usize,
    is_cut: bool,
}

struct Sent<'a> {
    unit: &'a Unit,
    target: Option<usize>,
    has_glue: bool,
    has_extra: bool,
}

/// The first `most` units in the order in which they go out.
fn order_of(answer: &Answer, most: usize) -> SmallVec<[u16; 64]> {
    let all = answer.units.len().min(usize::from(u16::MAX));
    let mut order: SmallVec<[u16; 64]> = (0..all as u16).collect();
    match answer.order {
        Order::Given => {}
        Order::Shuffled => shuffle(&mut order, most),
        Order::Weighted => shuffle_by_weight(&answer.units, &mut order),
    }
    order.truncate(most);
    order
}

/// Makes the first `most` a random choice in random order (Fisher and Yates).
fn shuffle(order: &mut [u16], most: usize) {
    if order.len() < 2 {
        return;
    }
    let mut dice = Dice(random::u64());
    for at in 0..most.min(order.len() - 1) {
        order.swap(at, at + dice.below(order.len() - at));
    }
}

/// Sorts by `-ln(u)/w` with `u` drawn for each: the order of draws without putting back, each in proportion to the
/// weights of what is left (Efraimidis and Spirakis, 2006).
fn shuffle_by_weight(units: &[Unit], order: &mut [u16]) {
    let mut dice = Dice(random::u64());
    let mut keys: SmallVec<[(f64, u16); 64]> = order
        .iter()
        .map(|at| {
            let unit = ((dice.next() >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
            (-unit.ln() / f64::from(units[usize::from(*at)].weight).max(1e-9), *at)
        })
        .collect();
    keys.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    order.iter_mut().zip(&keys).for_each(|(place, (_, at))| *place = *at);
}

/// A quick generator for one answer, from a seed that cannot be guessed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
