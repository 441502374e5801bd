//! As much of D-Bus as it takes to call a method with texts and read a text back. Source: the D-Bus Specification,
//! "Message Protocol" and "Authentication Protocol".
//!
//! Why by hand: the library for it (zbus) brings some twenty crates that nothing else here needs, among them derive
//! macros and an executor's building blocks, for the three calls of one kind of check. The format is fixed since 2006.
//! What is not here: signals, properties, other types than texts, passing of files, being called.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// Most bytes of a message; the calls made here are answered in some hundred.
const MESSAGE_MAX: usize = 256 << 10;

/// Messages for others (signals) that are passed over while an answer is waited for.
const PASSED_OVER_MAX: usize = 1000;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

/// A connection to a bus, with a name on it.
pub(crate) struct Bus {
    stream: BufReader<UnixStream>,
    serial: u32,
}

/// What is called, and where.
pub(crate) struct Call<'a> {
    pub(crate) destination: &'a str,
    pub(crate) path: &'a str,
    pub(crate) interface: &'a str,
    pub(crate) member: &'a str,
    pub(crate) arguments: &'a [&'a str],
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BusError {
    #[error("{0}")]
    System(#[from] io::Error),
    #[error("the bus speaks no D-Bus: {0}")]
    Protocol(&'static str),
    /// The other side refused.
    #[error("{name}: {text}")]
    Refused { name: String, text: String },
}

impl Bus {
    /// Connects as the user of this process.
    pub(crate) async fn connect(path: &Path) -> Result<Self, BusError> {
        let mut bus = Self { stream: BufReader::new(UnixStream::connect(path).await?), serial: 0 };
        bus.authenticate().await?;
        let hello = Call {
            destination: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "Hello",
            arguments: &[],
        };
        bus.call(&hello).await?;
        Ok(bus)
    }

    async fn authenticate(&mut self) -> Result<(), BusError> {
        let user = rustix::process::geteuid().as_raw().to_string();
        let user: String = user.bytes().map(|byte| format!("{byte:02x}")).collect();
        // The first byte is nothing, for systems that pass credentials with it.
        self.stream.write_all(format!("\0AUTH EXTERNAL {user}\r\n").as_bytes()).await?;
        let mut line = Vec::new();
        (&mut self.stream).take(1024).read_until(b'\n', &mut line).await?;
        if !line.starts_with(b"OK ") {
            return Err(BusError::Protocol("it did not accept the user of this process"));
        }
        self.stream.write_all(b"BEGIN\r\n").await?;
        Ok(())
    }

    /// Calls a method and answers the text that it returns: a string or a path, also inside a variant; empty if it returns
    /// nothing.
    pub(crate) async fn call(&mut self, call: &Call<'_>) -> Result<String, BusError> {
        self.serial += 1;
        self.stream.write_all(&encode(call, self.serial)).await?;
        for _ in 0..PASSED_OVER_MAX {
            let message = self.read().await?;
            if message.reply_to == Some(self.serial) {
                return message.outcome();
            }
        }
        Err(BusError::Protocol("it sends everything but the answer"))
    }

    async fn read(&mut self) -> Result<Message, BusError> {
        let mut head = [0; 16];
        self.stream.read_exact(&mut head).await?;
        let big = match head[0] {
            b'l' => false,
            b'B' => true,
            _ => return Err(BusError::Protocol("a message has no byte order")),
        };
        let mut reader = Reader { bytes: &head, at: 4, big };
        let (body, _serial, fields) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let padded = (u64::from(fields) + 7) & !7;
        let rest = usize::try_from(padded + u64::from(body)).unwrap_or(usize::MAX);
        if rest > MESSAGE_MAX {
            return Err(BusError::Protocol("a message is too long"));
        }
        let mut bytes = head.to_vec();
        bytes.resize(head.len() + rest, 0);
        self.stream.read_exact(&mut bytes[head.len()..]).await?;
        decode(&bytes, fields as usize, big)
    }
}

/// What is read of a message.
struct Message {
    kind: u8,
    reply_to: Option<u32>,
    error: String,
    text: String,
}

impl Message {
    fn outcome(self) -> Result<String, BusError> {
        match self.kind {
            METHOD_RETURN => Ok(self.text),
            ERROR => Err(BusError::Refused { name: self.error, text: self.text }),
            _ => Err(BusError::Protocol("an answer is none")),
        }
    }
}

/// Values are aligned to their size, counted from the start of the message.
fn encode(call: &Call<'_>, serial: u32) -> Vec<u8> {
    let mut body = Vec::new();
    for argument in call.arguments {
        text(&mut body, argument);
    }
    let mut bytes = vec![b'l', METHOD_CALL, 0, 1];
    u32(&mut bytes, body.len());
    bytes.extend(serial.to_le_bytes());
    u32(&mut bytes, 0);
    let fields = bytes.len();
    field(&mut bytes, 1, b'o', call.path);
    field(&mut bytes, 2, b's', call.interface);
    field(&mut bytes, 3, b's', call.member);
    field(&mut bytes, 6, b's', call.destination);
    if !call.arguments.is_empty() {
        pad(&mut bytes, 8);
        bytes.extend([8, 1, b'g', 0]);
        signature(&mut bytes, &"s".repeat(call.arguments.len()));
    }
    let length = u32::try_from(bytes.len() - fields).expect("a call has some hundred bytes");
    bytes[fields - 4..fields].copy_from_slice(&length.to_le_bytes());
    pad(&mut bytes, 8);
    bytes.extend(body);
    bytes
}

fn field(bytes: &mut Vec<u8>, code: u8, kind: u8, value: &str) {
    pad(bytes, 8);
    bytes.extend([code, 1, kind, 0]);
    text(bytes, value);
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    pad(bytes, 4);
    u32(bytes, value.len());
    bytes.extend(value.as_bytes());
    bytes.push(0);
}

fn signature(bytes: &mut Vec<u8>, value: &str) {
    bytes.push(u8::try_from(value.len()).expect("a call has a few arguments"));
    bytes.extend(value.as_bytes());
    bytes.push(0);
}

fn u32(bytes: &mut Vec<u8>, value: usize) {
    bytes.extend(u32::try_from(value).expect("a call has some hundred bytes").to_le_bytes());
}

fn pad(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn decode(bytes: &[u8], fields: usize, big: bool) -> Result<Message, BusError> {
    let mut message = Message { kind: bytes[1], reply_to: None, error: String::new(), text: String::new() };
    let mut signature = String::new();
    let mut reader = Reader { bytes: bytes.get(..16 + fields).ok_or(SHORT)?, at: 16, big };
    while reader.at < reader.bytes.len() {
        reader.align(8);
        let code = reader.u8()?;
        match (code, reader.signature()?.as_str()) {
            (5, "u") => message.reply_to = Some(reader.u32()?),
            (4, "s") => message.error = reader.text()?,
            (8, "g") => signature = reader.signature()?,
            (_, "s" | "o") => drop(reader.text()?),
            (_, "u") => drop(reader.u32()?),
            (_, "g") => drop(reader.signature()?),
            _ => return Err(BusError::Protocol("a header field has an unknown type")),
        }
    }
    let mut body = Reader { bytes, at: (16 + fields).next_multiple_of(8), big };
    message.text = body.first(&signature)?;
    Ok(message)
}

const SHORT: BusError = BusError::Protocol("a message is cut");

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big: bool,
}

impl Reader<'_> {
    /// The first value of a body, if it is a text.
    fn first(&mut self, signature: &str) -> Result<String, BusError> {
        match signature.as_bytes().first() {
            Some(b's' | b'o') => self.text(),
            Some(b'v') => {
                let inside = self.signature()?;
                if inside.starts_with('v') {
                    Err(BusError::Protocol("variants are nested"))
                } else {
                    self.first(&inside)
                }
            }
            _ => Ok(String::new()),
        }
    }

    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Result<&[u8], BusError> {
        let end = self.at.checked_add(count).ok_or(SHORT)?;
        let taken = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, BusError> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, BusError> {
        self.align(4);
        let big = self.big;
        let bytes = self.take(4)?.try_into().map_err(|_| SHORT)?;
        Ok(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn text(&mut self) -> Result<String, BusError> {
        let length = self.u32()? as usize;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Ok(text)
    }

    fn signature(&mut self) -> Result<String, BusError> {
        let length = usize::from(self.u8()?);
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded() -> Vec<u8> {
        encode(
            &Call { destination: "a.b", path: "/c", interface: "d.e", member: "F", arguments: &["x", "yz"] },
            7,
        )
    }

    #[test]
    fn a_call_has_the_form_of_the_specification() {
        let bytes = encoded();
        assert_eq!(&bytes[..4], [b'l', 1, 0, 1]);
        // The body: two texts, each aligned to four bytes.
        assert_eq!(&bytes[bytes.len() - 15..], b"\x01\0\0\0x\0\0\0\x02\0\0\0yz\0");
        assert_eq!(bytes[4], 15);
        let fields = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
        let decoded = decode(&bytes, fields, false).unwrap();
        assert_eq!((decoded.kind, decoded.text.as_str()), (METHOD_CALL, "x"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 16..200), at in 0usize..200, to: u8, big: bool) {
            let fields = usize::from(bytes[12]);
            let _ = decode(&bytes, fields, big);
            bytes = encoded();
            let at = at % bytes.len();
            bytes[at] = to;
            let fields = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
            let _ = decode(&bytes, fields, big);
        }
    }
}
