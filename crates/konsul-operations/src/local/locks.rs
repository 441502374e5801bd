//! Operations on locks. A waiter parks on its own place in the queue, so that a grant wakes it and nobody else.

use std::sync::Arc;

use konsul_runtime::sync::oneshot;
use konsul_runtime::time::{Instant, now};
use konsul_state::State;
use konsul_state::locks::Locks;
use konsul_types::lock::LOCK_VALUE_MAX;
use konsul_types::{Command, Index, Lock, LockCommand, LockHolder, LockName, Outcome, Refusal, SessionId};
use konsul_watch::{Topic, Wake};

use super::reads::{answer, busy};
use super::{Inner, unexpected};
use crate::answer::{Answer, LockEntry, LockGrant, QUEUE_SHOWN};
use crate::arguments::{LockAcquire, LockGet, LockList, LockRelease};
use crate::context::{Consistency, Context};
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn lock_acquire(
        self: &Arc<Self>,
        ctx: &Context,
        args: LockAcquire,
    ) -> Result<LockGrant, Error> {
        self.permit(ctx, &Permission::LockWrite(args.name.as_str()))?;
        if args.value.len() > LOCK_VALUE_MAX {
            return Err(Error::TooLarge {
                what: "the lock's description".into(),
                actual: args.value.len() as u64,
                limit: LOCK_VALUE_MAX as u64,
                unit: "bytes",
            });
        }
        let claim =
            Claim { inner: Arc::clone(self), ctx: ctx.clone(), name: args.name, session: args.session };
        let op = LockCommand::Acquire {
            name: claim.name.clone(),
            session: claim.session,
            value: args.value,
            queue: !args.wait.is_zero(),
        };
        if args.wait.is_zero() {
            return claim.at_once(op).await;
        }
        let deadline = now() + args.wait;
        let (mut unanswered, outcome) = claim.enqueue(op).await?;
        match outcome {
            Outcome::Lock(lock) => {
                unanswered.answered = true;
                unanswered.claim.granted(&lock)
            }
            Outcome::Queued { .. } => unanswered.wait(deadline).await,
            other => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn lock_release(&self, ctx: &Context, args: LockRelease) -> Result<(), Error> {
        self.permit(ctx, &Permission::LockWrite(args.name.as_str()))?;
        let LockRelease { name, session, fencing } = args;
        let op = LockCommand::Release { name, session, fencing };
        self.write(ctx, Command::Lock { namespace: ctx.namespace.clone(), op }).await.map(|_| ())
    }

    pub(crate) async fn lock_get(
        &self,
        ctx: &Context,
        args: LockGet,
    ) -> Result<Answer<Option<LockEntry>>, Error> {
        self.permit(ctx, &Permission::LockRead(args.name.as_str()))?;
        let namespace = &ctx.namespace;
        let topic = || Topic::Lock(namespace.clone(), args.name.clone());
        self.read(ctx, args.blocking, topic, |state| {
            let locks = state.locks();
            let lock = locks.get(namespace, &args.name);
            let changed = lock.map_or_else(|| locks.changed(namespace), |lock| lock.modify_index);
            let entry = lock.map(|lock| entry(locks, ctx, &args.name, lock, QUEUE_SHOWN));
            state.found(entry, changed, changed)
        })
        .await
    }

    pub(crate) async fn lock_list(
        &self,
        ctx: &Context,
        args: LockList,
    ) -> Result<Answer<Vec<LockEntry>>, Error> {
        self.permit(ctx, &Permission::LockRead(&args.prefix))?;
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        let entries = self.locks_of(ctx, &state, &args);
        Ok(answer(entries, state.index(), ctx.consistency, staleness))
    }

    fn locks_of(&self, ctx: &Context, state: &State, args: &LockList) -> Vec<LockEntry> {
        let locks = state.locks();
        let of_prefix = LockName::new(args.prefix.as_str()).ok();
        let first = args.after.clone().max(of_prefix);
        let from = locks.from(&ctx.namespace, first.unwrap_or_else(Locks::lowest_name));
        from.skip_while(|(name, _)| args.after.as_ref().is_some_and(|after| *name <= after))
            .take_while(|(name, _)| name.as_str().starts_with(&args.prefix))
            .filter(|(name, _)| self.permit(ctx, &Permission::LockRead(name.as_str())).is_ok())
            .take(args.limit.clamp(1, super::pages::PAGE_MAX))
            .map(|(name, lock)| entry(locks, ctx, name, lock, 0))
            .collect()
    }
}

fn entry(locks: &Locks, ctx: &Context, name: &LockName, lock: &Arc<Lock>, shown: usize) -> LockEntry {
    LockEntry {
        namespace: ctx.namespace.clone(),
        name: name.clone(),
        lock: Arc::clone(lock),
        waiting: locks.waiting(&ctx.namespace, name),
        queue: locks.queue(&ctx.namespace, name).take(shown).cloned().collect(),
    }
}

/// An acquisition under way.
struct Claim<R> {
    inner: Arc<Inner<R>>,
    ctx: Context,
    name: LockName,
    session: SessionId,
}

impl<R> Clone for Claim<R> {
    fn clone(&self) -> Self {
        Claim {
            inner: Arc::clone(&self.inner),
            ctx: self.ctx.clone(),
            name: self.name.clone(),
            session: self.session,
        }
    }
}

impl<R: Replica> Claim<R> {
    async fn at_once(&self, op: LockCommand) -> Result<LockGrant, Error> {
        match self.command(op).await {
            Ok((_, Outcome::Lock(lock))) => self.granted(&lock),
            Ok((_, other)) => Err(unexpected(&other)),
            Err(Error::Refused(Refusal::LockHeld | Refusal::LockDelay { .. })) => {
                let state = self.inner.replica.state();
                Err(self.held(&state, state.locks().waiting(&self.ctx.namespace, &self.name)))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks in a task of its own, which learns what came of it even if nobody waits for the answer any more. The answer travels
    /// as an [`Unanswered`], so that it is called off also in the channel that nobody reads any more.
    async fn enqueue(self, op: LockCommand) -> Result<(Unanswered<R>, Outcome), Error> {
        let (tell, told) = oneshot::channel();
        konsul_runtime::spawn(async move {
            let answer = self.command(op).await;
            let _ =
                tell.send(answer.map(|(index, outcome)| (Unanswered::new(self, index, &outcome), outcome)));
        });
        told.await.unwrap_or_else(|_| Err(Error::Stopping("the server stopped in the middle of it".into())))
    }

    async fn command(&self, op: LockCommand) -> Result<(Index, Outcome), Error> {
        self.inner.write(&self.ctx, Command::Lock { namespace: self.ctx.namespace.clone(), op }).await
    }

    fn cancellation(&self, claim: Index, give_back: bool) -> LockCommand {
        LockCommand::Cancel { name: self.name.clone(), session: self.session, claim, give_back }
    }

    /// Leaves the queue, or gives back what was granted meanwhile, because nobody is there any more.
    async fn call_off(&self, number: Index) {
        let op = self.cancellation(number, true);
        let command = Command::Lock { namespace: self.ctx.namespace.clone(), op };
        if let Err(why) = self.inner.replica.propose(None, command).await {
            tracing::debug!(%why, "a place in a lock's queue could not be given up; it ends with its session");
        }
    }

    fn granted(&self, lock: &Lock) -> Result<LockGrant, Error> {
        match &lock.holder {
            Some(holder) if holder.session == self.session => Ok(self.grant(holder)),
            // A repeat of a request whose grant is over.
            _ => Err(Error::Refused(Refusal::NotHolder)),
        }
    }

    fn grant(&self, holder: &LockHolder) -> LockGrant {
        let (namespace, name) = (self.ctx.namespace.clone(), self.name.clone());
        LockGrant { namespace, name, holder: holder.clone() }
    }

    fn held(&self, state: &State, place: u64) -> Error {
        let lock = state.locks().get(&self.ctx.namespace, &self.name);
        let holder = lock.and_then(|lock| lock.holder.as_ref());
        Error::LockHeld {
            holder: holder.map(|holder| holder.session),
            fencing: holder.map(|holder| holder.fencing),
            place,
            delayed_until: lock.and_then(|lock| lock.delayed_until),
        }
    }
}

/// What a look at the queue says.
enum Look {
    Granted(LockGrant),
    /// It waits behind so many others.
    Waits(u64),
    /// It waits no more and holds nothing: its session ended, or somebody else gave its place up.
    Gone,
}

/// A place in a queue, or a grant, that the client has not been told of. Dropped so, it is called off.
struct Unanswered<R: Replica> {
    claim: Claim<R>,
    /// The claim's number in the state.
    number: Index,
    answered: bool,
}

impl<R: Replica> Unanswered<R> {
    /// What came of a claim that was written under `index`.
    fn new(claim: Claim<R>, index: Index, outcome: &Outcome) -> Unanswered<R> {
        let number = match outcome {
            // A repeat of a request waits in the place that the first one took.
            Outcome::Queued { waiter, .. } => waiter.claim,
            _ => index,
        };
        Unanswered { claim, number, answered: false }
    }

    async fn wait(mut self, deadline: Instant) -> Result<LockGrant, Error> {
        let ended = self.wait_until(deadline).await;
        // An error of the server's own leaves the place to the drop: the client will not have it.
        self.answered = matches!(ended, Ok(Look::Granted(_) | Look::Gone));
        match ended? {
            Look::Granted(grant) => Ok(grant),
            Look::Gone => self.gone(),
            Look::Waits(place) => self.give_up(place).await,
        }
    }

    async fn wait_until(&self, deadline: Instant) -> Result<Look, Error> {
        let inner = &self.claim.inner;
        let ctx = Context { consistency: Consistency::Default, ..self.claim.ctx.clone() };
        loop {
            // First parked, then read, as every reader that waits.
            let feed = inner.replica.feed();
            let topic = Topic::LockWaiter(ctx.namespace.clone(), self.claim.name.clone(), self.claim.session);
            let mut parked = feed.park(topic, feed.head()).map_err(busy)?;
            inner.fresh(&ctx).await?;
            let state = inner.replica.state();
            parked.has_read(state.index());
            let look = self.look(&state);
            let over = inner.is_stopping() || now() >= deadline;
            if over || !matches!(look, Look::Waits(_)) {
                return Ok(look);
            }
            drop(state);
            if let Wake::Timeout = parked.wait(deadline).await {
                return Ok(self.look(&inner.replica.state()));
            }
        }
    }

    fn look(&self, state: &State) -> Look {
        let Claim { ctx, name, session, .. } = &self.claim;
        let locks = state.locks();
        if let Some(waiter) = locks.waiter(&ctx.namespace, name, *session) {
            return Look::Waits(locks.ahead(&ctx.namespace, name, waiter.place));
        }
        let holder = locks.get(&ctx.namespace, name).and_then(|lock| lock.holder.as_ref());
        match holder.filter(|holder| holder.session == *session) {
            Some(holder) => Look::Granted(self.claim.grant(holder)),
            None => Look::Gone,
        }
    }

    fn gone(&self) -> Result<LockGrant, Error> {
        let state = self.claim.inner.replica.state();
        if state.session(&self.claim.ctx.namespace, self.claim.session).value.is_none() {
            return Err(Error::Refused(Refusal::UnknownSession { id: self.claim.session.to_string() }));
        }
        Err(self.claim.held(&state, state.locks().waiting(&self.claim.ctx.namespace, &self.claim.name)))
    }

    /// The wait is over. Leaves the queue; a grant that came in the last moment counts.
    async fn give_up(&mut self, place: u64) -> Result<LockGrant, Error> {
        let command = Command::Lock {
            namespace: self.claim.ctx.namespace.clone(),
            op: self.claim.cancellation(self.number, false),
        };
        // Under no request id: that one is the acquisition's.
        let (_, outcome) = self.claim.inner.replica.propose(None, command).await?;
        self.answered = true;
        match outcome {
            Outcome::Lock(lock) => self.claim.granted(&lock),
            // The session asked again meanwhile: the place is that request's now.
            Outcome::Done | Outcome::Refused(_) => {
                Err(self.claim.held(&self.claim.inner.replica.state(), place))
            }
            other => Err(unexpected(&other)),
        }
    }
}

impl<R: Replica> Drop for Unanswered<R> {
    fn drop(&mut self) {
        if !self.answered {
            let (claim, number) = (self.claim.clone(), self.number);
            konsul_runtime::spawn(async move { claim.call_off(number).await });
        }
    }
}
