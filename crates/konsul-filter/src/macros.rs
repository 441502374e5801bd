//! One declaration for a record's schema and its accessors, so that neither can be without the other.

/// Declares what of a type can be selected: a static [`Schema`](crate::Schema), and [`Record`](crate::Record) for the type.
///
/// ```
/// use konsul_filter::{Field, Filter, Kind, record};
///
/// struct Node {
///     name: String,
///     port: i64,
///     tags: Vec<String>,
/// }
///
/// record! {
///     /// Nodes, as the catalogue lists them.
///     pub static NODE: Node as node {
///         Node: Kind::String => Field::Text(&node.name),
///         Port: Kind::Int => Field::Int(node.port),
///         Tags: Kind::List(&Kind::String) => Field::List(&node.tags),
///     }
/// }
///
/// let filter = Filter::new(r#"Node matches "^web-" and primary in Tags"#, &NODE).unwrap();
/// let node = Node { name: "web-1".into(), port: 80, tags: vec!["primary".into()] };
/// assert!(filter.matches(&node));
/// let wrong = Filter::new("Port == http", &NODE).unwrap_err();
/// assert_eq!(
///     wrong.to_string(),
///     r#"Failed to coerce value "http" for selector "Port": strconv.ParseInt: parsing "http": invalid syntax"#
/// );
/// ```
///
/// A type that borrows names its lifetime first: `pub static VIEW: for<'r> View<'r> as view { … }`.
#[macro_export]
macro_rules! record {
    ($(#[$doc:meta])* $vis:vis static $schema:ident: for<$life:lifetime> $type:ty as $this:ident { $($fields:tt)* }) => {
        $crate::record!(@schema [$(#[$doc])*] [$vis] $schema [$type] $($fields)*);
        impl<$life> $crate::Record for $type {
            $crate::record!(@fields $schema $this $($fields)*);
        }
    };
    ($(#[$doc:meta])* $vis:vis static $schema:ident: $type:ty as $this:ident { $($fields:tt)* }) => {
        $crate::record!(@schema [$(#[$doc])*] [$vis] $schema [$type] $($fields)*);
        impl $crate::Record for $type {
            $crate::record!(@fields $schema $this $($fields)*);
        }
    };
    (@schema [$($doc:tt)*] [$vis:vis] $schema:ident [$type:ty] $($name:ident: $kind:expr => $read:expr),* $(,)?) => {
        $($doc)*
        $vis static $schema: $crate::Schema = $crate::Schema {
            name: stringify!($schema),
            fields: &[$((stringify!($name), $kind)),*],
        };
    };
    (@fields $schema:ident $this:ident $($name:ident: $kind:expr => $read:expr),* $(,)?) => {
        fn schema(&self) -> &'static $crate::Schema {
            &$schema
        }

        fn field(&self, place: usize) -> $crate::Field<'_> {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Place { $($name),* }
            let $this = self;
            match place {
                $(at if at == Place::$name as usize => $read,)*
                _ => $crate::Field::Missing,
            }
        }
    };
}
