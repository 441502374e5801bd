//! Parameters that most operations share: tenancy, datacentre, consistency, waiting.

use http::header::{CACHE_CONTROL, HeaderName};
use konsul_operations::{Blocking, Consistency, Context};
use konsul_runtime::random;
use konsul_runtime::time::Duration;
use konsul_types::duration::GoDuration;
use konsul_types::{Index, Namespace};

use super::inbound::Inbound;
use super::query::{Query, parse_u64};
use super::reply::Reply;
use crate::settings::Timeouts;

/// What a request says beside its arguments.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) context: Context,
    pub(crate) blocking: Option<Blocking>,
}

impl Inbound<'_> {
    /// Reads them, in Consul's order of complaints.
    pub(crate) fn options(&self) -> Result<Options, Reply> {
        self.options_waiting(self.edge.settings.timeouts.default_wait)
    }

    /// The same with another default for how long to wait.
    pub(crate) fn options_waiting(&self, default_wait: Duration) -> Result<Options, Reply> {
        let mut context = Context::new(self.namespace()?);
        context.trace = self.seen.trace.clone();
        if self.query.is_empty() {
            return Ok(Options { context, blocking: None });
        }
        context.datacenter = self.query.text("dc").map(str::to_owned);
        context.consistency = consistency(&self.query)?;
        self.check_cache_control()?;
        let blocking = blocking(&self.query, default_wait, &self.edge.settings.timeouts)?;
        Ok(Options { context, blocking })
    }

    /// How long a read may wait that is not told to by an index.
    pub(crate) fn wait_alone(&self) -> Result<Duration, Reply> {
        let timeouts = &self.edge.settings.timeouts;
        Ok(limit(wait(&self.query)?, timeouts.default_wait, timeouts.max_wait))
    }

    /// With `?cached` the header says how old an answer may be. Every answer here is as fresh as its consistency says, so
    /// that only a header that cannot be read matters.
    fn check_cache_control(&self) -> Result<(), Reply> {
        if !self.query.has("cached") {
            return Ok(());
        }
        let header = self.header(&CACHE_CONTROL).unwrap_or("").to_ascii_lowercase();
        let readable = header.split(',').map(str::trim).all(|directive| match directive.split_once('=') {
            Some(("max-age" | "stale-if-error", seconds)) => seconds.parse::<u32>().is_ok(),
            _ => true,
        });
        if readable { Ok(()) } else { Err(Reply::bad("Invalid Cache-Control header.")) }
    }

    fn namespace(&self) -> Result<Namespace, Reply> {
        self.check_partition()?;
        let (name, place) = match (self.query.text("ns"), self.header(&NAMESPACE)) {
            (Some(name), _) => (name, "query parameter: \"ns\""),
            (None, Some(name)) if !name.is_empty() => (name, "header: \"X-Consul-Namespace\""),
            _ => return Ok(self.edge.default_namespace.clone()),
        };
        Namespace::new(name).map_err(|why| Reply::bad(format!("Invalid {place} - {why}")))
    }

    fn check_partition(&self) -> Result<(), Reply> {
        let refused = |place: &str| Reply::bad(format!("Invalid {place} - {NO_PARTITIONS}"));
        if self.query.text("partition").is_some_and(|name| name != "default") {
            return Err(refused("query parameter: \"partition\""));
        }
        match self.header(&PARTITION) {
            Some(name) if !name.is_empty() && name != "default" => {
                Err(refused("header: \"X-Consul-Partition\""))
            }
            _ => Ok(()),
        }
    }
}

/// The namespace that a body names, or the request's. The error is the text of a `400`.
pub(crate) fn body_namespace(named: &str, partition: &str, request: &Namespace) -> Result<Namespace, String> {
    if !partition.is_empty() && partition != "default" {
        return Err(format!("Invalid field: \"Partition\" - {NO_PARTITIONS}"));
    }
    if named.is_empty() || named == request.as_str() {
        return Ok(request.clone());
    }
    Namespace::new(named).map_err(|why| format!("Invalid field: \"Namespace\" - {why}"))
}

const NAMESPACE: HeaderName = HeaderName::from_static("x-consul-namespace");
const PARTITION: HeaderName = HeaderName::from_static("x-consul-partition");

const NO_PARTITIONS: &str = "Partitions are a Consul Enterprise feature";

fn consistency(query: &Query<'_>) -> Result<Consistency, Reply> {
    let (stale, consistent) = (query.has("stale"), query.has("consistent"));
    let max_stale = max_stale(query)?;
    if consistent && (stale || max_stale.is_some()) {
        return Err(Reply::bad("Cannot specify ?stale with ?consistent, conflicting semantics."));
    }
    if consistent && query.has("cached") {
        return Err(Reply::bad("Cannot specify ?cached with ?consistent, conflicting semantics."));
    }
    Ok(match (consistent, stale || max_stale.is_some()) {
        (true, _) => Consistency::Consistent,
        (_, true) if !query.has("leader") => Consistency::Stale { max_stale },
        _ => Consistency::Default,
    })
}

/// The bound on staleness; `None` where none is set, or zero.
fn max_stale(query: &Query<'_>) -> Result<Option<Duration>, Reply> {
    let Some(text) = query.text("max_stale") else {
        return Ok(None);
    };
    let span: GoDuration =
        text.parse().map_err(|_| Reply::bad(format!("Invalid max_stale value {text:?}")))?;
    Ok((span.0 > 0).then(|| span.to_std()))
}

fn blocking(query: &Query<'_>, default: Duration, timeouts: &Timeouts) -> Result<Option<Blocking>, Reply> {
    let wait = wait(query)?;
    let index = match query.text("index") {
        Some(text) => parse_u64(text).map_err(|_| Reply::bad("Invalid index"))?,
        None => 0,
    };
    Ok((index > 0).then(|| Blocking { index: Index(index), wait: limit(wait, default, timeouts.max_wait) }))
}

fn wait(query: &Query<'_>) -> Result<Duration, Reply> {
    match query.text("wait") {
        Some(text) => Ok(text.parse::<GoDuration>().map_err(|_| Reply::bad("Invalid wait time"))?.to_std()),
        None => Ok(Duration::ZERO),
    }
}

/// How long to wait at most: what the client says or the default, within the cap, and up to a sixteenth more by chance, so
/// that clients which began together do not come back together.
fn limit(wait: Duration, default: Duration, cap: Duration) -> Duration {
    let wait = if wait.is_zero() { default } else { wait }.min(cap);
    let spread = u64::try_from(wait.as_nanos() / 16).unwrap_or(u64::MAX);
    wait + Duration::from_nanos(random::between(0, spread))
}

#[cfg(test)]
mod tests {
    use super::super::query::parse;
    use super::*;

    fn refused<T>(result: Result<T, Reply>) -> String {
        match result {
            Err(Reply { content: super::super::reply::Content::Plain(text), .. }) => text.into_owned(),
            _ => panic!("should have been refused"),
        }
    }

    #[track_caller]
    fn check_consistency(raw: &str, expect: Consistency) {
        assert_eq!(consistency(&parse(raw).unwrap()).ok(), Some(expect), "{raw}");
    }

    #[test]
    fn presence_counts_for_consistency() {
        let stale = Consistency::Stale { max_stale: None };
        check_consistency("", Consistency::Default);
        check_consistency("stale", stale);
        check_consistency("stale=false", stale);
        check_consistency("consistent=1", Consistency::Consistent);
        check_consistency("max_stale=5s", Consistency::Stale { max_stale: Some(Duration::from_secs(5)) });
        check_consistency("max_stale=0s", Consistency::Default);
        check_consistency("leader", Consistency::Default);
        check_consistency("stale&leader", Consistency::Default);
    }

    #[test]
    fn conflicts_are_refused_in_consuls_words() {
        let why = |raw: &str| refused(consistency(&parse(raw).unwrap()));
        assert_eq!(why("stale&consistent"), "Cannot specify ?stale with ?consistent, conflicting semantics.");
        assert_eq!(
            why("cached&consistent"),
            "Cannot specify ?cached with ?consistent, conflicting semantics."
        );
        assert_eq!(why("max_stale=x"), "Invalid max_stale value \"x\"");
    }

    #[test]
    fn waits_have_a_default_a_cap_and_a_spread() {
        let timeouts = Timeouts::default();
        let wait = |raw: &str| {
            let found = blocking(&parse(raw).unwrap(), timeouts.default_wait, &timeouts).ok().flatten();
            found.map(|blocking| (blocking.index.0, blocking.wait.as_secs_f64()))
        };
        assert_eq!(wait(""), None);
        assert_eq!(wait("index=0&wait=1s"), None);
        for (raw, base) in [
            ("index=7", 300.0),
            ("index=7&wait=1h", 600.0),
            ("index=7&wait=-1s", 300.0),
            ("index=7&wait=16s", 16.0),
        ] {
            let (index, seconds) = wait(raw).unwrap();
            assert_eq!(index, 7);
            assert!((base..base * 17.0 / 16.0).contains(&seconds), "{raw}: {seconds}");
        }
        let why = |raw: &str| refused(blocking(&parse(raw).unwrap(), timeouts.default_wait, &timeouts));
        assert_eq!(why("index=x"), "Invalid index");
        assert_eq!(why("index=-1"), "Invalid index");
        assert_eq!(why("wait=5"), "Invalid wait time");
        assert_eq!(why("wait=x&index=x"), "Invalid wait time");
    }
}
