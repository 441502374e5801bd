//! What the system says of this process, from `/proc`.

use std::fs;

/// Figures of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct ProcessFigures {
    /// Bytes of memory that are resident.
    pub(crate) resident_bytes: u64,
    /// Seconds of processor time, user and system.
    pub(crate) cpu_seconds: f64,
    /// Open descriptors.
    pub(crate) open_fds: u64,
    /// Most descriptors that may be open.
    pub(crate) max_fds: u64,
    /// Threads.
    pub(crate) threads: u64,
    /// Start, seconds since the Unix epoch.
    pub(crate) start_seconds: f64,
}

impl ProcessFigures {
    /// Reads them now. What the system does not say is zero.
    pub(crate) fn read() -> ProcessFigures {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = stat_fields(&stat);
        let field = |at: usize| fields.get(at).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
        // Positions of proc(5), counted from the field after the command's name.
        let ticks = rustix::param::clock_ticks_per_second().max(1) as f64;
        let page = rustix::param::page_size() as u64;
        ProcessFigures {
            resident_bytes: field(21) * page,
            cpu_seconds: (field(11) + field(12)) as f64 / ticks,
            threads: field(17),
            start_seconds: boot_seconds() as f64 + field(19) as f64 / ticks,
            open_fds: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
            max_fds: rustix::process::getrlimit(rustix::process::Resource::Nofile)
                .current
                .unwrap_or(u64::MAX),
        }
    }
}

/// The fields after the command's name, which is in brackets and may hold anything.
fn stat_fields(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default()
}

/// When the machine started, seconds since the Unix epoch.
pub(crate) fn boot_seconds() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "));
    line.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_process_has_figures() {
        let now = ProcessFigures::read();
        assert!(now.resident_bytes > 1 << 20 && now.threads >= 1 && now.open_fds >= 3, "{now:?}");
        assert!(now.max_fds >= now.open_fds && now.start_seconds > 1.6e9, "{now:?}");
    }

    #[test]
    fn a_name_with_brackets_is_no_field() {
        assert_eq!(stat_fields("7 (a) b) S 1"), ["S", "1"]);
    }
}
