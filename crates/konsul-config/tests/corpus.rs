//! Whole files, and everything that loading them says: the values that differ from the defaults with their origins,
//! the warnings, or the errors.

use std::fmt::Write as _;
use std::path::Path;

use konsul_config::{Config, Disk, Loaded, Origin, all_options};

/// The outcome of a load as text, with paths as seen from the corpus.
fn outcome(args: &[&str], variables: &[(&str, &str)]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let root = root.to_str().expect("the path is text");
    let args: Vec<String> = args.iter().map(|arg| arg.replace('@', &format!("{root}/"))).collect();
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let text = match Config::load(&args, &variables, &Disk) {
        Ok(loaded) => show(&loaded),
        Err(errors) => errors.iter().map(|error| format!("error: {error}\n")).collect(),
    };
    text.replace(&format!("{root}/"), "")
}

fn show(loaded: &Loaded) -> String {
    let mut text = String::new();
    for option in all_options() {
        let origins = &loaded.origins[option.key];
        if origins[..] != [Origin::Default] {
            let from: Vec<_> = origins.iter().map(ToString::to_string).collect();
            let value = option.value_in(&loaded.config);
            writeln!(text, "{} = {value}  # {}", option.key, from.join(", ")).expect("a text takes all");
        }
    }
    for warning in &loaded.warnings {
        writeln!(text, "warning: {warning}").expect("a text takes all");
    }
    text
}

macro_rules! files {
    ($($name:ident: $file:literal),+ $(,)?) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(outcome(&[concat!("-config-file=@", $file)], &[]));
        }
    )+};
}

files! {
    single_server_hcl: "good/single-server.hcl",
    single_server_json: "good/single-server.json",
    json_in_an_hcl_file: "good/old-style.hcl",
    labels: "good/labels.hcl",
    heredoc_path: "bad/heredoc-path.hcl",
    cluster_member: "bad/cluster-member.hcl",
    slips: "bad/slips.hcl",
    values: "bad/values.json",
    not_text: "bad/not-text.hcl",
    no_comma: "bad/no-comma.json",
    open_block: "bad/open-block.hcl",
    bare_duration: "bad/bare-duration.hcl",
    missing_file: "good/nowhere.hcl",
    unknown_extension: "dir/README.md",
}

#[test]
fn a_directory_is_merged_in_the_order_of_its_names() {
    insta::assert_snapshot!(outcome(&["-config-dir", "@dir"], &[]));
}

#[test]
fn a_forced_format_reads_every_file() {
    insta::assert_snapshot!(outcome(&["-config-format=hcl", "-config-dir=@dir"], &[]));
}

#[test]
fn sources_win_in_their_order_and_lists_are_joined() {
    let args = [
        "-data-dir=/flag",
        "-config-dir=@dir",
        "--allow-write-http-from",
        "10.0.0.0/8",
        "-hcl=log_level = \"error\" http_config { block_endpoints = [\"/v1/last\"] }",
        "-log-level=warn",
        "-http-config-block-endpoints=/v1/flag",
        "-http-config-response-headers=C: flag",
    ];
    let variables = [
        ("KONSUL_DATA_DIR", "/variable"),
        ("KONSUL_NODE_NAME", "from-variable"),
        ("KONSUL_HTTP_CONFIG_BLOCK_ENDPOINTS", "/v1/v1, /v1/v2"),
        ("KONSUL_HTTP_CONFIG_RESPONSE_HEADERS", "{\"D\": \"variable\"}"),
    ];
    insta::assert_snapshot!(outcome(&args, &variables));
}

#[test]
fn dev_mode() {
    insta::assert_snapshot!(outcome(&["-dev"], &[]));
}

#[test]
fn dev_mode_from_the_environment_with_wishes() {
    let variables = [("KONSUL_DEV_MODE", "1"), ("KONSUL_DATA_DIR", "/d"), ("KONSUL_PORTS_HTTP", "0")];
    insta::assert_snapshot!(outcome(&["-bootstrap-expect=1", "-node=a.b"], &variables));
}

#[test]
fn nothing_at_all() {
    insta::assert_snapshot!(outcome(&[], &[]));
}

#[test]
fn a_cluster_of_three() {
    insta::assert_snapshot!(outcome(&["-server", "-bootstrap-expect=3", "-data-dir=/d"], &[]));
}

#[test]
fn a_server_that_waits_to_join() {
    insta::assert_snapshot!(outcome(&["-server", "-data-dir=/d"], &[]));
}

#[test]
fn beyond_loopback() {
    insta::assert_snapshot!(outcome(&["-dev", "-client=127.0.0.1 0.0.0.0"], &[]));
}

#[test]
fn beyond_loopback_on_purpose() {
    insta::assert_snapshot!(outcome(&["-dev", "-client=0.0.0.0", "-allow-insecure-listen"], &[]));
}

#[test]
fn beyond_loopback_with_the_listener_off() {
    insta::assert_snapshot!(outcome(&["-dev", "-client=0.0.0.0", "-http-port=-1"], &[]));
}

#[test]
fn contradictions() {
    let args = [
        "-server",
        "-bootstrap",
        "-bootstrap-expect=1",
        "-default-query-time=1h",
        "-datacenter=a b",
        "-storage-engine=memory",
        "-http-config-response-headers=A B: secret",
        "-http-config-block-endpoints=v1/kv",
        "-client=",
    ];
    insta::assert_snapshot!(outcome(&args, &[]));
}

#[test]
fn faulty_flags() {
    let args = [
        "-dev",
        "-nod=x",
        "-unheard",
        "of",
        "stray",
        "-server=maybe",
        "-http-port=x",
        "-config-format=yaml",
        "-retry-join=10.0.0.1",
        "-ui",
        "-syslog=false",
        "-dns-port=-1",
        "-encrypt",
        "secret",
        "-http-config-response-headers=none",
        "-node",
    ];
    insta::assert_snapshot!(outcome(&args, &[]));
}

#[test]
fn faulty_variables() {
    let variables = [
        ("KONSUL_SERVER", "maybe"),
        ("KONSUL_PORTS_HTTP", "70000"),
        ("KONSUL_MAX_QUERY_TIME", "5"),
        ("KONSUL_HTTP_CONFIG_RESPONSE_HEADERS", "A: b"),
    ];
    insta::assert_snapshot!(outcome(&["-dev"], &variables));
}

#[test]
fn a_flag_of_consul_that_means_nothing_warns() {
    insta::assert_snapshot!(outcome(&["-dev", "-encrypt", "secret", "--disable-keyring-file"], &[]));
}

#[test]
fn help_drowns_everything_else() {
    insta::assert_snapshot!(outcome(&["-unheard", "--help"], &[]));
}

#[test]
fn a_file_that_cannot_be_a_configuration_is_refused_whole() {
    let directory = tempfile::tempdir().expect("a place for files");
    let path = directory.path().join("large.hcl");
    std::fs::write(&path, format!("datacenter = \"{}\"", "x".repeat(10_000_000))).expect("it can be written");
    let args = ["-dev".into(), format!("-config-file={}", path.display())];
    let errors = Config::load(&args, &[], &Disk).expect_err("ten megabytes");
    let text = errors[0].to_string();
    assert!(text.ends_with("large.hcl:1:1: the file has 4194305 bytes; at most 4194304 are read"), "{text}");
}
