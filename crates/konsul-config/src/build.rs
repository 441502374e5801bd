//! What build this is.

/// The version, such as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from; empty if the build did not say.
pub const REVISION: &str = match option_env!("KONSUL_REVISION") {
    Some(revision) => revision,
    None => "",
};

/// When it was built, RFC 3339; the epoch if the build did not say, so that the field always parses.
pub const BUILD_DATE: &str = match option_env!("KONSUL_BUILD_DATE") {
    Some(date) => date,
    None => "1970-01-01T00:00:00Z",
};
