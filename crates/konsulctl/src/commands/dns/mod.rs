//! `dns`: asks Konsul's DNS, and says what each record stands for.

mod ask;
mod explain;
mod known;
mod subject;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Args;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};
use konsul_client::Client;
use serde::Serialize;

use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Format, Row, folded};
use crate::run::Run;
use ask::{Answered, Question};
use explain::{Explaining, Shown, Stands};
use known::Known;

/// What the command covers.
pub(crate) const OPERATIONS: &[Covered] =
    &[covers("dns", &["service_instances", "service_why", "query_execute"])];

const DNS: &str = "\
Examples:
  konsulctl dns web.service.consul
  konsulctl dns web.service.consul SRV
  konsulctl dns web.service.consul SRV --tcp -o json
  konsulctl dns 127.0.0.1 PTR

DNS is asked over UDP, and over TCP where the answer did not fit. What records stand for is looked up at the server of the \
HTTP API; without one DNS alone is shown. Where DNS is: --dns-server, else the host of the HTTP API and the port that it says.

Exit codes: 0 there is an answer; 1 DNS cannot tell; 3 there is no such name, or no record of this type; 5 no DNS answers.";

/// DNS's usual port here.
const PORT: u16 = 8600;

/// How long an answer is waited for where nothing is said.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug, Args)]
#[command(after_help = DNS)]
pub struct Dns {
    /// The name, such as web.service.consul; an address for PTR
    name: String,
    /// The type of record: A, AAAA, SRV, TXT, PTR, SOA, NS, ANY or CNAME
    #[arg(value_name = "TYPE", default_value = "A")]
    kind: String,
    /// Where DNS is served: host:port
    #[arg(long, value_name = "ADDRESS")]
    dns_server: Option<String>,
    /// Over TCP from the start
    #[arg(long)]
    tcp: bool,
}

impl Dns {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let kind = kind(&self.kind)?;
        let name = name(&self.name, kind)?;
        let client = run.client()?;
        let server = self.server(&client, run).await?;
        let patience = run.globals.timeout.unwrap_or(PATIENCE);
        let question = Question { server, name, kind, tcp: self.tcp, patience };
        let answered = question.ask().await.map_err(|error| no_answer(server, &error))?;
        let subject = subject::read(&self.name, kind == RecordType::SRV);
        let empty = answered.message.answers.is_empty();
        let known = match Known::read(&client, &subject, empty).await {
            Ok(known) => known,
            Err(error) => {
                run.note(&format!("What the records stand for cannot be looked up: {error}"));
                Known::default()
            }
        };
        let explaining = Explaining { message: &answered.message, subject: &subject, known: &known };
        let whole = Whole::of(&question, &answered, &explaining);
        whole.show(run)?;
        whole.verdict()
    }

    async fn server(&self, client: &Client, run: &mut Run<'_>) -> Result<SocketAddr, Failure> {
        let address = match &self.dns_server {
            Some(address) if has_port(address) => address.clone(),
            Some(host) => with_port(host, PORT),
            None => {
                let host = host_of(run.target()?.config.authority());
                with_port(&host, said_port(client).await.unwrap_or(PORT))
            }
        };
        let found = tokio::net::lookup_host(&address).await;
        let found = found.map_err(|error| {
            Failure::with(Exit::Unreachable, format!("{address} cannot be resolved: {error}"))
                .next("name where DNS is served: --dns-server HOST:PORT")
        })?;
        let nowhere = || Failure::with(Exit::Unreachable, format!("{address} has no address"));
        found.into_iter().next().ok_or_else(nowhere)
    }
}

/// The port of DNS as the agent's configuration says it; `None` if it is off, chosen by the system, or not told.
async fn said_port(client: &Client) -> Option<u16> {
    let about = client.agent().raw("/v1/agent/self").await.ok()?;
    let port = about.pointer("/DebugConfig/Ports/Dns").or_else(|| about.pointer("/DebugConfig/DnsPort"))?;
    port.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)
}

/// The host of the API; this machine where that is a socket of its own.
fn host_of(authority: &str) -> String {
    if authority.contains('/') || authority.is_empty() {
        return "127.0.0.1".to_owned();
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
        _ => authority.to_owned(),
    }
}

fn has_port(address: &str) -> bool {
    let after = address.rsplit_once(']').map_or(address, |(_, after)| after);
    after.matches(':').count() == 1
}

fn with_port(host: &str, port: u16) -> String {
    let bare = host.contains(':') && !host.starts_with('[');
    if bare { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn name(text: &str, kind: RecordType) -> Result<Name, Failure> {
    if let (RecordType::PTR, Ok(address)) = (kind, text.parse::<IpAddr>()) {
        return Ok(Name::from(address));
    }
    let read = Name::from_utf8(text).map(|mut name| {
        name.set_fqdn(true);
        name
    });
    read.map_err(|error| Failure::with(Exit::Usage, format!("{text:?} is no name of DNS: {error}")))
}

fn kind(text: &str) -> Result<RecordType, Failure> {
    text.to_ascii_uppercase().parse().map_err(|_| {
        Failure::with(Exit::Usage, format!("{text:?} is no type of record"))
            .next("one of A, AAAA, SRV, TXT, PTR, SOA, NS, ANY, CNAME")
    })
}

fn no_answer(server: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::with(Exit::Unreachable, format!("no DNS answers at {server}: {error}"))
        .next("is DNS on? An agent serves it on ports.dns (8600) and -dns-port; -1 turns it off")
        .next("or name where it is: --dns-server HOST:PORT")
}

/// So many instances that are left out are named.
const NAMED: usize = 5;

/// A line for people, and how far it is moved in.
struct Line {
    indent: usize,
    text: String,
}

impl Line {
    fn at(indent: usize, text: impl Into<String>) -> Line {
        Line { indent, text: text.into() }
    }
}

/// An answer with what it means.
#[derive(Serialize)]
struct Whole {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    server: String,
    /// `udp`, `tcp`, or `tcp after udp`.
    transport: &'static str,
    took_ms: f64,
    /// NOERROR, NXDOMAIN and so on.
    code: &'static str,
    authoritative: bool,
    /// Whether records are missing from the answer even so.
    truncated: bool,
    records: Vec<Shown>,
    /// Instances of the service that the answer leaves out, as far as the catalogue could be asked.
    left_out: Vec<Stands>,
    /// Why there is no answer.
    why: Vec<String>,
}

impl Whole {
    fn of(question: &Question, answered: &Answered, explaining: &Explaining<'_>) -> Whole {
        let metadata = &answered.message.metadata;
        let records = explaining.records();
        Whole {
            name: question.name.to_string(),
            kind: question.kind.to_string(),
            server: question.server.to_string(),
            transport: answered.transport,
            took_ms: (answered.took.as_secs_f64() * 100_000.0).round() / 100.0,
            code: code(metadata.response_code),
            authoritative: metadata.authoritative,
            truncated: metadata.truncation,
            left_out: explaining.left_out(&records),
            records,
            why: explaining.why_empty(),
        }
    }

    fn show(&self, run: &mut Run<'_>) -> Outcome {
        match run.format() {
            Format::Table => self.told(run),
            Format::Plain => run.out().list(&self.records, ""),
            Format::Json | Format::Yaml => run.out().one(self),
        }
    }

    /// Sentences do not fit into columns: a record a line, and what it stands for below it.
    fn told(&self, run: &mut Run<'_>) -> Outcome {
        let columns = run.console.width().unwrap_or(100);
        for Line { indent, text } in self.lines() {
            let room = columns.saturating_sub(indent).max(20);
            folded(&text, room)
                .iter()
                .try_for_each(|piece| run.out().line(&format!("{:indent$}{piece}", "")))?;
        }
        Ok(())
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::at(0, self.head())];
        let mut section = "";
        for one in &self.records {
            if one.section != section {
                section = one.section;
                lines.extend([Line::at(0, ""), Line::at(0, section)]);
            }
            lines.push(Line::at(2, format!("{} {} {} {}", one.name, one.ttl, one.kind, one.data)));
            if !one.says.is_empty() {
                lines.push(Line::at(4, &*one.says));
            }
        }
        let rest: Vec<String> = self.why.iter().cloned().chain(self.ttls()).chain(self.missing()).collect();
        if !rest.is_empty() {
            lines.push(Line::at(0, ""));
        }
        lines.extend(rest.into_iter().map(|text| Line::at(2, text)));
        lines
    }

    fn head(&self) -> String {
        let cut = if self.truncated { ", cut" } else { "" };
        let answers = self.records.iter().filter(|one| one.section == "answer").count();
        let answers = if answers == 1 { "1 answer".to_owned() } else { format!("{answers} answers") };
        let Whole { name, kind, code, transport, server, took_ms, .. } = self;
        format!("{name} {kind}: {code}, {answers}{cut}, over {transport} from {server} in {took_ms} ms")
    }

    /// Where times to live come from, each once.
    fn ttls(&self) -> Vec<String> {
        let told = self.records.iter().filter(|one| !one.ttl_from.is_empty());
        let told: BTreeSet<(u32, &str)> = told.map(|one| (one.ttl, one.ttl_from)).collect();
        let kept = |ttl| if ttl == 0 { ", which is not to be kept," } else { "" };
        told.iter().map(|(ttl, from)| format!("TTL {ttl}{} is from {from}", kept(*ttl))).collect()
    }

    /// Who is not in the answer: a few by name.
    fn missing(&self) -> Option<String> {
        let named: Vec<String> = self.left_out.iter().take(NAMED).map(Stands::told).collect();
        let more = match self.left_out.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let service = &self.left_out.first()?.service;
        Some(format!("left out: {}{more} (konsulctl service why {service})", named.join("; ")))
    }

    fn verdict(&self) -> Outcome {
        let what = format!("{} has no answer for {}", self.name, self.kind);
        match (self.why.is_empty(), self.code) {
            (true, _) => Ok(()),
            (false, "NOERROR" | "NXDOMAIN") => {
                Err(Failure::with(Exit::NotFound, what).next("konsulctl service ls"))
            }
            (false, "REFUSED") => Err(Failure::with(Exit::Failed, format!("{what}: REFUSED"))
                .next("ask for a name that ends in the zone's, such as web.service.consul")
                .next("or give the agent a server for other names: `recursors` in its configuration")),
            (false, code) => Err(Failure::with(Exit::Failed, format!("{what}: {code}"))
                .next("`konsulctl status` says whether the server is ready")),
        }
    }
}

fn code(of: ResponseCode) -> &'static str {
    match of {
        ResponseCode::NoError => "NOERROR",
        ResponseCode::NXDomain => "NXDOMAIN",
        ResponseCode::ServFail => "SERVFAIL",
        ResponseCode::Refused => "REFUSED",
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::BADVERS => "BADVERS",
        _ => "OTHER",
    }
}

impl Row for Whole {
    const COLUMNS: &'static [Column] = &[Column::text("NAME", 9), Column::text("CODE", 8)];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.code.to_owned()]
    }
}
