//! Which lines are logged: a level for all, and for some rooms one of their own.

use std::collections::BTreeMap;

use konsul_config::LogLevel;
use konsul_operations::ports::LogLevels;

use super::rank;

/// Rooms with a level of their own, at a time.
const ROOMS_MAX: usize = 64;

/// See the module's head. 0 is for errors, 4 for everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    rank: u8,
    rooms: BTreeMap<String, u8>,
}

impl Filter {
    pub(crate) fn new(level: LogLevel) -> Filter {
        Filter { rank: rank(level), rooms: BTreeMap::new() }
    }

    /// The same with another level for what has none of its own.
    pub(crate) fn with_level(&self, level: LogLevel) -> Filter {
        Filter { rank: rank(level), ..self.clone() }
    }

    /// # Errors
    /// Which word is wrong, and which would be right.
    pub(crate) fn read(levels: &LogLevels) -> Result<Filter, String> {
        if levels.targets.len() > ROOMS_MAX {
            return Err(format!("{} targets, {ROOMS_MAX} are the most", levels.targets.len()));
        }
        let rooms = levels.targets.iter().map(|(room, level)| {
            let name = !room.is_empty()
                && room.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte));
            if !name {
                return Err(format!(
                    "{room:?} is no target; one is what a line names, such as \"raft\" or \"http\""
                ));
            }
            Ok((room.clone(), word(level)?))
        });
        Ok(Filter { rank: word(&levels.level)?, rooms: rooms.collect::<Result<_, _>>()? })
    }

    pub(crate) fn told(&self) -> LogLevels {
        let name = |rank: u8| super::record::NAMES[usize::from(rank)].to_owned();
        let targets = self.rooms.iter().map(|(room, rank)| (room.clone(), name(*rank))).collect();
        LogLevels { level: name(self.rank), targets }
    }

    /// The least important line that is logged of a target, such as `konsul_raft::keeper`. A room is named by what its lines
    /// show, `raft`, or by more of the target, `konsul_raft::keeper`; the longest name that fits counts.
    pub(crate) fn of(&self, target: &str) -> u8 {
        if self.rooms.is_empty() {
            return self.rank;
        }
        let short = target.strip_prefix("konsul_").unwrap_or(target);
        let fits = |room: &str| is_in(target, room) || is_in(short, room);
        let fitting = self.rooms.iter().filter(|(room, _)| fits(room));
        fitting.max_by_key(|(room, _)| room.len()).map_or(self.rank, |(_, rank)| *rank)
    }
}

/// Whether a target is that module or lies in it.
fn is_in(target: &str, module: &str) -> bool {
    target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn word(level: &str) -> Result<u8, String> {
    let read: Result<LogLevel, _> = level.parse();
    read.map(rank).map_err(|_| format!("{level:?} is no level; there are trace, debug, info, warn and error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(level: &str, targets: &[(&str, &str)]) -> LogLevels {
        let targets = targets.iter().map(|(room, level)| ((*room).to_owned(), (*level).to_owned())).collect();
        LogLevels { level: level.to_owned(), targets }
    }

    #[test]
    fn the_longest_name_that_fits_counts() {
        let wanted =
            levels("warn", &[("raft", "debug"), ("konsul_raft::keeper", "error"), ("hyper", "trace")]);
        let filter = Filter::read(&wanted).unwrap();
        let of = |target: &str| filter.of(target);
        assert_eq!((of("konsul_raft"), of("konsul_raft::log")), (3, 3));
        assert_eq!((of("konsul_raft::keeper"), of("konsul_raft::keeper::x")), (0, 0));
        assert_eq!((of("konsul_rafting"), of("konsul_http"), of("hyper::proto")), (1, 1, 4));
        assert_eq!(filter.told(), wanted);
        assert_eq!(filter.with_level(LogLevel::Error).told(), LogLevels { level: "error".into(), ..wanted });
    }

    #[test]
    fn wrong_words_are_named() {
        assert!(Filter::read(&levels("loud", &[])).unwrap_err().contains("\"loud\" is no level"));
        assert!(Filter::read(&levels("info", &[("raft", "x")])).unwrap_err().contains("\"x\" is no level"));
        assert!(Filter::read(&levels("info", &[("", "info")])).unwrap_err().contains("is no target"));
        assert!(Filter::read(&levels("info", &[("a b", "info")])).unwrap_err().contains("is no target"));
    }
}
