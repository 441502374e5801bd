//! Whether anything grew.

use std::time::Duration;

use super::Options;
use super::sample::{Sample, mib};

/// How much more memory than after the warm-up there may be at the end, in hundredths.
const MEMORY_GROWTH: u64 = 10;

/// How many descriptors more than before there may be: a file that was just being opened.
const DESCRIPTORS_MORE: usize = 4;

/// How many samples make a figure: one alone may fall into the writing of a snapshot.
const WINDOW: usize = 6;

/// Figures and findings.
#[derive(Debug)]
pub struct Judged {
    /// What was measured, for the ledger.
    pub figures: String,
    /// What should not be.
    pub findings: Vec<String>,
}

/// Compares the end with the beginning.
pub fn judge(options: &Options, idle: &Sample, samples: &[Sample], after: &Sample) -> Judged {
    let Some((early, late)) = windows(options.warm_up, samples) else {
        return Judged {
            figures: String::new(),
            findings: vec!["too few samples were taken to compare".to_owned()],
        };
    };
    let memory = (median(early, |sample| sample.memory), median(late, |sample| sample.memory));
    let descriptors = (median(early, descriptors), median(late, descriptors));
    let checks = [
        memory_grew(memory),
        descriptors_grew(descriptors),
        descriptors_left(idle, after),
        samples.iter().chain([after]).find_map(disk_grew),
    ];
    let disk = samples.iter().map(|sample| sample.disk.bytes()).max().unwrap_or(0);
    let figures = format!(
        "memory {} after the warm-up, {} at the end; {} and {} descriptors, {} without clients; disk at most {}",
        mib(memory.0),
        mib(memory.1),
        descriptors.0,
        descriptors.1,
        after.descriptors,
        mib(disk)
    );
    Judged { figures, findings: checks.into_iter().flatten().collect() }
}

/// The samples that end the warm-up, and those that end the whole.
fn windows(warm_up: Duration, samples: &[Sample]) -> Option<(&[Sample], &[Sample])> {
    let warm = samples.iter().position(|sample| sample.at >= warm_up)?;
    let early = samples.get(warm..warm + WINDOW)?;
    let late = samples.len().checked_sub(WINDOW).filter(|from| *from >= warm + WINDOW)?;
    Some((early, &samples[late..]))
}

fn median(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

fn descriptors(sample: &Sample) -> u64 {
    sample.descriptors as u64
}

fn memory_grew((early, late): (u64, u64)) -> Option<String> {
    let grew = late * 100 > early * (100 + MEMORY_GROWTH);
    grew.then(|| format!("memory grew by more than {MEMORY_GROWTH} %: from {} to {}", mib(early), mib(late)))
}

/// The number of clients is the same at both times, so the number of descriptors should be.
fn descriptors_grew((early, late): (u64, u64)) -> Option<String> {
    let grew = late > early + early / 10 + DESCRIPTORS_MORE as u64;
    grew.then(|| format!("descriptors grew under the same load: from {early} to {late}"))
}

/// Whether a server is rid of its clients.
pub fn hung_up(idle: &Sample, after: &Sample) -> bool {
    after.descriptors <= idle.descriptors + DESCRIPTORS_MORE
}

fn descriptors_left(idle: &Sample, after: &Sample) -> Option<String> {
    let (before, now) = (idle.descriptors, after.descriptors);
    (!hung_up(idle, after))
        .then(|| format!("{now} descriptors without clients, {before} before there were any"))
}

fn disk_grew(sample: &Sample) -> Option<String> {
    let (bytes, due) = (sample.disk.bytes(), sample.disk.bytes_due());
    (bytes > due).then(|| {
        let (seconds, bytes, due) = (sample.at.as_secs(), mib(bytes), mib(due));
        format!("after {seconds} s {bytes} are on disk; two snapshots, the log since the older and two segments are {due}")
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::Disk;
    use super::*;

    fn sample(at: u64, memory_mib: u64, descriptors: usize) -> Sample {
        let disk = Disk { snapshots: vec![5, 5], log: 48, log_due: 16, segment: 16 };
        Sample { at: Duration::from_secs(at), memory: memory_mib << 20, descriptors, disk }
    }

    /// An hour of samples, each made by a function of its number.
    fn hour(make: impl Fn(u64) -> Sample) -> Vec<Sample> {
        (1..=360).map(make).collect()
    }

    fn findings(samples: &[Sample], after: &Sample) -> Vec<String> {
        judge(&Options::default(), &sample(0, 20, 12), samples, after).findings
    }

    #[track_caller]
    fn check(samples: &[Sample], after: &Sample, expect: &str) {
        let found = findings(samples, after);
        assert!(found.len() == 1 && found[0].contains(expect), "{found:?}");
    }

    #[test]
    fn a_level_hour_passes_and_a_single_peak_is_no_growth() {
        let samples = hour(|n| sample(n * 10, if n == 357 { 90 } else { 40 + n % 3 }, 60 + (n % 2) as usize));
        assert_eq!(findings(&samples, &sample(3600, 40, 13)), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_growth_is_found() {
        let level = hour(|n| sample(n * 10, 40, 60));
        let quiet = sample(3600, 40, 12);
        check(&hour(|n| sample(n * 10, 40 + n / 60, 60)), &quiet, "memory grew");
        check(&hour(|n| sample(n * 10, 40, 60 + n as usize / 20)), &quiet, "under the same load");
        check(&level, &sample(3600, 40, 30), "without clients");
        let mut full = level;
        full[100].disk.log += 1;
        check(&full, &quiet, "on disk");
    }

    #[test]
    fn a_run_that_is_too_short_to_compare_is_no_proof() {
        check(&hour(|n| sample(n * 10, 40, 60))[..40], &sample(400, 40, 12), "too few samples");
    }
}
