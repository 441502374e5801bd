//! Checks a query string against the table, and lists every fault of it.

use konsul_api::v2::code;
use konsul_api::v2::operations::{Kind, Operation, Parameter, Place};
use konsul_api::v2::problem::Fault;
use konsul_types::{Key, Namespace, NodeName};

use super::body;
use super::rejection::{Rejected, Rejection};
use crate::v1::query::{Query, parse_u64};

/// Checks them.
pub(crate) fn check(operation: &Operation, query: &Query<'_>) -> Rejected<()> {
    let mut faults = Vec::new();
    for (at, name) in query.names().enumerate() {
        let known = declared(operation).find(|one| one.name == name);
        if query.names().take(at).any(|earlier| earlier == name) {
            if !known.is_some_and(|one| matches!(one.kind, Kind::Texts { .. })) {
                faults.push(Fault::of_parameter(name, "is given twice"));
            }
            continue;
        }
        if let Some(Parameter { kind: Kind::Texts { min, max }, .. }) = known {
            let each = query.all(name).filter_map(|text| wrong(Kind::Text { min: *min, max: *max }, text));
            faults.extend(each.map(|detail| Fault::of_parameter(name, detail)));
            continue;
        }
        let detail = match known {
            Some(one) => wrong(one.kind, query.get(name).unwrap_or("")),
            None => Some(unknown(operation)),
        };
        faults.extend(detail.map(|detail| Fault::of_parameter(name, detail)));
    }
    let missing = declared(operation).filter(|one| one.required && !query.has(one.name));
    faults.extend(missing.map(|one| Fault::of_parameter(one.name, "is missing")));
    if faults.is_empty() { Ok(()) } else { Err(Rejection::of_faults(&code::INVALID_PARAMETER, faults)) }
}

fn declared(operation: &Operation) -> impl Iterator<Item = &'static Parameter> {
    operation.parameters.iter().copied().filter(|one| one.place == Place::Query)
}

fn unknown(operation: &Operation) -> String {
    let known: Vec<&str> = declared(operation).map(|one| one.name).collect();
    if known.is_empty() {
        return "is not known here; this operation has no parameters".to_owned();
    }
    format!("is not known here; known are {}", known.join(", "))
}

/// What is wrong with a value, if anything is.
fn wrong(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Text { min, max } | Kind::Texts { min, max } => {
            let count = text.len();
            let fits = (min as usize..=max as usize).contains(&count);
            (!fits).then(|| format!("has {count} bytes; {min} to {max} are allowed"))
        }
        Kind::Key => Key::new(text).err().map(|why| why.what),
        Kind::Node => NodeName::new(text).err().map(|why| why.what),
        Kind::Namespace => Namespace::new(text).err().map(|why| why.what),
        Kind::Number { min, max, .. } => match parse_u64(text) {
            Ok(number) if (min..=max).contains(&number) => None,
            _ => Some(format!("{text:?} is no whole number from {min} to {max}")),
        },
        Kind::Flag => {
            (!matches!(text, "" | "true" | "false")).then(|| format!("{text:?} is neither true nor false"))
        }
        Kind::Choice(words) => {
            (!words.contains(&text)).then(|| format!("{text:?} is none of {}", words.join(", ")))
        }
        Kind::Duration => body::duration(text).err(),
        Kind::Uuid => (!is_uuid(text)).then(|| format!("{text:?} is no UUID")),
        // These stand in paths and headers, whose readers check them.
        Kind::LockName | Kind::Tag | Kind::TagOrAny | Kind::Any | Kind::Token => None,
    }
}

/// Whether a text is a UUID in the one form that this API knows.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use konsul_api::v2::operations::{Id, find};

    use super::*;
    use crate::v1::query::parse;

    fn faults(id: Id, raw: &str) -> Vec<(String, String)> {
        let (_, operation) = find(id).unwrap();
        match check(operation, &parse(raw).unwrap()) {
            Ok(()) => Vec::new(),
            Err(why) => why
                .errors
                .into_iter()
                .map(|fault| (fault.parameter.unwrap_or_default(), fault.detail))
                .collect(),
        }
    }

    #[test]
    fn every_fault_is_listed() {
        let found = faults(
            Id::KvList,
            "limit=0&colour=red&keys_only=yes&namespace=A&prefix=a&prefix=b&consistency=x",
        );
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["limit", "colour", "keys_only", "namespace", "prefix", "consistency"]);
        assert_eq!(found[0].1, "\"0\" is no whole number from 1 to 1000");
        assert_eq!(found[2].1, "\"yes\" is neither true nor false");
        assert_eq!(found[4].1, "is given twice");
        assert!(found[1].1.starts_with("is not known here; known are namespace, consistency,"));
    }

    #[test]
    fn what_must_be_there_is_missed() {
        assert_eq!(faults(Id::KvDeleteTree, ""), [("prefix".to_owned(), "is missing".to_owned())]);
        assert_eq!(faults(Id::KvDeleteTree, "prefix=&all=true"), []);
        assert_eq!(faults(Id::KvPut, "flags=18446744073709551615&ttl=30s"), []);
        assert_eq!(faults(Id::KvPut, "ttl=-1s").len(), 1);
        assert_eq!(faults(Id::SessionList, "node=a%2Fb").len(), 1);
    }
}
