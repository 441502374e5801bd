//! A JSON array read element by element from bytes that arrive in pieces, so that a million entries need the memory of one.

/// Where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    BetweenFirst,
    Between,
    AfterComma,
    Within,
    After,
}

/// Cuts a JSON array into its elements. It checks the array's own punctuation; what an element holds is the caller's to
/// parse.
#[derive(Debug)]
pub struct ArrayReader {
    place: Place,
    element: Vec<u8>,
    depth: u32,
    in_string: bool,
    escaped: bool,
    line: u64,
}

/// The bytes are not a JSON array.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ArrayError {
    /// The line, from 1.
    pub line: u64,
    /// What was found and what was expected.
    pub what: String,
}

impl Default for ArrayReader {
    fn default() -> Self {
        ArrayReader {
            place: Place::Before,
            element: Vec::new(),
            depth: 0,
            in_string: false,
            escaped: false,
            line: 1,
        }
    }
}

impl ArrayReader {
    /// The line that the reader has come to, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Takes bytes cut anywhere and calls `each` for every element that they complete.
    ///
    /// # Errors
    /// [`ArrayError`] where the array's punctuation is wrong, or what `each` gives back.
    pub fn feed<E: From<ArrayError>>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        for &byte in bytes {
            if self.step(byte)? {
                each(&self.element, self.line)?;
                self.element.clear();
            }
            self.line += u64::from(byte == b'\n');
        }
        if self.element.len() > super::ENTRY_MAX {
            let what = format!("the element is longer than {} bytes, more than any has", super::ENTRY_MAX);
            return Err(self.error(what).into());
        }
        Ok(())
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    /// [`ArrayError`] if the array has not ended.
    pub fn finish(&self) -> Result<(), ArrayError> {
        match self.place {
            Place::After => Ok(()),
            Place::Before => Err(self.error("there is nothing; a JSON array was expected")),
            _ => Err(self.error("the JSON array ends in the middle")),
        }
    }

    fn error(&self, what: impl Into<String>) -> ArrayError {
        ArrayError { line: self.line, what: what.into() }
    }

    /// Takes one byte and tells whether an element is complete with it.
    fn step(&mut self, byte: u8) -> Result<bool, ArrayError> {
        if self.place == Place::Within {
            return Ok(self.within(byte));
        }
        if byte.is_ascii_whitespace() {
            return Ok(false);
        }
        self.place = match (self.place, byte) {
            (Place::Before, b'[') => Place::BetweenFirst,
            (Place::BetweenFirst | Place::Between, b']') => Place::After,
            (Place::Between, b',') => Place::AfterComma,
            (Place::BetweenFirst | Place::AfterComma, b'{') => {
                self.element.push(byte);
                self.depth = 1;
                Place::Within
            }
            (place, other) => return Err(self.unexpected(place, other)),
        };
        Ok(false)
    }

    fn unexpected(&self, place: Place, byte: u8) -> ArrayError {
        let wanted = match place {
            Place::Before => "'[', the beginning of a JSON array",
            Place::BetweenFirst => "an object or ']'",
            Place::Between => "',' or ']'",
            Place::AfterComma => "an object",
            Place::Within | Place::After => "nothing after the array",
        };
        self.error(format!("found {:?} where {wanted} was expected", char::from(byte)))
    }

    fn within(&mut self, byte: u8) -> bool {
        self.element.push(byte);
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        if self.depth == 0 {
            self.place = Place::Between;
        }
        self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, size: usize) -> Result<Vec<String>, ArrayError> {
        let mut reader = ArrayReader::default();
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            reader.feed(piece, |element, _| {
                found.push(String::from_utf8_lossy(element).into_owned());
                Ok::<_, ArrayError>(())
            })?;
        }
        reader.finish().map(|()| found)
    }

    #[test]
    fn elements_are_the_same_however_the_bytes_are_cut() {
        let text = " [ {\"a\":[1,{\"b\":\"]}\\\"\"}]} ,\n{}]\n";
        for size in 1..text.len() {
            assert_eq!(
                cut(text, size).unwrap(),
                ["{\"a\":[1,{\"b\":\"]}\\\"\"}]}", "{}"],
                "pieces of {size}"
            );
        }
        assert_eq!(cut("[]", 1).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn wrong_punctuation_is_named_with_its_line() {
        let why = |text: &str| cut(text, 3).unwrap_err().to_string();
        assert_eq!(why("{}"), "line 1: found '{' where '[', the beginning of a JSON array was expected");
        assert_eq!(why("[{},\n,]"), "line 2: found ',' where an object was expected");
        assert_eq!(why("[{},]"), "line 1: found ']' where an object was expected");
        assert_eq!(why("[{} {}]"), "line 1: found '{' where ',' or ']' was expected");
        assert_eq!(why("[]x"), "line 1: found 'x' where nothing after the array was expected");
        assert_eq!(why("[{}\n"), "line 2: the JSON array ends in the middle");
        assert_eq!(why("[{\"a\":"), "line 1: the JSON array ends in the middle");
        assert_eq!(why(" "), "line 1: there is nothing; a JSON array was expected");
    }
}
