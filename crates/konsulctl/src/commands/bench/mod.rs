//! `bench`: a small load, to see what a server and the way to it can do. It measures round trips as a client sees them;
//! it does not tune, and it is one process on one core.

mod load;
mod report;

use std::time::Duration;

use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::run::Run;

use load::Load;
use report::Report;

/// What each command covers: it calls what others cover too.
pub(crate) const OPERATIONS: &[Covered] =
    &[covers("bench", &["kv_put", "kv_get", "batch", "kv_delete_tree"])];

const MORE: &str = "\
Examples:
  konsulctl bench --duration 2s
  konsulctl bench --operation get --clients 64 --duration 2s
  konsulctl bench --operation batch --batch 1000 --size 100 --duration 2s
  konsulctl bench -o json --duration 1s

Its keys are below konsulctl-bench/ and are removed at the end, also after Ctrl-C. One operation of a batch is its
members. Latency is a whole round trip. Calls under way at the end are waited for, at most 10 seconds, and count.

Exit codes: 0 all calls succeeded; 1 some failed, and the first failure is shown.";

/// The command's arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub struct Bench {
    /// What is done: put, get, mixed (nine reads for each write) or batch
    #[arg(long, value_enum, default_value_t = Operation::Put, value_name = "OPERATION", hide_possible_values = true)]
    operation: Operation,
    /// So many calls at once
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    clients: u32,
    /// For so long
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = crate::cli::duration)]
    duration: Duration,
    /// Bytes of each value
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=524_288))]
    size: u32,
    /// Different keys
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    keys: u32,
    /// Members of each batch
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Operation {
    Put,
    Get,
    Mixed,
    Batch,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Put => "put",
            Operation::Get => "get",
            Operation::Mixed => "mixed",
            Operation::Batch => "batch",
        }
    }
}

impl Bench {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let load = Load::new(client, &self);
        load.prepare().await.map_err(|e| run.failed(&e))?;
        let report = self.measure(&load, run).await?;
        load.clean()
            .await
            .map_err(|e| run.failed(&e).detail(format!("Keys are left below {}", load.prefix())))?;
        self.show(&report, run)?;
        match &report.failure {
            None => Ok(()),
            Some(error) => {
                let failure = run.failed(error);
                Err(failure.detail(format!(
                    "{} of {} calls failed; this is the first.",
                    report.failed, report.calls
                )))
            }
        }
    }

    async fn measure(&self, load: &Load, run: &mut Run<'_>) -> Result<Report, Failure> {
        let mut interrupt = run.interrupt()?;
        let millis = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        let mut progress = run.progress(self.operation.name(), millis, crate::progress::Unit::Time);
        let running = load.start(self.clients);
        let end = tokio::time::Instant::now() + self.duration;
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                biased;
                () = interrupt.requested() => break,
                () = tokio::time::sleep_until(end) => break,
                _ = tick.tick() => {
                    let mut so_far = running.so_far();
                    progress.say(format!("{} {}", self.operation.name(), so_far.line()));
                    progress.set(u64::try_from(so_far.elapsed.as_millis()).unwrap_or(u64::MAX));
                }
                () = running.go() => {}
            }
        }
        progress.end();
        let report = running.stop().await;
        if report.calls == 0 {
            return Err(Failure::with(Exit::Failed, "not one call was answered in that time")
                .next("give it longer: --duration 30s"));
        }
        Ok(report)
    }

    fn show(&self, report: &Report, run: &mut Run<'_>) -> Outcome {
        let summary = report.summary(self.operation.name(), self.clients);
        run.out().one(&summary)?;
        if run.format() == crate::output::Format::Table {
            let columns = run.console.width().unwrap_or(80);
            run.out().line("")?;
            for line in report.histogram(columns) {
                run.out().line(&line)?;
            }
        }
        Ok(())
    }
}
