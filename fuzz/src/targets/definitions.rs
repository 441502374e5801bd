//! Services and checks in files.
//!
//! Input: a byte that chooses the language, and the file.

use konsul_config::{Config, Definitions, MemoryFiles};
use konsul_types::{CheckDefinition, ServiceDefinition};

use crate::Target;
use crate::bounds::Bounds;
use crate::input::Input;

/// The target.
pub static TARGET: Target = Target {
    name: "definitions",
    about: "services and checks in configuration files",
    input_bytes_max: 4 * 1024,
    bounds: Bounds { base_bytes: 8 << 20, bytes_per_byte: 8192 },
    run,
    seeds,
};

const NAMES: [&str; 3] = ["d.hcl", "d.json", "d.toml"];

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let name = NAMES[usize::from(input.byte() % 3)];
    let text = input.rest();
    match Definitions::read(name, text) {
        Ok(read) => {
            sound(&read);
            reread(&read);
            load(name, text, &read);
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in &errors {
                let (file, at) = error.place().unwrap_or_else(|| panic!("no place: {error}"));
                assert!(file == name && at.line > 0 && at.column > 0, "{error}");
            }
        }
    }
}

/// What was taken can be registered and run.
fn sound(read: &Definitions) {
    let mut checks: Vec<&CheckDefinition> = read.checks.iter().map(|placed| &placed.definition).collect();
    for placed in &read.services {
        let service = &placed.definition;
        assert_eq!(service.validate(), Ok(()), "{service:?}");
        assert_eq!(placed.checks().count(), service.checks.len());
        checks.extend(&service.checks);
    }
    for check in checks {
        assert!(check.kind().is_some() && check.validate().is_ok(), "{check:?}");
    }
    for check in &read.checks {
        let id = check.definition.id_in(None, 1, 1);
        assert!(konsul_types::CheckId::new(id.as_str()).is_ok(), "{id:?} is no id");
    }
}

/// What was taken and is written reads the same.
fn reread(read: &Definitions) {
    let json = read.to_json().to_string();
    let again = Definitions::read("again.json", json.as_bytes());
    let again = again.unwrap_or_else(|why| panic!("what was read cannot be read again: {why:?} in {json}"));
    assert_eq!(said(read), said(&again), "a copy reads otherwise: {json}");
}

/// An agent takes it too, if it may run programs.
fn load(name: &str, text: &[u8], read: &Definitions) {
    let files = MemoryFiles::new([(name, text.to_vec())]);
    let args = ["-dev".into(), "-enable-script-checks".into(), format!("-config-file={name}")];
    let config =
        Config::load(&args, &[], &files).unwrap_or_else(|why| panic!("refused by an agent: {why:?}")).config;
    let loaded = Definitions { services: config.services, checks: config.checks };
    assert_eq!(said(&loaded), said(read), "an agent reads otherwise");
}

fn said(read: &Definitions) -> (Vec<&ServiceDefinition>, Vec<&CheckDefinition>) {
    let services = read.services.iter().map(|placed| &placed.definition).collect();
    (services, read.checks.iter().map(|placed| &placed.definition).collect())
}

const HCL: &str = r#"service {
  name = "web" id = "web-1" namespace = "team-a" tags = ["v1", "b"] address = "10.0.0.1" port = 80
  tagged_addresses { wan { address = "203.0.113.1" port = 8080 } } meta { version = "1" }
  weights { passing = 5 warning = 2 } enable_tag_override = true connect { native = true }
  locality { region = "eu" zone = "a" } depends_on = ["db", { service = "c", required = false }] strategy = "nearest"
  check { check_id = "alive" http = "https://u:p@h:1/x?y" method = "POST" header { A = ["s"] B = "b" } body = "b"
    interval = "10s" timeout = "1.5s" disable_redirects = true tls_skip_verify = true success_before_passing = 2
    failures_before_warning = 1 failures_before_critical = 3 deregister_critical_service_after = "90m" status = "passing" }
  checks = [{ ttl = "15s" output_max_size = 9 }, { tcp = "[::1]:80" interval = "1s" }]
}
check { id = "n" args = ["/bin/true"] shell = "/bin/sh" docker_container_id = "x" interval = "1us" }
checks = [{ name = "g" grpc = "h:1/s" interval = "5s" }, { name = "a" service_id = "web-1" alias_node = "n" }]
"#;

const JSON: &str = r#"{"services":[{"Name":"p","Kind":"connect-proxy","Port":1,"Token":"","Proxy":{
  "DestinationServiceName":"web","local_service_port":80,"Mode":"transparent","Config":{"x":[1.5,null,{"y":true}]},
  "Upstreams":[{"DestinationName":"db","LocalBindPort":5432,"MeshGateway":{"Mode":"local"}}],
  "Expose":{"Checks":true,"Paths":[{"Path":"/x","ListenerPort":1}]}}},{"name":"s","socket_path":"/run/s","id":null}],
  "check":{"name":"h","H2PING":"h:1","H2PingUseTLS":false,"Interval":"5s"},"checks":[{"name":"o","os_service":"u","interval":"1h"}]}"#;

const TOML: &str = "[[services]]\nname = \"t\"\nport = 0x50\nmeta = { a = 'b' }\n[[services.checks]]\nudp = \"h:1\"\n\
    interval = \"1s\"\nnotes = \"\"\"n\n\"\"\"\n[check]\nname = \"c\"\nttl = \"1m\"\n";

const SLIPS: &str = "service \"x\" { port = 80 }\nservice { name = \"a\" prot = 1 check { htpp = 5 } }\n\
    service { name = \"a\" port = 1 port = 2 connect { sidecar_service {} } token = \"t\" }\ncheck {}\ncheck = [[]]\n";

fn seeds() -> Vec<Vec<u8>> {
    let files = [
        (0, HCL),
        (1, JSON),
        (2, TOML),
        (0, SLIPS),
        (0, "service { name = \"a\" }\nservice { name = \"a\" }"),
    ];
    files.iter().map(|(language, text)| [&[*language], text.as_bytes()].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_reach_what_they_are_for() {
        for (name, text, services, checks) in
            [("d.hcl", HCL, 1, 3), ("d.json", JSON, 2, 2), ("d.toml", TOML, 1, 1)]
        {
            let read =
                Definitions::read(name, text.as_bytes()).unwrap_or_else(|why| panic!("{name}: {why:?}"));
            assert_eq!((read.services.len(), read.checks.len()), (services, checks), "{name}");
        }
        assert_eq!(Definitions::read("d.hcl", SLIPS.as_bytes()).expect_err("slips").len(), 9);
    }
}
