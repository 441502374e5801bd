//! What is open: groups, the parts read in each, and the flags that hold.

/// Signs that change what others mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) fold_case: bool,
    pub(super) lines: bool,
    pub(super) dot_newline: bool,
    pub(super) swap_greed: bool,
}

impl Flags {
    /// All four, set or not, as they stand inside `(?…)`.
    pub(super) fn text(self) -> String {
        let all = [('i', self.fold_case), ('m', self.lines), ('s', self.dot_newline), ('U', self.swap_greed)];
        let those = |wanted: bool| all.iter().filter(move |(_, set)| *set == wanted).map(|(sign, _)| sign);
        let off: String = those(false).collect();
        let on: String = those(true).collect();
        if off.is_empty() { on } else { format!("{on}-{off}") }
    }
}

/// A part that can be repeated.
#[derive(Debug)]
struct Part {
    text: String,
    /// The most that counted repetitions inside multiply to.
    times: u64,
    /// A sign for repetition is at its end: another one would mean something else there.
    repeated: bool,
}

impl Part {
    fn new(text: String, times: u64) -> Self {
        Self { text, times, repeated: false }
    }
}

/// A group that is open, or the whole pattern.
#[derive(Debug)]
pub(super) struct Group {
    parts: Vec<Part>,
    /// The part that a repetition would repeat: none behind `(` and `|`.
    last: Option<usize>,
    outer_flags: Flags,
}

impl Group {
    pub(super) fn new(open: &str, outer_flags: Flags) -> Self {
        Self { parts: vec![Part::new(open.to_owned(), 1)], last: None, outer_flags }
    }

    pub(super) fn outer_flags(&self) -> Flags {
        self.outer_flags
    }

    /// Adds a part.
    pub(super) fn push(&mut self, text: String, times: u64) {
        self.last = Some(self.parts.len());
        self.parts.push(Part::new(text, times));
    }

    /// Ends an alternative.
    pub(super) fn bar(&mut self) {
        self.last = None;
        self.parts.push(Part::new("|".into(), 1));
    }

    /// Changes flags for what comes.
    pub(super) fn flags(&mut self, flags: Flags) {
        self.parts.push(Part::new(format!("(?{})", flags.text()), 1));
    }

    pub(super) fn has_part(&self) -> bool {
        self.last.is_some()
    }

    /// What counted repetitions in the last part multiply to.
    pub(super) fn last_times(&self) -> u64 {
        self.last.map_or(1, |last| self.parts[last].times)
    }

    /// Repeats the last part.
    pub(super) fn repeat(&mut self, sign: &str, times: u64) {
        if let Some(last) = self.last {
            let part = &mut self.parts[last];
            if part.repeated {
                part.text = format!("(?:{})", part.text);
            }
            part.text.push_str(sign);
            (part.times, part.repeated) = (times, true);
        }
    }

    /// The text of it all, and what counted repetitions in it multiply to.
    pub(super) fn close(self) -> (String, u64) {
        let times = self.parts.iter().map(|part| part.times).max().unwrap_or(1);
        (self.parts.into_iter().map(|part| part.text).collect(), times)
    }
}
