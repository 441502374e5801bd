//! How every read goes: fresh enough, on one consistent state, blocking if asked.

use std::sync::Arc;

use konsul_runtime::time::{Duration, Instant, now, sleep_until};
use konsul_state::{Found, State};
use konsul_types::Index;
use konsul_watch::Wake;

use super::Inner;
use super::parking::{Topics, Waiting};
use crate::answer::{Answer, Meta};
use crate::context::{Blocking, Consistency, Context};
use crate::error::Error;
use crate::ports::{Replica, Staleness};

const ON_LEADER: Staleness = Staleness { known_leader: true, last_contact_ms: 0 };

impl<R: Replica> Inner<R> {
    /// Reads, and with `blocking` waits until the content of the answer is newer than the client's index.
    ///
    /// The query answers a value with two indexes; see [`Found`]. It runs on one state and must not wait.
    pub(crate) async fn read<T, W: Into<Topics>>(
        &self,
        ctx: &Context,
        blocking: Option<Blocking>,
        topics: impl Fn() -> W,
        query: impl Fn(&Arc<State>) -> Found<T>,
    ) -> Result<Answer<T>, Error> {
        let staleness = self.fresh(ctx).await?;
        let found = query(&self.replica.state());
        let answer =
            |found: Found<T>, staleness| answer(found.value, found.reported, ctx.consistency, staleness);
        match blocking.filter(|asked| asked.index > Index::ZERO && found.changed <= asked.index) {
            None => Ok(answer(found, staleness)),
            Some(asked) => {
                drop(found);
                let (found, staleness) = self.wait_for_news(ctx, asked, topics, query).await?;
                Ok(answer(found, staleness))
            }
        }
    }

    /// Parks until the answer is newer than the client's index, or time is up.
    async fn wait_for_news<T, W: Into<Topics>>(
        &self,
        ctx: &Context,
        asked: Blocking,
        topics: impl Fn() -> W,
        query: impl Fn(&Arc<State>) -> Found<T>,
    ) -> Result<(Found<T>, Staleness), Error> {
        let deadline = now() + asked.wait;
        loop {
            // First parked, then read: what is published in between wakes, what was before is in the state.
            let feed = self.replica.feed();
            // The topics may be of a state older than the head: what they miss is in the state that is read.
            let head = feed.head();
            let mut parked = Waiting::park(feed, topics().into(), head).map_err(busy)?;
            let staleness = self.fresh(ctx).await?;
            let state = self.replica.state();
            parked.has_read(state.index());
            let found = query(&state);
            if found.changed > asked.index || self.is_stopping() || now() >= deadline {
                return Ok((found, staleness));
            }
            // A parked reader must not keep an old state alive.
            drop((found, state));
            let waiting = ctx.trace.span("parked");
            let woken = parked.wait(deadline).await;
            drop(waiting);
            if let Wake::Timeout = woken {
                let staleness = self.fresh(ctx).await?;
                return Ok((query(&self.replica.state()), staleness));
            }
        }
    }

    /// Makes sure that the state here is as fresh as the context asks.
    pub(crate) async fn fresh(&self, ctx: &Context) -> Result<Staleness, Error> {
        self.here(ctx)?;
        match ctx.consistency {
            Consistency::Default => match self.replica.lease() {
                Ok(()) => Ok(ON_LEADER),
                Err(_) => self.wait_for_lease().await,
            },
            Consistency::Consistent => {
                let _confirming = ctx.trace.span("read barrier");
                self.replica.barrier().await.map(|()| ON_LEADER)
            }
            Consistency::Stale { max_stale } => {
                let staleness = self.replica.staleness()?;
                let bound = max_stale.map_or(u64::MAX, |bound| bound.as_millis() as u64);
                if staleness.last_contact_ms > bound {
                    return self.wait_for_lease().await;
                }
                Ok(staleness)
            }
        }
    }

    /// Holds a request while there is no leader, for a while, as Consul does.
    async fn wait_for_lease(&self) -> Result<Staleness, Error> {
        let deadline = now() + Duration::from_millis(self.limits.leader_wait_ms);
        let mut pause = Duration::from_millis(5);
        loop {
            match self.replica.lease() {
                Ok(()) => return Ok(ON_LEADER),
                Err(error) if self.is_stopping() || now() >= deadline || !may_pass(&error) => {
                    return Err(error);
                }
                Err(_) => {}
            }
            sleep_until(Instant::min(now() + pause, deadline)).await;
            pause = Duration::min(pause * 2, Duration::from_millis(250));
        }
    }
}

/// Whether waiting could help.
fn may_pass(error: &Error) -> bool {
    matches!(error, Error::NoLeader | Error::NotReady)
}

pub(crate) fn busy(full: konsul_watch::FeedFull) -> Error {
    Error::Busy { what: full.what, limit: full.limit as u64 }
}

pub(crate) fn answer<T>(value: T, index: Index, consistency: Consistency, staleness: Staleness) -> Answer<T> {
    let meta = Meta {
        index: index.max(Index(1)),
        known_leader: staleness.known_leader,
        last_contact_ms: staleness.last_contact_ms,
        consistency: consistency.name(),
    };
    Answer { value, meta }
}
