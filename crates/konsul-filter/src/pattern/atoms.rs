//! A pattern, sign by sign: literals, groups, flags and repetitions.

use super::classes::{self, Class};
use super::error::{Code, PatternError};
use super::groups::{Flags, Group};
use crate::limits::PATTERN_NESTING_MAX;

/// Most that counted repetitions may ask for, also multiplied by those that they are in.
const TIMES_MAX: u64 = 1000;

/// A pattern in the words of the `regex` crate.
pub(super) struct Translated {
    pub(super) text: String,
    /// How many items of its classes name very many letters where case does not matter.
    pub(super) folded_items: usize,
}

/// Translates a pattern.
pub(super) fn translate(pattern: &str) -> Result<Translated, PatternError> {
    let flags = Flags::default();
    let mut reader = Reader {
        pattern,
        rest: pattern,
        flags,
        group: Group::new("", flags),
        outer: Vec::new(),
        repeated: None,
        folded_items: 0,
    };
    while !reader.rest.is_empty() {
        reader.next()?;
    }
    reader.end()
}

struct Reader<'a> {
    pattern: &'a str,
    rest: &'a str,
    flags: Flags,
    group: Group,
    /// The groups around it.
    outer: Vec<Group>,
    /// Where a repetition began that has just been read: another one right behind it is an error.
    repeated: Option<&'a str>,
    folded_items: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(), PatternError> {
        let before = self.rest;
        let mut repeated = None;
        match before.as_bytes() {
            [b'(', b'?', ..] => self.perl_group()?,
            [b'(', ..] => self.open("(", &before[1..], self.flags)?,
            [b'|', ..] => {
                self.group.bar();
                self.rest = &before[1..];
            }
            [b')', ..] => self.close()?,
            [b'^' | b'$' | b'.', ..] => self.plain(&before[..1], 1),
            [b'[', ..] => {
                let (class, rest) = classes::class(before)?;
                self.class(class, rest);
            }
            [b'*' | b'+' | b'?', ..] => {
                self.repeat(&before[1..], 0, self.group.last_times())?;
                repeated = Some(before);
            }
            [b'{', ..] if count(before).is_some() => {
                self.counted()?;
                repeated = Some(before);
            }
            [b'\\', ..] => self.escape()?,
            _ => self.letters(1),
        }
        self.repeated = repeated;
        Ok(())
    }

    fn atom(&mut self, text: String, rest: &'a str) {
        self.group.push(text, 1);
        self.rest = rest;
    }

    fn class(&mut self, class: Class, rest: &'a str) {
        self.folded_items += if self.flags.fold_case { class.wide } else { 0 };
        self.atom(class.text, rest);
    }

    fn plain(&mut self, text: &str, length: usize) {
        self.atom(text.to_owned(), &self.rest[length..]);
    }

    /// That many letters which mean themselves.
    fn letters(&mut self, how_many: usize) {
        for letter in self.rest.chars().take(how_many) {
            self.group.push(classes::letter(u32::from(letter)), 1);
            self.rest = &self.rest[letter.len_utf8()..];
        }
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        match self.rest.as_bytes() {
            [_, b'A' | b'z', ..] => self.plain(&self.rest[..2], 2),
            [_, b'b', ..] => self.plain(r"(?-u:\b)", 2),
            [_, b'B', ..] => self.plain(r"(?-u:\B)", 2),
            [_, b'C', ..] => return Err(PatternError::new(Code::Escape, &self.rest[..2])),
            [_, b'Q', ..] => self.quoted(),
            _ => {
                let (class, rest) = classes::escape(self.rest)?;
                self.class(class, rest);
            }
        }
        Ok(())
    }

    fn quoted(&mut self) {
        let body = &self.rest[2..];
        let (literal, after) = body.split_once(r"\E").unwrap_or((body, ""));
        self.rest = literal;
        self.letters(usize::MAX);
        self.rest = after;
    }

    fn open(&mut self, text: &str, rest: &'a str, inner_flags: Flags) -> Result<(), PatternError> {
        if self.outer.len() >= PATTERN_NESTING_MAX {
            return Err(PatternError::new(Code::TooDeep, self.pattern));
        }
        let outer = std::mem::replace(&mut self.group, Group::new(text, self.flags));
        self.outer.push(outer);
        self.flags = inner_flags;
        self.rest = rest;
        Ok(())
    }

    fn close(&mut self) -> Result<(), PatternError> {
        let Some(outer) = self.outer.pop() else {
            return Err(PatternError::new(Code::UnexpectedParenthesis, self.pattern));
        };
        let inner = std::mem::replace(&mut self.group, outer);
        self.flags = inner.outer_flags();
        let (text, times) = inner.close();
        self.group.push(text + ")", times);
        self.rest = &self.rest[1..];
        Ok(())
    }

    fn end(self) -> Result<Translated, PatternError> {
        if self.outer.is_empty() {
            Ok(Translated { text: self.group.close().0, folded_items: self.folded_items })
        } else {
            Err(PatternError::new(Code::MissingParenthesis, self.pattern))
        }
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)`, `(?flags:`.
    fn perl_group(&mut self) -> Result<(), PatternError> {
        let text = self.rest;
        let name_at = match text.as_bytes() {
            [_, _, b'P', b'<', _, ..] => Some(4),
            [_, _, b'<', _, ..] => Some(3),
            _ => None,
        };
        match name_at {
            Some(start) => self.named_group(text, start),
            None => self.flag_group(text),
        }
    }

    fn named_group(&mut self, text: &'a str, start: usize) -> Result<(), PatternError> {
        let Some(end) = text.find('>') else { return Err(PatternError::new(Code::Name, text)) };
        let name = text.get(start..end).unwrap_or_default();
        let holds = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
        if name.is_empty() || !name.chars().all(holds) {
            return Err(PatternError::new(Code::Name, &text[..=end]));
        }
        // Nobody asks for the name, and the two languages differ in which they take.
        self.open("(", &text[end + 1..], self.flags)
    }

    fn flag_group(&mut self, text: &'a str) -> Result<(), PatternError> {
        let (mut flags, mut on, mut seen) = (self.flags, true, false);
        for (position, sign) in text.char_indices().skip(2) {
            let flag = match sign {
                'i' => &mut flags.fold_case,
                'm' => &mut flags.lines,
                's' => &mut flags.dot_newline,
                'U' => &mut flags.swap_greed,
                '-' if on => {
                    (on, seen) = (false, false);
                    continue;
                }
                ':' | ')' if on || seen => return self.flags_read(flags, sign == ':', &text[position + 1..]),
                _ => return Err(PatternError::new(Code::Perl, &text[..position + sign.len_utf8()])),
            };
            *flag = on;
            seen = true;
        }
        Err(PatternError::new(Code::Perl, text))
    }

    fn flags_read(&mut self, flags: Flags, opens: bool, rest: &'a str) -> Result<(), PatternError> {
        if opens {
            return self.open(&format!("(?{}:", flags.text()), rest, flags);
        }
        self.group.flags(flags);
        self.flags = flags;
        self.rest = rest;
        Ok(())
    }

    /// `{n}`, `{n,}`, `{n,m}`.
    fn counted(&mut self) -> Result<(), PatternError> {
        let before = self.rest;
        let Some((least, most, after)) = count(before) else { return Ok(()) };
        let too_many = least > TIMES_MAX || most.is_some_and(|most| most > TIMES_MAX || least > most);
        if too_many {
            return Err(PatternError::new(Code::RepeatCount, part(before, after)));
        }
        let inside = self.group.last_times();
        let times = match most.unwrap_or(least) {
            0 if most.is_some() => 1,
            0 => inside,
            times => times.saturating_mul(inside),
        };
        self.repeat(after, least.max(most.unwrap_or(0)), times)
    }

    /// Repeats what is before, with the sign between here and `after`. `counted` is the highest count it names.
    fn repeat(&mut self, after: &'a str, counted: u64, times: u64) -> Result<(), PatternError> {
        let before = self.rest;
        let after = after.strip_prefix('?').unwrap_or(after);
        if let Some(earlier) = self.repeated {
            return Err(PatternError::new(Code::NestedRepetition, part(earlier, after)));
        }
        if !self.group.has_part() {
            return Err(PatternError::new(Code::MissingArgument, part(before, after)));
        }
        if counted >= 2 && times > TIMES_MAX {
            return Err(PatternError::new(Code::RepeatCount, part(before, after)));
        }
        self.group.repeat(part(before, after), times);
        self.rest = after;
        Ok(())
    }
}

/// What was read between two places.
fn part<'a>(from: &'a str, to: &str) -> &'a str {
    &from[..from.len() - to.len()]
}

/// A count in braces: least, most (none for no bound), and the rest. What is not exactly that is plain letters.
fn count(text: &str) -> Option<(u64, Option<u64>, &str)> {
    let (least, rest) = number(text.strip_prefix('{')?)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((least, Some(least), rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((least, None, rest));
    }
    let (most, rest) = number(rest)?;
    Some((least, Some(most), rest.strip_prefix('}')?))
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    (!digits.is_empty() && !leading_zero).then(|| (digits.parse().unwrap_or(u64::MAX), rest))
}
