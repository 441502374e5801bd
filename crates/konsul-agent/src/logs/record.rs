//! One line of the log, in its two forms. Both have the shape of Consul's, which log pipelines know.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use konsul_runtime::trace::RequestTag;
use tracing::Event;
use tracing::field::{Field, Visit};

/// One line in the making.
pub(crate) struct Record {
    at: Timestamp,
    /// 0 for errors to 4 for everything.
    pub(crate) rank: u8,
    /// Whether a room of this house wrote it.
    pub(crate) ours: bool,
    module: String,
    message: String,
    fields: Vec<(&'static str, String)>,
}

pub(super) const NAMES: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
const PADDED: [&str; 5] = ["[ERROR]", "[WARN] ", "[INFO] ", "[DEBUG]", "[TRACE]"];

impl Record {
    pub(crate) fn of(event: &Event<'_>, rank: u8) -> Record {
        let target = event.metadata().target();
        let room = target.split("::").next().unwrap_or(target);
        let (ours, module) = match room.strip_prefix("konsul_") {
            Some(module) => (true, module),
            None => (room == "konsul", room),
        };
        let mut record = Record {
            at: Timestamp::now(),
            rank,
            ours,
            module: module.to_owned(),
            message: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut record);
        record.name_request();
        record
    }

    /// Says for which request the line was written. After the line's own fields: none of them can pose as one of these.
    fn name_request(&mut self) {
        if let Some(tag) = RequestTag::current() {
            self.fields.push(("request_id", tag.to_string()));
            self.fields.extend(tag.trace().map(|trace| ("trace_id", trace.to_string())));
        }
    }

    /// A line that the log itself writes.
    pub(crate) fn of_the_log(message: String) -> Record {
        let module = "logs".to_owned();
        Record { at: Timestamp::now(), rank: 1, ours: true, module, message, fields: Vec::new() }
    }

    /// `TIME [LEVEL] module: message: key=value`, with its line end.
    pub(crate) fn text(&self) -> String {
        let level = PADDED[usize::from(self.rank)];
        let mut line = format!("{:.3} {level} {}: {}", self.at, self.module, one_line(&self.message));
        let mut before = ": ";
        for (name, value) in &self.fields {
            line.push_str(before);
            before = " ";
            line.push_str(name);
            line.push('=');
            push_value(&mut line, value);
        }
        line.push('\n');
        line
    }

    /// One JSON object, with its line end.
    pub(crate) fn json(&self) -> String {
        let mut object = serde_json::Map::new();
        for (name, value) in &self.fields {
            object.insert((*name).to_owned(), value.as_str().into());
        }
        // After the fields, so that none of them can pose as one of these.
        object.insert("@level".into(), NAMES[usize::from(self.rank)].into());
        object.insert("@message".into(), self.message.as_str().into());
        object.insert("@module".into(), self.module.as_str().into());
        object.insert("@timestamp".into(), format!("{:.6}", self.at).into());
        serde_json::Value::Object(object).to_string() + "\n"
    }
}

/// A message must not pass for two lines.
fn one_line(message: &str) -> String {
    message.replace('\n', "\\n").replace('\r', "\\r")
}

fn push_value(line: &mut String, value: &str) {
    let plain = !value.is_empty() && value.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '"');
    if plain {
        line.push_str(value);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(line, "{value:?}");
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.take(field, value.to_string());
    }
}

impl Record {
    fn take(&mut self, field: &Field, value: String) {
        if field.name() == "message" {
            self.message = value;
        } else {
            self.fields.push((field.name(), value));
        }
    }
}
