//! The page of the book on definitions, made from the tables of keys.

use super::keys::Key;
use super::{check, proxy, service};

const HEAD: &str = "\
<!-- Made from the tables in crates/konsul-config/src/definitions. Do not edit: change a table, and run
     UPDATE=1 cargo test -p konsul-config --test reference -->
# Services and checks in files

A file of the configuration may define services and health checks, which the agent then registers and keeps registered.
One stands in a block `service` or `check`; several stand in lists, `services` and `checks`. All of them may occur many
times, in one file or in many, and are joined.

```hcl
";

const AFTER_EXAMPLE: &str = "\
```

In JSON the same is `{\"service\": {…}}` or `{\"services\": [{…}, {…}]}`, in TOML `[[services]]` and `[[services.checks]]`.

A key is read without regard to case and also without its underscores, so the names of Consul's API (`EnableTagOverride`,
`TLSSkipVerify`) and older spellings (`scriptargs`) are read too. Durations are texts such as `\"10s\"`.

## What is refused

A fault in a definition stops the start, and a reload with one changes nothing: what was registered stays as it is. All
faults are told at once, each with file, line and column and the name of the service or the check.

- A key that is unknown, with the nearest right one; a key that stands twice in a block; a value of the wrong type or out
  of range; a `kind`, a `status` or a `strategy` that is none.
- A service without a name, a check without name and id, an id that is defined twice: both places are named.
- A check that could never run: without `interval`, with `interval` and `ttl`, with a URL or an address that is none.
- A check that runs a program, unless `enable_local_script_checks` or `enable_script_checks` is set.
- A label, as in `service \"web\" { … }`: the name is a key.

Some things are taken with a warning: a name or a tag that DNS cannot carry, and a check that says it is of two kinds, of
which the first counts, in the order gRPC, HTTP, TTL, TCP, UDP, alias, program, HTTP/2 ping, unit of the system.

## Where Konsul differs from Consul

- `token` is refused unless it is empty. There is no access control yet that would ask for it, and a file that names one
  expects to be held to it.
- `connect { sidecar_service { … } }` is refused: it comes with the mesh. A proxy that is registered as a service of its
  own, with `kind` and `proxy`, is taken.
- An unknown `kind` is refused; Consul takes it for an ordinary service.
- A repeated key is refused; Consul takes the last one.
- HTTP checks do not follow redirects unless `check_config.allow_redirects` says so.
- `depends_on` and `strategy` are Konsul's own. Consul refuses a file that has them.

## Reload

At a reload the definitions in the files are compared with those before. What is gone is deregistered, what is new or
changed is registered; what is the same keeps its health.
";

/// The whole page as Markdown.
#[must_use]
pub fn definitions_page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(EXAMPLE);
    page.push_str(AFTER_EXAMPLE);
    page.push_str("\n## Keys of a service\n\n");
    page.push_str(&table(service::KEYS));
    page.push_str("\nThe keys of `proxy` are ");
    page.push_str(&proxy::keys_in_words());
    page.push_str(
        ". The first four are known to the catalogue; the rest is checked, kept, and given back as it was said.\n",
    );
    page.push_str("\n## Keys of a check\n\n");
    page.push_str(&table(check::KEYS));
    page
}

/// The example of the page. A test loads it.
pub(crate) const EXAMPLE: &str = include_str!("example.hcl");

fn table<D>(keys: &[Key<D>]) -> String {
    let mut text = String::from("| Key | Type | Meaning |\n| --- | --- | --- |\n");
    for key in keys {
        let also: String = key.also.iter().map(|name| format!(", `{name}`")).collect();
        text.push_str(&format!("| `{}`{also} | {} | {} |\n", key.name, key.shape, key.doc));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, MemoryFiles};

    #[test]
    fn the_example_is_one() {
        let args = ["-dev".to_owned(), "-config-file=example.hcl".to_owned()];
        let loaded =
            Config::load(&args, &[], &MemoryFiles::new([("example.hcl", EXAMPLE)])).expect("a good example");
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let service = &loaded.config.services[0];
        let ids: Vec<String> = service.checks().map(|(id, ..)| id).collect();
        assert_eq!(ids, ["service:web-1:1", "service:web-1:2"]);
        assert_eq!(loaded.config.checks[0].definition.script_args.len(), 5);
        assert_eq!(service.definition.advice.as_ref().map(|advice| advice.depends_on.len()), Some(2));
    }

    #[test]
    fn every_key_is_documented() {
        let docs = service::KEYS.iter().map(|key| (key.name, key.doc));
        for (name, doc) in docs.chain(check::KEYS.iter().map(|key| (key.name, key.doc))) {
            assert!(doc.is_ascii() && doc.ends_with('.') && !doc.contains('|'), "{name}: {doc}");
        }
    }
}
