//! The largest memory of processes while something is done, by looking often.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cpu::Process;

/// How often is looked: what comes and goes between two looks is not seen.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Does `work`, and tells what it gave with the largest resident memory, in bytes, that each of `processes` had meanwhile. A
/// process that has ended counts with what was seen of it.
pub fn peaks<T>(processes: &[Process], work: impl FnOnce() -> T) -> (T, Vec<u64>) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| look(processes, &over));
        // The looking ends also when the work panics; else the scope would wait for it for ever.
        let guard = Over(&over);
        let value = work();
        drop(guard);
        (value, looking.join().unwrap_or_else(|_| vec![0; processes.len()]))
    })
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn look(processes: &[Process], over: &AtomicBool) -> Vec<u64> {
    let mut peaks = vec![0; processes.len()];
    loop {
        let is_last = over.load(Ordering::Acquire);
        for (process, peak) in processes.iter().zip(&mut peaks) {
            *peak = (*peak).max(process.memory().unwrap_or(0));
        }
        if is_last {
            return peaks;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_for_a_moment_is_seen() {
        const BYTES: usize = 64 << 20;
        let own = Process::new(std::process::id());
        let before = own.memory().expect("it lives");
        let (sum, peaks) = peaks(&[own], || {
            let filled = vec![1_u8; BYTES];
            // As long as it takes until it is seen.
            while own.memory().expect("it lives") < before + BYTES as u64 / 2 {
                std::thread::yield_now();
            }
            std::thread::sleep(BETWEEN_LOOKS * 4); // tidy: sleep because the looks happen at moments, which must pass.
            filled.iter().map(|byte| u64::from(*byte)).sum::<u64>()
        });
        assert_eq!(sum, BYTES as u64);
        assert!(peaks[0] >= before + BYTES as u64 / 2, "{peaks:?} after {before}");
    }
}
