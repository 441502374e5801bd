//! No file, whatever its bytes, does more than be refused.

use konsul_config::{Config, MemoryFiles, parse_bytes};
use proptest::prelude::*;

/// Pieces that a configuration is made of, so that random texts reach deep.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "server",
        "ports",
        "http",
        "limits",
        "encrypt",
        "acl",
        "enabled",
        "service",
        "log_level",
        "node_name",
        "http_config",
        "response_headers",
        "block_endpoints",
        "=",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "true",
        "false",
        "null",
        "\"x\"",
        "\"10s\"",
        "5",
        "-1",
        "1.5",
        "0x10",
        "\n",
        "#",
        "/*",
        "*/",
        "<<EOF\n",
        "EOF",
        "\"${",
        "}\"",
        ".",
        "é",
    ]);
    prop_oneof![8 => fixed.prop_map(|text| format!("{text} ")), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn texts_of_configuration_words_never_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        let _ = parse_bytes("k.hcl", text.as_bytes());
        for name in ["k.hcl", "k.json", "k.toml"] {
            let files = MemoryFiles::new([(name, text.clone())]);
            let _ = parse_bytes(name, text.as_bytes());
            let _ = Config::load(&["-dev".into(), format!("-config-file={name}")], &[], &files);
        }
    }

    #[test]
    fn command_lines_never_panic(args in prop::collection::vec("-{0,3}[a-z-]{0,12}=?.{0,6}", 0..6)) {
        let result = Config::load(&args, &[], &MemoryFiles::default());
        if let Err(errors) = result {
            prop_assert!(!errors.is_empty());
        }
    }

    #[test]
    fn json_is_taken_exactly_when_the_library_takes_it(
        text in r#"\{("a":)?[ \n{}\[\]",:a-c0-9eE+.truefalsn\\ud8-]{0,14}\}?"#,
    ) {
        let library = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
        let ours = parse_bytes("k.json", text.as_bytes());
        prop_assert_eq!(ours.is_ok(), library.is_ok(), "{:?} {:?}", ours, library);
    }

    #[test]
    fn a_json_value_is_read_back_as_it_was_written(text: String, number: i64) {
        let json = serde_json::json!({ "a": [text, number, { "b": true }] });
        let items = parse_bytes("k.json", json.to_string().as_bytes()).expect("well formed");
        let pretty = parse_bytes("k.json", serde_json::to_string_pretty(&json).expect("plain").as_bytes());
        let konsul_config::syntax::Value::List(nodes) = &items[0].node.value else { panic!("a list") };
        prop_assert_eq!(&nodes[0].value, &konsul_config::syntax::Value::Text(text));
        prop_assert_eq!(&nodes[1].value, &konsul_config::syntax::Value::Integer(number));
        prop_assert_eq!(pretty.map(|items| items.len()), Ok(1));
    }
}
