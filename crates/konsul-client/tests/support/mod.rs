//! A server that answers as it is told, and tells what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc;

/// A scripted server.
pub(crate) struct Fake {
    /// Where it listens.
    pub(crate) address: String,
    /// What it was sent, request by request.
    pub(crate) seen: mpsc::Receiver<String>,
}

/// A server that gives one answer to each connection, as it stands, hangs up, and tells what it was sent.
pub(crate) fn fake(answers: Vec<String>) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, seen) = mpsc::sync_channel(answers.len());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            tell.send(read_request(&mut BufReader::new(stream.try_clone().unwrap()))).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    Fake { address, seen }
}

/// The next request, head and body.
pub(crate) fn read_request(from: &mut impl BufRead) -> String {
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let start = text.len();
        from.read_line(&mut text).unwrap();
        let line = text[start..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    text + &String::from_utf8(body).unwrap()
}

/// An answer after which the connection ends.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
