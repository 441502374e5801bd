//! Locks over `/v2`: one holder, a queue of waiters, a fencing number for each grant.

use std::time::Duration;

use http::Method;
use konsul_api::v2::lock::{Lock, LockAcquire, LockGrant, LockRelease, LockReleased};
use konsul_api::v2::page::LockPage;
use konsul_api::v2::value::Form;

use super::call::Call;
use super::{Pages, V2};
use crate::error::Error;

const PATH: &str = "/v2/locks";

impl<'a> V2<'a> {
    /// Lists the locks that are held or waited for, by name; those whose names begin with a prefix, if one is given.
    pub fn lock_list(&self, prefix: Option<&str>) -> Pages<'a, LockPage> {
        Pages::new(*self, self.get(PATH).maybe("prefix", prefix))
    }

    /// Reads a lock; `None` if nobody holds it or waits for it.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn lock_get(&self, name: &str) -> Result<Option<Lock>, Error> {
        self.found(&self.get(PATH).then("/").word(name)).await
    }

    /// Takes a lock for a session, waiting in its queue for at most `wait`. The note is for people who look who holds it.
    ///
    /// # Errors
    /// [`Error`], as every call; a wait that ended without a grant is the problem `lock_held`.
    pub async fn lock_acquire(
        &self,
        name: &str,
        session: &str,
        wait: Duration,
        note: Option<&[u8]>,
    ) -> Result<LockGrant, Error> {
        let (value, value_base64) = note.map(|note| Form::of(note).fields()).unwrap_or_default();
        let body = LockAcquire {
            session: session.to_owned(),
            wait: (!wait.is_zero()).then(|| go_duration(wait)),
            value,
            value_base64,
        };
        self.answer(&self.named(name, "/acquire").patient(wait).json(&body)?).await
    }

    /// Gives a lock back, or leaves its queue. `fencing` names the grant; `None` gives back whichever the session holds.
    ///
    /// # Errors
    /// [`Error`], as every call; a session that does not hold it is the problem `not_lock_holder`.
    pub async fn lock_release(
        &self,
        name: &str,
        session: &str,
        fencing: Option<u64>,
    ) -> Result<LockReleased, Error> {
        let body = LockRelease { session: session.to_owned(), fencing };
        self.answer(&self.named(name, "/release").json(&body)?).await
    }

    fn named(&self, name: &str, then: &str) -> Call {
        self.write(Method::POST, PATH).then("/").word(name).then(then)
    }
}

/// A duration as the API takes it, to the millisecond.
fn go_duration(duration: Duration) -> String {
    format!("{}ms", duration.as_millis().max(1))
}
