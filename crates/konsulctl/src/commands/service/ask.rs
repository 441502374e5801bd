//! The commands of `service` that read.

use clap::{Args, ValueEnum};
use konsul_client::v2::api::catalog::Status;
use konsul_client::v2::api::discovery::Why as Reasoned;
use konsul_client::v2::discovery::{Drawing, Narrow, Pick as Choice};
use konsul_client::v2::watch::{ServiceTarget, Target};

use crate::commands::live;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Format, Listing};
use crate::run::Run;

pub(super) const LIST: &str = "\
Examples:
  konsulctl service ls
  konsulctl service ls --local                     what this agent keeps
  konsulctl service ls --node-meta zone:a -o json
  konsulctl service ls --watch                     a table that stays up to date

With --watch: Ctrl-C ends it with exit code 130. Into a pipe each change is a line.";

pub(super) const SHOW: &str = "\
Examples:
  konsulctl service show web
  konsulctl service show web --passing --tag v1 --meta team:a
  konsulctl service show web --filter 'Service.Port == 8080'
  konsulctl service show web --passing --watch     a table that stays up to date

Exit codes: 0 the service is there, even if no instance matches; 3 it is not; 130 Ctrl-C with --watch.";

pub(super) const PICK: &str = "\
Examples:
  konsulctl service pick web
  konsulctl service pick web --strategy consistent_hash --key user-7
  konsulctl service pick web --strategy zone_aware --zone eu/a --count 3

Exit codes: 0 at least one can be used; 3 none can: `konsulctl service why` says why.";

pub(super) const WHY: &str = "\
Examples:
  konsulctl service why web
  konsulctl service why web --id web-1 --passing --tag v1

Without --passing health answers with every instance, as it does without ?passing; whether it would with it is told too.

Exit codes: 0 it was told, also that nothing of this name is registered.";

pub(super) const GRAPH: &str = "\
Examples:
  konsulctl service graph
  konsulctl service graph web --form mermaid
  konsulctl service graph --form graphviz > graph.dot

With -o json it has circles, the order of starting, and how each service stands given what it needs.";

pub(super) const IMPACT: &str = "\
Examples:
  konsulctl service impact db

Exit codes: 0 the service is known; 3 neither is it registered nor does any say that it needs it.";

/// Options that narrow a list of instances.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Narrowed {
    /// A tag that must be there; repeat it for more
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A pair that the node must have; repeat it for more
    #[arg(long = "node-meta", value_name = "KEY:VALUE")]
    node_meta: Vec<String>,
    /// An expression of Consul's filter language
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Nearest first: a node's name, _agent for the answering one, _ip for this machine
    #[arg(long, value_name = "NODE")]
    near: Option<String>,
}

impl Narrowed {
    fn narrow(&self) -> Narrow {
        Narrow {
            tags: self.tags.clone(),
            node_meta: self.node_meta.clone(),
            filter: self.filter.clone(),
            near: self.near.clone(),
            ..Narrow::default()
        }
    }
}

/// Which services are listed.
#[derive(Debug, Args)]
pub struct List {
    /// The instances that the answering agent keeps, instead of the catalogue's services
    #[arg(long, conflicts_with = "node_meta")]
    local: bool,
    /// A pair that the node must have; repeat it for more
    #[arg(long = "node-meta", value_name = "KEY:VALUE")]
    node_meta: Vec<String>,
    /// An expression of Consul's filter language
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Stays, and shows what changes: on a terminal as a table that is drawn again, else a line for each change
    #[arg(long, conflicts_with_all = ["local", "node_meta", "filter"])]
    watch: bool,
}

impl List {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        if self.watch {
            return live::run(Target::Services, "services", "no service is registered", run).await;
        }
        let client = run.client()?;
        if self.local {
            let found = client.v2().agent_services(self.filter.as_deref()).await;
            let found = found.map_err(|e| run.failed(&e))?;
            return run.out().list(&found.items, "this agent keeps no instance");
        }
        let narrow = Narrow { node_meta: self.node_meta, filter: self.filter, ..Narrow::default() };
        let mut pages = client.v2().service_list(&narrow);
        let mut listing = Listing::default();
        while let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? {
            run.out().page(&mut listing, &page.items)?;
        }
        run.out().end(&listing, "no service is registered")
    }
}

/// Which instances are shown.
#[derive(Debug, Args)]
pub struct Show {
    /// The service
    name: String,
    #[command(flatten)]
    narrowed: Narrowed,
    /// A pair that the instance must have; repeat it for more
    #[arg(long = "meta", value_name = "KEY:VALUE")]
    meta: Vec<String>,
    /// Only instances of which every check passes
    #[arg(long)]
    passing: bool,
    /// Stays, and shows what changes: on a terminal as a table that is drawn again, else a line for each change
    #[arg(long, conflicts_with_all = ["meta", "near"])]
    watch: bool,
}

impl Show {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        if self.watch {
            let Narrowed { tags, node_meta, filter, .. } = self.narrowed;
            let (name, passing) = (self.name, self.passing);
            let title = name.clone();
            let target = Target::Service(ServiceTarget { name, tags, node_meta, filter, passing });
            return live::run(target, &title, "no instance matches", run).await;
        }
        let client = run.client()?;
        let narrow = Narrow { meta: self.meta, passing: self.passing, ..self.narrowed.narrow() };
        let mut pages = client.v2().service_instances(&self.name, &narrow);
        let mut listing = Listing::default();
        while let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? {
            run.out().page(&mut listing, &page.items)?;
        }
        if listing.shown() == 0 {
            let all = client.v2().service_instances(&self.name, &Narrow::default()).limit(1).page().await;
            let all = all.map_err(|e| run.failed(&e))?;
            if all.is_none_or(|page| page.items.is_empty()) {
                return Err(unknown(&self.name));
            }
        }
        run.out().end(&listing, "no instance matches; `konsulctl service why` says why")
    }
}

pub(super) fn unknown(name: &str) -> Failure {
    Failure::with(Exit::NotFound, format!("there is no service {name}"))
        .next(format!("konsulctl service why {name}"))
        .next("konsulctl service ls")
}

/// How an instance is chosen.
#[derive(Debug, Args)]
pub struct Pick {
    /// The service
    name: String,
    /// random, round_robin, weighted, smooth_weighted, least_connections, least_load, nearest, consistent_hash or
    /// zone_aware [default: the service's own]
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<String>,
    /// The caller's key, for consistent_hash
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The caller's zone or region/zone, for zone_aware
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Most instances
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    count: u32,
    #[command(flatten)]
    narrowed: Narrowed,
}

impl Pick {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let choice =
            Choice { strategy: self.strategy, key: self.key, zone: self.zone, count: Some(self.count) };
        let picked = client.v2().service_pick(&self.name, &choice, &self.narrowed.narrow()).await;
        let picked = picked.map_err(|e| run.failed(&e))?;
        if picked.items.is_empty() {
            let what = format!("no instance of {} can be used", self.name);
            return Err(
                Failure::with(Exit::NotFound, what).next(format!("konsulctl service why {}", self.name))
            );
        }
        run.out().list(&picked.items, "")
    }
}

/// What is asked why.
#[derive(Debug, Args)]
pub struct Why {
    /// The service
    name: String,
    /// One instance alone
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// A tag that was asked for; repeat it for more
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// The expression that was asked with
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Passing instances alone were asked for
    #[arg(long)]
    passing: bool,
}

impl Why {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let narrow =
            Narrow { tags: self.tags, filter: self.filter, passing: self.passing, ..Narrow::default() };
        let why = client.v2().service_why(&self.name, self.id.as_deref(), &narrow).await;
        let why = why.map_err(|e| run.failed(&e))?;
        if run.format() != Format::Table {
            return run.out().list(&why.items, "");
        }
        // Sentences do not fit into columns.
        let columns = run.console.width().unwrap_or(100);
        for one in &why.items {
            for line in crate::output::folded(&head(&self.name, one, self.passing), columns) {
                run.out().line(&line)?;
            }
            for reason in &one.reasons {
                for line in crate::output::folded(&reason.detail, columns.saturating_sub(2).max(20)) {
                    run.out().line(&format!("  {line}"))?;
                }
            }
        }
        Ok(())
    }
}

/// Which instance, and what answers with it.
fn head(name: &str, why: &Reasoned, only_passing: bool) -> String {
    let is = |there: bool| if there { "yes" } else { "no" };
    let Some(instance) = &why.instance else {
        return format!("{name}: in DNS {}, in health {}", is(why.in_dns), is(why.in_health));
    };
    let passing = why.in_health && instance.status == Some(Status::Passing);
    let passing = if only_passing { String::new() } else { format!(", with ?passing {}", is(passing)) };
    let (dns, health) = (is(why.in_dns), is(why.in_health));
    format!("{} on {}: in DNS {dns}, in health {health}{passing}", instance.id, instance.node)
}

/// How a graph is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A tree of text
    Tree,
    /// Text that Mermaid draws
    Mermaid,
    /// Text that Graphviz draws
    Graphviz,
}

/// Which graph is shown.
#[derive(Debug, Args)]
pub struct Graph {
    /// The part that this service belongs to; everything without it
    name: Option<String>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = Form::Tree)]
    form: Form,
}

impl Graph {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let name = self.name.as_deref();
        if matches!(run.format(), Format::Json | Format::Yaml) {
            let graph = client.v2().service_graph(name).await.map_err(|e| run.failed(&e))?;
            return run.out().one(&Whole(graph));
        }
        let drawing = match self.form {
            Form::Tree => Drawing::Tree,
            Form::Mermaid => Drawing::Mermaid,
            Form::Graphviz => Drawing::Graphviz,
        };
        let text = client.v2().service_graph_drawn(name, drawing).await.map_err(|e| run.failed(&e))?;
        run.out().raw(&text)
    }
}

/// A graph for programs.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Whole(konsul_client::v2::api::discovery::Graph);

impl crate::output::Row for Whole {
    const COLUMNS: &'static [crate::output::Column] = &[crate::output::Column::number("SERVICES", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.0.services.len().to_string()]
    }
}

/// Which service is taken to be down.
#[derive(Debug, Args)]
pub struct Impact {
    /// The service
    name: String,
}

impl Impact {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let impact = client.v2().service_impact(&self.name).await.map_err(|e| run.failed(&e))?;
        match impact {
            Some(impact) => run.out().list(&impact.reached, "nobody needs it"),
            None => Err(unknown(&self.name)),
        }
    }
}
