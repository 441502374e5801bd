//! What `konsul agent` prints once it serves: what runs, where, and what to try next.

use std::io::{self, Write as _};

use konsul_agent::{REVISION, Running, VERSION};
use konsul_config::{Config, StorageEngine};

/// Prints it. Whoever does not read it misses nothing that the log does not say.
pub(crate) fn show(running: &Running, config: &Config) {
    let text = text(running, config);
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn text(running: &Running, config: &Config) -> String {
    let addresses: Vec<String> = running.http_addresses().iter().map(ToString::to_string).collect();
    let sockets = running.http_sockets().map(|path| format!("unix://{}", path.display()));
    let urls: Vec<String> =
        addresses.iter().map(|address| format!("http://{address}")).chain(sockets).collect();
    let http = if urls.is_empty() { "off".to_owned() } else { urls.join(" ") };
    let dns: Vec<String> = running.dns_addresses().iter().map(ToString::to_string).collect();
    let dns = if dns.is_empty() { "off".to_owned() } else { format!("{} (udp, tcp)", dns.join(" ")) };
    let rows = [
        ("Version", version()),
        ("Node name", running.node_name().to_owned()),
        ("Node ID", running.node_id()),
        ("Datacenter", config.datacenter.clone()),
        ("Server", format!("{} (bootstrap: {})", config.server, config.may_bootstrap())),
        ("Client Addr", http),
        ("DNS", dns),
        ("Data", data(config)),
    ];
    let mut text = String::from("==> Konsul agent running!\n");
    for (name, value) in rows {
        text.push_str(&format!("{name:>14}: {value}\n"));
    }
    if let (true, Some(first)) = (config.dev_mode, addresses.first()) {
        text.push_str(&next(first));
    }
    text.push_str("\n==> Log data will now stream in as it occurs:\n\n");
    text
}

fn version() -> String {
    if REVISION.is_empty() { VERSION.to_owned() } else { format!("{VERSION} (revision {REVISION})") }
}

fn data(config: &Config) -> String {
    match (&config.data_dir, config.storage.engine) {
        (Some(dir), StorageEngine::Disk) => dir.display().to_string(),
        _ => "in memory, gone when this process ends".to_owned(),
    }
}

/// Three commands for a second terminal; another port than the usual one has to be named.
fn next(address: &str) -> String {
    let usual = address == "127.0.0.1:8500";
    let flag = if usual { String::new() } else { format!("-http-addr={address} ") };
    format!(
        "\n==> Try it in another terminal:\n\n    \
         konsul kv put {flag}app/color blue\n    \
         konsul kv get {flag}app/color\n    \
         curl 'http://{address}/v1/kv/app/?recurse'\n"
    )
}
