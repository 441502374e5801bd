//! Lists that come in pages: one call for each, made when the one before is used up.

use std::collections::VecDeque;

use konsul_api::v2::coordinate::{Coordinate, CoordinatePage};
use konsul_api::v2::page::{
    CheckPage, EntryPage, EventPage, HistoryPage, InstancePage, LockPage, NodePage, QueryPage, SearchPage,
    ServicePage, SessionPage,
};
use konsul_api::v2::{catalog, event, kv, lock, query, session};
use serde::de::DeserializeOwned;

use super::V2;
use super::call::Call;
use crate::error::Error;

/// A page of a list.
pub trait Page: DeserializeOwned {
    /// What is listed.
    type Item;

    /// The items, in order.
    fn into_items(self) -> Vec<Self::Item>;

    /// Where the next page begins; `None` on the last one.
    fn next_cursor(&self) -> Option<&str>;

    /// Index of the state that it shows.
    fn index(&self) -> u64;
}

macro_rules! pages {
    ($($page:ty => $item:ty),* $(,)?) => {$(
        impl Page for $page {
            type Item = $item;

            fn into_items(self) -> Vec<$item> {
                self.items
            }

            fn next_cursor(&self) -> Option<&str> {
                self.next_cursor.as_deref()
            }

            fn index(&self) -> u64 {
                self.index
            }
        }
    )*};
}

pages! {
    EntryPage => kv::Entry,
    SearchPage => kv::Entry,
    HistoryPage => kv::Version,
    SessionPage => session::Session,
    LockPage => lock::Lock,
    EventPage => event::Event,
    ServicePage => catalog::ServiceSummary,
    InstancePage => catalog::Instance,
    NodePage => catalog::Node,
    CoordinatePage => Coordinate,
    CheckPage => catalog::Check,
    QueryPage => query::Query,
}

/// A list on its way in, page by page.
#[derive(Debug)]
pub struct Pages<'a, P: Page> {
    v2: V2<'a>,
    call: Call,
    cursor: Option<String>,
    ready: VecDeque<P::Item>,
    index: u64,
    ended: bool,
}

impl<'a, P: Page> Pages<'a, P> {
    /// A list of what `call` gives.
    pub(crate) fn new(v2: V2<'a>, call: Call) -> Pages<'a, P> {
        Pages { v2, call, cursor: None, ready: VecDeque::new(), index: 0, ended: false }
    }

    /// So many items a page; the server's own number if this is not called.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Pages<'a, P> {
        self.call = self.call.param("limit", limit.to_string());
        self
    }

    /// Goes on where another list of the same question stopped.
    #[must_use]
    pub fn from_cursor(mut self, cursor: Option<String>) -> Pages<'a, P> {
        self.cursor = cursor;
        self
    }

    /// Index of the state that the last page shows; zero before the first.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Where the next page begins; `None` before the first and after the last.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The next page; `None` after the last. A page may be empty.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn page(&mut self) -> Result<Option<P>, Error> {
        if self.ended {
            return Ok(None);
        }
        let call = self.call.clone().maybe("cursor", self.cursor.clone());
        let page: P = self.v2.answer(&call).await?;
        self.index = page.index();
        self.cursor = page.next_cursor().map(str::to_owned);
        self.ended = self.cursor.is_none();
        Ok(Some(page))
    }

    /// The next item; `None` after the last.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn next(&mut self) -> Result<Option<P::Item>, Error> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            match self.page().await? {
                Some(page) => self.ready = page.into_items().into(),
                None => return Ok(None),
            }
        }
    }

    /// Everything that is left, at once. For lists that are known to be short.
    ///
    /// # Errors
    /// [`Error`], as every call.
    pub async fn all(mut self) -> Result<Vec<P::Item>, Error> {
        let mut items: Vec<P::Item> = std::mem::take(&mut self.ready).into();
        while let Some(page) = self.page().await? {
            items.extend(page.into_items());
        }
        Ok(items)
    }
}
