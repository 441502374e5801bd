//! How much a feed may hold.

/// Bounds of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLimits {
    /// Most change sets in history. Beyond it the oldest go.
    pub entries: usize,
    /// Most bytes in history, by `ChangeSet::weight`. Beyond it the oldest go; a set that is heavier than
    /// this alone does not stay at all, and subscribers whom it concerns are reset.
    pub bytes: usize,
    /// Most readers parked at a time. Beyond it [`Feed::park`](crate::Feed::park) refuses.
    pub parked: usize,
    /// Most subscribers at a time. Beyond it [`Feed::subscribe`](crate::Feed::subscribe) refuses.
    pub subscribers: usize,
}

impl Default for FeedLimits {
    /// 131,072 sets, 64 MiB, 131,072 parked readers, 32,768 subscribers.
    fn default() -> Self {
        Self { entries: 128 << 10, bytes: 64 << 20, parked: 128 << 10, subscribers: 32 << 10 }
    }
}

/// The feed serves as many as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are {limit} {what} already, the most that are allowed; try again later, on another server, or raise \
     the limit"
)]
pub struct FeedFull {
    /// `parked readers` or `subscribers`.
    pub what: &'static str,
    /// The bound.
    pub limit: usize,
}

/// The two kinds of handles that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Parked,
    Subscriber,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Parked => "parked readers",
            Kind::Subscriber => "subscribers",
        }
    }

    pub(crate) fn limit(self, limits: &FeedLimits) -> usize {
        match self {
            Kind::Parked => limits.parked,
            Kind::Subscriber => limits.subscribers,
        }
    }
}
