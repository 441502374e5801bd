//! [`Registry`]: the port [`LocalRegistry`], over what is held, the journal, the running checks and the synchroniser.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_checks::{
    CheckKey as RunKey, Checks, Event, FlapRule, Initial, Machine, Reach, Rules, Settings, UpdateError,
};
use konsul_config::Config;
use konsul_operations::ports::{LocalRegistry, Replica as _};
use konsul_operations::{Error, Reply};
use konsul_replica::ServerReplica;
use konsul_runtime::JoinHandle;
use konsul_runtime::spawn;
use konsul_runtime::sync::{Notify, mpsc, watch};
use konsul_runtime::time::{self, Duration};
use konsul_types::node::{NODE_MAINTENANCE, SERVICE_MAINTENANCE};
use konsul_types::service::SERVERS_SERVICE;
use konsul_types::{
    Check, CheckDefinition, CheckId, CheckKind, CheckStatus, Locality, Namespace, Node, Service,
    ServiceDefinition, ServiceId, ServiceKind, ServiceName, Weights,
};
use smol_str::SmolStr;

use super::files::{self, Defined};
use super::held::{CheckKey, Held, HeldCheck, HeldService, ServiceKey, Source};
use super::journal::{Entry, Journal, Kept};
use super::targets::CatalogTargets;
use super::{records, sync};
use crate::about::SERVER_PORT;

/// How long a registration waits for the catalogue before it is answered without it.
const SYNC_WAIT: Duration = Duration::from_secs(5);

/// What the registry needs to know.
pub(crate) struct RegistryOptions {
    /// The node's own record.
    pub(crate) node: Node,
    /// Where registrations are kept; `None` for nowhere.
    pub(crate) dir: Option<PathBuf>,
}

/// The agent's registrations.
pub(crate) struct Registry {
    pub(super) shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

pub(super) struct Shared {
    pub(super) node: Node,
    pub(super) replica: Arc<ServerReplica>,
    held: Mutex<Held>,
    journal: Option<Journal>,
    pub(super) checks: Checks,
    /// Something is marked.
    pub(super) marked: Notify,
    /// Up to which version the catalogue was told, or an attempt was made.
    pub(super) synced: watch::Sender<u64>,
    scripts: Mutex<Scripts>,
    /// Most bytes of output of a check that says nothing of that.
    output_max: usize,
    /// Where an instance stands that says nothing of that.
    pub(super) locality: Option<Locality>,
}

/// Who may register checks that run programs.
#[derive(Debug, Clone, Copy, Default)]
struct Scripts {
    /// Whoever reaches the API.
    remote: bool,
}

impl Registry {
    /// Begins with what the files define and the disk has kept. Checks begin to run; the catalogue hears of it once
    /// somebody leads.
    pub(crate) fn start(
        options: RegistryOptions,
        config: &Config,
        replica: Arc<ServerReplica>,
    ) -> Result<Registry, String> {
        let (journal, kept) = match &options.dir {
            Some(dir) => {
                let (journal, kept) = Journal::open(dir)?;
                (Some(journal), kept)
            }
            None => (None, Kept::default()),
        };
        let targets = CatalogTargets { replica: replica.clone(), node: options.node.name.clone() };
        let (checks, events) =
            Checks::start(&check_settings(config), Arc::new(machine(config)), Arc::new(targets));
        let shared = Arc::new(Shared {
            node: options.node,
            replica,
            held: Mutex::default(),
            journal,
            checks,
            marked: Notify::new(),
            synced: watch::channel(0).0,
            scripts: Mutex::new(Scripts { remote: config.allows_script_checks(false) }),
            output_max: config.check_output_bytes(),
            locality: locality(config),
        });
        shared.begin(&kept, config)?;
        let tasks = [spawn(sync::run(shared.clone())), spawn(hear(shared.clone(), events))];
        Ok(Registry { shared, tasks })
    }

    /// Puts what new files define in place of what the old ones did, and new rules in force.
    pub(crate) fn reload(&self, config: &Config) -> Result<(), String> {
        let defined = Defined::of(config)?;
        self.shared.scripts.lock().unwrap_or_else(PoisonError::into_inner).remote =
            config.allows_script_checks(false);
        self.shared.checks.set_rules(rules(config));
        self.shared.define(&defined);
        Ok(())
    }

    /// Figures of the running checks.
    pub(crate) fn stats(&self) -> konsul_checks::Stats {
        self.shared.checks.stats()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("checks", &self.shared.checks).finish_non_exhaustive()
    }
}

impl Registry {
    /// Hears and tells nothing any more.
    pub(crate) fn stop(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

fn check_settings(config: &Config) -> Settings {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Settings {
        checks_max: size(config.check_config.max_checks),
        running_max: size(config.check_config.max_concurrent),
        processes_max: size(config.check_config.max_processes),
        rules: rules(config),
        ..Settings::default()
    }
}

fn rules(config: &Config) -> Rules {
    Rules {
        output_every: config.check_update_interval.to_std(),
        discard_output: config.discard_check_output,
        flaps: flaps(config),
    }
}

/// When a check counts as flapping; never with `flap_changes` at zero.
fn flaps(config: &Config) -> Option<FlapRule> {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    (config.check_config.flap_changes > 0).then(|| FlapRule {
        changes: small(config.check_config.flap_changes),
        runs: small(config.check_config.flap_runs),
        steady: small(config.check_config.flap_steady),
    })
}

/// Where this node stands, if that is configured.
fn locality(config: &Config) -> Option<Locality> {
    let part = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
    let place = Locality { region: part(&config.locality.region), zone: part(&config.locality.zone) };
    (place != Locality::default()).then_some(place)
}

fn machine(config: &Config) -> Machine {
    let reach = Reach {
        redirects: config.check_config.allow_redirects,
        link_local: config.check_config.allow_link_local,
    };
    Machine { reach, ..Machine::default() }
}

/// The service that stands for the servers themselves, as Consul's do.
fn own_service() -> ServiceDefinition {
    ServiceDefinition {
        id: ServiceId::new(SERVERS_SERVICE).expect("a fixed, good id"),
        name: ServiceName::new(SERVERS_SERVICE).expect("a fixed, good name"),
        namespace: Namespace::default_namespace(),
        kind: ServiceKind::Typical,
        tags: konsul_types::Tags::default(),
        address: String::new(),
        port: SERVER_PORT,
        socket_path: String::new(),
        tagged_addresses: Vec::new(),
        meta: konsul_types::Pairs::default(),
        weights: Weights::default(),
        enable_tag_override: false,
        connect_native: false,
        proxy: None,
        locality: None,
        advice: None,
        checks: Vec::new(),
    }
}

/// Takes what the checks report.
async fn hear(shared: Arc<Shared>, mut events: mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        match event {
            Event::Report(report) => {
                let key = (report.key.namespace, report.key.id);
                if shared.held().result(&key, report.status, &report.output) {
                    shared.marked.notify_one();
                }
            }
            Event::Deregister { key, critical_since } => {
                shared.reap(&(key.namespace, key.id), critical_since).await;
            }
        }
    }
}

impl Shared {
    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, kept: &Kept, config: &Config) -> Result<(), String> {
        let defined = Defined::of(config)?;
        let mut held = self.held();
        let own = own_service();
        let key = (own.namespace.clone(), own.id.clone());
        held.put_service(key, self.service(&own, Source::Own));
        for (key, definition) in &kept.services {
            held.put_service(key.clone(), self.service(definition, Source::Http));
        }
        for (key, definition) in &kept.checks {
            let of = definition.service.clone().and_then(|id| held.services.get(&(key.0.clone(), id)));
            let of = of.map(|of| Arc::clone(&of.definition));
            held.put_check(key.clone(), records::held(definition, of.as_deref(), Source::Http));
        }
        for (key, reason) in &kept.maintenance {
            held.put_check(key.clone(), maintenance_check(key, reason));
        }
        drop(held);
        self.define(&defined);
        self.held().begun();
        let keys: Vec<CheckKey> = self.held().checks.keys().cloned().collect();
        keys.iter().for_each(|key| self.run_check(key));
        Ok(())
    }

    fn service(&self, definition: &ServiceDefinition, source: Source) -> HeldService {
        let mut record = records::service(&self.node.name, definition);
        if record.locality.is_none() {
            record.locality = self.locality.clone().map(Box::new);
        }
        HeldService { record: Arc::new(record), definition: Arc::new(definition.clone()), source }
    }

    fn define(&self, defined: &Defined) {
        let replaced =
            files::replace(&mut self.held(), &|definition| self.service(definition, Source::File), defined);
        replaced.gone.iter().for_each(|key| self.stop_check(key));
        replaced.added.iter().for_each(|key| self.run_check(key));
        self.marked.notify_one();
    }

    /// Runs a held check, if there is anything to run. A new one begins with what the catalogue knows of it.
    fn run_check(&self, key: &CheckKey) {
        let Some(definition) = self.held().checks.get(key).and_then(|check| check.definition.clone()) else {
            return;
        };
        let Some(mut wanted) = konsul_checks::Definition::wanted(&definition, &key.0) else { return };
        if wanted.output_max == 0 {
            wanted.output_max = self.output_max;
        }
        for adjustment in wanted.adjustments() {
            tracing::warn!(check = %key.1, %adjustment, "a check does not run quite as it was defined");
        }
        let initial = self.initial(key, &definition);
        let (status, output) = (initial.status, initial.output.clone());
        // Held all the while, so that its first report, which may come at once, is not followed by how it began.
        let mut held = self.held();
        match self.checks.add(run_key(key), wanted, initial) {
            Ok(konsul_checks::Added::New) => drop(held.result(key, status, &output)),
            Ok(_) => {}
            Err(why) => {
                tracing::error!(check = %key.1, %why, "a check does not run");
                held.result(key, CheckStatus::Critical, &why.to_string());
            }
        }
    }

    fn initial(&self, key: &CheckKey, definition: &CheckDefinition) -> Initial {
        let state = self.replica.state();
        let known = state.catalog().check_of(&self.node.name, &key.0, &key.1);
        match known.filter(|known| known.owner == konsul_types::Owner::Agent) {
            Some(known) => {
                Initial { status: known.status, output: known.output.as_str().into(), ..Initial::default() }
            }
            None => Initial::status(definition.status.unwrap_or(CheckStatus::Critical)),
        }
    }

    fn stop_check(&self, key: &CheckKey) {
        self.checks.remove(&run_key(key));
    }

    async fn keep(&self, entries: &[Entry]) -> Result<(), Error> {
        match &self.journal {
            Some(journal) => journal.append(entries).await.map_err(Error::Internal),
            None => Ok(()),
        }
    }

    /// Waits until the synchroniser has tried with everything that is held now, but not for ever.
    async fn synchronised(&self) {
        let version = self.held().version;
        self.marked.notify_one();
        let mut synced = self.synced.subscribe();
        let reached = async {
            while *synced.borrow_and_update() < version {
                if synced.changed().await.is_err() {
                    return;
                }
            }
        };
        if time::timeout(SYNC_WAIT, reached).await.is_err() {
            tracing::warn!("a registration stands, and the catalogue has not heard of it yet");
        }
    }

    /// A check has been critical for too long: its instance goes.
    async fn reap(&self, key: &CheckKey, critical_since: konsul_types::Millis) {
        let of = self.held().checks.get(key).and_then(|check| check.service.clone());
        let Some(id) = of else { return };
        tracing::info!(check = %key.1, service = %id, %critical_since,
            "a check has been critical for too long: its service is deregistered");
        if let Err(why) = self.remove_service(&(key.0.clone(), id)).await {
            tracing::warn!(%why, "the service could not be deregistered");
        }
    }

    async fn remove_service(&self, key: &ServiceKey) -> Result<(), Error> {
        let checks: Vec<CheckKey> = {
            let held = self.held();
            if !held.services.contains_key(key) {
                return Err(Error::ServiceNotFound(key.1.to_string()));
            }
            held.checks_of(key).cloned().collect()
        };
        let mut entries = vec![Entry::ServiceGone(key.clone())];
        entries.extend(checks.iter().cloned().map(Entry::CheckGone));
        self.keep(&entries).await?;
        let gone = self.held().remove_service(key).unwrap_or_default();
        gone.iter().for_each(|check| self.stop_check(check));
        self.synchronised().await;
        Ok(())
    }

    async fn add_service(&self, definition: ServiceDefinition, replace: bool) -> Result<(), Error> {
        let named = files::checks_of(&definition).map_err(|why| Error::invalid("check", why))?;
        named.iter().try_for_each(|(_, check)| self.may_run(check))?;
        let key = (definition.namespace.clone(), definition.id.clone());
        // Its checks are kept apart, so that one that comes later is kept like them.
        let plain = ServiceDefinition { checks: Vec::new(), ..definition };
        let unnamed: Vec<CheckKey> = {
            let held = self.held();
            let is_named = |id: &CheckId| named.iter().any(|(named, _)| named == id);
            held.checks_of(&key).filter(|check| replace && !is_named(&check.1)).cloned().collect()
        };
        let mut entries = vec![Entry::Service(key.clone(), Box::new(plain.clone()))];
        for (id, check) in &named {
            let check = CheckDefinition { service: Some(key.1.clone()), ..check.clone() };
            entries.push(Entry::Check((key.0.clone(), id.clone()), Box::new(check)));
        }
        entries.extend(unnamed.iter().cloned().map(Entry::CheckGone));
        self.keep(&entries).await?;
        self.hold_service(&key, &plain, &named, &unnamed);
        unnamed.iter().for_each(|check| self.stop_check(check));
        named.iter().for_each(|(id, _)| self.run_check(&(key.0.clone(), id.clone())));
        self.synchronised().await;
        Ok(())
    }

    /// Holds an instance with the checks that were named, without those that are to go.
    fn hold_service(
        &self,
        key: &ServiceKey,
        definition: &ServiceDefinition,
        named: &[(CheckId, CheckDefinition)],
        gone: &[CheckKey],
    ) {
        let mut held = self.held();
        held.put_service(key.clone(), self.service(definition, Source::Http));
        for check in gone {
            held.remove_check(check);
        }
        for (id, check) in named {
            let check = records::held(check, Some(definition), Source::Http);
            held.put_check_again((key.0.clone(), id.clone()), check);
        }
    }

    /// Refuses programs from afar unless they are allowed, and definitions that cannot be run.
    fn may_run(&self, check: &CheckDefinition) -> Result<(), Error> {
        check.validate().map_err(|why| Error::invalid("check", format!("Invalid check: {why}")))?;
        let runs_program = matches!(check.kind(), Some(CheckKind::Script | CheckKind::Docker));
        let allowed = self.scripts.lock().unwrap_or_else(PoisonError::into_inner).remote;
        if runs_program && !allowed {
            return Err(Error::invalid(
                "check",
                "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true",
            ));
        }
        Ok(())
    }

    async fn add_check(&self, definition: CheckDefinition) -> Result<(), Error> {
        self.may_run(&definition)?;
        let namespace = definition.namespace.clone().unwrap_or_else(Namespace::default_namespace);
        let id = CheckId::new(definition.id_in(None, 1, 1))
            .map_err(|why| Error::invalid("check", why.to_string()))?;
        let key = (namespace, id);
        let of = match &definition.service {
            None => None,
            Some(id) => {
                let of =
                    self.held().services.get(&(key.0.clone(), id.clone())).map(|of| of.definition.clone());
                Some(of.ok_or_else(|| Error::ServiceNotFound(id.to_string()))?)
            }
        };
        self.keep(&[Entry::Check(key.clone(), Box::new(definition.clone()))]).await?;
        let check = records::held(&definition, of.as_deref(), Source::Http);
        self.held().put_check_again(key.clone(), check);
        self.run_check(&key);
        self.synchronised().await;
        Ok(())
    }

    async fn remove_check(&self, key: CheckKey) -> Result<(), Error> {
        if !self.held().checks.contains_key(&key) {
            return Err(Error::CheckNotFound(key.1.to_string()));
        }
        self.keep(&[Entry::CheckGone(key.clone())]).await?;
        self.held().remove_check(&key);
        self.stop_check(&key);
        self.synchronised().await;
        Ok(())
    }

    async fn update(&self, key: CheckKey, status: CheckStatus, output: String) -> Result<(), Error> {
        self.checks.update(&run_key(&key), status, &output).map_err(|why| match why {
            // One that is held and does not run puts into maintenance.
            UpdateError::Unknown { .. } if self.held().checks.contains_key(&key) => {
                Error::NotTtlCheck(key.1.to_string())
            }
            UpdateError::Unknown { .. } => Error::CheckNotFound(key.1.to_string()),
            UpdateError::NotTtl { .. } => Error::NotTtlCheck(key.1.to_string()),
        })?;
        // What changes callers' answers is told before the update is answered; output alone goes its own, slower way.
        let view = self.checks.view(&run_key(&key));
        let changed = match (view, self.held().checks.get(&key)) {
            (Some(view), Some(held)) => (view.status != held.status).then_some(view),
            _ => None,
        };
        if let Some(view) = changed {
            self.held().result(&key, view.status, &view.output);
            self.synchronised().await;
        }
        Ok(())
    }

    async fn maintain(&self, service: Option<ServiceKey>, enable: bool, reason: String) -> Result<(), Error> {
        if let Some(service) = &service
            && !self.held().services.contains_key(service)
        {
            return Err(Error::ServiceNotFound(service.1.to_string()));
        }
        let key = maintenance_key(service.as_ref())?;
        match (enable, self.held().checks.contains_key(&key)) {
            (true, true) | (false, false) => return Ok(()),
            _ => {}
        }
        if !enable {
            return self.remove_check(key).await;
        }
        let reason = if reason.is_empty() { default_reason(service.is_some()) } else { reason };
        self.keep(&[Entry::Maintenance(key.clone(), reason.clone())]).await?;
        self.held().put_check(key.clone(), maintenance_check(&key, &reason));
        self.synchronised().await;
        Ok(())
    }
}

fn run_key(key: &CheckKey) -> RunKey {
    RunKey { namespace: key.0.clone(), id: key.1.clone() }
}

fn maintenance_key(service: Option<&ServiceKey>) -> Result<CheckKey, Error> {
    let (namespace, id) = match service {
        Some((namespace, id)) => (namespace.clone(), format!("{SERVICE_MAINTENANCE}{id}")),
        None => (Namespace::default_namespace(), NODE_MAINTENANCE.to_owned()),
    };
    let id = CheckId::new(id).map_err(|why| Error::invalid("service", why.to_string()))?;
    Ok((namespace, id))
}

/// Consul's words.
fn default_reason(service: bool) -> String {
    let what = if service { "this service" } else { "this node" };
    format!("Maintenance mode is enabled for {what}, but no reason was provided. This is a default message.")
}

fn maintenance_check(key: &CheckKey, reason: &str) -> HeldCheck {
    let service = key.1.as_str().strip_prefix(SERVICE_MAINTENANCE).and_then(|id| ServiceId::new(id).ok());
    let name = if service.is_some() { "Service Maintenance Mode" } else { "Node Maintenance Mode" };
    HeldCheck {
        definition: None,
        service,
        name: SmolStr::new_static(name),
        notes: reason.into(),
        status: CheckStatus::Critical,
        output: SmolStr::default(),
        source: Source::Http,
    }
}

impl LocalRegistry for Registry {
    fn register_service(&self, definition: ServiceDefinition, replace_checks: bool) -> Reply<'_, ()> {
        Box::pin(self.shared.add_service(definition, replace_checks))
    }

    fn deregister_service(&self, namespace: Namespace, id: ServiceId) -> Reply<'_, ()> {
        Box::pin(async move { self.shared.remove_service(&(namespace, id)).await })
    }

    fn register_check(&self, definition: CheckDefinition) -> Reply<'_, ()> {
        Box::pin(self.shared.add_check(definition))
    }

    fn deregister_check(&self, namespace: Namespace, id: CheckId) -> Reply<'_, ()> {
        Box::pin(self.shared.remove_check((namespace, id)))
    }

    fn update_check(
        &self,
        namespace: Namespace,
        id: CheckId,
        status: CheckStatus,
        output: String,
    ) -> Reply<'_, ()> {
        Box::pin(self.shared.update((namespace, id), status, output))
    }

    fn maintenance(
        &self,
        service: Option<(Namespace, ServiceId)>,
        enable: bool,
        reason: String,
    ) -> Reply<'_, ()> {
        Box::pin(self.shared.maintain(service, enable, reason))
    }

    fn services(&self, namespace: &Namespace) -> Vec<Arc<Service>> {
        let held = self.shared.held();
        let own = |source: Source| source == Source::Own;
        let here = held.services.iter().filter(|(key, service)| key.0 == *namespace && !own(service.source));
        here.map(|(_, service)| Arc::clone(&service.record)).collect()
    }

    fn checks(&self, namespace: &Namespace) -> Vec<Arc<Check>> {
        let held = self.shared.held();
        let keys = held.checks.keys().filter(|key| key.0 == *namespace);
        keys.filter_map(|key| held.check_record(&self.shared.node.name, key)).map(Arc::new).collect()
    }
}
