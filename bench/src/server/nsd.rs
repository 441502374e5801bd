//! nsd: Debian's build, one server process on the server's core, with a zone that says what Konsul says.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Running, free_dns_port};
use crate::error::{Error, Result};
use crate::load::{Kind, Resolved, resolve};

/// Where Debian has it: not on everybody's path.
const PROGRAM: &str = "/usr/sbin/nsd";

/// The zone that is served.
const ZONE: &str = "consul";

/// nsd.
#[derive(Debug, Clone, Copy)]
pub struct Nsd;

impl Nsd {
    /// Starts it over `folder` with the text of a zone file, and waits until it answers. `minimal` leaves away the
    /// authority and additional sections, as Konsul does with addresses; for SRV records Konsul sends the addresses of the
    /// hosts along, and so does nsd without it.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with what it printed.
    pub fn start(folder: &Path, zone: &str, minimal: bool) -> Result<Running> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_dns_port()?));
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text)
                .map_err(|why| Error::file(format!("write {}", path.display()), why))?;
            Ok::<_, Error>(path)
        };
        write("consul.zone", zone)?;
        let settings = write("nsd.conf", &settings(folder, address, minimal))?;
        let command = [PROGRAM, "-d", "-c"].map(str::to_owned).into_iter();
        let command: Vec<String> = command.chain([settings.display().to_string()]).collect();
        let mut running = Running::start(&command, address, &folder.join("log"))?;
        running.until(|address| resolve(address, &format!("{ZONE}."), Kind::Soa).is_ok())?;
        running.process = running.process.with_children();
        Ok(running)
    }

    /// Its version, as it prints it.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] when it is not installed.
    pub fn version() -> Result<String> {
        let output = Command::new(PROGRAM).arg("-v").output().map_err(|why| {
            Error::Process(format!("cannot start {PROGRAM}: {why}; `cargo xtask deps bench` installs it"))
        })?;
        let said = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&said).into_owned();
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }
}

// Without its limit of answers to one client, which would be the one thing measured.
fn settings(folder: &Path, address: SocketAddr, minimal: bool) -> String {
    let folder = folder.display();
    let minimal = if minimal { "yes" } else { "no" };
    format!(
        "server:\n  server-count: 1\n  ip-address: {}@{}\n  username: \"\"\n  zonesdir: \"{folder}\"\n  \
         zonelistfile: \"{folder}/zone.list\"\n  xfrdfile: \"{folder}/xfrd.state\"\n  xfrdir: \"{folder}\"\n  \
         pidfile: \"\"\n  rrl-ratelimit: 0\n  rrl-whitelist-ratelimit: 0\n  minimal-responses: {minimal}\n\
         remote-control:\n  control-enable: no\n\
         zone:\n  name: \"{ZONE}\"\n  zonefile: \"consul.zone\"\n",
        address.ip(),
        address.port(),
    )
}

/// The text of a zone file with all records of `answers`.
pub fn zone<'a>(answers: impl Iterator<Item = &'a Resolved>) -> String {
    let mut lines = std::collections::BTreeSet::new();
    for answer in answers {
        lines.extend(answer.answers.iter().chain(&answer.additional).cloned());
    }
    let head = format!(
        "{ZONE}. 0 IN SOA ns.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 0\n{ZONE}. 0 IN NS ns.{ZONE}.\n\
         ns.{ZONE}. 0 IN A 127.0.0.1\n"
    );
    lines.into_iter().fold(head, |text, line| text + &line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_each_record_once() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let one = Resolved {
            answers: lines(&["a. 0 IN SRV 1 1 80 h."]),
            additional: lines(&["h. 0 IN A 10.0.0.1"]),
        };
        let two = Resolved { answers: lines(&["h. 0 IN A 10.0.0.1"]), additional: lines(&[]) };
        let text = zone([&one, &two].into_iter());
        assert_eq!(text.matches("h. 0 IN A 10.0.0.1\n").count(), 1, "{text}");
        assert!(text.starts_with("consul. 0 IN SOA ") && text.ends_with("h. 0 IN A 10.0.0.1\n"), "{text}");
    }
}
