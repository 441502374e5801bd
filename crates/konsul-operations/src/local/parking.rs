//! Waiting for news of one topic, or of any of several.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use konsul_runtime::time::Instant;
use konsul_types::Index;
use konsul_watch::{Feed, FeedFull, Parked, Topic, Wake};

/// What a reader waits for: one topic, or any of several where an answer is made of more than one family of records.
#[derive(Debug, Clone)]
pub(crate) enum Topics {
    /// The usual case.
    One(Topic),
    /// At least one.
    Any(Vec<Topic>),
}

impl From<Topic> for Topics {
    fn from(topic: Topic) -> Topics {
        Topics::One(topic)
    }
}

impl From<Vec<Topic>> for Topics {
    fn from(topics: Vec<Topic>) -> Topics {
        Topics::Any(topics)
    }
}

/// A reader that is registered for the next change of any of its topics.
#[must_use = "a reader is registered only as long as this lives"]
pub(crate) enum Waiting {
    One(Parked),
    Any(Vec<Parked>),
}

impl Waiting {
    /// Parks after an index, before the state is read; see [`Parked`].
    pub(crate) fn park(feed: &Feed, topics: Topics, after: Index) -> Result<Waiting, FeedFull> {
        match topics {
            Topics::One(topic) => feed.park(topic, after).map(Waiting::One),
            Topics::Any(topics) => {
                let parked = topics.into_iter().map(|topic| feed.park(topic, after));
                parked.collect::<Result<_, _>>().map(Waiting::Any)
            }
        }
    }

    /// Says at which index the state was read.
    pub(crate) fn has_read(&mut self, index: Index) {
        match self {
            Waiting::One(parked) => parked.has_read(index),
            Waiting::Any(all) => all.iter_mut().for_each(|parked| parked.has_read(index)),
        }
    }

    /// Waits for the first news, or until the deadline.
    pub(crate) async fn wait(self, deadline: Instant) -> Wake {
        match self {
            Waiting::One(parked) => parked.wait(deadline).await,
            Waiting::Any(all) => {
                let waits = all.into_iter().map(|parked| Box::pin(parked.wait(deadline)) as Wait).collect();
                first(waits).await
            }
        }
    }
}

type Wait = Pin<Box<dyn Future<Output = Wake> + Send>>;

/// The first that is ready, in the order given: a time-out is heard only if nobody has news.
async fn first(mut waits: Vec<Wait>) -> Wake {
    poll_fn(|cx| {
        let mut timed_out = false;
        for wait in &mut waits {
            match wait.as_mut().poll(cx) {
                Poll::Ready(Wake::Timeout) => timed_out = true,
                Poll::Ready(news) => return Poll::Ready(news),
                Poll::Pending => {}
            }
        }
        if timed_out { Poll::Ready(Wake::Timeout) } else { Poll::Pending }
    })
    .await
}
