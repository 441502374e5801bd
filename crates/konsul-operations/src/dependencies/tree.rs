//! The graph as an indented tree for terminals.
//!
//! A service that many need would be written out under each of them, and a graph of fifty could fill the earth with paper.
//! So each service is written out once, where it first comes up; elsewhere it stands alone with a note. What lies deeper
//! than [`DEPTH_MAX`] is left out: no terminal is that wide.

use super::graph::Graph;

/// How many services deep a tree may grow below its root.
pub const DEPTH_MAX: usize = 50;

/// A tree, as far as it was allowed to grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Its lines, each with its end.
    pub text: String,
    /// Whether something was left out.
    pub cut: bool,
}

/// What each of `roots` needs, and so on, in at most `lines_max` lines. `note` is put behind a service's name, such as its
/// health; empty for nothing. Without roots: all services that nobody else needs, and one of each knot that nobody outside
/// of it needs.
pub fn tree(graph: &Graph, roots: &[usize], lines_max: usize, note: impl Fn(usize) -> String) -> Tree {
    let roots = if roots.is_empty() { natural_roots(graph) } else { roots.to_vec() };
    let mut writer = Writer::new(graph, lines_max, note);
    for root in roots {
        writer.root(root);
    }
    Tree { text: writer.text, cut: writer.cut }
}

/// From these everything is reached: parts come after what they need, so a part is a root if no part after it needs it.
fn natural_roots(graph: &Graph) -> Vec<usize> {
    let parts = graph.parts(|_, _| true, &mut 0);
    let needed_from_outside = |part: &[usize]| {
        let needers = part.iter().flat_map(|&member| graph.needed_by(member));
        needers.into_iter().any(|edge| part.binary_search(&edge.to).is_err())
    };
    let mut roots: Vec<usize> =
        parts.iter().filter(|part| !needed_from_outside(part)).map(|part| part[0]).collect();
    roots.sort_unstable();
    roots
}

/// A service that is being written: which of its needs comes next.
struct Open {
    at: usize,
    next: usize,
}

struct Writer<'a, N> {
    graph: &'a Graph,
    note: N,
    lines_left: usize,
    written: Vec<bool>,
    path: Vec<Open>,
    on_path: Vec<bool>,
    text: String,
    cut: bool,
}

impl<'a, N: Fn(usize) -> String> Writer<'a, N> {
    fn new(graph: &'a Graph, lines_max: usize, note: N) -> Self {
        let flags = || vec![false; graph.len()];
        Writer {
            graph,
            note,
            lines_left: lines_max,
            written: flags(),
            path: Vec::new(),
            on_path: flags(),
            text: String::new(),
            cut: false,
        }
    }

    /// Writes a root and all below it, with a stack of its own: a chain may be longer than the thread's.
    fn root(&mut self, root: usize) {
        self.service(root, true);
        while let Some(open) = self.path.last_mut() {
            match self.graph.needs(open.at).get(open.next) {
                Some(edge) => {
                    open.next += 1;
                    self.service(edge.to, edge.required);
                }
                None => {
                    let done = self.path.pop().expect("the loop saw it");
                    self.on_path[done.at] = false;
                }
            }
        }
    }

    /// Writes a service's line under the present path, and opens it if its needs are not written yet.
    fn service(&mut self, at: usize, required: bool) {
        if self.lines_left == 0 {
            self.cut = true;
            return;
        }
        self.lines_left -= 1;
        self.branches();
        self.text.push_str(self.graph.name(at).as_str());
        self.notes(at, required);
        self.text.push('\n');
        if self.is_too_deep(at) {
            self.cut = true;
        } else if !std::mem::replace(&mut self.written[at], true) {
            self.on_path[at] = true;
            self.path.push(Open { at, next: 0 });
        }
    }

    /// Whether its needs would be written too deep. It may come up again in a better place.
    fn is_too_deep(&self, at: usize) -> bool {
        self.path.len() >= DEPTH_MAX && !self.written[at] && !self.graph.needs(at).is_empty()
    }

    fn branches(&mut self) {
        let Some((last, above)) = self.path.split_last() else { return };
        let has_more = |open: &Open| open.next < self.graph.needs(open.at).len();
        for open in above {
            self.text.push_str(if has_more(open) { "│  " } else { "   " });
        }
        self.text.push_str(if has_more(last) { "├─ " } else { "└─ " });
    }

    fn notes(&mut self, at: usize, required: bool) {
        let own = (self.note)(at);
        let has_needs = !self.graph.needs(at).is_empty();
        let notes = [
            (!required).then_some("optional"),
            (!self.graph.is_registered(at)).then_some("not registered"),
            (!own.is_empty()).then_some(own.as_str()),
            self.on_path[at].then_some("cycle"),
            self.is_too_deep(at).then_some("more below"),
            (self.written[at] && !self.on_path[at] && has_needs).then_some("see above"),
        ];
        let notes: Vec<&str> = notes.into_iter().flatten().collect();
        if !notes.is_empty() {
            self.text.push_str(&format!(" ({})", notes.join(", ")));
        }
    }
}
