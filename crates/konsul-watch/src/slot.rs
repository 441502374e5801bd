//! Where one waiting reader is told the news. Its small lock is held for a few instructions and never
//! together with a call of a waker.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use konsul_types::Index;

/// What a reader is told, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// The entry with this index changed something that concerns it; none between its registration and this
    /// did.
    Changed(Index),
    /// History began anew.
    Reset,
}

#[derive(Default)]
pub(crate) struct Slot(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    news: Option<News>,
    waker: Option<Waker>,
}

impl Slot {
    /// Leaves the news and wakes the reader if it waits already.
    pub(crate) fn tell(&self, news: News) {
        let waker = {
            let mut inner = self.inner();
            inner.news = Some(news);
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn news(&self) -> Option<News> {
        self.inner().news
    }

    /// Waits for the news.
    pub(crate) async fn wait(&self) -> News {
        poll_fn(|cx| self.poll(cx)).await
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<News> {
        let mut inner = self.inner();
        if let Some(news) = inner.news {
            return Poll::Ready(news);
        }
        match &mut inner.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
