//! A client that sends bytes as they are and reads one answer at a time.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

/// A connection.
pub struct Client {
    pub socket: TcpStream,
    unread: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A socket with a small buffer for what comes in.
pub async fn small(address: SocketAddr) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(256 * 1024).unwrap();
    socket.connect(address).await.unwrap()
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Client {
        Client { socket: TcpStream::connect(address).await.unwrap(), unread: Vec::new() }
    }

    /// A connection whose system keeps little of what its program does not read.
    pub async fn connect_small(address: SocketAddr) -> Client {
        Client { socket: small(address).await, unread: Vec::new() }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    pub async fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target, &[], b"").await
    }

    pub async fn put(&mut self, target: &str, body: &[u8]) -> Answer {
        self.request("PUT", target, &[], body).await
    }

    pub async fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"))
        {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        let mut whole = head.into_bytes();
        whole.extend_from_slice(body);
        self.send(&whole).await;
        self.answer(method == "HEAD").await.expect("an answer")
    }

    /// Reads an answer; `None` if the connection ends before one begins.
    pub async fn answer(&mut self, is_head: bool) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if !self.fill().await {
                assert!(
                    self.unread.is_empty(),
                    "half an answer: {:?}",
                    String::from_utf8_lossy(&self.unread)
                );
                return None;
            }
        };
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: Vec::new() };
        if status == 100 {
            return Box::pin(self.answer(is_head)).await;
        }
        if !is_head {
            answer.body = self.body(&answer).await;
        }
        Some(answer)
    }

    async fn body(&mut self, answer: &Answer) -> Vec<u8> {
        if answer.header("transfer-encoding") == Some("chunked") {
            let mut body = Vec::new();
            loop {
                let size = usize::from_str_radix(&self.line().await, 16).unwrap();
                body.extend(self.exactly(size).await);
                assert_eq!(self.line().await, "");
                if size == 0 {
                    return body;
                }
            }
        }
        let length = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
        self.exactly(length).await
    }

    /// Reads a line, without its end.
    pub async fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..at + 2).collect();
                return String::from_utf8(line[..at].to_vec()).unwrap();
            }
            assert!(self.fill().await, "the connection ended within a line");
        }
    }

    pub async fn exactly(&mut self, size: usize) -> Vec<u8> {
        while self.unread.len() < size {
            assert!(self.fill().await, "the connection ended within a body");
        }
        self.unread.drain(..size).collect()
    }

    /// Reads so many bytes; `None` if the connection ends before.
    pub async fn try_exactly(&mut self, size: usize) -> Option<Vec<u8>> {
        while self.unread.len() < size {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.unread.drain(..size).collect())
    }

    /// Whether the server closes without sending anything more.
    pub async fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.fill().await
    }

    async fn fill(&mut self) -> bool {
        // A reset is an end too.
        let read = timeout(PATIENCE, self.socket.read_buf(&mut self.unread)).await;
        read.expect("the server is silent").unwrap_or(0) > 0
    }
}
