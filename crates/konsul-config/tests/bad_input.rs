//! Files as they come out of broken editors, full disks and tired hands: each is refused with a place and a reason, or read
//! as it was meant.

use std::path::Path;

use konsul_config::{Config, Disk, Loaded};

/// Writes the files into a directory of their own and loads it as `-config-dir`, in dev mode.
fn load(files: &[(&str, &[u8])]) -> Result<Loaded, String> {
    let directory = tempfile::tempdir().expect("a place for files");
    for (name, bytes) in files {
        std::fs::write(directory.path().join(name), bytes).expect("it can be written");
    }
    let args = ["-dev".to_owned(), format!("-config-dir={}", directory.path().display())];
    outcome(&args, directory.path())
}

fn outcome(args: &[String], root: &Path) -> Result<Loaded, String> {
    Config::load(args, &[], &Disk).map_err(|errors| {
        let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
        lines
            .join("\n")
            .replace(&format!("{}/", root.display()), "")
            .replace(&root.display().to_string(), "ROOT")
    })
}

#[track_caller]
fn refuses(name: &str, bytes: &[u8], expect: &str) {
    assert_eq!(load(&[(name, bytes)]).expect_err(name), expect);
}

#[test]
fn a_duplicate_key_warns_where_the_language_allows_it() {
    for (name, text) in [
        ("a.hcl", "log_level = \"warn\"\nlog_level = \"error\""),
        ("a.json", "{\"log_level\": \"warn\",\n\"log_level\": \"error\"}"),
    ] {
        let loaded = load(&[(name, text.as_bytes())]).expect(name);
        assert_eq!(loaded.config.log_level.word(), "error");
        let warning = loaded.warnings[0].to_string();
        assert!(
            warning.contains(&format!("{name}:2:1: `log_level` stands in this file before, at 1:")),
            "{warning}"
        );
    }
    refuses("a.toml", b"log_level = \"warn\"\nlog_level = \"error\"", "a.toml:2:1: duplicate key");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    for (name, text) in [
        ("a.hcl", "log_level = \"warn\""),
        ("a.json", "{\"log_level\": \"warn\"}"),
        ("a.toml", "log_level = \"warn\""),
    ] {
        let marked = ["\u{feff}", text].concat();
        assert_eq!(load(&[(name, marked.as_bytes())]).expect(name).config.log_level.word(), "warn");
    }
    let wide: Vec<u8> = "\u{feff}a = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refuses("a.hcl", &wide, "a.hcl:1:1: byte 0xff is not UTF-8 text");
}

#[test]
fn a_string_of_ten_megabytes_is_refused_before_it_is_read() {
    for name in ["a.hcl", "a.json", "a.toml"] {
        let text = format!("datacenter = \"{}\"", "x".repeat(10_000_000));
        refuses(
            name,
            text.as_bytes(),
            &format!("{name}:1:1: the file has 4194305 bytes; at most 4194304 are read"),
        );
    }
    let args = ["-dev".to_owned(), format!("-datacenter={}", "x".repeat(10_000_000))];
    let told = outcome(&args, Path::new("/")).expect_err("no such name");
    assert!(told.len() < 300, "{} bytes of complaint", told.len());
}

#[test]
fn a_cut_file_is_refused_with_its_place() {
    refuses(
        "a.hcl",
        b"ports {\n  http = 85",
        "a.hcl:2:12: expected a key, or the `}` that closes the block of line 1, found the end of the file",
    );
    refuses("a.json", b"{\"ports\": {\n \"ht", "a.json:2:2: this text has no closing quote");
    refuses(
        "a.toml",
        b"[ports]\nhttp = ",
        "a.toml:2:8: string values must be quoted, expected literal string",
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    for (name, text) in [
        ("a.hcl", &b"node_name = \"\xc3\x28\""[..]),
        ("a.json", b"{\"node_name\": \"\xc3\x28\"}"),
        ("a.toml", b"node_name = \"\xc3\x28\""),
    ] {
        let told = load(&[(name, text)]).expect_err(name);
        assert!(
            told.starts_with(&format!("{name}:1:1")) && told.ends_with("byte 0xc3 is not UTF-8 text"),
            "{told}"
        );
    }
}

#[test]
fn a_directory_may_stand_for_a_file_and_a_directory_in_it_may_not() {
    let directory = tempfile::tempdir().expect("a place for files");
    let root = directory.path();
    std::fs::create_dir(root.join("10.hcl")).expect("a directory");
    std::fs::write(root.join("20.hcl"), "log_level = \"warn\"").expect("a file");
    // As in Consul, either flag takes either; what lies deeper is not read.
    let args = |flag: &str, path: &Path| ["-dev".to_owned(), format!("-{flag}={}", path.display())];
    let loaded = outcome(&args("config-file", root), root).expect("a directory for a file");
    assert_eq!(loaded.config.log_level.word(), "warn");
    let loaded = outcome(&args("config-dir", &root.join("20.hcl")), root).expect("a file for a directory");
    assert_eq!(loaded.config.log_level.word(), "warn");
    let told = outcome(&args("config-dir", &root.join("none")), root).expect_err("there is none");
    assert_eq!(told, "none: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn directories_are_merged_in_the_order_of_names_and_paths_in_that_of_the_command_line() {
    let loaded = load(&[
        ("b.toml", b"log_level = \"warn\"\nhttp_config = { block_endpoints = [\"/b\"] }"),
        ("a.json", b"{\"log_level\": \"error\", \"log_json\": true, \"http_config\": {\"block_endpoints\": [\"/a\"]}}"),
        ("c.hcl", b"http_config { block_endpoints = [\"/c\"] }"),
    ]);
    let config = loaded.expect("three good files").config;
    assert_eq!((config.log_level.word(), config.log_json), ("warn", Some(true)));
    assert_eq!(config.http_config.block_endpoints, ["/a", "/b", "/c"]);
}

#[test]
fn options_that_contradict_each_other_are_named_with_their_places() {
    let told = load(&[
        ("a.hcl", b"default_query_time = \"1h\""),
        ("b.toml", b"max_query_time = \"10m\"\n[http_config]\nblock_endpoints = [\"v1\"]"),
    ]);
    assert_eq!(
        told.expect_err("two contradictions"),
        "a.hcl:1:1: default_query_time (1h0m0s) is above max_query_time (10m0s); lower it or raise that\n\
         b.toml:3:1: http_config.block_endpoints: \"v1\" blocks nothing, since every path begins with /"
    );
    let told = load(&[("a.hcl", b"addresses { http = \"unix:///a.sock unix:///a.sock\" }")]);
    assert_eq!(told.expect_err("one place twice"), "a.hcl:1:13: addresses.http names /a.sock twice");
}

#[test]
fn a_key_is_unknown_or_not_built_or_of_another_type_with_file_line_and_remedy() {
    refuses(
        "a.toml",
        b"[limits]\nkv_max_valu_size = 1",
        "a.toml:2:1: unknown key `limits.kv_max_valu_size`; did you mean `limits.kv_max_value_size`?",
    );
    refuses(
        "a.toml",
        b"[ports]\ngrpc = 8502",
        "a.toml:2:1: `ports.grpc`: known to Consul, not built yet in Konsul",
    );
    refuses(
        "a.toml",
        b"[ports]\nhttp = \"8500\"",
        "a.toml:2:1: `ports.http`: expected a port from 1 to 65535, 0 for any free one, or -1 for off, found the text \"8500\"",
    );
    refuses(
        "a.toml",
        b"max_query_time = 1979-05-27",
        "a.toml:1:1: `max_query_time`: expected a duration in quotes, such as \"10s\" or \"1h30m\", found the number 1979-05-27",
    );
    refuses(
        "a.hcl",
        b"watches {\n  type = \"key\"\n  key = \"a\"\n  arg = [\"x\"]\n}",
        "a.hcl:4:3: `watches`: unknown key `arg`; did you mean `args`?",
    );
}

#[test]
fn dns_that_cannot_work_is_refused_with_its_place() {
    refuses(
        "a.hcl",
        b"domain = \"a..b\"",
        "a.hcl:1:1: domain = \"a..b\" is no zone: it has labels of 1 to 63 letters, digits, - and _, with dots between \
         them, 200 characters in all",
    );
    refuses(
        "a.hcl",
        b"domain = \".\"",
        "a.hcl:1:1: domain = \".\" cannot be empty, nor the root of all names",
    );
    refuses(
        "a.hcl",
        b"domain = \"x\"\nalt_domain = \"X.\"",
        "a.hcl:2:1: alt_domain is domain once more, \"x.\"; leave it out",
    );
    refuses(
        "a.hcl",
        b"ports {\n dns = 8500\n}",
        "a.hcl:2:2: ports.dns and ports.http are both 8500 on 127.0.0.1",
    );
    refuses(
        "a.hcl",
        b"recursors = [\"dns.local\"]",
        "a.hcl:1:1: `recursors`: expected a resolver such as 10.0.0.2, 10.0.0.2:5353 or [fd00::2]:53, found \"dns.local\"",
    );
    refuses(
        "a.hcl",
        b"dns_config { service_ttl { \"*web\" = \"5s\" } }",
        "a.hcl:1:14: `dns_config.service_ttl`: \"*web\" is neither the name of a service nor the beginning of one with a * \
         at its end",
    );
    refuses(
        "a.hcl",
        b"dns_config { service_ttl { web = 5 } }",
        "a.hcl:1:14: `dns_config.service_ttl`: \"web\": expected a duration in quotes, such as \"10s\" or \"1h30m\", \
         found the number 5",
    );
    refuses(
        "a.hcl",
        b"dns_config { service_ttl { web = \"5s\" Web = \"6s\" } }",
        "a.hcl:1:14: dns_config.service_ttl has \"web\" twice, but for the case of its letters",
    );
    refuses(
        "a.hcl",
        b"dns_config { udp_anwer_limit = 3 }",
        "a.hcl:1:14: unknown key `dns_config.udp_anwer_limit`; did you mean `dns_config.udp_answer_limit`?",
    );
    refuses(
        "a.hcl",
        b"dns_config { recursor_strategy = \"fastest\" }",
        "a.hcl:1:14: `dns_config.recursor_strategy`: expected one of sequential, random, found \"fastest\"",
    );
    refuses(
        "a.hcl",
        b"advertise_addr = \"::\"",
        "a.hcl:1:1: Advertise address cannot be 0.0.0.0, :: or [::]",
    );
    refuses(
        "a.hcl",
        b"tagged_addresses { wan = \"a b\" }",
        "a.hcl:1:1: tagged_addresses: \"wan\" needs a name, and an address without spaces",
    );
    refuses(
        "a.hcl",
        b"locality { zone = \"a\" }",
        "a.hcl:1:12: locality.zone needs locality.region, in which the zone is",
    );
    refuses(
        "a.hcl",
        b"check_config { flap_changes = 21 }",
        "a.hcl:1:16: check_config.flap_changes (21) is above check_config.flap_runs (20), so no check would ever count as \
         flapping; 0 says that",
    );
}

#[test]
fn dns_options_mean_what_they_mean_to_consul() {
    let text = b"domain = \"SD.Example\"\nrecursors = [\"10.0.0.2\", \"::1\", \"10.0.0.2:53\"]\n\
        addresses { dns = \"0.0.0.0 ::1\" }\nports { dns = 53 }\ndns_config { use_cache = true }\ncheck_output_max_size = 8192";
    let loaded = load(&[("a.hcl", text)]).expect("a good file");
    let config = &loaded.config;
    assert_eq!(config.domain, "sd.example.");
    let asked: Vec<String> = config.recursors.iter().map(ToString::to_string).collect();
    // The one that stands there twice is asked once.
    assert_eq!(asked, ["10.0.0.2:53", "[::1]:53"]);
    let listen: Vec<String> = config.dns_listen().iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["0.0.0.0:53", "[::1]:53"]);
    assert_eq!(config.check_output_bytes(), 4096);
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings[0].contains("`dns_config.use_cache` means nothing to Konsul"), "{warnings:?}");
    assert!(
        warnings[1].ends_with(
            "DNS on 0.0.0.0 asks the recursors for whoever reaches it; see that only those can who should"
        ),
        "{warnings:?}"
    );
    let off = load(&[("a.hcl", b"ports { dns = -1 }")]).expect("a good file").config;
    assert!(off.dns_listen().is_empty());
    let own = load(&[("a.hcl", b"client_addr = \"127.0.0.2\"")]).expect("a good file").config;
    assert_eq!(own.dns_listen().iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.2:8600"]);
}
