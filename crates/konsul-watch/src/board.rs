//! Who waits for what. A change finds the readers that it concerns by a few look-ups and touches nobody else.
//!
//! Each topic has one list of seats, so a reader stands in one list only, and is taken off the board with the
//! first change that concerns it. Hash maps are only ever asked for one key: nothing here depends on their
//! order.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use konsul_types::{Change, ChangeSet, Index, Key, LockName, Namespace, NodeName, ServiceName, SessionId};

use crate::mutants;
use crate::prefix_tree::PrefixTree;
use crate::seats::{List, SeatId, Seats};
use crate::slot::Slot;
use crate::topic::Topic;

// tidy: hash-order-free because readers are looked up by exact key, and these maps are never iterated.
#[derive(Default)]
pub(crate) struct Board {
    seats: Seats,
    rooms: HashMap<Namespace, Room>,
    nodes: List,
    node: HashMap<NodeName, List>,
    on_node: HashMap<NodeName, List>,
    checks: List,
    coordinates: List,
    queries: List,
    events: List,
    all: List,
}

/// The readers of one namespace. Made for its first one and gone with its last.
#[derive(Default)]
struct Room {
    keys: HashMap<Key, List>,
    prefixes: PrefixTree,
    session: HashMap<SessionId, List>,
    sessions: List,
    locks: HashMap<LockName, List>,
    lock_waiters: HashMap<(LockName, SessionId), List>,
    services: List,
    any_service: List,
    service: HashMap<ServiceName, List>,
    passing: HashMap<ServiceName, List>,
}

impl Room {
    fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && self.session.is_empty()
            && self.sessions.is_empty()
            && self.prefixes.is_empty()
            && self.locks.is_empty()
            && self.lock_waiters.is_empty()
            && self.services.is_empty()
            && self.any_service.is_empty()
            && self.service.is_empty()
            && self.passing.is_empty()
    }
}

impl Board {
    /// How many readers wait.
    pub(crate) fn len(&self) -> usize {
        self.seats.taken()
    }

    /// Enters a reader for changes of `topic` with an index above `after`.
    pub(crate) fn enter(&mut self, topic: &Topic, slot: Arc<Slot>, after: Index) -> SeatId {
        let list = match topic {
            Topic::Key(ns, key) => {
                self.rooms.entry(ns.clone()).or_default().keys.entry(key.clone()).or_default()
            }
            Topic::Prefix(ns, prefix) => {
                self.rooms.entry(ns.clone()).or_default().prefixes.list(prefix.as_bytes())
            }
            Topic::Namespace(ns) => self.rooms.entry(ns.clone()).or_default().prefixes.list(b""),
            Topic::Session(ns, id) => {
                self.rooms.entry(ns.clone()).or_default().session.entry(*id).or_default()
            }
            Topic::Sessions(ns) => &mut self.rooms.entry(ns.clone()).or_default().sessions,
            Topic::Lock(ns, name) => {
                self.rooms.entry(ns.clone()).or_default().locks.entry(name.clone()).or_default()
            }
            Topic::LockWaiter(ns, name, session) => {
                let room = self.rooms.entry(ns.clone()).or_default();
                room.lock_waiters.entry((name.clone(), *session)).or_default()
            }
            Topic::Services(ns) => &mut self.rooms.entry(ns.clone()).or_default().services,
            Topic::AnyService(ns) => &mut self.rooms.entry(ns.clone()).or_default().any_service,
            Topic::Service(ns, name) => {
                self.rooms.entry(ns.clone()).or_default().service.entry(name.clone()).or_default()
            }
            Topic::PassingService(ns, name) => {
                self.rooms.entry(ns.clone()).or_default().passing.entry(name.clone()).or_default()
            }
            Topic::Nodes => &mut self.nodes,
            Topic::Node(name) => self.node.entry(name.clone()).or_default(),
            Topic::OnNode(name) => self.on_node.entry(name.clone()).or_default(),
            Topic::Checks => &mut self.checks,
            Topic::Coordinates => &mut self.coordinates,
            Topic::Queries => &mut self.queries,
            Topic::Events => &mut self.events,
            Topic::All => &mut self.all,
        };
        self.seats.sit(list, slot, after)
    }

    /// Whether this reader still waits: nothing that concerns it has been published since it was entered.
    pub(crate) fn waits(&self, seat: SeatId, slot: &Arc<Slot>) -> bool {
        self.seats.holds(seat, slot)
    }

    /// Makes changes up to `index` no news to a reader, if it still waits; answers whether it does.
    pub(crate) fn wait_beyond(&mut self, seat: SeatId, slot: &Arc<Slot>, index: Index) -> bool {
        let waits = self.seats.holds(seat, slot);
        if waits {
            self.seats.raise(seat, index);
        }
        waits
    }

    /// Takes a reader off, if it still waits.
    pub(crate) fn leave(&mut self, topic: &Topic, seat: SeatId, slot: &Arc<Slot>) {
        if !self.seats.holds(seat, slot) {
            return;
        }
        let seats = &mut self.seats;
        match topic {
            Topic::Key(ns, _)
            | Topic::Prefix(ns, _)
            | Topic::Namespace(ns)
            | Topic::Sessions(ns)
            | Topic::Session(ns, _)
            | Topic::Lock(ns, _)
            | Topic::LockWaiter(ns, ..)
            | Topic::Services(ns)
            | Topic::AnyService(ns)
            | Topic::Service(ns, _)
            | Topic::PassingService(ns, _) => {
                let Some(room) = self.rooms.get_mut(ns) else {
                    return;
                };
                room.leave(topic, seat, seats);
                self.close_if_empty(ns);
            }
            Topic::Nodes => seats.leave(&mut self.nodes, seat),
            Topic::Node(name) => leave_one(&mut self.node, name, seat, seats),
            Topic::OnNode(name) => leave_one(&mut self.on_node, name, seat, seats),
            Topic::Checks => seats.leave(&mut self.checks, seat),
            Topic::Coordinates => seats.leave(&mut self.coordinates, seat),
            Topic::Queries => seats.leave(&mut self.queries, seat),
            Topic::Events => seats.leave(&mut self.events, seat),
            Topic::All => seats.leave(&mut self.all, seat),
        }
        self.seats.forget_when_empty();
    }

    /// Takes off everybody whom the set concerns, into `called`. Answers how many readers it looked at.
    pub(crate) fn call(&mut self, set: &ChangeSet, called: &mut Vec<Arc<Slot>>) -> usize {
        let mut looked_at = 0;
        for change in &set.changes {
            if self.seats.taken() == 0 {
                break;
            }
            looked_at += self.call_change(set.index, change, called);
        }
        looked_at
    }

    /// Takes off everybody, in the order of their seats.
    pub(crate) fn call_all(&mut self, called: &mut Vec<Arc<Slot>>) {
        let mut board = std::mem::take(self);
        board.seats.call_all(called);
    }

    fn call_change(&mut self, index: Index, change: &Change, called: &mut Vec<Arc<Slot>>) -> usize {
        let seats = &mut self.seats;
        let looked_at = match change {
            Change::Kv { namespace, .. }
            | Change::Session { namespace, .. }
            | Change::Lock { namespace, .. }
            | Change::LockWaiter { namespace, .. }
            | Change::Instances { namespace, .. } => self.call_room(namespace, index, change, called),
            Change::Service { old, new } => {
                // Both are of one instance, so of one node and namespace.
                let Some(service) = new.as_ref().or(old.as_ref()) else { return 0 };
                let of_node = self.call_node(&service.node.folded(), index, called);
                of_node + self.call_room(&service.namespace, index, change, called)
            }
            Change::Node { name, .. } => {
                let of_node = self.call_node(&name.folded(), index, called);
                of_node + self.seats.call(&mut self.nodes, index, called)
            }
            Change::Coordinate(_) => seats.call(&mut self.coordinates, index, called),
            Change::Query { .. } => seats.call(&mut self.queries, index, called),
            Change::Check { node, .. } => {
                let on_node = call_one(&mut self.on_node, &node.folded(), index, seats, called);
                on_node + seats.call(&mut self.checks, index, called)
            }
            Change::Event(_) => seats.call(&mut self.events, index, called),
            // The feed treats it as an end of history before it asks here.
            Change::Reset => 0,
        };
        looked_at + self.seats.call(&mut self.all, index, called)
    }

    /// Those who look at a node's record and its instances.
    fn call_node(&mut self, name: &NodeName, index: Index, called: &mut Vec<Arc<Slot>>) -> usize {
        let seats = &mut self.seats;
        let of_node = call_one(&mut self.node, name, index, seats, called);
        of_node + call_one(&mut self.on_node, name, index, seats, called)
    }

    fn call_room(
        &mut self,
        namespace: &Namespace,
        index: Index,
        change: &Change,
        called: &mut Vec<Arc<Slot>>,
    ) -> usize {
        let Some(room) = self.rooms.get_mut(namespace) else { return 0 };
        let looked_at = room.call(index, change, &mut self.seats, called);
        if looked_at > 0 {
            self.close_if_empty(namespace);
        }
        looked_at
    }

    fn close_if_empty(&mut self, namespace: &Namespace) {
        if self.rooms.get(namespace).is_some_and(Room::is_empty) {
            self.rooms.remove(namespace);
            shrink(&mut self.rooms);
        }
    }
}

impl Room {
    fn leave(&mut self, topic: &Topic, seat: SeatId, seats: &mut Seats) {
        match topic {
            Topic::Key(_, key) => leave_one(&mut self.keys, key, seat, seats),
            Topic::Session(_, id) => leave_one(&mut self.session, id, seat, seats),
            Topic::Prefix(_, prefix) => self.leave_prefix(prefix.as_bytes(), seat, seats),
            Topic::Namespace(_) => self.leave_prefix(b"", seat, seats),
            Topic::Sessions(_) => seats.leave(&mut self.sessions, seat),
            Topic::Lock(_, name) => leave_one(&mut self.locks, name, seat, seats),
            Topic::LockWaiter(_, name, session) => {
                leave_one(&mut self.lock_waiters, &(name.clone(), *session), seat, seats);
            }
            Topic::Services(_) => seats.leave(&mut self.services, seat),
            Topic::AnyService(_) => seats.leave(&mut self.any_service, seat),
            Topic::Service(_, name) => leave_one(&mut self.service, name, seat, seats),
            Topic::PassingService(_, name) => leave_one(&mut self.passing, name, seat, seats),
            Topic::Nodes
            | Topic::Node(_)
            | Topic::OnNode(_)
            | Topic::Checks
            | Topic::Coordinates
            | Topic::Queries
            | Topic::Events
            | Topic::All => {}
        }
    }

    fn leave_prefix(&mut self, prefix: &[u8], seat: SeatId, seats: &mut Seats) {
        let Some(list) = self.prefixes.find(prefix) else {
            return;
        };
        seats.leave(list, seat);
        if list.is_empty() {
            self.prefixes.tidy(prefix);
        }
    }

    fn call(
        &mut self,
        index: Index,
        change: &Change,
        seats: &mut Seats,
        called: &mut Vec<Arc<Slot>>,
    ) -> usize {
        match change {
            Change::Kv { key, .. } => {
                let mut looked_at = call_one(&mut self.keys, key, index, seats, called);
                let prefixes = &mut self.prefixes;
                prefixes.visit(key.as_str().as_bytes(), |list| {
                    looked_at += seats.call(list, index, called);
                });
                looked_at
            }
            Change::Session { id, .. } => {
                let one = call_one(&mut self.session, id, index, seats, called);
                one + seats.call(&mut self.sessions, index, called)
            }
            Change::Lock { name, .. } => call_one(&mut self.locks, name, index, seats, called),
            Change::LockWaiter { name, session, .. } => {
                call_one(&mut self.lock_waiters, &(name.clone(), *session), index, seats, called)
            }
            Change::Service { .. } => seats.call(&mut self.services, index, called),
            Change::Instances { name, passing, .. } => {
                let mut all = call_one(&mut self.service, name, index, seats, called);
                if mutants::is(mutants::WOKEN_BY_OTHERS) {
                    all += call_every(&mut self.service, index, seats, called);
                }
                let wakes_passing = *passing && !mutants::is(mutants::PASSING_NOT_WOKEN);
                let of_passing =
                    if wakes_passing { call_one(&mut self.passing, name, index, seats, called) } else { 0 };
                let of_any = if *passing { seats.call(&mut self.any_service, index, called) } else { 0 };
                all + of_passing + of_any
            }
            _ => 0,
        }
    }
}

fn leave_one<K: Hash + Eq>(lists: &mut HashMap<K, List>, key: &K, seat: SeatId, seats: &mut Seats) {
    let Some(list) = lists.get_mut(key) else { return };
    seats.leave(list, seat);
    if list.is_empty() {
        lists.remove(key);
        shrink(lists);
    }
}

fn call_one<K: Hash + Eq>(
    lists: &mut HashMap<K, List>,
    key: &K,
    index: Index,
    seats: &mut Seats,
    called: &mut Vec<Arc<Slot>>,
) -> usize {
    let Some(list) = lists.get_mut(key) else { return 0 };
    let looked_at = seats.call(list, index, called);
    if list.is_empty() {
        lists.remove(key);
        shrink(lists);
    }
    looked_at
}

/// Used by one of the mutants only.
fn call_every<K: Hash + Eq + Ord + Clone>(
    lists: &mut HashMap<K, List>,
    index: Index,
    seats: &mut Seats,
    called: &mut Vec<Arc<Slot>>,
) -> usize {
    let names: std::collections::BTreeSet<K> = lists.keys().cloned().collect();
    names.iter().map(|name| call_one(lists, name, index, seats, called)).sum()
}

/// Gives memory back after a crowd has left, at a cost that the leaving has paid for.
fn shrink<K: Hash + Eq, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 64 && map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_key(number: usize) -> Topic {
        Topic::Key(Namespace::default_namespace(), Key::new(format!("key/{number}")).unwrap())
    }

    #[test]
    fn a_crowd_that_left_gives_its_memory_back() {
        let mut board = Board::default();
        let mut enter = |number: usize| {
            let slot = Arc::new(Slot::default());
            (number, board.enter(&on_key(number), Arc::clone(&slot), Index::ZERO), slot)
        };
        let stays = enter(0);
        let crowd: Vec<_> = (1..=10_000).map(enter).collect();
        for (number, seat, slot) in crowd {
            board.leave(&on_key(number), seat, &slot);
        }
        let capacity = board.rooms[&Namespace::default_namespace()].keys.capacity();
        assert!(capacity <= 64, "room for {capacity} keys is left for one");
        board.leave(&on_key(0), stays.1, &stays.2);
        assert!(board.rooms.is_empty());
        assert_eq!((board.len(), board.seats.capacity()), (0, 0));
    }

    #[test]
    fn a_seat_that_was_given_again_is_not_taken_from_its_new_reader() {
        let mut board = Board::default();
        let (old, new) = (Arc::new(Slot::default()), Arc::new(Slot::default()));
        let seat = board.enter(&Topic::Nodes, Arc::clone(&old), Index::ZERO);
        board.leave(&Topic::Nodes, seat, &old);
        assert_eq!(board.enter(&Topic::Nodes, Arc::clone(&new), Index::ZERO), seat);
        board.leave(&Topic::Nodes, seat, &old);
        assert!(board.waits(seat, &new));
    }
}
