//! Why instances of a service are, or are not, in answers.

use std::sync::Arc;

use konsul_filter::Filter;
use konsul_state::State;
use konsul_types::{
    Check, CheckStatus, GoDuration, Namespace, NodeName, Pairs, Service, ServiceId, ServiceName,
};
use konsul_watch::Topic;

use super::Inner;
use super::instances::Select;
use crate::answer::{Answer, Instance, WhyInstance};
use crate::arguments::ServiceWhy;
use crate::context::Context;
use crate::error::Error;
use crate::filters::{self, EntryView};
use crate::permission::Permission;
use crate::ports::Replica;
use crate::why::{self, Absence, Asked, Code, Explanation, Facts, Reaping, Server, explain, explain_absence};

/// From how old a state on an answer is called old, in milliseconds: what Consul's DNS warns at.
const LAG_MAX_MS: u64 = 5_000;

/// Most ids that are named where another one was asked for.
const IDS_MAX: usize = 10;

impl<R: Replica> Inner<R> {
    /// Whoever may read the service is told of the instances that it sees. Of those that it does not see only an operator
    /// hears, and hears that as the cause.
    pub(crate) async fn service_why(
        &self,
        ctx: &Context,
        args: ServiceWhy,
    ) -> Result<Answer<Vec<WhyInstance>>, Error> {
        if !self.allows(ctx, &Permission::OperatorRead) {
            self.permit(ctx, &Permission::ServiceRead(args.name.as_str()))?;
        }
        let filter = filters::compile(&args.filter, &filters::ENTRY)?;
        let server = self.server();
        let topic = || Topic::Service(ctx.namespace.clone(), args.name.folded());
        self.read(ctx, None, topic, |state| {
            let question = Question { state, args: &args, filter: filter.as_ref(), server };
            state.found_service(&ctx.namespace, &args.name, false, self.explained(ctx, &question))
        })
        .await
    }

    fn server(&self) -> Server {
        let staleness = self.replica.staleness().ok();
        Server {
            ready: staleness.is_some(),
            knows_leader: staleness.is_some_and(|staleness| staleness.known_leader),
            lag_ms: staleness.map_or(0, |staleness| staleness.last_contact_ms),
            lag_max_ms: LAG_MAX_MS,
        }
    }

    fn explained(&self, ctx: &Context, question: &Question<'_>) -> Vec<WhyInstance> {
        let args = question.args;
        let all = self.every_instance(ctx, question.state, &args.name);
        let meant = all.iter().filter(|one| args.id.as_ref().is_none_or(|id| one.service.id == *id));
        let datacenter = self.agent.datacenter();
        let mut told: Vec<WhyInstance> =
            meant.map(|one| self.of_instance(ctx, question, one, &datacenter)).collect();
        let unsynced = self.unsynced(ctx, &args.name, &all);
        let asked_for = |id: &ServiceId| args.id.as_ref().is_none_or(|wanted| wanted == id);
        told.extend(unsynced.iter().filter(|id| asked_for(id)).map(not_synced));
        if told.is_empty() {
            told.push(match &args.id {
                Some(id) if !all.is_empty() => other_id(&args.name, id, &all),
                _ => self.of_nothing(ctx, question),
            });
        }
        told
    }

    /// The instances that whoever asks may be told of.
    fn every_instance(&self, ctx: &Context, state: &State, name: &ServiceName) -> Vec<Instance> {
        let select = Select {
            tags: &[],
            node_meta: &Pairs::default(),
            with_checks: true,
            passing: false,
            filter: None,
            datacenter: "",
        };
        if !self.allows(ctx, &Permission::OperatorRead) {
            return self.instances_of(ctx, state, name, &select);
        }
        let catalog = state.catalog();
        let instance = |service: &Arc<Service>| {
            let checks = catalog.checks_of_node(&service.node).chain(catalog.checks_of(service));
            Some(Instance {
                node: Arc::clone(catalog.node(&service.node)?),
                service: Arc::clone(service),
                checks: checks.cloned().collect(),
            })
        };
        catalog.instances(&ctx.namespace, name).filter_map(instance).collect()
    }

    fn of_instance(
        &self,
        ctx: &Context,
        question: &Question<'_>,
        instance: &Instance,
        datacenter: &str,
    ) -> WhyInstance {
        let tags: Vec<&str> = question.args.tags.iter().map(String::as_str).collect();
        let checks: Vec<&Check> = instance.checks.iter().map(|check| &**check).collect();
        let reaping = question.reaping(instance, self.replica.now().0);
        let facts = Facts {
            asked: question.asked(&tags),
            node: &instance.node,
            service: &instance.service,
            checks: &checks,
            passes_filter: question.filter.is_none_or(|f| f.matches(&EntryView::of(instance, datacenter))),
            permitted: self.may_see(ctx, instance),
            viewer: "who asks",
            place: None,
            server: question.server,
            reaping: reaping.as_ref().map(|(check, left_ms)| Reaping { check, left_ms: *left_ms }),
        };
        told(Some(instance.clone()), question.args.passing, explain(&facts))
    }

    fn may_see(&self, ctx: &Context, instance: &Instance) -> bool {
        let service = Permission::ServiceRead(instance.service.name.as_str());
        self.may_read_node(ctx, &instance.node.name) && self.allows(ctx, &service)
    }

    fn of_nothing(&self, ctx: &Context, question: &Question<'_>) -> WhyInstance {
        let tags: Vec<&str> = question.args.tags.iter().map(String::as_str).collect();
        let known = self.known_services(ctx, question.state);
        let absence = Absence {
            name: question.args.name.as_str(),
            namespace: &ctx.namespace,
            known: &known,
            on_agent: false,
            reaped: None,
            asked: question.asked(&tags),
            server: question.server,
        };
        told(None, question.args.passing, explain_absence(&absence))
    }

    /// The services of all namespaces that may be seen.
    fn known_services(&self, ctx: &Context, state: &State) -> Vec<(Namespace, ServiceName)> {
        let mut known = std::collections::BTreeSet::new();
        for service in state.catalog().services() {
            known.insert((service.namespace.clone(), service.name.folded()));
        }
        let seen = |(namespace, name): &(Namespace, ServiceName)| {
            let there = Context { namespace: namespace.clone(), ..ctx.clone() };
            self.allows(&there, &Permission::ServiceRead(name.as_str()))
        };
        known.into_iter().filter(seen).collect()
    }

    /// Instances that the agent has and the catalogue has not.
    fn unsynced(&self, ctx: &Context, name: &ServiceName, found: &[Instance]) -> Vec<ServiceId> {
        let here: NodeName = self.agent.node_name();
        let is_found = |service: &Service| {
            let same =
                |one: &Instance| one.service.id == service.id && one.node.name.folded() == here.folded();
            found.iter().any(same)
        };
        let kept =
            self.agent.registry().map(|registry| registry.services(&ctx.namespace)).unwrap_or_default();
        let missing = kept.iter().filter(|one| one.name.folded() == name.folded() && !is_found(one));
        missing.map(|one| one.id.clone()).collect()
    }
}

/// What is asked, and of what.
struct Question<'a> {
    state: &'a State,
    args: &'a ServiceWhy,
    filter: Option<&'a Filter>,
    server: Server,
}

impl Question<'_> {
    fn asked<'t>(&'t self, tags: &'t [&'t str]) -> Asked<'t> {
        Asked {
            tags,
            filter: (!self.args.filter.is_empty()).then_some(self.args.filter.as_str()),
            dns_only_passing: false,
            dns_limit: None,
            dns_allow_stale: true,
            http_stale: false,
        }
    }

    /// The check that will have an instance deregistered first, and in how many milliseconds.
    fn reaping(&self, instance: &Instance, now_ms: u64) -> Option<(String, u64)> {
        let critical = instance
            .checks
            .iter()
            .filter(|check| check.service.is_some() && check.status == CheckStatus::Critical);
        let left = |check: &Arc<Check>| {
            let after = deregister_after_ms(check)?;
            let kept = self.state.catalog().transitions(&check.node, &check.namespace, &check.id)?;
            let end = kept.last()?.at.0.saturating_add(after);
            Some((end.saturating_sub(now_ms), check.id.to_string()))
        };
        critical.filter_map(left).min().map(|(left_ms, check)| (check, left_ms))
    }
}

/// What a check's definition says of it.
fn deregister_after_ms(check: &Check) -> Option<u64> {
    let definition: serde_json::Value = serde_json::from_str(&check.about.as_ref()?.definition).ok()?;
    let after: GoDuration = definition["DeregisterCriticalServiceAfter"].as_str()?.parse().ok()?;
    Some(after.as_millis()).filter(|after| *after > 0)
}

fn told(instance: Option<Instance>, passing: bool, why: Explanation) -> WhyInstance {
    let health = if passing { why::Answer::HealthPassing } else { why::Answer::Health };
    WhyInstance {
        // A name without instances is in no answer, whatever else is so.
        in_dns: instance.is_some() && why.is_in(why::Answer::Dns),
        in_health: instance.is_some() && why.is_in(health),
        instance,
        reasons: why.reasons.into_iter().map(|reason| (reason.code.name(), reason.sentence)).collect(),
    }
}

fn absent(code: Code, sentence: String) -> WhyInstance {
    WhyInstance { instance: None, in_dns: false, in_health: false, reasons: vec![(code.name(), sentence)] }
}

fn not_synced(id: &ServiceId) -> WhyInstance {
    let sentence = format!(
        "the agent has instance '{id}' registered, and the catalogue does not have it yet: it is written when a server \
         answers, and refused if the agent's token does not allow it"
    );
    absent(Code::NotSynced, sentence)
}

fn other_id(name: &ServiceName, id: &ServiceId, all: &[Instance]) -> WhyInstance {
    let ids: Vec<&str> = all.iter().map(|one| one.service.id.as_str()).take(IDS_MAX).collect();
    let sentence = format!("no instance of '{name}' has the id '{id}'; there are: {}", ids.join(", "));
    absent(Code::NotRegistered, sentence)
}
