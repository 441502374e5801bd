//! What the readers and writers of exports must do, form by form.

use proptest::prelude::*;

use super::*;

/// Reads a file in pieces of a size: each key with its line.
fn read(format: Format, file: &[u8], size: usize) -> Result<(Vec<(Pair, u64)>, u64), ExchangeError> {
    let mut reader = PairReader::new(format);
    let mut found = Vec::new();
    for piece in file.chunks(size) {
        reader.feed(piece, |pair, line| {
            found.push((pair, line));
            Ok::<_, ExchangeError>(())
        })?;
    }
    reader.finish(|pair, line| {
        found.push((pair, line));
        Ok::<_, ExchangeError>(())
    })?;
    Ok((found, reader.services_passed_over()))
}

#[track_caller]
fn check(format: Format, file: &str, expect: &[Pair]) {
    for size in [1, 2, 7, file.len()] {
        let (found, _) = read(format, file.as_bytes(), size).unwrap_or_else(|why| panic!("{why} in\n{file}"));
        assert_eq!(found.into_iter().map(|(pair, _)| pair).collect::<Vec<_>>(), expect, "pieces of {size}");
    }
}

#[track_caller]
fn check_refused(format: Format, file: &str, expect: &str) {
    for size in [1, 5, file.len().max(1)] {
        let why = read(format, file.as_bytes(), size).expect_err(file).to_string();
        assert!(why.contains(expect), "{why:?} does not contain {expect:?}, pieces of {size}");
    }
}

fn pair(key: &str, value: &[u8], flags: u64) -> Pair {
    Pair { key: key.into(), value: value.to_vec(), flags, ..Pair::default() }
}

const GO: Format = Format::GoKonsul;

#[test]
fn consuls_own_bytes_come_out() {
    let mut out = Vec::new();
    let mut writer = consul::Writer::default();
    writer.write(&mut out, &pair("app/<a>&ç", b"v\xff", 7));
    let team = Some("team".to_owned());
    writer.write(&mut out, &Pair { namespace: team.clone(), ..pair("empty", b"", 0) });
    writer.finish(&mut out);
    // As `consul kv export` prints it.
    let expect = "[\n\t{\n\t\t\"key\": \"app/\\u003ca\\u003e\\u0026ç\",\n\t\t\"flags\": 7,\n\t\t\"value\": \"dv8=\"\n\t},\n\
                  \t{\n\t\t\"key\": \"empty\",\n\t\t\"flags\": 0,\n\t\t\"value\": \"\",\n\t\t\"namespace\": \"team\"\n\t}\n]\n";
    assert_eq!(String::from_utf8(out).unwrap(), expect);
    check(
        Format::Consul,
        expect,
        &[pair("app/<a>&ç", b"v\xff", 7), Pair { namespace: team, ..pair("empty", b"", 0) }],
    );
    let mut out = Vec::new();
    consul::Writer::default().finish(&mut out);
    assert_eq!(out, b"[]\n");
    check(Format::Consul, "[]", &[]);
}

#[test]
fn lines_of_ndjson_are_read_with_and_without_a_last_end_of_line() {
    let file = "{\"key\":\"a\",\"value\":\"1\"}\r\n\n{\"key\":\"b\",\"value_base64\":\"/w==\",\"flags\":3,\"namespace\":\"t\",\"ttl\":\"30s\"}";
    let second = Pair { namespace: Some("t".into()), ttl: Some("30s".into()), ..pair("b", b"\xff", 3) };
    check(Format::Ndjson, file, &[pair("a", b"1", 0), second.clone()]);
    check(Format::Ndjson, &format!("{file}\n"), &[pair("a", b"1", 0), second]);
    let (found, _) = read(Format::Ndjson, file.as_bytes(), 3).unwrap();
    assert_eq!(found.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn the_earlier_konsuls_export_is_read() {
    let file = r#"{ "kv": {"app%2Fcolor": "{\"value\":\"blue \\\"é\\\"\",\"modify_index\":5,\"create_index\":2,\"flags\":9}",
        "object":{"value":"x"}, "old":"plain"} ,
      "services": {"web":{"service":{"name":"web","tags":["a","}"]},"expires_at":"2026-01-02T03:04:05Z"},"n":null} }
"#;
    check(
        GO,
        file,
        &[pair("app%2Fcolor", "blue \"é\"".as_bytes(), 9), pair("object", b"x", 0), pair("old", b"plain", 0)],
    );
    let (found, services) = read(GO, file.as_bytes(), 3).unwrap();
    assert_eq!((found[0].0.key.as_str(), found[0].1, found[1].1, services), ("app%2Fcolor", 1, 2, 2));
    assert_eq!(go_konsul::decode_key(&found[0].0.key), "app/color");
    check(GO, "{}", &[]);
    check(GO, "{\"kv\":{},\"services\":{}}", &[]);
}

#[test]
fn keys_are_decoded_once() {
    for (key, expect) in [("a%2Fb%252F%zz%", "a/b%2F%zz%"), ("%ff", "%ff"), ("%+1", "%+1"), ("ç%20", "ç ")]
    {
        assert_eq!(go_konsul::decode_key(key), expect);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let line = "{\"key\":\"a\",\"value\":\"1\"}\n";
    check_refused(
        Format::Ndjson,
        &format!("{line}{line}{{\"key\":\"b\",\"valu"),
        "line 3: the file ends in this line",
    );
    check_refused(Format::Ndjson, &format!("{line}nonsense\n{line}"), "line 2: column 2: expected ident");
    check_refused(Format::Ndjson, "{\"key\":\"a\"}\n", "line 1: the value of \"a\" is missing");
    check_refused(
        Format::Ndjson,
        "{\"key\":\"a\",\"value\":\"\",\"valeu\":1}\n",
        "line 1: column 29: unknown field `valeu`",
    );
    check_refused(
        Format::Ndjson,
        "{\"key\":\"a\",\"value_base64\":\"?\"}\n",
        "line 1: the value of \"a\" is not base64",
    );
    check_refused(
        Format::Consul,
        "[\n{\"key\":\"a\",\"value\":\"!\"}]",
        "line 2: the value of key a is not base64",
    );
    check_refused(
        Format::Consul,
        "[\n{\"key\":\"a\",\n\"flags\":\"x\"}]",
        "line 3: in the entry that ends here",
    );
    check_refused(Format::Consul, "[{\"key\":\"a\",\"partition\":\"p\"}]", "partitions are not built yet");
    check_refused(Format::Consul, "[\n{\"key\":\"a\"},\n", "line 3: the JSON array ends in the middle");
    check_refused(
        GO,
        "{\"kv\":{\"a\":\"{\\\"value\\\":1}\"}}",
        "the entry of key \"a\" cannot be read: column 10: invalid type",
    );
    check_refused(GO, "{\"kv\":{},\n\"secrets\":{\"a\":1}}", "line 2: section \"secrets\" is unknown");
    check_refused(GO, "{\"kv\":{\n\"a\":\"{}\"", "line 2: the entry of key \"a\" cannot be read");
    check_refused(GO, "{\"kv\":{\n\"a\":\"{", "line 2: the JSON object ends in the middle");
    check_refused(GO, "{\"kv\":5}", "found '5' where an object, which holds a section, was expected");
    check_refused(GO, "{\"kv\":{,}}", "found ',' where a name or '}' was expected");
    check_refused(GO, "{}{", "nothing after the export");
    check_refused(GO, "", "there is nothing");
}

#[test]
fn the_form_of_a_file_is_guessed_by_its_beginning() {
    assert_eq!(Format::guess(b" [\n"), Some(Format::Consul));
    assert_eq!(Format::guess(b"{\"key\": \"a\""), Some(Format::Ndjson));
    assert_eq!(Format::guess(b"{\"kv\" : {"), Some(GO));
    for unclear in [&b"x"[..], b"", b"{", b"{\"kv"] {
        assert_eq!(Format::guess(unclear), None, "{unclear:?}");
    }
}

#[test]
fn an_endless_entry_is_refused_before_it_fills_the_memory() {
    for (format, beginning) in
        [(Format::Ndjson, "{\"key\":\""), (GO, "{\"kv\":{\"a\":\""), (Format::Consul, "[{\"key\":\"")]
    {
        let mut reader = PairReader::new(format);
        let feed =
            |reader: &mut PairReader, bytes: &[u8]| reader.feed(bytes, |_, _| Ok::<_, ExchangeError>(()));
        feed(&mut reader, beginning.as_bytes()).unwrap();
        let piece = vec![b'x'; 1 << 20];
        let refused = (0..=ENTRY_MAX >> 20).find_map(|_| feed(&mut reader, &piece).err());
        assert!(refused.expect("it is refused").to_string().contains("longer than"), "{format:?}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again_and_writes_the_same(
        pairs in proptest::collection::vec((".{0,20}", proptest::collection::vec(any::<u8>(), 0..30), any::<u64>(),
            proptest::option::of("[a-z]{1,5}")), 0..8),
        size in 1usize..40,
    ) {
        let pairs: Vec<Pair> = pairs.into_iter()
            .map(|(key, value, flags, namespace)| Pair { key, value, flags, namespace, ttl: None }).collect();
        let mut lines = Vec::new();
        let mut array = Vec::new();
        let mut writer = consul::Writer::default();
        for pair in &pairs {
            ndjson::write(&mut lines, pair);
            writer.write(&mut array, pair);
        }
        writer.finish(&mut array);
        for (format, file) in [(Format::Ndjson, &lines), (Format::Consul, &array)] {
            let (found, _) = read(format, file, size).unwrap();
            let found: Vec<Pair> = found.into_iter().map(|(pair, _)| pair).collect();
            // Consul does not write the namespace `default`.
            let same = found.iter().zip(&pairs).all(|(a, b)| a == b || b.namespace.as_deref() == Some("default"));
            prop_assert!(same && found.len() == pairs.len(), "{found:?}");
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..20) {
        for format in [Format::Ndjson, Format::Consul, GO] {
            let _ = read(format, &bytes, size);
        }
        let _ = Format::guess(&bytes);
    }
}
