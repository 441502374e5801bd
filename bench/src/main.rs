//! The command line of the benchmark: see the library.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on its terminal")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use konsul_bench::error::{Error, Result};
use konsul_bench::plan::{Bench, Plan};
use konsul_bench::report::Report;
use konsul_bench::server::{Etcd, Konsul};
use konsul_bench::{cpu, report, scenario, server};

// As the agent's, so that the empty handler is measured with the same allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benchmarks of Konsul beside etcd and the bare limits of the machine.
#[derive(Debug, Parser)]
struct Words {
    #[command(subcommand)]
    command: Option<Part>,
    /// Shorter and fewer rounds: a look, not figures to publish.
    #[arg(long, global = true)]
    quick: bool,
    /// The konsul to measure; else $KONSUL_BIN, else the release build.
    #[arg(long, global = true, env = "KONSUL_BIN")]
    bin: Option<PathBuf>,
    /// Where data directories are made: the disk that is measured. Else a folder beside the binary.
    #[arg(long, global = true)]
    disk: Option<PathBuf>,
    /// Writes the figures as JSON, too.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    /// Writes the tables into the book, too.
    #[arg(long, global = true)]
    doc: bool,
    /// How many rounds.
    #[arg(long, global = true)]
    rounds: Option<usize>,
    /// For how many keys the curve is drawn, such as 1000,1000000.
    #[arg(long, global = true, value_delimiter = ',')]
    sizes: Vec<u64>,
    /// For how many instances the curve is drawn, such as 1000,100000.
    #[arg(long, global = true, value_delimiter = ',')]
    instances: Vec<u64>,
    /// A flag for the konsul that is measured; may be given several times.
    #[arg(long, global = true, allow_hyphen_values = true)]
    konsul_flag: Vec<String>,
}

#[derive(Debug, Clone, Subcommand)]
enum Part {
    /// Everything (the default).
    All,
    /// Durable writes.
    Put,
    /// Reads of one key.
    Get,
    /// Reads of a thousand keys at once.
    List,
    /// Ten thousand parked readers.
    Parked,
    /// The curve over the number of keys.
    Keys,
    /// Start and rest.
    Rest,
    /// The v2 API beside v1, and batches.
    V2,
    /// What the machine allows anybody.
    Limits,
    /// All of the key-value store: rest, put, get, list, v2, parked, keys, limits.
    Store,
    /// All of service discovery: dns, health, instances.
    Discovery,
    /// DNS beside nsd and a bare echo.
    Dns,
    /// Instances of a service beside the same bytes from memory.
    Health,
    /// The curve over the number of instances, and watchers of one service among those of others.
    Instances,
    /// A million keys out of a server and into another.
    Volume,
    /// What tracing costs.
    Tracing,
    #[command(hide = true)]
    ServeEmpty { address: SocketAddr, body: Option<PathBuf> },
    #[command(hide = true)]
    ServeEcho { address: SocketAddr },
    #[command(hide = true)]
    SyncLoop { folder: PathBuf, milliseconds: u64 },
}

type Scenario = fn(&mut Bench) -> Result<()>;

/// What is measured and published together.
struct Chapter {
    /// As its markers in the book name it; `None` for a part of one, which the book does not take.
    name: Option<&'static str>,
    scenarios: Vec<Scenario>,
}

impl Chapter {
    fn store() -> Chapter {
        let scenarios: Vec<Scenario> = vec![
            scenario::rest,
            scenario::put,
            scenario::get,
            scenario::list,
            scenario::v2,
            scenario::parked,
            scenario::keys,
            scenario::limits,
        ];
        Chapter { name: Some("store"), scenarios }
    }

    fn discovery() -> Chapter {
        let scenarios: Vec<Scenario> = vec![scenario::dns, scenario::health, scenario::instances];
        Chapter { name: Some("discovery"), scenarios }
    }

    fn of(name: &'static str, scenario: Scenario) -> Chapter {
        Chapter { name: Some(name), scenarios: vec![scenario] }
    }

    fn part(scenario: Scenario) -> Chapter {
        Chapter { name: None, scenarios: vec![scenario] }
    }
}

impl Part {
    fn chapters(&self) -> Vec<Chapter> {
        let volume = || Chapter::of("volume", scenario::volume);
        let tracing = || Chapter::of("tracing", scenario::tracing);
        let one = match self {
            Part::Store => Chapter::store(),
            Part::Discovery => Chapter::discovery(),
            Part::Volume => volume(),
            Part::Tracing => tracing(),
            Part::Put => Chapter::part(scenario::put),
            Part::Get => Chapter::part(scenario::get),
            Part::List => Chapter::part(scenario::list),
            Part::Parked => Chapter::part(scenario::parked),
            Part::Keys => Chapter::part(scenario::keys),
            Part::Rest => Chapter::part(scenario::rest),
            Part::V2 => Chapter::part(scenario::v2),
            Part::Limits => Chapter::part(scenario::limits),
            Part::Dns => Chapter::part(scenario::dns),
            Part::Health => Chapter::part(scenario::health),
            Part::Instances => Chapter::part(scenario::instances),
            _ => return vec![Chapter::store(), Chapter::discovery(), volume(), tracing()],
        };
        vec![one]
    }
}

fn main() -> ExitCode {
    match run(&Words::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &Words) -> Result<()> {
    let part = words.command.clone().unwrap_or(Part::All);
    match part {
        Part::ServeEmpty { address, body } => {
            let read = |path: PathBuf| {
                std::fs::read(&path).map_err(|why| Error::file(format!("read {}", path.display()), why))
            };
            server::serve_empty(address, body.map(read).transpose()?.unwrap_or_default())
        }
        Part::ServeEcho { address } => server::serve_echo(address),
        Part::SyncLoop { folder, milliseconds } => {
            println!("{}", server::sync_loop(&folder, Duration::from_millis(milliseconds))?);
            Ok(())
        }
        part => measure(words, &part),
    }
}

fn measure(words: &Words, part: &Part) -> Result<()> {
    let chapters = part.chapters();
    if words.doc && chapters.iter().any(|chapter| chapter.name.is_none()) {
        let why = "--doc takes a whole chapter: all, store, discovery, volume or tracing";
        return Err(Error::Usage(why.to_owned()));
    }
    // The Go compiler may have both cores.
    let beside = own_folder()?;
    let etcd = Etcd::build(&beside)?;
    cpu::prepare()?;
    let disk = words.disk.clone().unwrap_or_else(|| beside.join("bench-data"));
    std::fs::create_dir_all(&disk).map_err(|why| Error::file(format!("make {}", disk.display()), why))?;
    let mut plan = if words.quick { Plan::quick() } else { Plan::full() };
    plan.rounds = words.rounds.unwrap_or(plan.rounds);
    if !words.sizes.is_empty() {
        plan.sizes.clone_from(&words.sizes);
    }
    if !words.instances.is_empty() {
        plan.instances.clone_from(&words.instances);
    }
    let konsul = Konsul {
        bin: words.bin.clone().unwrap_or_else(|| beside.join("konsul")),
        dns_port: None,
        flags: words.konsul_flag.clone(),
    };
    let mut bench = Bench { plan, konsul, etcd, disk, report: Report::default() };
    let mut published = BTreeMap::new();
    for chapter in chapters {
        let others = measured(&mut bench, &chapter, words.quick)?;
        let report = std::mem::take(&mut bench.report);
        publish(words, &chapter, &report)?;
        if others > QUIET_PERCENT {
            eprintln!(
                "bench: others used {others:.0} % of the machine when this began: do not publish these figures"
            );
        }
        published.insert(chapter.name.unwrap_or("part"), report);
    }
    words.json.as_ref().map_or(Ok(()), |path| write_json(path, &published))
}

/// Fills the report with a chapter; answers how much of the machine others used when it began.
fn measured(bench: &mut Bench, chapter: &Chapter, quick: bool) -> Result<f64> {
    bench.report.environment = environment(bench, quick)?;
    let others = others(&mut bench.report)?;
    for scenario in &chapter.scenarios {
        scenario(bench)?;
    }
    Ok(others)
}

fn write_json(path: &Path, published: &BTreeMap<&str, Report>) -> Result<()> {
    let text = serde_json::to_string_pretty(published).expect("figures and texts are JSON");
    std::fs::write(path, text).map_err(|why| Error::file(format!("write {}", path.display()), why))
}

/// Up to here a machine counts as quiet.
const QUIET_PERCENT: f64 = 5.0;

/// What others use of the machine goes into the report: nobody should have to guess whether a run was disturbed.
fn others(report: &mut Report) -> Result<f64> {
    let percent = cpu::used_percent()?;
    report
        .environment
        .push(("used by others at the start".to_owned(), format!("{percent:.0} % of the machine")));
    Ok(percent)
}

fn own_folder() -> Result<PathBuf> {
    let path = std::env::current_exe().map_err(|why| Error::file("find this program", why))?;
    Ok(path.parent().unwrap_or(Path::new(".")).to_path_buf())
}

fn environment(bench: &Bench, quick: bool) -> Result<Vec<(String, String)>> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let plan = &bench.plan;
    let how = if quick { ", a quick look" } else { "" };
    Ok([
        ("machine", format!("{cores} × {}, Linux {}", model.trim_matches([' ', '\t', ':']), kernel.trim())),
        ("konsul", bench.konsul.version()?),
        ("etcd", bench.etcd.version()?),
        ("nsd", server::Nsd::version()?),
        (
            "rounds",
            format!("{} of {:?} each after {:?} of warming up{how}", plan.rounds, plan.measure, plan.warm_up),
        ),
        ("shown", "the median, with the smallest and the largest of all rounds".to_owned()),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .to_vec())
}

fn publish(words: &Words, chapter: &Chapter, report: &Report) -> Result<()> {
    for (name, text) in &report.environment {
        println!("{name}: {text}");
    }
    println!("\n{}", report.text());
    if let Some(name) = chapter.name.filter(|_| words.doc) {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/internals/performance.md");
        report::write_between_markers(&page, name, report)?;
    }
    Ok(())
}
