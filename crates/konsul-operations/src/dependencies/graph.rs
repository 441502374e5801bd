//! The graph itself, and its strongly connected parts.

use konsul_types::ServiceName;

/// How an edge is known. Declared comes first: it outranks what was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The service says so.
    Declared,
    /// It was seen: a prepared query, an intention, traffic in the mesh.
    Observed,
}

/// That a service needs another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The number of the needed one.
    pub to: usize,
    /// Whether nothing works without it.
    pub required: bool,
    /// How it is known.
    pub origin: Origin,
}

/// Services and what they need, by number in the order of names. Never changes.
#[derive(Debug, Clone)]
pub struct Graph {
    names: Vec<ServiceName>,
    registered: Vec<bool>,
    needs: Vec<Vec<Edge>>,
    /// The same edges backwards: `to` is who needs.
    needed_by: Vec<Vec<Edge>>,
}

/// How much work was done: one for each service and each edge looked at. Tests bound it instead of time.
pub(super) type Steps = u64;

impl Graph {
    pub(super) fn new(names: Vec<ServiceName>, registered: Vec<bool>, needs: Vec<Vec<Edge>>) -> Graph {
        let mut needed_by = vec![Vec::new(); names.len()];
        for (from, edges) in needs.iter().enumerate() {
            for edge in edges {
                needed_by[edge.to].push(Edge { to: from, ..*edge });
            }
        }
        Graph { names, registered, needs, needed_by }
    }

    /// How many services there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How many edges there are.
    pub fn edges(&self) -> usize {
        self.needs.iter().map(Vec::len).sum()
    }

    /// The name of a number below [`Graph::len`].
    pub fn name(&self, number: usize) -> &ServiceName {
        &self.names[number]
    }

    /// The number of a name, in whatever case.
    pub fn number(&self, name: &ServiceName) -> Option<usize> {
        self.names.binary_search(&name.folded()).ok()
    }

    /// Whether it is registered, and not just needed by another one.
    pub fn is_registered(&self, number: usize) -> bool {
        self.registered[number]
    }

    /// What a service needs, by name.
    pub fn needs(&self, number: usize) -> &[Edge] {
        &self.needs[number]
    }

    /// Who needs a service, by name.
    pub fn needed_by(&self, number: usize) -> &[Edge] {
        &self.needed_by[number]
    }

    /// The names of numbers.
    pub fn names_of<'a>(&'a self, numbers: &[usize]) -> Vec<&'a str> {
        numbers.iter().map(|&number| self.names[number].as_str()).collect()
    }

    /// The sets of services that need each other in a circle: every cycle lies within one of them. By smallest member,
    /// members in order. Complete, however many cycles there are.
    pub fn knots(&self) -> Vec<Vec<usize>> {
        self.knots_over(|_, _| true, &mut 0)
    }

    pub(super) fn knots_over(
        &self,
        counts: impl Fn(usize, &Edge) -> bool,
        steps: &mut Steps,
    ) -> Vec<Vec<usize>> {
        let mut knots = self.parts(&counts, steps);
        knots.retain(|part| self.is_circular(part, &counts));
        knots.sort_unstable();
        knots
    }

    /// The knots that remain among some services, given in order.
    pub(super) fn knots_among(&self, services: &[usize], steps: &mut Steps) -> Vec<Vec<usize>> {
        let counts = |_: usize, edge: &Edge| services.binary_search(&edge.to).is_ok();
        let mut search = Search::new(self.len());
        // Making the search's tables is work too.
        *steps += self.len() as u64;
        for &root in services {
            search.from(self, root, &counts, steps);
        }
        search.parts.retain(|part| self.is_circular(part, &counts));
        search.parts
    }

    fn is_circular(&self, part: &[usize], counts: &impl Fn(usize, &Edge) -> bool) -> bool {
        let itself = |edge: &Edge| edge.to == part[0] && counts(part[0], edge);
        part.len() > 1 || self.needs[part[0]].iter().any(itself)
    }

    /// Strongly connected parts over the edges that count, each sorted; a part comes after all that it needs.
    ///
    /// Tarjan's algorithm (1972) with a stack of its own: a chain of services may be longer than the thread's stack.
    pub(super) fn parts(&self, counts: impl Fn(usize, &Edge) -> bool, steps: &mut Steps) -> Vec<Vec<usize>> {
        let mut search = Search::new(self.len());
        for root in 0..self.len() {
            search.from(self, root, &counts, steps);
        }
        search.parts
    }
}

struct Search {
    found_at: Vec<Option<usize>>,
    lowest: Vec<usize>,
    open: Vec<usize>,
    is_open: Vec<bool>,
    found: usize,
    parts: Vec<Vec<usize>>,
}

impl Search {
    fn new(services: usize) -> Search {
        Search {
            found_at: vec![None; services],
            lowest: vec![0; services],
            open: Vec::new(),
            is_open: vec![false; services],
            found: 0,
            parts: Vec::new(),
        }
    }

    fn from(
        &mut self,
        graph: &Graph,
        root: usize,
        counts: &impl Fn(usize, &Edge) -> bool,
        steps: &mut Steps,
    ) {
        if self.found_at[root].is_some() {
            return;
        }
        let mut path = vec![(root, 0)];
        self.open(root, steps);
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            let Some(edge) = graph.needs[at].get(*next) else {
                path.pop();
                self.close(at, path.last().map(|(parent, _)| *parent));
                continue;
            };
            *next += 1;
            *steps += 1;
            if !counts(at, edge) {
                continue;
            }
            match self.found_at[edge.to] {
                None => {
                    self.open(edge.to, steps);
                    path.push((edge.to, 0));
                }
                Some(found) if self.is_open[edge.to] => self.lowest[at] = self.lowest[at].min(found),
                Some(_) => {}
            }
        }
    }

    fn open(&mut self, at: usize, steps: &mut Steps) {
        *steps += 1;
        self.found_at[at] = Some(self.found);
        self.lowest[at] = self.found;
        self.found += 1;
        self.open.push(at);
        self.is_open[at] = true;
    }

    /// All that `at` needs was seen. If nothing below leads above it, it is the first of a part.
    fn close(&mut self, at: usize, parent: Option<usize>) {
        if let Some(parent) = parent {
            self.lowest[parent] = self.lowest[parent].min(self.lowest[at]);
        }
        if self.found_at[at] != Some(self.lowest[at]) {
            return;
        }
        let start = self.open.iter().rposition(|&open| open == at).expect("an unfinished one is open");
        let mut part = self.open.split_off(start);
        for &member in &part {
            self.is_open[member] = false;
        }
        part.sort_unstable();
        self.parts.push(part);
    }
}
