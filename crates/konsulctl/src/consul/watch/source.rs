//! What can be watched, and how it is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ArgMatches;
use konsul_client::event::Event;
use konsul_client::kv::KvPair;
use konsul_client::{Answer, Client, Error, Meta, ReadOptions};
use serde_json::value::RawValue;

use super::go_json::{Document, Object, packed, text as quoted};
use crate::consul::connection::{is_on, text};
use crate::failure::Failure;

/// The types of watches.
pub(super) const TYPES: &str = "key, keyprefix, services, nodes, service, checks or event";

/// What is watched.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Key(String),
    Prefix(String),
    Events(String),
    Services,
    Nodes,
    Service { name: String, tags: Vec<String>, passing: bool },
    ChecksOf(String),
    ChecksIn(String),
}

impl Source {
    pub(super) fn of(matches: &ArgMatches) -> Result<Source, Failure> {
        let needs = |flag: &str, kind: &str| {
            text(matches, flag)
                .map(str::to_owned)
                .ok_or_else(|| Failure::new(format!("Must specify a single {kind} to watch; add -{flag}=…")))
        };
        match text(matches, "type") {
            None | Some("") => {
                Err(Failure::new(format!("Watch type must be specified; add -type=…: {TYPES}")))
            }
            Some("key") => needs("key", "key").map(Source::Key),
            Some("keyprefix") => needs("prefix", "prefix").map(Source::Prefix),
            Some("event") => Ok(Source::Events(text(matches, "name").unwrap_or_default().to_owned())),
            Some("services") => Ok(Source::Services),
            Some("nodes") => Ok(Source::Nodes),
            Some("service") => Ok(Source::Service {
                name: needs("service", "service")?,
                tags: text(matches, "tag").map(str::to_owned).into_iter().collect(),
                passing: is_on(matches, "passingonly"),
            }),
            Some("checks") => match (text(matches, "service"), text(matches, "state")) {
                (Some(_), Some(_)) => Err(Failure::new("Cannot specify service and state")),
                (Some(name), None) => Ok(Source::ChecksOf(name.to_owned())),
                (None, state) => Ok(Source::ChecksIn(state.unwrap_or("any").to_owned())),
            },
            Some(kind) if kind.starts_with("connect_") => {
                Err(Failure::new(format!("Type {kind} is not supported in the CLI tool")))
            }
            Some(kind) => Err(Failure::new(format!("Unsupported watch type: {kind}; it is {TYPES}"))),
        }
    }

    pub(super) async fn read(
        &self,
        client: &Client,
        options: &ReadOptions,
    ) -> Result<(Document, Meta), Error> {
        match self {
            Source::Key(key) => {
                let found = client.kv().get(key, options).await?;
                Ok((
                    found.value.as_ref().map_or(Document::Null, |pair| Document::One(key_object(pair))),
                    found.meta,
                ))
            }
            Source::Prefix(prefix) => {
                let found = client.kv().list(prefix, options).await?;
                let document = match found.value.as_slice() {
                    [] => Document::Null,
                    pairs => Document::Many(pairs.iter().map(key_object).collect()),
                };
                Ok((document, found.meta))
            }
            Source::Services => Ok(raw(&client.health().services(options).await?)),
            Source::Nodes => Ok(raw(&client.health().nodes(options).await?)),
            Source::Service { name, tags, passing } => {
                Ok(raw(&client.health().service(name, tags, *passing, options).await?))
            }
            Source::ChecksOf(service) => Ok(raw(&client.health().checks(service, options).await?)),
            Source::ChecksIn(state) => Ok(raw(&client.health().state(state, options).await?)),
            Source::Events(name) => {
                let name = (!name.is_empty()).then_some(name.as_str());
                let found = client.event().list(name, options).await?;
                Ok((Document::Many(found.value.iter().map(event_object).collect()), found.meta))
            }
        }
    }
}

fn raw(found: &Answer<Box<RawValue>>) -> (Document, Meta) {
    (Document::Raw(packed(found.value.get())), found.meta)
}

fn bytes(value: &[u8]) -> String {
    if value.is_empty() { "null".to_owned() } else { quoted(&STANDARD.encode(value)) }
}

fn key_object(pair: &KvPair) -> Object {
    let mut fields = vec![
        ("Key", quoted(&pair.key)),
        ("CreateIndex", pair.create_index.to_string()),
        ("ModifyIndex", pair.modify_index.to_string()),
        ("LockIndex", pair.lock_index.to_string()),
        ("Flags", pair.flags.to_string()),
        ("Value", bytes(&pair.value)),
        ("Session", quoted(pair.session.as_deref().unwrap_or_default())),
    ];
    fields.extend(pair.namespace.as_ref().map(|name| ("Namespace", quoted(name))));
    Object(fields)
}

fn event_object(event: &Event) -> Object {
    Object(vec![
        ("ID", quoted(&event.id)),
        ("Name", quoted(&event.name)),
        ("Payload", bytes(&event.payload)),
        ("NodeFilter", quoted(&event.node_filter)),
        ("ServiceFilter", quoted(&event.service_filter)),
        ("TagFilter", quoted(&event.tag_filter)),
        ("Version", "1".to_owned()),
        ("LTime", event.ltime.to_string()),
    ])
}
