//! What many HTTP checks cost: registers them against a server in another process and prints the processor time that this
//! one took. `cargo run --release -p konsul-checks --example ten_thousand [checks] [interval s] [run s]`

#![allow(clippy::print_stdout)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use konsul_checks::{
    Alias, CheckKey, Checks, Definition, HttpCheck, Initial, Kind, Machine, Polled, Probe, Settings,
    TargetHealth, Targets,
};
use konsul_runtime::sync::watch;
use konsul_runtime::time::{Duration, now, sleep};
use konsul_types::CheckId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if arguments.first().is_some_and(|first| first == "serve") {
        return runtime.block_on(serve());
    }
    let number =
        |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    runtime.block_on(measure(number(0, 10_000), number(1, 10), number(2, 60)))
}

/// Answers everything with the same small body, as health routes do.
async fn serve() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            // A client that is gone needs no answer.
            let _ = stream.read(&mut buffer).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                .await;
        });
    }
}

struct NoTargets;

impl Targets for NoTargets {
    fn watch(&self, _: &Alias) -> watch::Receiver<TargetHealth> {
        watch::channel(TargetHealth::Absent).1
    }
}

async fn measure(checks: u64, interval: u64, seconds: u64) -> Outcome {
    let mut server = Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    BufReader::new(server.stdout.take().ok_or("the server has no output")?).read_line(&mut address)?;
    let (keeper, mut events) =
        Checks::start(&Settings::default(), Arc::new(Machine::default()), Arc::new(NoTargets));
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let begun = (now(), cpu_seconds()?);
    for n in 0..checks {
        let check = HttpCheck::get(format!("http://{}/health/{n}", address.trim()));
        let polled = Polled::new(Probe::Http(check), Duration::from_secs(interval));
        let key = CheckKey::of(CheckId::new(format!("check-{n}"))?);
        keeper.add(key, Definition::new(Kind::Polled(polled)), Initial::default())?;
    }
    println!("added {checks} checks in {:?}, {:.2} CPU s", begun.0.elapsed(), cpu_seconds()? - begun.1);
    // Past the first round, so that the spread is what it stays.
    sleep(Duration::from_secs(interval)).await;
    let (at, cpu, before) = (now(), cpu_seconds()?, keeper.stats());
    sleep(Duration::from_secs(seconds)).await;
    let (took, cpu, after) = (at.elapsed().as_secs_f64(), cpu_seconds()? - cpu, keeper.stats());
    let runs = total(&after) - total(&before);
    println!(
        "{runs} runs in {took:.1} s, {cpu:.2} CPU s: {:.3} of a core, {:.0} µs a run",
        cpu / took,
        cpu * 1e6 / runs as f64
    );
    println!("results {:?}, skipped {}, resident {} MiB", after.runs, after.skipped, resident_mib()?);
    println!("mean lag {:.0} µs", (after.lag.sum - before.lag.sum) as f64 / runs as f64 / 1e3);
    server.kill()?;
    server.wait()?;
    Ok(())
}

fn total(stats: &konsul_checks::Stats) -> u64 {
    stats.runs.values().map(konsul_checks::Results::total).sum()
}

/// User and system time of this process, in the hundredths of a second that Linux counts in.
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit_once(") ").ok_or("no stat")?.1.split(' ').collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

fn resident_mib() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse::<u64>()? / 1024)
}
