//! Secrets are taken out: by what they are called, by what they look like, and those that this process knows itself.
//!
//! It errs on the side of taking out too much. A value that stands under a telling name goes, whatever it is; so does
//! what has the form of a credential in a header, a private key in PEM, and a password in an address.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What stands in a secret's place.
const HIDDEN: &str = "(hidden)";

/// Words that make a name telling, wherever they stand in it.
const TELLING: [&str; 9] = [
    "token",
    "secret",
    "passw",
    "credential",
    "private",
    "encrypt",
    "authorization",
    "apikey",
    "auth_header",
];

/// Telling names that only look so: what they hold is no secret, and a report needs it.
const HARMLESS: [&str; 4] = ["tokens_ttl", "token_ttl", "encryptverify", "tokenpersistence"];

/// Shorter texts are too common to be looked for everywhere.
const KNOWN_MIN: usize = 6;

static FORMS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        // A private key in PEM, on one line or many.
        (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\z)", HIDDEN),
        // user:password@host
        (r"([a-z][a-z0-9+.-]*://[^/\s:@]*):[^/\s@]+@", "${1}:(hidden)@"),
        (r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}", "${1} (hidden)"),
        // A telling name, then its value: `token=x`, `"SecretID": "x"`, `X-Consul-Token: x`, `-encrypt x`.
        (
            r#"(?ix)
            (["']?[a-z0-9_.-]*(?:token|secret|passw(?:or)?d|credential|private[_-]?key|encrypt|authorization|api[_-]?key)[a-z0-9_.-]*["']?
            \s*[=:]\s*)
            ("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&}\]]+)"#,
            "${1}(hidden)",
        ),
        (r"(?i)(\s--?(?:token|encrypt|secret|password))\s+[^\s-]\S*", "${1} (hidden)"),
    ]
    .into_iter()
    .map(|(form, instead)| (Regex::new(form).expect("the forms are fixed, and a test runs them"), instead))
    .collect()
});

/// Takes secrets out.
#[derive(Debug, Default)]
pub(crate) struct Scrubber {
    known: Vec<String>,
}

impl Scrubber {
    /// One that also takes out these texts, wherever they stand.
    pub(crate) fn knowing(secrets: impl IntoIterator<Item = String>) -> Scrubber {
        let mut known: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= KNOWN_MIN).collect();
        // A secret that holds another one goes first, or a part of it would stay.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Scrubber { known }
    }

    /// A text without its secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut clean = self.without_known(text);
        for (form, instead) in FORMS.iter() {
            if let std::borrow::Cow::Owned(replaced) = form.replace_all(&clean, *instead) {
                clean = replaced;
            }
        }
        clean
    }

    fn without_known(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
    }

    /// Takes a document's secrets out: whatever stands under a telling name, and in its texts what a text must not hold.
    pub(crate) fn json(&self, document: &mut Value) {
        match document {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    if is_telling(name) { hide(value) } else { self.json(value) }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }
}

/// Whether what stands under a name may open a door.
pub(crate) fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    if HARMLESS.iter().any(|harmless| name == *harmless || plain == *harmless) {
        return false;
    }
    TELLING.iter().any(|word| name.contains(word) || plain.contains(word))
}

/// Hides a value. Truth values and numbers stay: they say whether something is on, or how long it lasts.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => HIDDEN.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(fields) => fields.values_mut().for_each(hide),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "8e1c0f7a-PLANTED-9b2d";

    #[test]
    fn planted_secrets_are_gone_from_texts() {
        let plain = Scrubber::default();
        for text in [
            format!("GET /v1/kv/a?token={SECRET}&x=1"),
            format!("X-Consul-Token: {SECRET}"),
            format!("authorization: Bearer {SECRET}"),
            format!("header Bearer {SECRET} sent"),
            format!("{{\"SecretID\":\"{SECRET}\"}}"),
            format!("{{\"password\" : \"a\\\"{SECRET}\"}}"),
            format!("retry with http://user:{SECRET}@host:8500/"),
            format!("acl.tokens.agent={SECRET}"),
            format!("konsul agent -encrypt {SECRET} -dev"),
            format!("konsul kv get --token {SECRET} x"),
            format!("-----BEGIN EC PRIVATE KEY-----\nMHc{SECRET}\n-----END EC PRIVATE KEY-----"),
            format!("-----BEGIN PRIVATE KEY-----\nMHc{SECRET} and cut"),
            format!("api_key: '{SECRET}'"),
        ] {
            let clean = plain.text(&text);
            assert!(!clean.contains("PLANTED"), "{text} became {clean}");
            assert!(clean.contains("(hidden)"), "{clean}");
        }
        let knowing = Scrubber::knowing([SECRET.to_owned(), format!("{SECRET}-longer")]);
        assert_eq!(knowing.text(&format!("key {SECRET}-longer, {SECRET}")), "key (hidden), (hidden)");
    }

    #[test]
    fn planted_secrets_are_gone_from_documents() {
        let mut document = json!({
            "ACLTokens": {"agent": SECRET, "list": [SECRET]},
            "EncryptKey": SECRET,
            "note": format!("token={SECRET}"),
            "deep": [{"client_secret": SECRET, "port": 8500}],
            "TokenTTL": "30s", "UseToken": true, "AuthToken": "",
        });
        Scrubber::default().json(&mut document);
        let text = document.to_string();
        assert!(!text.contains("PLANTED"), "{text}");
        assert_eq!(document["deep"][0]["port"], 8500);
        assert_eq!(document["UseToken"], true);
        assert_eq!(document["AuthToken"], "");
    }

    #[test]
    fn what_is_no_secret_stays() {
        let plain = Scrubber::default();
        for text in ["took 12ms to write key app/color", "http://127.0.0.1:8500/v1/kv", "index=42, term: 3"] {
            assert_eq!(plain.text(text), text);
        }
    }
}
