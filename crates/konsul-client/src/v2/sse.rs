//! Server-sent events (HTML Living Standard, section 9.2.6), as far as a client needs them: fields, comments, ids.

use crate::error::Error;
use crate::transport::Reply;

use super::lines::Lines;

/// One event as it stood on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The `event:` field; empty if there was none.
    pub(crate) event: String,
    /// The `data:` fields, joined by ends of line.
    pub(crate) data: String,
    /// The last `id:` seen, in this event or before it.
    pub(crate) id: Option<String>,
}

/// The events of an answer.
pub(crate) struct Frames {
    lines: Lines,
    assembly: Assembly,
}

impl Frames {
    pub(crate) fn new(reply: Reply) -> Frames {
        Frames { lines: Lines::new(reply), assembly: Assembly::default() }
    }

    /// The next event; `None` where the stream ends. An event whose blank line did not come is not one.
    ///
    /// # Errors
    /// [`Error`], as reading lines.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, Error> {
        while let Some(line) = self.lines.next().await? {
            let Ok(line) = std::str::from_utf8(&line) else {
                return Err(self.lines.nonsense("bytes in an event that are no UTF-8"));
            };
            if let Some(frame) = self.assembly.line(line) {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }
}

/// Fields that wait for the blank line that ends their event.
#[derive(Debug, Default)]
struct Assembly {
    event: String,
    data: Option<String>,
    id: Option<String>,
}

impl Assembly {
    fn line(&mut self, line: &str) -> Option<Frame> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event),
            "data" => match &mut self.data {
                Some(data) => *data = format!("{data}\n{value}"),
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // Comments, `retry`, and what a later server may add.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Frame> {
        let event = std::mem::take(&mut self.event);
        let data = self.data.take()?;
        Some(Frame { event, data, id: self.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Assembly, Frame};

    fn frames(text: &str) -> Vec<Frame> {
        let mut assembly = Assembly::default();
        text.lines().filter_map(|line| assembly.line(line)).collect()
    }

    fn frame(event: &str, data: &str, id: Option<&str>) -> Frame {
        Frame { event: event.to_owned(), data: data.to_owned(), id: id.map(str::to_owned) }
    }

    #[test]
    fn events_end_with_a_blank_line_and_keep_the_last_id() {
        let text =
            ": hello\n\nid: 7\nevent: put\ndata: {\"a\":\ndata: 1}\n\nevent:heartbeat\ndata:\n\ndata: cut";
        assert_eq!(frames(text), [frame("put", "{\"a\":\n1}", Some("7")), frame("heartbeat", "", Some("7"))]);
    }

    #[test]
    fn an_event_without_data_is_none() {
        assert_eq!(frames("event: put\n\ndata: x\n\n"), [frame("", "x", None)]);
    }
}
