//! What a client asks of a stream, from a query string or from a message, with every fault of it.

use konsul_api::v2::code::{CURSOR_MISMATCH, Code, INVALID_CURSOR};
use konsul_api::v2::problem::Fault;
use konsul_operations::arguments::{KvSelect, Receiver};
use konsul_operations::watch::{
    EventSelect, Glob, KvWatch, Place, RecordSelect, RecordWatch, ServiceSelect, Watching,
};
use konsul_operations::{Context, Operations, Reply};
use konsul_types::{CheckStatus, Key, NodeName, Pairs, ServiceName};

use super::cursor::{CursorError, Question};
use crate::v2::rejection::{Rejected, Rejection};

/// A stream that is to be opened.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) context: Context,
    pub(crate) watch: Watch,
    pub(crate) question: Question,
}

/// Of what.
#[derive(Debug)]
pub(crate) enum Watch {
    Keys(KvWatch),
    Records(RecordWatch),
}

impl Watch {
    /// Opens the stream.
    pub(crate) fn open<'a>(
        self,
        operations: &'a dyn Operations,
        context: &'a Context,
    ) -> Reply<'a, Box<dyn Watching>> {
        match self {
            Watch::Keys(args) => operations.watch(context, args),
            Watch::Records(args) => operations.watch_records(context, args),
        }
    }
}

/// What is watched.
#[derive(Debug)]
pub(crate) enum Select {
    Keys(KvSelect),
    Records(RecordSelect),
}

/// The parameters of a stream as they came, wherever from.
#[derive(Debug, Default)]
pub(crate) struct Raw<'a> {
    pub(crate) key: Option<&'a str>,
    pub(crate) prefix: Option<&'a str>,
    pub(crate) glob: Option<&'a str>,
    pub(crate) service: Option<&'a str>,
    pub(crate) tag: Vec<&'a str>,
    pub(crate) passing: bool,
    pub(crate) node_meta: Vec<&'a str>,
    pub(crate) filter: Option<&'a str>,
    pub(crate) services: bool,
    pub(crate) node: Option<&'a str>,
    pub(crate) checks: Option<&'a str>,
    pub(crate) event: Option<&'a str>,
    pub(crate) cursor: Option<&'a str>,
    pub(crate) initial: bool,
    pub(crate) old_values: bool,
}

/// Says where a fault is.
pub(crate) type At = fn(&'static str, String) -> Fault;

const ONE: &str =
    "one of key, prefix, glob, service, services, node, checks and event; prefix may be empty for all keys";

impl Raw<'_> {
    /// Makes types of it.
    pub(crate) fn ask(&self, context: Context, code: &'static Code, at: At) -> Rejected<Ask> {
        let select = self.select(at).map_err(|faults| Rejection::of_faults(code, faults))?;
        let question = Question::new(&context.namespace, &select);
        let from = self.cursor.map(|cursor| question.place(cursor)).transpose();
        let from = from.map_err(|why| {
            let code = if why == CursorError::Mismatch { &CURSOR_MISMATCH } else { &INVALID_CURSOR };
            Rejection::of_faults(code, vec![at("cursor", why.to_string())])
        })?;
        Ok(Ask { context, watch: self.watch(select, from), question })
    }

    fn watch(&self, select: Select, from: Option<Place>) -> Watch {
        let (initial, old_values) = (self.initial, self.old_values);
        match select {
            Select::Keys(select) => Watch::Keys(KvWatch { select, initial, old_values, from }),
            Select::Records(select) => Watch::Records(RecordWatch { select, initial, old_values, from }),
        }
    }

    fn select(&self, at: At) -> Result<Select, Vec<Fault>> {
        if let Some(name) = self.event {
            return self.events(name, at).map(Select::Records);
        }
        let named = self.named();
        match named[..] {
            [] => return Err(vec![at("key", format!("is missing: give {ONE}"))]),
            [_] => {}
            [_, second, ..] => return Err(vec![at(second, format!("is not alone: give {ONE}"))]),
        }
        let tag = (!self.tag.is_empty()).then_some("tag");
        let strays = self.narrowing().chain(tag).filter(|_| self.service.is_none());
        let mut faults: Vec<Fault> = strays.map(|name| at(name, "needs service beside it".into())).collect();
        let select = self.only_one(at);
        match select {
            Ok(select) if faults.is_empty() => Ok(select),
            Ok(_) => Err(faults),
            Err(more) => {
                faults.extend(more);
                Err(faults)
            }
        }
    }

    /// What is named of those of which one may be.
    fn named(&self) -> Vec<&'static str> {
        let all = [
            ("key", self.key.is_some()),
            ("prefix", self.prefix.is_some()),
            ("glob", self.glob.is_some()),
            ("service", self.service.is_some()),
            ("services", self.services),
            ("node", self.node.is_some()),
            ("checks", self.checks.is_some()),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }

    /// What is there of those that narrow instances and nothing else.
    fn narrowing(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("passing", self.passing),
            ("node_meta", !self.node_meta.is_empty()),
            ("filter", self.filter.is_some()),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name)
    }

    fn only_one(&self, at: At) -> Result<Select, Vec<Fault>> {
        let one = |name: &'static str, why: String| vec![at(name, why)];
        if let Some(key) = self.key {
            return Key::new(key)
                .map(|key| Select::Keys(KvSelect::Key(key)))
                .map_err(|why| one("key", why.what));
        }
        if let Some(prefix) = self.prefix {
            return Ok(Select::Keys(KvSelect::Prefix(prefix.to_owned())));
        }
        if let Some(glob) = self.glob {
            let glob = Glob::new(glob).map_err(|why| one("glob", why.to_string()))?;
            return Ok(Select::Keys(KvSelect::Glob(glob)));
        }
        self.record(at).map(Select::Records)
    }

    fn record(&self, at: At) -> Result<RecordSelect, Vec<Fault>> {
        if let Some(name) = self.service {
            return self.service(name, at).map(RecordSelect::Service);
        }
        if let Some(name) = self.node {
            let name = NodeName::new(name).map_err(|why| vec![at("node", why.what)])?;
            return Ok(RecordSelect::Node(name));
        }
        match self.checks {
            None => Ok(RecordSelect::Services),
            Some("any") => Ok(RecordSelect::Checks(None)),
            Some(text) => match CheckStatus::of_name(text) {
                Some(status) => Ok(RecordSelect::Checks(Some(status))),
                None => {
                    let why = format!("{text:?} is none of any, passing, warning and critical");
                    Err(vec![at("checks", why)])
                }
            },
        }
    }

    fn service(&self, name: &str, at: At) -> Result<ServiceSelect, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut node_meta = Vec::new();
        for text in &self.node_meta {
            match text.split_once(':') {
                Some((key, value)) if !key.is_empty() => node_meta.push((key, value)),
                _ => faults.push(at("node_meta", format!("{text:?} is no pair: write key:value"))),
            }
        }
        match ServiceName::new(name) {
            Ok(name) if faults.is_empty() => Ok(ServiceSelect {
                name,
                tags: self.tag.iter().map(|tag| (*tag).to_owned()).collect(),
                passing: self.passing,
                node_meta: node_meta.into_iter().collect::<Pairs>(),
                filter: self.filter.unwrap_or_default().to_owned(),
            }),
            Ok(_) => Err(faults),
            Err(why) => {
                faults.push(at("service", why.what));
                Err(faults)
            }
        }
    }

    fn events(&self, name: &str, at: At) -> Result<RecordSelect, Vec<Fault>> {
        let beside = ["node", "service"];
        let others = self.named().into_iter().filter(|name| !beside.contains(name));
        let mut faults: Vec<Fault> =
            others.map(|name| at(name, format!("is not alone: give {ONE}"))).collect();
        faults.extend(self.narrowing().map(|name| at(name, "does not go with event".into())));
        match self.tag[..] {
            [_, _, ..] => faults.push(at("tag", "is given twice: beside event there is at most one".into())),
            [_] if self.service.is_none() => faults.push(at("tag", "needs service beside it".into())),
            _ => {}
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let receiver = Receiver {
            node: self.node.map(str::to_owned),
            service: self.service.map(str::to_owned),
            tag: self.tag.first().map(|tag| (*tag).to_owned()),
        };
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Ok(RecordSelect::Events(EventSelect { name, receiver }))
    }
}
