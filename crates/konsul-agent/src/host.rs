//! What the system says of the machine.

use std::fs;
use std::path::Path;

use konsul_operations::ports::HostInfo;

use crate::process::boot_seconds;

/// The name of the machine.
pub(crate) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Reads everything now. What the system does not say is zero or empty.
pub(crate) fn read(data_dir: Option<&Path>) -> HostInfo {
    let uname = rustix::system::uname();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let disk = data_dir.and_then(|path| rustix::fs::statvfs(path).ok());
    HostInfo {
        hostname: hostname(),
        os: std::env::consts::OS.to_owned(),
        kernel_version: uname.release().to_string_lossy().into_owned(),
        arch: uname.machine().to_string_lossy().into_owned(),
        uptime_s: uptime.split('.').next().and_then(|text| text.parse().ok()).unwrap_or(0),
        boot_time_s: boot_seconds(),
        processes: processes(),
        cpus: std::thread::available_parallelism().map_or(1, |n| n.get() as u64),
        cpu_model: value(&cpus, "model name").unwrap_or_default().to_owned(),
        memory_total: kilobytes(&memory, "MemTotal"),
        memory_available: kilobytes(&memory, "MemAvailable"),
        disk_path: data_dir.map(|path| path.display().to_string()).unwrap_or_default(),
        disk_total: disk.as_ref().map_or(0, |disk| disk.f_blocks * disk.f_frsize),
        disk_free: disk.as_ref().map_or(0, |disk| disk.f_bavail * disk.f_frsize),
    }
}

fn processes() -> u64 {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered =
        entries.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()));
    numbered.count() as u64
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim())
}

fn kilobytes(text: &str, name: &str) -> u64 {
    let number = value(text, name).and_then(|value| value.split_whitespace().next());
    number.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_and_memory() {
        let host = read(Some(Path::new("/")));
        assert!(!host.hostname.is_empty() && host.memory_total > host.memory_available, "{host:?}");
        assert!(host.processes > 0 && host.uptime_s > 0 && host.disk_total >= host.disk_free, "{host:?}");
    }

    #[test]
    fn values_are_found_by_their_whole_name() {
        let text = "MemTotal:  10 kB\nMemTotalX: 1\nmodel name\t: A: b\n";
        assert_eq!(kilobytes(text, "MemTotal"), 10240);
        assert_eq!(value(text, "model name"), Some("A: b"));
        assert_eq!(kilobytes(text, "absent"), 0);
    }
}
