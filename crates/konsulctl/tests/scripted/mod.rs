//! A scripted server, and commands that are run against it in this process.

#![allow(dead_code, reason = "each test needs some of these")]

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Cursor, Write};
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::mpsc;

use konsulctl::Console;

pub(crate) struct Fake {
    pub(crate) address: String,
    pub(crate) seen: mpsc::Receiver<String>,
}

/// A server that gives one answer to each connection and tells what it was sent.
pub(crate) fn fake<const N: usize>(answers: [(&str, &str); N]) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answers = answers.map(|(status, body)| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nX-Consul-Index: 42\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
    });
    let (tell, seen) = mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let request = read_request(&mut BufReader::new(stream.try_clone().unwrap()));
            stream.write_all(answer.as_bytes()).unwrap();
            tell.send(request).unwrap();
        }
    });
    Fake { address, seen }
}

pub(crate) fn read_request(from: &mut impl BufRead) -> String {
    let (mut text, mut length, mut chunked) = (String::new(), 0, false);
    loop {
        let start = text.len();
        from.read_line(&mut text).unwrap();
        let line = text[start..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        chunked |= line.starts_with("transfer-encoding: chunked");
        if line == "\r\n" {
            break;
        }
    }
    if chunked {
        return text + &read_chunks(from);
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    text + &String::from_utf8(body).unwrap()
}

pub(crate) fn read_chunks(from: &mut impl BufRead) -> String {
    let mut body = String::new();
    loop {
        let mut size = String::new();
        from.read_line(&mut size).unwrap();
        let mut chunk = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
        from.read_exact(&mut chunk).unwrap();
        chunk.truncate(chunk.len() - 2);
        if chunk.is_empty() {
            return body;
        }
        body.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

/// An end of output whose bytes can be looked at while somebody else holds it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn done(code: u8, out: &str, err: &str) -> Done {
    Done { code, out: out.to_owned(), err: err.to_owned() }
}

pub(crate) fn run_with(address: &str, stdin: &str, words: &[&str]) -> Done {
    let (out, err) = (Shared::default(), Shared::default());
    let env = |name: &str| (name == "CONSUL_HTTP_ADDR").then(|| address.to_owned());
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let stdin = Cursor::new(stdin.as_bytes().to_vec());
    let mut console =
        Console::new(Box::new(env), Box::new(stdin), Box::new(out.clone()), Box::new(err.clone()), false);
    let code = konsulctl::run("konsul", &words, &mut console);
    Done { code, out: out.text(), err: err.text() }
}

pub(crate) fn run(address: &str, words: &[&str]) -> Done {
    run_with(address, "", words)
}

/// Runs words, split at white space, that must not reach a server.
pub(crate) fn offline(words: &str) -> Done {
    let words: Vec<&str> = words.split_whitespace().collect();
    run("127.0.0.1:1", &words)
}

pub(crate) fn first_line(fake: &Fake) -> String {
    fake.seen.recv().unwrap().lines().next().unwrap().to_owned()
}
