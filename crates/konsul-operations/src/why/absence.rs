//! Why there is no instance to explain.

use konsul_types::{Namespace, ServiceName};

use super::instance::{Asked, Server, server_state, span};
use super::reason::{Answer, Code, Effect, Explanation};
use super::similar::similar;

/// What is so about a name of which there is no instance.
#[derive(Debug)]
pub struct Absence<'a> {
    /// The name that is asked for.
    pub name: &'a str,
    /// The namespace that is asked.
    pub namespace: &'a Namespace,
    /// Services that whoever asks may see, in all namespaces that it may see.
    pub known: &'a [(Namespace, ServiceName)],
    /// Whether the agent that was asked has an instance of it, registered with itself.
    pub on_agent: bool,
    /// Which check had the last instance deregistered and how many milliseconds ago, if that is why it is gone.
    pub reaped: Option<(&'a str, u64)>,
    /// What else is asked.
    pub asked: Asked<'a>,
    /// How the server stands.
    pub server: Server,
}

const EVERYWHERE: &[Answer] = &Answer::ALL;

/// Why no answer has an instance of the name. Something is always said: at least that none is registered.
pub fn explain_absence(absence: &Absence<'_>) -> Explanation {
    let mut why = Explanation::default();
    server_state(absence.server, absence.asked, &mut why);
    let Absence { name, namespace, .. } = absence;
    let mut hides = |code, sentence| why.add(code, Effect::Hides, EVERYWHERE, sentence);
    if absence.on_agent {
        let sentence = format!(
            "the agent has '{name}' registered, and the catalogue does not have it yet: it is written when a server \
             answers, and refused if the agent's token does not allow it"
        );
        hides(Code::NotSynced, sentence);
    }
    if let Some((check, ago_ms)) = absence.reaped {
        let ago = span(ago_ms);
        hides(
            Code::Reaped,
            format!("it was deregistered {ago} ago, because check '{check}' was critical for too long"),
        );
    }
    let elsewhere = elsewhere(absence);
    if !elsewhere.is_empty() {
        let sentence =
            format!("'{name}' is not in namespace '{namespace}', but it is in: {}", elsewhere.join(", "));
        hides(Code::WrongNamespace, sentence);
    }
    hides(Code::NotRegistered, not_registered(absence));
    why.sorted()
}

/// Other namespaces in which the name is, each once.
fn elsewhere<'a>(absence: &Absence<'a>) -> Vec<&'a str> {
    let same = |(namespace, name): &&(Namespace, ServiceName)| {
        namespace != absence.namespace && name.as_str().eq_ignore_ascii_case(absence.name)
    };
    let mut found: Vec<&str> =
        absence.known.iter().filter(same).map(|(namespace, _)| namespace.as_str()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn not_registered(absence: &Absence<'_>) -> String {
    let Absence { name, namespace, .. } = absence;
    let here = absence.known.iter().filter(|(found, _)| found == *namespace).map(|(_, name)| name.as_str());
    let close = similar(name, here);
    let hint =
        if close.is_empty() { String::new() } else { format!("; similar names: {}", close.join(", ")) };
    format!("no instance of '{name}' is registered in namespace '{namespace}'{hint}")
}
