//! Sockets, bound before anything else is touched: an agent that cannot listen has changed nothing.
//!
//! A unix socket is bound under a name beside its own, gets its owner and mode there, and is then renamed: whoever may not
//! use it never could. A socket file that an agent left behind when it was killed is replaced; one that somebody listens
//! on, and any other file, is not.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use konsul_config::{Config, Endpoint, UnixSockets};
use konsul_http::Listener;

use crate::error::AgentError;

/// Sockets that are bound, and the files of those that have one.
pub(crate) struct Sockets {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) files: Vec<SocketFile>,
}

/// The file of a unix socket; removed when this goes.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl SocketFile {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever removed it already wanted the same.
        let _ = fs::remove_file(&self.0);
    }
}

/// Binds everything on which HTTP is to be served.
pub(crate) fn bind(config: &Config) -> Result<Sockets, AgentError> {
    let mut sockets = Sockets { listeners: Vec::new(), files: Vec::new() };
    for endpoint in config.http_listen() {
        match endpoint {
            Endpoint::Tcp(address) => sockets.listeners.push(bind_tcp(address)?.into()),
            Endpoint::Unix(path) => {
                let refused = |why: String| AgentError::UnixSocket { path: path.clone(), why };
                let (socket, file) = bind_unix(&path, &config.unix_sockets).map_err(refused)?;
                sockets.listeners.push(socket.into());
                sockets.files.push(file);
            }
        }
    }
    Ok(sockets)
}

fn bind_tcp(address: SocketAddr) -> Result<TcpListener, AgentError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => AgentError::PortInUse { address },
        _ => AgentError::Listen { address, source },
    })
}

fn bind_unix(path: &Path, wishes: &UnixSockets) -> Result<(UnixListener, SocketFile), String> {
    let said = |why: io::Error| why.to_string();
    check_place(path)?;
    let (user, group) = (
        wishes.user.as_deref().map(|name| number(name, "user", "/etc/passwd")).transpose()?,
        wishes.group.as_deref().map(|name| number(name, "group", "/etc/group")).transpose()?,
    );
    let beside = beside(path);
    match fs::remove_file(&beside) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(said(why)),
        _ => {}
    }
    let socket = UnixListener::bind(&beside).map_err(said)?;
    let mut file = SocketFile(beside);
    if user.is_some() || group.is_some() {
        let given =
            |why: io::Error| format!("its file cannot be given to unix_sockets.user and group: {why}");
        chown(file.path(), user, group).map_err(given)?;
    }
    if let Some(mode) = wishes.mode {
        fs::set_permissions(file.path(), Permissions::from_mode(mode.0)).map_err(said)?;
    }
    fs::rename(file.path(), path).map_err(said)?;
    file.0 = path.to_owned();
    Ok((socket, file))
}

/// A name of the same directory that nobody else uses, and no longer than the socket's own may be.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".k{}", std::process::id()))
}

/// What is there already must be a socket on which nobody listens any more.
fn check_place(path: &Path) -> Result<(), String> {
    let about = match fs::symlink_metadata(path) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(why.to_string()),
        Ok(about) => about,
    };
    if !about.file_type().is_socket() {
        return Err(
            "there is a file of that name which is no socket; move it, or choose another name".to_owned()
        );
    }
    match UnixStream::connect(path) {
        Err(why) if why.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(why) => Err(why.to_string()),
        Ok(_) => Err("another program listens there, perhaps another agent".to_owned()),
    }
}

/// The number of a user or a group: as it is, or by its name in the system's table.
fn number(name: &str, what: &str, table: &str) -> Result<u32, String> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = fs::read_to_string(table).map_err(|why| format!("{table} cannot be read: {why}"))?;
    let mut rows = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let row = rows.find(|row| row.first() == Some(&name));
    let number = row.and_then(|row| row.get(2)?.parse().ok());
    number.ok_or_else(|| format!("there is no {what} {name:?} in {table}; name another, or give its number"))
}

#[cfg(test)]
mod tests {
    use konsul_config::FileMode;

    use super::*;

    fn config(http: &str, port: i64) -> Config {
        let args = [
            "-dev".to_owned(),
            format!("-addresses-http={http}"),
            format!("-http-port={port}"),
            "-dns-port=-1".to_owned(),
        ];
        let none: [(&str, &str); 0] = [];
        Config::load(&args, &[], &konsul_config::MemoryFiles::new(none)).unwrap().config
    }

    #[test]
    fn a_port_in_use_is_named_with_the_option_and_with_whom_to_ask() {
        let taken = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = taken.local_addr().unwrap();
        let why = bind_tcp(address).unwrap_err().to_string();
        let port = address.port();
        assert!(why.contains(&format!("port {port} is in use on 127.0.0.1")), "{why}");
        assert!(why.contains("-http-port") && why.contains(&format!("sport = :{port}")), "{why}");
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let why = bind_tcp("192.0.2.1:0".parse().unwrap()).unwrap_err().to_string();
        assert!(why.contains("no address 192.0.2.1"), "{why}");
    }

    #[test]
    fn a_unix_socket_has_its_mode_and_goes_with_the_agent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k.sock");
        let mut config = config(&format!("unix://{} 127.0.0.1", path.display()), 0);
        config.unix_sockets.mode = Some(FileMode(0o600));
        config.unix_sockets.user = Some(
            fs::metadata(dir.path())
                .map(|about| {
                    use std::os::unix::fs::MetadataExt as _;
                    about.uid().to_string()
                })
                .unwrap(),
        );
        let sockets = bind(&config).unwrap();
        assert_eq!(sockets.listeners.len(), 2);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let why = bind(&config).err().unwrap().to_string();
        assert!(why.contains("another program listens there") && why.contains("k.sock"), "{why}");
        drop(sockets);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_socket_left_behind_is_replaced_and_another_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        drop(bind_unix(&path, &UnixSockets::default()).unwrap());
        fs::write(&path, "precious").unwrap();
        let why = bind_unix(&path, &UnixSockets::default()).unwrap_err();
        assert!(why.contains("is no socket"), "{why}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn users_have_names_and_numbers() {
        assert_eq!(number("root", "user", "/etc/passwd"), Ok(0));
        assert_eq!(number("12345", "user", "/etc/passwd"), Ok(12345));
        let why = number("nobody-of-that-name", "group", "/etc/group").unwrap_err();
        assert!(why.contains("no group \"nobody-of-that-name\" in /etc/group"), "{why}");
    }
}
