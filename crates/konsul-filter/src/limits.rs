//! Bounds on an expression. At each the answer is an error that names it; Consul itself has none of them.

/// Longest expression, in bytes. A request's query is shorter in most servers; this is for those that read it from a body.
pub const EXPRESSION_BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting of parentheses. Consul's parser takes four times as long for each level, and is of no use beyond a dozen.
pub const NESTING_MAX: usize = 64;

/// Most comparisons in an expression.
pub const COMPARISONS_MAX: usize = 1024;

/// Most patterns (`matches`) in an expression.
pub const PATTERNS_MAX: usize = 16;

/// Most memory that the compiled patterns of an expression may take, in bytes. Each gets an equal share of it.
pub const PATTERNS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Memory that a pattern may take while it runs, in bytes. With less it is slower, not wrong.
pub const PATTERN_CACHE_BYTES: usize = 256 * 1024;

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 4 * 1024;

/// Most items of classes in an expression's patterns that name very many letters (`\W`, `\p{…}`, a long range) where case
/// does not matter: each takes up to 9 ms to compile. Each pattern gets an equal share of them.
pub const FOLDED_ITEMS_MAX: usize = 32;

/// Deepest nesting of groups in a pattern.
pub const PATTERN_NESTING_MAX: usize = 100;

/// Most faults that the answer to a broken expression lists.
pub const FAULTS_MAX: usize = 32;
