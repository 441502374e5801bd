//! Operations on sessions.

use std::sync::Arc;

use konsul_types::{Command, GoDuration, Namespace, Outcome, Session, SessionId, SessionSpec};
use konsul_watch::Topic;

use super::{Inner, unexpected};
use crate::answer::Answer;
use crate::arguments::{SessionCreate, SessionList, SessionRead};
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

/// Longest time to live of a session, as in Consul: 24 hours.
const TTL_MAX_MS: u64 = 24 * 60 * 60 * 1000;

impl<R: Replica> Inner<R> {
    pub(crate) async fn session_create(
        &self,
        ctx: &Context,
        args: SessionCreate,
    ) -> Result<Arc<Session>, Error> {
        let node = args.node.clone().unwrap_or_else(|| self.agent.node_name());
        self.permit(ctx, &Permission::SessionWrite(node.as_str()))?;
        let spec = SessionSpec {
            id: SessionId(konsul_runtime::random::uuid_v4()),
            name: args.name,
            node,
            lock_delay_ms: args.lock_delay_ms,
            behavior: args.behavior,
            ttl_ms: self.session_ttl(args.ttl_nanos)?,
            ttl_text: args.ttl_text,
            node_checks: args.node_checks,
            service_checks: args.service_checks,
        };
        let command = Command::SessionCreate { namespace: ctx.namespace.clone(), spec };
        match self.write(ctx, command).await? {
            (_, Outcome::Session(session)) => Ok(session),
            (_, other) => Err(unexpected(&other)),
        }
    }

    /// Checks a time to live, in Consul's words.
    fn session_ttl(&self, nanos: i64) -> Result<Option<u64>, Error> {
        if nanos == 0 {
            return Ok(None);
        }
        let ttl = GoDuration(nanos);
        let low = GoDuration::from_millis(self.limits.session_ttl_min_ms);
        let high = GoDuration::from_millis(TTL_MAX_MS);
        if ttl < low || ttl > high {
            let why = format!("Invalid Session TTL '{nanos}', must be between [{low}={high}]");
            return Err(Error::invalid("TTL", why));
        }
        Ok(Some(ttl.as_millis()))
    }

    pub(crate) async fn session_destroy(&self, ctx: &Context, id: SessionId) -> Result<(), Error> {
        self.permit_session(ctx, id, |node| Permission::SessionWrite(node))?;
        let command = Command::SessionDestroy { namespace: ctx.namespace.clone(), id };
        self.write(ctx, command).await.map(|_| ())
    }

    /// A renewal enters the log only when the session's deadline would otherwise come too near; see [`Session`].
    pub(crate) async fn session_renew(&self, ctx: &Context, id: SessionId) -> Result<Arc<Session>, Error> {
        self.permit_session(ctx, id, |node| Permission::SessionWrite(node))?;
        // The promise is the leader's to give, on its newest state.
        self.fresh(&Context { consistency: crate::context::Consistency::Default, ..ctx.clone() }).await?;
        let state = self.replica.state();
        let Some(session) = state.session(&ctx.namespace, id).value else {
            return Err(Error::SessionNotFound(id));
        };
        if !session.renewal_is_due(self.replica.now()) {
            return Ok(Arc::clone(session));
        }
        let command = Command::SessionRenew { namespace: ctx.namespace.clone(), id };
        match self.write(ctx, command).await {
            Ok((_, Outcome::Session(session))) => Ok(session),
            Ok((_, other)) => Err(unexpected(&other)),
            Err(Error::Refused(konsul_types::Refusal::UnknownSession { .. })) => {
                Err(Error::SessionNotFound(id))
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn session_info(
        &self,
        ctx: &Context,
        args: SessionRead,
    ) -> Result<Answer<Option<Arc<Session>>>, Error> {
        self.permit_session(ctx, args.id, |node| Permission::SessionRead(node))?;
        let topic = || Topic::Sessions(ctx.namespace.clone());
        self.read(ctx, args.blocking, topic, |state| {
            let found = state.session(&ctx.namespace, args.id);
            konsul_state::Found {
                value: found.value.cloned(),
                changed: found.changed,
                reported: found.reported,
            }
        })
        .await
    }

    pub(crate) async fn session_list(
        &self,
        ctx: &Context,
        args: SessionList,
    ) -> Result<Answer<Vec<Arc<Session>>>, Error> {
        if let Some(node) = &args.node {
            self.permit(ctx, &Permission::SessionRead(node.as_str()))?;
        }
        let namespace: &Namespace = &ctx.namespace;
        let topic = || Topic::Sessions(namespace.clone());
        self.read(ctx, args.blocking, topic, |state| {
            let wanted = |session: &&Arc<Session>| {
                let on = &session.spec.node;
                args.node.as_ref().is_none_or(|node| on == node)
                    && self.allows(ctx, &Permission::SessionRead(on.as_str()))
            };
            let sessions: Vec<_> = state.sessions().of(namespace).filter(wanted).cloned().collect();
            let changed = state.sessions().changed(namespace);
            state.found(sessions, changed, changed)
        })
        .await
    }

    /// A session is guarded by its node's name, which only the state knows.
    fn permit_session(
        &self,
        ctx: &Context,
        id: SessionId,
        needed: fn(&str) -> Permission<'_>,
    ) -> Result<(), Error> {
        let state = self.replica.state();
        let node = state.session(&ctx.namespace, id).value.map(|session| session.spec.node.clone());
        self.permit(ctx, &needed(node.as_ref().map_or("", |node| node.as_str())))
    }
}
