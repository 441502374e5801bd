//! What one input may take: memory as asked of the allocator, and time of the processor.
//!
//! Memory counts for the whole process, so inputs are run one after another, never side by side: a lock sees to it. Time is
//! that of the thread, so that a busy machine makes no finding.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Held while an input is measured: what another one takes at the same time would count as its own.
static ALONE: Mutex<()> = Mutex::new(());

/// Longest that any input may keep the processor. Builds without optimisation take the most of it.
const CPU_MAX: Duration = Duration::from_secs(5);

/// What an input may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes whatever its length.
    pub base_bytes: usize,
    /// Bytes more for each of its own.
    pub bytes_per_byte: usize,
}

impl Bounds {
    const fn bytes(self, input: usize) -> usize {
        self.base_bytes + self.bytes_per_byte * input
    }
}

/// Runs `work` on an input of so many bytes.
///
/// # Panics
/// If it took more than it may.
pub fn measured(name: &str, bounds: Bounds, input: usize, work: impl FnOnce()) {
    // A finding panics while it is held, and spoils nothing.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let started = cpu();
    work();
    let (bytes, took) = (MEMORY.peak_usage().saturating_sub(before), cpu().saturating_sub(started));
    let most = bounds.bytes(input);
    assert!(
        bytes <= most,
        "{name}: {input} bytes of input took {bytes} bytes of memory; {most} are the most"
    );
    assert!(took <= CPU_MAX, "{name}: {input} bytes of input took {took:?} of the processor");
}

fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    // The clock of a thread begins at zero and counts up.
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Bounds = Bounds { base_bytes: 4 << 20, bytes_per_byte: 1 };

    #[test]
    fn within_its_bounds_it_passes() {
        measured("good", SMALL, 10, || assert_eq!(vec![1u8; 1024].len(), 1024));
    }

    #[test]
    #[should_panic(expected = "bytes of memory")]
    fn an_allocation_by_a_damaged_length_is_found() {
        measured("greedy", SMALL, 10, || drop(std::hint::black_box(vec![0u8; 64 << 20])));
    }

    #[test]
    #[should_panic(expected = "of the processor")]
    fn work_without_end_is_found() {
        measured("slow", SMALL, 10, || {
            let started = cpu();
            while cpu().saturating_sub(started) <= CPU_MAX {
                std::hint::black_box(started);
            }
        });
    }
}
