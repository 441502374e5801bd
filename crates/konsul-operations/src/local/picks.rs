//! Choosing among the instances of a service.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use konsul_state::State;
use konsul_types::{CheckStatus, Pairs};
use konsul_watch::Topic;

use super::Inner;
use super::instances::{Select, in_order};
use super::near::Place;
use crate::answer::{Answer, Instance, Picked};
use crate::arguments::{Near, ServicePick};
use crate::balance::{self, Ask, Candidate, Strategy};
use crate::context::Context;
use crate::error::Error;
use crate::filters;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn service_pick(
        &self,
        ctx: &Context,
        args: ServicePick,
    ) -> Result<Answer<Picked>, Error> {
        self.permit(ctx, &Permission::ServiceRead(args.name.as_str()))?;
        let asked = strategy(&args.strategy)?;
        let filter = filters::compile(&args.narrow.filter, &filters::ENTRY)?;
        let datacenter = self.agent.datacenter();
        let select = Select {
            tags: &args.tags,
            node_meta: &args.narrow.node_meta,
            with_checks: true,
            passing: false,
            filter: filter.as_ref(),
            datacenter: &datacenter,
        };
        let topic = || Topic::Service(ctx.namespace.clone(), args.name.folded());
        let answer = self
            .read(ctx, None, topic, |state| {
                let instances = self.instances_of(ctx, state, &args.name, &select);
                let picked = self.pick(ctx, state, &args, asked, instances);
                state.found_service(&ctx.namespace, &args.name, false, picked)
            })
            .await?;
        Ok(Answer { value: answer.value?, meta: answer.meta })
    }

    fn pick(
        &self,
        ctx: &Context,
        state: &State,
        args: &ServicePick,
        asked: Option<Strategy>,
        instances: Vec<Instance>,
    ) -> Result<Picked, Error> {
        let advice = |one: &Instance| one.service.advice.as_ref().map(|advice| advice.strategy.clone());
        let advised: Vec<_> =
            instances.iter().filter_map(|one| Some((one.service.modify_index, advice(one)?))).collect();
        let advised = advised.iter().map(|(index, strategy)| (*index, strategy.as_str()));
        let strategy = Strategy::inherited(asked, advised).map_err(|why| unknown(&why))?;
        let place = strategy.needs_place().then(|| self.caller(state, args.narrow.near.as_ref())).flatten();
        let candidates: Vec<Candidate<'_>> =
            instances.iter().map(|one| candidate(one, place.as_ref())).collect();
        let (region, zone) = stand(&candidates, &args.zone);
        let key = (!args.key.is_empty()).then_some(args.key.as_bytes());
        let turn = if strategy.takes_turns() { self.turn(ctx, args) } else { 0 };
        let ask = Ask { key, turn, region, zone, ..Ask::by(strategy) };
        let mut order = balance::order(&candidates, &ask, &mut konsul_runtime::random::u64);
        order.truncate(args.count);
        Ok(Picked { strategy: strategy.name().to_owned(), instances: in_order(instances, order) })
    }

    /// Nearest to whom nobody says is nearest to this agent.
    fn caller<'a>(&self, state: &'a State, near: Option<&Near>) -> Option<Place<'a>> {
        self.place(state, Some(near.unwrap_or(&Near::Agent)))
    }

    fn turn(&self, ctx: &Context, args: &ServicePick) -> u64 {
        let service = format!("{}/{}", ctx.namespace, args.name.folded());
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).next(&service)
    }
}

fn unknown(why: &balance::UnknownStrategy) -> Error {
    Error::invalid("strategy", why.to_string())
}

fn strategy(name: &str) -> Result<Option<Strategy>, Error> {
    if name.is_empty() { Ok(None) } else { Strategy::of_name(name).map(Some).map_err(|why| unknown(&why)) }
}

fn candidate<'a>(instance: &'a Instance, place: Option<&Place<'_>>) -> Candidate<'a> {
    Candidate {
        distance: place.and_then(|place| place.distance(&instance.node.name)),
        connections: figure(instance, "connections"),
        load: figure(instance, "load"),
        ..Candidate::of(&instance.service, instance.status())
    }
}

/// A figure that an instance reports: as a word `NAME=NUMBER` in what one of its own checks says, which its owner can
/// renew as often as it likes; else as one of its pairs.
fn figure(instance: &Instance, name: &str) -> Option<f64> {
    let own = instance
        .checks
        .iter()
        .filter(|check| check.service.is_some() && check.status != CheckStatus::Critical);
    let in_output = own.flat_map(|check| check.output.split_ascii_whitespace()).find_map(|word| {
        word.strip_prefix(name)?.strip_prefix('=')?.trim_end_matches([',', ';']).parse().ok()
    });
    in_output.or_else(|| pair(&instance.service.meta, name)).filter(|figure: &f64| figure.is_finite())
}

fn pair(meta: &Pairs, name: &str) -> Option<f64> {
    meta.get(name)?.parse().ok()
}

/// Where the caller stands: its region and its zone. A zone without a region is in the one region that has such a zone.
fn stand<'a>(candidates: &[Candidate<'a>], zone: &'a str) -> (&'a str, &'a str) {
    if let Some(stand) = zone.split_once('/') {
        return stand;
    }
    let regions: BTreeSet<&str> =
        candidates.iter().filter(|one| one.zone == zone).map(|one| one.region).collect();
    match (zone, regions.first(), regions.len()) {
        ("", ..) => ("", ""),
        (zone, Some(region), 1) => (region, zone),
        (zone, ..) => ("", zone),
    }
}
