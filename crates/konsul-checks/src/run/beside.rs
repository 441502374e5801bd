//! A connection that has to be driven while something is asked over it, in one task.

use std::future::{Future, poll_fn};
use std::pin::pin;

/// Polls `connection` beside `work` until `work` is done. The end of the connection is no news by itself: whoever waits
/// on it learns it as an error.
pub(crate) async fn beside<W: Future>(connection: impl Future, work: W) -> W::Output {
    let (mut connection, mut work) = (pin!(connection), pin!(work));
    let mut over = false;
    poll_fn(move |cx| {
        over = over || connection.as_mut().poll(cx).is_ready();
        work.as_mut().poll(cx)
    })
    .await
}
