//! Readers by prefix: a radix tree over bytes.
//!
//! A write must find all registered prefixes of its key. Going down the tree compares each byte of the key at
//! most once, whatever is registered. The alternative, a hash map and the lengths in use, asks the map once
//! for each length and hashes as many bytes each time: a few readers with many different lengths would make
//! each write with a long key dear. Nodes lie in an arena and know their parent, so that no walk and no
//! release recurses, however deep the nesting of prefixes that clients choose.

use smallvec::SmallVec;

use crate::seats::List;

type NodeId = u32;

const ROOT: NodeId = 0;

/// The parent of a node that is not in use.
const NOWHERE: NodeId = NodeId::MAX;

struct Node {
    /// The bytes between its parent and it; empty only at the root.
    label: Box<[u8]>,
    parent: NodeId,
    /// By the first byte of their label, ascending.
    children: Vec<(u8, NodeId)>,
    list: List,
}

impl Node {
    fn new(label: &[u8], parent: NodeId) -> Self {
        Self { label: label.into(), parent, children: Vec::new(), list: List::new() }
    }

    fn child(&self, byte: u8) -> Result<usize, usize> {
        self.children.binary_search_by_key(&byte, |&(first, _)| first)
    }
}

pub(crate) struct PrefixTree {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
}

impl Default for PrefixTree {
    fn default() -> Self {
        Self { nodes: vec![Node::new(&[], NOWHERE)], free: Vec::new() }
    }
}

impl PrefixTree {
    /// Whether no prefix is registered.
    pub(crate) fn is_empty(&self) -> bool {
        let root = &self.nodes[ROOT as usize];
        root.list.is_empty() && root.children.is_empty()
    }

    /// The list of a prefix, made if it is absent. Whoever leaves it empty calls [`PrefixTree::tidy`].
    pub(crate) fn list(&mut self, prefix: &[u8]) -> &mut List {
        let id = self.enter(prefix);
        &mut self.nodes[id as usize].list
    }

    /// The list of a prefix that was registered.
    pub(crate) fn find(&mut self, prefix: &[u8]) -> Option<&mut List> {
        let id = self.path(prefix).last().filter(|(_, rest)| rest.is_empty())?.0;
        Some(&mut self.nodes[id as usize].list)
    }

    /// Hands the list of each registered prefix of `key` to `visit`, the shortest first.
    pub(crate) fn visit(&mut self, key: &[u8], mut visit: impl FnMut(&mut List)) {
        let path: SmallVec<[NodeId; 16]> = self.path(key).map(|(id, _)| id).collect();
        let mut emptied: SmallVec<[NodeId; 8]> = SmallVec::new();
        for id in path {
            let list = &mut self.nodes[id as usize].list;
            if !list.is_empty() {
                visit(list);
                if list.is_empty() {
                    emptied.push(id);
                }
            }
        }
        emptied.into_iter().rev().for_each(|id| self.prune(id));
    }

    /// Removes what an emptied list of this prefix leaves behind.
    pub(crate) fn tidy(&mut self, prefix: &[u8]) {
        let Some((id, _)) = self.path(prefix).last() else {
            return;
        };
        self.prune(id);
    }

    /// The nodes on the way down to `key`, each with the bytes still to go.
    fn path<'s, 'k>(&'s self, key: &'k [u8]) -> impl Iterator<Item = (NodeId, &'k [u8])> + use<'s, 'k> {
        std::iter::successors(Some((ROOT, key)), |&(id, rest)| {
            let node = &self.nodes[id as usize];
            let at = node.child(*rest.first()?).ok()?;
            let child = node.children[at].1;
            let rest = rest.strip_prefix(&*self.nodes[child as usize].label)?;
            Some((child, rest))
        })
    }

    fn enter(&mut self, prefix: &[u8]) -> NodeId {
        let (mut at, mut rest) = self.path(prefix).last().unwrap_or((ROOT, prefix));
        let Some(&first) = rest.first() else { return at };
        // The path ends here: either no child begins with the next byte, or one does and its label forks off.
        if let Ok(place) = self.nodes[at as usize].child(first) {
            let child = self.nodes[at as usize].children[place].1;
            let common = common_len(&self.nodes[child as usize].label, rest);
            at = self.split(child, common);
            rest = &rest[common..];
        }
        if rest.is_empty() { at } else { self.add(at, rest) }
    }

    fn add(&mut self, parent: NodeId, label: &[u8]) -> NodeId {
        let id = self.allocate(Node::new(label, parent));
        self.attach(parent, id);
        id
    }

    /// Puts a node between `child` and its parent that takes the first `at` bytes of its label.
    fn split(&mut self, child: NodeId, at: usize) -> NodeId {
        let label = std::mem::take(&mut self.nodes[child as usize].label);
        let parent = self.nodes[child as usize].parent;
        let middle = self.allocate(Node::new(&label[..at], parent));
        self.nodes[child as usize].label = label[at..].into();
        self.nodes[child as usize].parent = middle;
        self.attach(parent, middle);
        self.attach(middle, child);
        middle
    }

    /// Makes `child` the parent's child for the first byte of its label, in place of another one if there is
    /// one.
    fn attach(&mut self, parent: NodeId, child: NodeId) {
        let first = self.nodes[child as usize].label[0];
        let node = &mut self.nodes[parent as usize];
        match node.child(first) {
            Ok(place) => node.children[place].1 = child,
            Err(place) => node.children.insert(place, (first, child)),
        }
    }

    /// Removes a node that holds nobody and does not fork, and its parents that are left so.
    fn prune(&mut self, mut id: NodeId) {
        while id != ROOT && self.nodes[id as usize].list.is_empty() {
            let parent = self.nodes[id as usize].parent;
            if parent == NOWHERE {
                return;
            }
            match self.nodes[id as usize].children[..] {
                [] => self.detach(parent, id),
                [(_, only)] => return self.merge(id, only),
                _ => return,
            }
            id = parent;
        }
    }

    fn detach(&mut self, parent: NodeId, id: NodeId) {
        let first = self.nodes[id as usize].label[0];
        let node = &mut self.nodes[parent as usize];
        if let Ok(place) = node.child(first) {
            node.children.remove(place);
        }
        self.release(id);
    }

    /// Takes a node out from between its parent and its only child.
    fn merge(&mut self, id: NodeId, only: NodeId) {
        let parent = self.nodes[id as usize].parent;
        let label = [&*self.nodes[id as usize].label, &*self.nodes[only as usize].label].concat();
        let child = &mut self.nodes[only as usize];
        (child.label, child.parent) = (label.into(), parent);
        self.release(id);
        self.attach(parent, only);
    }

    fn allocate(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = node;
            return id;
        }
        self.nodes.push(node);
        NodeId::try_from(self.nodes.len() - 1)
            .expect("there are at most two nodes for each reader, whose number is bounded")
    }

    fn release(&mut self, id: NodeId) {
        self.nodes[id as usize] = Node::new(&[], NOWHERE);
        self.free.push(id);
    }

    #[cfg(test)]
    fn live(&self) -> usize {
        self.nodes.len() - self.free.len()
    }
}

fn common_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(tree: &mut PrefixTree, key: &str) -> Vec<u32> {
        let mut seen = Vec::new();
        tree.visit(key.as_bytes(), |list| seen.extend(list.iter().copied()));
        seen
    }

    #[test]
    fn prefixes_of_a_key_come_shortest_first() {
        let mut tree = PrefixTree::default();
        for (id, prefix) in ["app/", "", "app/web/", "apple", "b", "app"].into_iter().enumerate() {
            tree.list(prefix.as_bytes()).push(id as u32);
        }
        assert_eq!(found(&mut tree, "app/web/1"), [1, 5, 0, 2]);
        assert_eq!(found(&mut tree, "applet"), [1, 5, 3]);
        assert_eq!(found(&mut tree, "ap"), [1]);
        assert_eq!(found(&mut tree, "c"), [1]);
    }

    #[test]
    fn deep_nesting_neither_recurses_nor_stays() {
        let mut tree = PrefixTree::default();
        let key = "k".repeat(8192);
        for length in (0..=key.len()).step_by(2) {
            tree.list(&key.as_bytes()[..length]).push(length as u32);
        }
        assert_eq!(found(&mut tree, &key).len(), 4097);
        tree.visit(key.as_bytes(), List::clear);
        assert!(tree.is_empty());
        assert_eq!(tree.live(), 1);
    }

    fn prefix() -> impl Strategy<Value = String> {
        "[ab/]{0,6}"
    }

    proptest! {
        #[test]
        fn finds_what_a_list_finds_and_keeps_nothing(
            steps in proptest::collection::vec((prefix(), any::<bool>()), 1..60),
            keys in proptest::collection::vec("[ab/]{1,8}", 1..8),
        ) {
            let mut tree = PrefixTree::default();
            let mut model: Vec<(String, u32)> = Vec::new();
            for (id, (prefix, add)) in steps.into_iter().enumerate() {
                if add {
                    tree.list(prefix.as_bytes()).push(id as u32);
                    model.push((prefix, id as u32));
                } else if let Some(list) = tree.find(prefix.as_bytes()) {
                    list.clear();
                    tree.tidy(prefix.as_bytes());
                    model.retain(|(p, _)| *p != prefix);
                }
                for key in &keys {
                    let concerned = model.iter().filter(|(p, _)| key.starts_with(p.as_str()));
                    let mut expect: Vec<u32> = concerned.map(|&(_, id)| id).collect();
                    let mut got = found(&mut tree, key);
                    expect.sort_unstable();
                    got.sort_unstable();
                    prop_assert_eq!(got, expect);
                }
                let mut distinct: Vec<_> = model.iter().map(|(p, _)| p).collect();
                distinct.sort_unstable();
                distinct.dedup();
                let (live, prefixes) = (tree.live(), distinct.len());
                prop_assert!(live <= 2 * prefixes + 1, "{live} nodes for {prefixes} prefixes");
            }
            for (prefix, _) in model {
                if let Some(list) = tree.find(prefix.as_bytes()) {
                    list.clear();
                }
                tree.tidy(prefix.as_bytes());
            }
            prop_assert!(tree.is_empty());
            prop_assert_eq!(tree.live(), 1);
        }
    }
}
