//! Word to the service manager about how far the agent is: systemd's `sd_notify` protocol.
//!
//! The manager names a datagram socket in `NOTIFY_SOCKET`, and hears `READY=1`, `RELOADING=1` and `STOPPING=1` there, so a
//! unit of `Type=notify` or `Type=notify-reload` is active exactly while the agent serves. Without the variable nobody
//! listens, and nothing is said. See `sd_notify(3)`.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The way to the service manager, if there is one.
#[derive(Debug)]
pub(crate) struct Manager(Option<SocketAddr>);

impl Manager {
    /// The one that the environment names.
    pub(crate) fn of_process() -> Manager {
        Manager::at(std::env::var_os("NOTIFY_SOCKET"))
    }

    /// The one at this address: a path, or a name in the abstract namespace after an `@`.
    fn at(address: Option<OsString>) -> Manager {
        let Some(address) = address.filter(|address| !address.is_empty()) else { return Manager(None) };
        let parsed = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&address),
        };
        match parsed {
            Ok(address) => Manager(Some(address)),
            Err(why) => {
                tracing::warn!(%why, "NOTIFY_SOCKET names no socket; the service manager hears nothing");
                Manager(None)
            }
        }
    }

    /// The agent serves.
    pub(crate) fn ready(&self, serves: &str) {
        self.say(&format!("READY=1\nSTATUS={serves}\nMAINPID={}\n", std::process::id()));
    }

    /// The configuration is read again, until `ready` is said.
    pub(crate) fn reloading(&self) {
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={}\n", monotonic_us()));
    }

    /// The agent stops.
    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=stopping\n");
    }

    fn say(&self, text: &str) {
        let Some(address) = &self.0 else { return };
        if let Err(why) = send(address, text) {
            tracing::warn!(%why, "the service manager could not be told");
        }
    }
}

fn send(address: &SocketAddr, text: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // A manager that does not listen must not hold the agent up.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(text.as_bytes(), address).map(drop)
}

/// Microseconds of the clock that the manager compares with.
fn monotonic_us() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        socket.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[track_caller]
    fn speaks(manager: &Manager, socket: &UnixDatagram) {
        manager.ready("serving");
        assert!(heard(socket).starts_with("READY=1\nSTATUS=serving\nMAINPID="));
        manager.reloading();
        assert!(heard(socket).starts_with("RELOADING=1\nMONOTONIC_USEC="));
        manager.stopping();
        assert_eq!(heard(socket), "STOPPING=1\nSTATUS=stopping\n");
    }

    #[test]
    fn a_manager_at_a_path_and_one_with_an_abstract_name_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        speaks(&Manager::at(Some(path.into_os_string())), &socket);
        let name = format!("konsul-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        speaks(&Manager::at(Some(format!("@{name}").into())), &socket);
    }

    #[test]
    fn nobody_and_a_dead_manager_are_no_trouble() {
        Manager::at(None).ready("x");
        Manager::at(Some(OsString::new())).ready("x");
        Manager::at(Some("/nonexistent/notify".into())).ready("x");
    }
}
