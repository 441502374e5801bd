//! The change feed: a bounded, shared history of what each log entry changed, and the readers that wait for
//! more.
//!
//! One mechanism serves blocking queries, event streams, WebSockets, GraphQL subscriptions, xDS and
//! templates. One caller publishes, in index order, after the state that contains the changes became visible.
//! Everybody else reads: *parked* readers wait for one wake-up and then read the state again; *subscriptions*
//! are delivered the changes themselves. The feed is memory only. After a restart whoever replays the log
//! publishes again, so that history is rebuilt and a subscriber can resume over the restart.
//!
//! # The life of a parked reader
//!
//! ```text
//!  feed.head()            where the feed stands
//!  feed.park(topic, head) registers: history is looked through for anything newer, and in the same hold of
//!                         the lock in which nothing was found, the reader takes a seat on the board
//!  read the state         after that. What was published before is in the snapshot, what comes later wakes
//!  parked.has_read(index) up to where the snapshot knows everything: the feed may publish that only now
//!  parked.wait(deadline)  if the answer is not new enough: Changed(index), Reset or Timeout
//!  drop                   on return, or when the socket closes and the future is dropped: the seat is free
//! ```
//!
//! `park` takes the index up to which the reader knows *everything*, so that of the feed or of a snapshot.
//! Not the index of an old answer, which a quiet key may keep for a year: history does not reach that far,
//! and the reader would be reset for nothing, each time.
//!
//! # The life of a subscription
//!
//! [`Feed::subscribe`] makes a cursor and nothing else. [`Subscription::next`] looks from the cursor for the
//! first set that concerns the topic and delivers it as a [`Batch`], which shares the one copy. At the end of
//! history the subscription takes a seat as a parked reader does; the set that calls it off the board is
//! where it goes on. While it is seated its cursor moves with the head, because nothing up to there concerned
//! it: a quiet topic does not fall out of history, however fast the rest goes. A slow one does, when history
//! has moved past its cursor: it gets a [`Delivery::Reset`], takes a snapshot of the state at some index,
//! calls [`Subscription::go_on_after`] it and has the feed again. [`Delivery::Bookmark`] tells a quiet
//! subscriber, on request, from where it can resume.
//!
//! A pattern ([`Glob`]) is no topic: its subscriber follows [`Glob::topic`], the prefix before its first star, and
//! asks [`Glob::matches`] for each change that is delivered. So the board knows keys and prefixes only, and a
//! pattern wakes for nothing but what happens below its prefix.
//!
//! Who keeps a position for later keeps the log time with it, and asks [`Feed::time_of`] when it comes back: a
//! position of another history, with the same index by chance, has another time.
//!
//! # What holds
//!
//! - Ordered and unique: a subscription's indexes rise strictly.
//! - Gapless, or reset: between two deliveries nothing that concerns the topic was published.
//! - Atomic: what one log entry changed is one batch, and never split.
//! - Resumable: a new subscription after the last delivered index, bookmark or [`Subscription::position`]
//!   delivers what the old one would have.
//! - No missed wake-up: once a change is published, each reader parked before it on its topic is woken.
//! - No spurious wake-up: `Changed(index)` means that the entry with this index changed something of the
//!   topic.
//! - A publish looks at the readers that it wakes and at nobody else. It asks the map of keys once for each
//!   changed key, goes down a radix tree of prefixes no further than the key is long, and takes whole lists.
//! - Nobody holds the lock over an await: it is taken in functions that are not `async`. Under it the
//!   publisher does what is named above; a reader compares at most a few hundred changes before it lets go.
//!   Wakers are called and spent history is freed after it was released.
//! - Bounded: history by number and bytes, parked readers and subscribers by number ([`FeedLimits`]); at the
//!   bound of readers a typed error ([`FeedFull`]). Dropped readers leave nothing behind, and a crowd that
//!   left gives its memory back. [`Feed::stats`] shows each of these sizes.
//!
//! # What it costs
//!
//! On two cores of a small machine (`cargo run --release -p konsul-watch --example parked`): a publish takes
//! 300 ns with nobody parked and 360 ns with 10,000 readers parked on other keys or prefixes; 10,000 tasks
//! parked on one key have all run about 10 ms after its publish; a parked reader takes 90 to 210 bytes here
//! and 104 in the handle that its task keeps.
//!
//! # What is missing on purpose
//!
//! - No queue for each subscriber: what a slow connection has not taken lies in the shared history or is
//!   gone. Bytes that an edge has written to a socket's buffer are the edge's to bound.
//! - No snapshots: the feed knows changes, the state knows states. Who was reset reads the state.
//! - No access control: an edge filters what it delivers, when it delivers, by the permissions of that
//!   moment.
//! - No judgement of an index from the future: it is waited for. Who knows the applied index may refuse it.
//! - No order among the readers that one change wakes, and no fairness between them: they all read the same
//!   state.
//! - No end: shutting down is the edge's signal, which it selects beside the wait.

mod board;
mod feed;
mod glob;
mod history;
mod limits;
pub mod mutants;
mod park;
mod prefix_tree;
mod seats;
mod slot;
mod stats;
mod subscription;
mod topic;
mod watcher;

pub use feed::Feed;
pub use glob::{Glob, GlobError, PATTERN_MAX};
pub use limits::{FeedFull, FeedLimits};
pub use park::{Parked, Wake};
pub use stats::FeedStats;
pub use subscription::{Batch, Delivery, ResetReason, Start, Subscription};
pub use topic::Topic;
