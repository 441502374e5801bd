//! What a client says over a WebSocket, with every fault of it.

use konsul_api::v2::code::{INVALID_BODY, MALFORMED_JSON};
use konsul_api::v2::problem::Fault;
use konsul_api::v2::stream::SUBSCRIPTION_ID_MAX;
use konsul_operations::{Consistency, Context};
use konsul_types::Namespace;
use serde_json::{Map, Value};

use super::ask::{Ask, Raw};
use crate::v2::rejection::Rejection;

/// A message.
#[derive(Debug)]
pub(crate) enum Message {
    Subscribe { id: String, ask: Box<Ask> },
    Unsubscribe { id: String },
    Ping { id: Option<String> },
}

/// Why a message was refused, and the id that it named, if it can be told.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) id: Option<String>,
    pub(crate) why: Box<Rejection>,
}

/// Reads a message. What it does not say of a stream, the socket's own context does.
pub(crate) fn read(text: &str, context: &Context) -> Result<Message, Refused> {
    let refuse = |why: Box<Rejection>| Refused { id: None, why };
    let value: Value = serde_json::from_str(text)
        .map_err(|why| refuse(Rejection::new(&MALFORMED_JSON, format!("the message is no JSON: {why}"))))?;
    let Value::Object(fields) = &value else {
        let faults = vec![Fault::at("", "a message is a JSON object")];
        return Err(refuse(Rejection::of_faults(&INVALID_BODY, faults)));
    };
    Fields { fields, faults: Vec::new() }.message(context)
}

struct Fields<'a> {
    fields: &'a Map<String, Value>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    fn message(mut self, context: &Context) -> Result<Message, Refused> {
        match self.text("type") {
            Some("subscribe") => self.subscribe(context),
            Some("unsubscribe") => {
                self.only(&["type", "id"]);
                let id = self.id();
                self.done(|_| Ok(Message::Unsubscribe { id }))
            }
            Some("ping") => {
                self.only(&["type", "id"]);
                let id = self.text("id").map(str::to_owned);
                if id.as_ref().is_some_and(|id| !is_id(id)) {
                    self.faults.push(Fault::at("/id", ID));
                }
                self.done(|_| Ok(Message::Ping { id }))
            }
            found => {
                let detail = match found {
                    Some(found) => format!("{found:?} is none of subscribe, unsubscribe and ping"),
                    None => "is missing: subscribe, unsubscribe or ping".to_owned(),
                };
                if self.faults.is_empty() {
                    self.faults.push(Fault::at("/type", detail));
                }
                self.done(|_| unreachable!("there is a fault"))
            }
        }
    }

    fn subscribe(mut self, context: &Context) -> Result<Message, Refused> {
        const KNOWN: &[&str] = &[
            "type",
            "id",
            "key",
            "prefix",
            "glob",
            "service",
            "tag",
            "passing",
            "node_meta",
            "filter",
            "services",
            "node",
            "checks",
            "event",
            "namespace",
            "consistency",
            "initial",
            "old_values",
            "cursor",
        ];
        self.only(KNOWN);
        let id = self.id();
        let context = self.context(context);
        let raw = Raw {
            key: self.text("key"),
            prefix: self.text("prefix"),
            glob: self.text("glob"),
            service: self.text("service"),
            tag: self.texts("tag"),
            passing: self.flag("passing"),
            node_meta: self.texts("node_meta"),
            filter: self.text("filter"),
            services: self.flag("services"),
            node: self.text("node"),
            checks: self.text("checks"),
            event: self.text("event"),
            cursor: self.text("cursor"),
            initial: self.flag("initial"),
            old_values: self.flag("old_values"),
        };
        let asked = raw.ask(context, &INVALID_BODY, |name, detail| Fault::at(format!("/{name}"), detail));
        match asked {
            Ok(ask) => self.done(|_| Ok(Message::Subscribe { id, ask: Box::new(ask) })),
            Err(why) if self.faults.is_empty() => Err(Refused { id: self.given_id(), why }),
            Err(why) => {
                // A field of a wrong type is missing for the rest, which need not be said as well.
                let known: Vec<_> = self.faults.iter().map(|fault| fault.pointer.clone()).collect();
                self.faults.extend(why.errors.into_iter().filter(|fault| !known.contains(&fault.pointer)));
                self.done(|_| unreachable!("there is a fault"))
            }
        }
    }

    fn context(&mut self, own: &Context) -> Context {
        let mut context = own.clone();
        if let Some(name) = self.text("namespace") {
            match Namespace::new(name) {
                Ok(namespace) => context.namespace = namespace,
                Err(why) => self.faults.push(Fault::at("/namespace", why.what)),
            }
        }
        match self.text("consistency") {
            None => {}
            Some("consistent") => context.consistency = Consistency::Consistent,
            Some("default") => context.consistency = Consistency::Default,
            Some("stale") => context.consistency = Consistency::Stale { max_stale: None },
            Some(other) => {
                let detail = format!("{other:?} is none of consistent, default and stale");
                self.faults.push(Fault::at("/consistency", detail));
            }
        }
        context
    }

    fn done(self, message: impl FnOnce(&Self) -> Result<Message, Refused>) -> Result<Message, Refused> {
        if self.faults.is_empty() {
            return message(&self);
        }
        let id = self.given_id();
        Err(Refused { id, why: Rejection::of_faults(&INVALID_BODY, self.faults) })
    }

    /// The id, if it is one that can be sent back.
    fn given_id(&self) -> Option<String> {
        self.fields.get("id").and_then(Value::as_str).filter(|id| is_id(id)).map(str::to_owned)
    }

    fn id(&mut self) -> String {
        let faults = self.faults.len();
        match self.text("id") {
            Some(id) if is_id(id) => return id.to_owned(),
            Some(_) => self.faults.push(Fault::at("/id", ID)),
            None if self.faults.len() == faults => {
                self.faults.push(Fault::at("/id", format!("is missing: {ID}")));
            }
            None => {}
        }
        String::new()
    }

    fn text(&mut self, name: &'static str) -> Option<&'a str> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text),
            _ => {
                self.faults.push(Fault::at(format!("/{name}"), "is no text"));
                None
            }
        }
    }

    fn texts(&mut self, name: &'static str) -> Vec<&'a str> {
        let Some(value) = self.fields.get(name) else { return Vec::new() };
        let texts =
            value.as_array().and_then(|all| all.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        texts.unwrap_or_else(|| {
            self.faults.push(Fault::at(format!("/{name}"), "is no list of texts"));
            Vec::new()
        })
    }

    fn flag(&mut self, name: &'static str) -> bool {
        match self.fields.get(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.faults.push(Fault::at(format!("/{name}"), "is neither true nor false"));
                false
            }
        }
    }

    fn only(&mut self, known: &[&str]) {
        for name in self.fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            self.faults
                .push(Fault::at(pointer, format!("is unknown; this message knows {}", known.join(", "))));
        }
    }
}

const ID: &str = "an id has 1 to 64 visible ASCII characters";

fn is_id(id: &str) -> bool {
    (1..=SUBSCRIPTION_ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use konsul_operations::watch::RecordSelect;

    use super::super::ask::Watch;
    use super::*;

    fn context() -> Context {
        Context::new(Namespace::new("own").unwrap())
    }

    #[track_caller]
    fn check(text: &str, id: Option<&str>, code: &str, pointers: &[&str]) {
        let refused = read(text, &context()).expect_err("it should have been refused");
        let found: Vec<_> =
            refused.why.errors.iter().map(|fault| fault.pointer.as_deref().unwrap()).collect();
        let found = (refused.id.as_deref(), refused.why.code.id, found);
        assert_eq!(found, (id, code, pointers.to_vec()), "{text}");
    }

    #[test]
    fn every_fault_is_listed() {
        check("{", None, "malformed_json", &[]);
        check("[]", None, "invalid_body", &[""]);
        check("{}", None, "invalid_body", &["/type"]);
        check(r#"{"type":7}"#, None, "invalid_body", &["/type"]);
        check(r#"{"type":"subscribe"}"#, None, "invalid_body", &["/id", "/key"]);
        check(r#"{"type":"subscribe","id":"a b","key":"k"}"#, None, "invalid_body", &["/id"]);
        check(
            r#"{"type":"subscribe","id":"a","key":7,"initial":"yes","colour":1,"consistency":"x"}"#,
            Some("a"),
            "invalid_body",
            &["/colour", "/consistency", "/key", "/initial"],
        );
        check(r#"{"type":"subscribe","id":"a","glob":"a\\b"}"#, Some("a"), "invalid_body", &["/glob"]);
        check(
            r#"{"type":"subscribe","id":"a","key":"k","cursor":"x"}"#,
            Some("a"),
            "invalid_cursor",
            &["/cursor"],
        );
        let records = [
            (r#""service":"web","key":"k""#, &["/service"][..]),
            (r#""services":true,"node":"n""#, &["/node"]),
            (r#""services":true,"passing":true,"tag":["a"]"#, &["/passing", "/tag"]),
            (r#""service":"web","tag":"a""#, &["/tag"]),
            (r#""service":"web","node_meta":["a"]"#, &["/node_meta"]),
            (r#""checks":"fine""#, &["/checks"]),
            (r#""event":"","key":"k","filter":"x""#, &["/key", "/filter"]),
            (r#""event":"e","tag":["a"]"#, &["/tag"]),
            (r#""event":"e","service":"s","tag":["a","b"]"#, &["/tag"]),
        ];
        for (what, pointers) in records {
            let text = format!(r#"{{"type":"subscribe","id":"a",{what}}}"#);
            check(&text, Some("a"), "invalid_body", pointers);
        }
        check(r#"{"type":"unsubscribe","id":"a","a/b~":1}"#, Some("a"), "invalid_body", &["/a~1b~0"]);
        check(r#"{"type":"ping","id":7}"#, None, "invalid_body", &["/id"]);
    }

    #[test]
    fn good_ones_are_read() {
        let text = r#"{"type":"subscribe","id":"a","glob":"app/*","initial":true,"namespace":"b"}"#;
        let Ok(Message::Subscribe { id, ask }) = read(text, &context()) else { panic!("{text}") };
        let Watch::Keys(watch) = &ask.watch else { panic!("{ask:?}") };
        assert_eq!((id.as_str(), watch.initial, watch.old_values), ("a", true, false));
        assert_eq!(ask.context.namespace.as_str(), "b");
        let text = r#"{"type":"subscribe","id":"a","service":"web","tag":["v1"],"passing":true}"#;
        let Ok(Message::Subscribe { ask, .. }) = read(text, &context()) else { panic!("{text}") };
        let Watch::Records(watch) = &ask.watch else { panic!("{ask:?}") };
        let RecordSelect::Service(of) = &watch.select else { panic!("{watch:?}") };
        assert_eq!((of.name.as_str(), &of.tags[..], of.passing), ("web", &["v1".to_owned()][..], true));
        let text = r#"{"type":"subscribe","id":"a","key":"k"}"#;
        let Ok(Message::Subscribe { ask, .. }) = read(text, &context()) else { panic!("{text}") };
        assert_eq!(ask.context.namespace.as_str(), "own");
        assert!(matches!(read(r#"{"type":"ping"}"#, &context()), Ok(Message::Ping { id: None })));
        assert!(matches!(
            read(r#"{"id":"x","type":"unsubscribe"}"#, &context()),
            Ok(Message::Unsubscribe { .. })
        ));
    }
}
