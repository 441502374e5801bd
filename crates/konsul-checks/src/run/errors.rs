//! Errors of the system in the words in which Go, and so Consul, tells them.

use std::io;

/// The deadline of an HTTP request, told by Go's client.
pub(crate) const HTTP_TIMEOUT: &str =
    "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

/// The deadline of anything else that has a context.
pub(crate) const DEADLINE: &str = "context deadline exceeded";

/// What the system says, without its number and in lower case.
pub(crate) fn system(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "EOF".to_owned();
    }
    let text = error.to_string();
    match error.raw_os_error() {
        Some(_) => text.split(" (os error").next().unwrap_or(&text).to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_gos() {
        let text = |number| system(&io::Error::from_raw_os_error(number));
        assert_eq!(text(111), "connection refused");
        assert_eq!(text(113), "no route to host");
        assert_eq!(text(104), "connection reset by peer");
        assert_eq!(system(&io::ErrorKind::UnexpectedEof.into()), "EOF");
    }
}
