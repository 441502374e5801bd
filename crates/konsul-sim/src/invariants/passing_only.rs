//! PassingOnly: whoever asks for passing instances is told of none with a check that does not pass, its node's checks included;
//! and a prepared query answers with none that has a critical one.
//!
//! Source: Consul's documentation of `/v1/health/service/:service?passing` and of prepared queries. Looks at the answers alone:
//! it needs no model.

use konsul_types::CheckStatus;

use crate::broken::{Held, hold};
use crate::history::{Content, Instance, Query, Read};

/// The invariant's name.
pub const NAME: &str = "PassingOnly";

/// All answers.
pub fn held(reads: &[Read]) -> Held {
    reads.iter().try_for_each(|read| match (&read.query, &read.content) {
        (Query::Health(_, _, true), Content::Instances(found)) => {
            none_worse(read, found, CheckStatus::Passing)
        }
        (Query::Execute(..), Content::Executed(Some(found))) => none_worse(read, found, CheckStatus::Warning),
        _ => Ok(()),
    })
}

fn none_worse(read: &Read, found: &[Instance], worst: CheckStatus) -> Held {
    let bad = found.iter().find(|one| one.checks.iter().any(|check| check.status > worst));
    hold(NAME, bad.is_none(), || format!("{:?} was answered with {bad:?}", read.query))
}

#[cfg(test)]
mod tests {
    use konsul_types::ServiceName;

    use super::super::fabricated::{instance, ns, read};
    use super::*;

    #[test]
    fn fires_on_an_instance_with_a_bad_check() {
        let web = ServiceName::new("web").unwrap();
        let health = |status, passing| {
            let content = Content::Instances(vec![instance("web", status, "")]);
            [Read { query: Query::Health(ns(), web.clone(), passing), ..read(0, 1, 9, 7, content) }]
        };
        assert!(held(&health(CheckStatus::Passing, true)).is_ok());
        assert!(held(&health(CheckStatus::Critical, false)).is_ok());
        assert!(held(&health(CheckStatus::Warning, true)).is_err());
        let executed = |status| {
            let content = Content::Executed(Some(vec![instance("web", status, "")]));
            [Read { query: Query::Execute(ns(), "q".into()), ..read(0, 1, 9, 7, content) }]
        };
        assert!(held(&executed(CheckStatus::Warning)).is_ok());
        assert!(held(&executed(CheckStatus::Critical)).is_err());
    }
}
