//! A WebSocket client: whole messages by the library, or bytes by hand.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::PATIENCE;
use super::client::Client;

/// A WebSocket.
pub struct Socket {
    pub inner: WebSocketStream<TcpStream>,
}

impl Socket {
    pub async fn open(address: SocketAddr) -> Socket {
        Socket::over(TcpStream::connect(address).await.unwrap()).await
    }

    pub async fn over(stream: TcpStream) -> Socket {
        let (inner, _) = tokio_tungstenite::client_async("ws://test/v2/ws", stream).await.unwrap();
        Socket { inner }
    }

    pub async fn send(&mut self, message: Value) {
        self.inner.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, mut message: Value) {
        message["type"] = json!("subscribe");
        message["id"] = json!(id);
        self.send(message).await;
    }

    /// The next message of the server, but for pings; the close frame as its code and reason; `null` at the end.
    pub async fn next(&mut self) -> Value {
        loop {
            let next = timeout(PATIENCE, self.inner.next()).await.expect("the server is silent");
            match next {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return json!({"type": "close", "code": u16::from(frame.code), "reason": frame.reason.as_str()});
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("an unexpected frame: {other:?}"),
                Some(Err(_)) | None => return Value::Null,
            }
        }
    }

    /// The next message in a few words: type, id, key, value, code.
    pub async fn line(&mut self) -> String {
        line(&self.next().await)
    }
}

/// A message in a few words.
pub fn line(message: &Value) -> String {
    let parts = [
        &message["type"],
        &message["id"],
        &message["key"],
        &message["entry"]["value"],
        &message["problem"]["code"],
        &message["reason"],
    ];
    parts.iter().filter_map(|part| part.as_str()).collect::<Vec<_>>().join(" ")
}

/// The opening handshake by hand; answers the connection after it.
pub async fn shake_hands(address: SocketAddr) -> Client {
    let mut client = Client::connect(address).await;
    client
        .send(
            b"GET /v2/ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await;
    assert_eq!(client.line().await, "HTTP/1.1 101 Switching Protocols");
    while !client.line().await.is_empty() {}
    client
}

/// A frame as a client sends it, masked with zeros, or not masked.
pub fn frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(mask | short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(mask | 126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(mask | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    if masked {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}

/// Reads frames until a close frame; its code and reason. `None` if the connection ends without one.
pub async fn close_frame(client: &mut Client) -> Option<(u16, String)> {
    loop {
        let head = client.try_exactly(2).await?;
        let length = match head[1] {
            126 => u16::from_be_bytes(client.try_exactly(2).await?.try_into().unwrap()) as usize,
            127 => u64::from_be_bytes(client.try_exactly(8).await?.try_into().unwrap()) as usize,
            short => usize::from(short),
        };
        let payload = client.try_exactly(length).await?;
        if head[0] == 0x88 {
            let code = u16::from_be_bytes([payload[0], payload[1]]);
            return Some((code, String::from_utf8(payload[2..].to_vec()).unwrap()));
        }
    }
}
