//! Commands that need no server, and what is said when there is none.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use support::{Shell, done};

/// A shell whose server does not exist.
fn nobody() -> Shell {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Shell::on(&listener.local_addr().unwrap().to_string())
}

#[test]
fn a_server_that_is_not_there_is_named_with_where_its_address_came_from() {
    let shell = nobody();
    let refused = shell.run(&["kv", "get", "a"]);
    assert_eq!(refused.code, Some(5));
    assert!(refused.err.contains(&shell.address), "{}", refused.err);
    assert!(refused.err.contains("The address is from KONSUL_HTTP_ADDR."), "{}", refused.err);
    assert!(refused.err.contains("konsul agent -dev"), "{}", refused.err);
    let by_option = shell.run(&["-s", "127.0.0.1:1", "kv", "get", "a"]);
    assert!(by_option.err.contains("The address is from --server."), "{}", by_option.err);
    assert!(!by_option.err.contains("\x1b"), "no colour into a pipe");
}

#[test]
fn wrong_words_exit_with_2_and_say_what_is_right() {
    let shell = nobody();
    for (words, wanted) in [
        (&["kv", "gett", "a"][..], "get"),
        (&["kv", "get"][..], "KEY"),
        (&["kv", "get", "a", "--outputt", "json"][..], "--output"),
        (&["kv", "get", "a", "-o", "xml"][..], "json"),
        (&["--server", "gopher://a", "kv", "get", "a"][..], "gopher"),
        (&["--timeout", "soon", "kv", "get", "a"][..], "30s"),
        (&["kv", "delete", ""][..], "--all"),
    ] {
        let refused = shell.run(words);
        assert_eq!(refused.code, Some(2), "{words:?}: {refused:?}");
        assert!(refused.err.contains(wanted), "{words:?}: {refused:?}");
        assert_eq!(refused.out, "");
    }
}

#[test]
fn a_context_is_kept_privately_and_brings_its_credentials() {
    let shell = nobody();
    let set = shell.fed(&["context", "set", "prod", "-s", "10.0.0.1:8500", "--token", "-"], b"s3cret\n");
    assert_eq!(set.code, Some(0), "{set:?}");
    let file = shell.path(".config/konsul/contexts.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(file.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(std::fs::read_to_string(&file).unwrap().contains("s3cret"));
    for form in ["table", "json", "yaml", "plain"] {
        let shown = shell.ok(&["context", "show", "-o", form]);
        assert!(shown.contains("10.0.0.1:8500") && shown.contains("hidden"), "{form}: {shown}");
        assert!(!shown.contains("s3cret") && !shell.ok(&["context", "ls", "-o", form]).contains("s3cret"));
    }
    shell.ok(&["context", "set", "laptop", "-s", "127.0.0.1:1", "--use"]);
    assert_eq!(
        shell.ok(&["context", "ls"]).lines().map(|l| l.split('\t').nth(1).unwrap()).collect::<Vec<_>>(),
        ["laptop", "prod"]
    );
    let unset = shell.sh("unset KONSUL_HTTP_ADDR; konsulctl kv get a");
    assert!(
        unset.err.contains("127.0.0.1:1") && unset.err.contains("the context in use, \"laptop\""),
        "{unset:?}"
    );
    let by_environment = shell.run(&["kv", "get", "a"]);
    assert!(by_environment.err.contains("KONSUL_HTTP_ADDR"), "{by_environment:?}");
    let chosen = shell.run(&["--context", "laptop", "kv", "get", "a"]);
    assert!(chosen.err.contains("named by --context"), "{chosen:?}");
    let unknown = shell.run(&["--context", "nosuch", "kv", "get", "a"]);
    assert_eq!(unknown.code, Some(3));
    assert!(unknown.err.contains("There are: laptop, prod."), "{unknown:?}");
    shell.ok(&["context", "remove", "laptop"]);
    assert_eq!(shell.run(&["context", "use", "laptop"]).code, Some(3));
}

#[test]
fn a_file_of_tokens_that_others_can_read_is_refused() {
    let shell = nobody();
    shell.fed(&["context", "set", "prod", "-s", "10.0.0.1:8500", "--token", "-"], b"s3cret\n");
    let file = shell.path(".config/konsul/contexts.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = shell.run(&["context", "ls"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("others may read it (mode 0644)") && refused.err.contains("chmod 600"),
        "{refused:?}"
    );
}

#[test]
fn a_token_of_the_environment_never_goes_to_a_contexts_server() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shell = nobody();
    shell.ok(&["context", "set", "other", "-s", &address]);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        lines
    });
    shell.sh("KONSUL_HTTP_TOKEN=s3cret konsulctl --context other kv get a");
    let seen = server.join().unwrap();
    assert!(seen[0].starts_with("GET /v2/kv/a"), "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("s3cret")), "{seen:?}");
}

#[test]
fn a_token_on_the_command_line_is_warned_of() {
    let warned = nobody().run(&["--token", "s3cret", "kv", "get", "a"]);
    assert!(warned.err.contains("seen by every user") && !warned.err.contains("s3cret"), "{warned:?}");
}

#[test]
fn completion_scripts_are_there_and_answer() {
    let shell = nobody();
    for (name, wanted) in [
        ("bash", "complete "),
        ("zsh", "#compdef"),
        ("fish", "complete "),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = shell.ok(&["completion", name]);
        assert!(script.contains(wanted) && script.contains("konsulctl"), "{name}: {script}");
    }
    let offered = shell.sh("KONSULCTL_COMPLETE=fish konsulctl -- konsulctl kv ''");
    assert!(offered.out.contains("get\t") && offered.out.contains("edit\t"), "{offered:?}");
    // Nobody answers: no keys, no noise, and soon.
    let offered = shell.sh("KONSULCTL_COMPLETE=fish konsulctl -- konsulctl kv get ap");
    assert_eq!((offered.code, offered.out.as_str(), offered.err.as_str()), (Some(0), "", ""));
}

#[test]
fn output_into_a_closed_pipe_ends_quietly() {
    let shell = nobody();
    let closed = shell.sh("set -o pipefail; { konsulctl --help; echo \"$?\" >&2; } | true");
    assert_eq!(closed.err, "0\n");
    for words in ["version --client", "completion bash", "context ls -o json"] {
        let closed = shell.sh(&format!("{{ konsulctl {words}; echo \"$?\" >&2; }} | head -c 0"));
        assert_eq!(closed.err, "0\n", "{words}");
    }
}

#[test]
fn help_goes_to_standard_output_and_versions_agree() {
    let shell = nobody();
    let help = shell.run(&["kv", "put", "--help"]);
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    assert!(help.out.contains("Examples:\n  konsulctl kv put app/color blue"), "{}", help.out);
    let version = shell.ok(&["--version"]);
    assert_eq!(version, format!("konsulctl {}\n", konsulctl::VERSION));
    assert!(shell.ok(&["version", "--client"]).contains(konsulctl::VERSION));
}

#[test]
fn an_import_that_is_wrong_is_named_by_its_line_and_sends_nothing() {
    let shell = nobody();
    let good = "{\"key\":\"a\",\"value\":\"1\",\"flags\":0}\n";
    for (text, wanted) in [
        (format!("{good}\n{{\"key\":\"b\"}}\n"), "line 3 needs exactly one of value and value_base64"),
        (
            format!("{good}{{\"key\":\"b\",\"value\":\"1\",\"flag\":0}}\n"),
            "line 2 is not one of an export: unknown field `flag`",
        ),
        (format!("{good}{{\"key\":\"b\",\"val"), "line 2 is not one of an export"),
        ("[{\"key\":\"a\",\"value\":\"*\"}]".to_owned(), "the value of key a is not base64"),
        ("[{\"key\":\"a\",\"value\":\"eA==\"},{\"key\":\"b\"".to_owned(), "ends in the middle"),
        ("{\"kv\":{\"a\":".to_owned(), "the JSON object ends in the middle"),
    ] {
        let refused = shell.fed(&["kv", "import", "-"], text.as_bytes());
        assert_eq!(refused.code, Some(1), "{text}: {refused:?}");
        assert!(refused.err.contains(wanted), "{text}: {refused:?}");
        assert!(refused.err.contains("Nothing was written."), "{refused:?}");
    }
    let missing = shell.run(&["kv", "import", "nosuch.ndjson"]);
    assert!(missing.code == Some(2) && missing.err.contains("nosuch.ndjson cannot be read"), "{missing:?}");
    let directory = shell.run(&["kv", "import", "."]);
    assert!(directory.code == Some(2) && directory.err.contains("is a directory"), "{directory:?}");
}

#[test]
fn nothing_is_asked_where_nobody_can_answer() {
    let shell = nobody();
    let mut command = shell.binary();
    let ended = done(command.args(["kv", "put", "a", "@nosuch"]).spawn().unwrap());
    assert!(ended.code == Some(2) && ended.err.contains("--literal"), "{ended:?}");
}
