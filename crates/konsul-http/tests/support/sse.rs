//! A reader of server-sent events.

use std::net::SocketAddr;

use serde_json::Value;

use super::client::Client;

/// A stream of events.
pub struct Events {
    pub client: Client,
    unread: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub event: String,
    pub id: String,
    pub data: Value,
}

impl Frame {
    /// In a few words, for comparison: name, key and value.
    pub fn line(&self) -> String {
        let mut line = self.event.clone();
        for part in
            [&self.data["key"], &self.data["entry"]["value"], &self.data["code"], &self.data["reason"]]
        {
            if let Some(text) = part.as_str() {
                line = line + " " + text;
            }
        }
        line
    }
}

impl Events {
    /// Opens a stream; `resume` is sent as the header with which a browser goes on.
    pub async fn open(address: SocketAddr, query: &str, resume: Option<&str>) -> Events {
        Events::over(Client::connect(address).await, query, resume).await
    }

    /// The same over a connection that is open.
    pub async fn over(mut client: Client, query: &str, resume: Option<&str>) -> Events {
        let resume = resume.map(|cursor| format!("Last-Event-ID: {cursor}\r\n")).unwrap_or_default();
        client.send(format!("GET /v2/watch?{query} HTTP/1.1\r\nHost: test\r\n{resume}\r\n").as_bytes()).await;
        assert_eq!(client.line().await, "HTTP/1.1 200 OK");
        let mut head = Vec::new();
        loop {
            match client.line().await {
                line if line.is_empty() => break,
                line => head.push(line.to_ascii_lowercase()),
            }
        }
        for expected in
            ["content-type: text/event-stream", "cache-control: no-cache", "x-accel-buffering: no"]
        {
            assert!(head.iter().any(|line| line == expected), "{expected}: {head:?}");
        }
        Events { client, unread: String::new() }
    }

    /// The next event; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.unread.split_once("\n\n") {
                let frame = parse(frame);
                self.unread = rest.to_owned();
                return Some(frame);
            }
            let size = usize::from_str_radix(&self.client.line().await, 16).unwrap();
            let chunk = self.client.exactly(size).await;
            assert_eq!(self.client.line().await, "");
            if size == 0 {
                assert_eq!(self.unread, "", "the stream ends within an event");
                return None;
            }
            self.unread += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// The next event in a few words.
    pub async fn line(&mut self) -> String {
        self.next().await.expect("another event").line()
    }
}

fn parse(frame: &str) -> Frame {
    let mut fields = frame.lines().map(|line| line.split_once(": ").unwrap());
    let mut field = |name: &str| {
        let (found, value) = fields.next().unwrap();
        assert_eq!(found, name);
        value.to_owned()
    };
    let (event, id, data) = (field("event"), field("id"), field("data"));
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["cursor"].as_str(), Some(id.as_str()));
    Frame { event, id, data }
}
