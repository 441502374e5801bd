//! A server that goes away under each of Consul's commands: each says so, in Consul's words where it has some, and exits
//! with 1.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::cell::RefCell;
use std::io::{self, BufRead as _, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;

use konsulctl::Console;

/// How a command that speaks to an agent is called, and what its error begins with.
const CALLS: &[(&str, &str)] = &[
    (
        "debug -duration=0s -output=/nonexistent/report",
        "Capture validation failed: error querying target agent: ",
    ),
    ("event -name=deploy x", "Error firing event: "),
    ("info", "Error querying agent: "),
    ("kv delete a", "Error deleting key a: "),
    ("kv export a", "Error querying Consul agent: "),
    ("kv get a", "Error querying Consul agent: "),
    ("kv put a b", "Error! Failed writing data: "),
    ("leave", "Error leaving: "),
    ("lock a touch /nonexistent/never", "Error querying Consul agent: "),
    ("members", "Error retrieving members: "),
    ("monitor", "Error starting monitor: "),
    ("operator raft list-peers", "Error getting peers: "),
    ("operator usage instances", "Error fetching usage information: "),
    ("reload", "Error reloading: "),
    ("snapshot save /nonexistent/saved.snap", "Error "),
    ("status", "Error querying Consul agent: "),
    ("watch -type=key -key=a", "Error querying Consul agent: "),
];

/// An end of output whose bytes can be looked at while somebody else holds it.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The exit code, and what was said on standard error.
fn run(address: &str, line: &str) -> (u8, String) {
    let (out, err) = (Shared::default(), Shared::default());
    let env = |name: &str| (name == "CONSUL_HTTP_ADDR").then(|| address.to_owned());
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let mut console =
        Console::new(Box::new(env), Box::new(io::empty()), Box::new(out), Box::new(err.clone()), false);
    let code = konsulctl::run("konsul", &words, &mut console);
    let text = String::from_utf8(err.0.borrow().clone()).unwrap();
    (code, text)
}

/// An agent that reads a request and answers with this, whatever was asked, and hangs up.
fn broken(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().for_each(|stream| hang_up(stream.unwrap(), answer)));
    address
}

fn hang_up(mut stream: TcpStream, answer: &str) {
    let mut head = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while head.read_line(&mut line).is_ok_and(|length| length > 2) {
        line.clear();
    }
    // The other side may have gone first.
    let _ = stream.write_all(answer.as_bytes());
}

#[track_caller]
fn check(address: &str, exact: bool) {
    let mut wrong = Vec::new();
    for (line, begins) in CALLS {
        let (code, text) = run(address, line);
        if code != 1 || text.is_empty() || (exact && !(text.starts_with(begins) && text.contains(address))) {
            wrong.push(format!("konsul {line}: {code}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    check(&address, true);
}

#[test]
fn the_agent_hangs_up_before_it_answers() {
    check(&broken(""), true);
}

#[test]
fn the_agent_fails() {
    check(
        &broken("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\nconnection: close\r\n\r\noops"),
        false,
    );
}
