//! TLS and unix sockets, for both command lines: a relay in front of a real server speaks them.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::path::Path;
use std::sync::Arc;

use konsulctl::Console;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use support::{Node, Shell};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_rustls::TlsAcceptor;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name, written beside its key.
fn issue(issuer: &Issuer, name: &str, dir: &Path, file: &str) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    std::fs::write(dir.join(format!("{file}.pem")), certificate.pem()).unwrap();
    std::fs::write(dir.join(format!("{file}.key")), key.serialize_pem()).unwrap();
}

/// Speaks TLS on a port of its own and hands the bytes to a server. With `mutual` it wants to see a certificate.
fn relay(dir: &Path, file: &str, mutual: bool, to: &str) -> String {
    let chain = vec![CertificateDer::from_pem_file(dir.join(format!("{file}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(dir.join(format!("{file}.key"))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if mutual {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(dir.join("ca.pem")).unwrap()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let to = to.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, to) = (acceptor.clone(), to.clone());
                tokio::spawn(async move {
                    // A client that refuses our certificate is what some tests are about.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut server = TcpStream::connect(to).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
    });
    format!("https://localhost:{}", told.recv().unwrap())
}

/// Runs one of Consul's commands in this process.
fn consul(variables: &[(&str, &str)], words: &[&str]) -> (u8, String) {
    use std::sync::Mutex;
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let out = Shared::default();
    let look = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut console = Console::new(
        Box::new(look),
        Box::new(std::io::empty()),
        Box::new(out.clone()),
        Box::new(out.clone()),
        false,
    );
    let code = konsulctl::run("konsul", &words, &mut console);
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    (code, text)
}

#[test]
fn a_certificate_is_checked_and_one_is_shown() {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    let dir = shell.home.path();
    let issuer = authority();
    std::fs::write(dir.join("ca.pem"), issuer.pem()).unwrap();
    std::fs::write(dir.join("other.pem"), authority().pem()).unwrap();
    issue(&issuer, "localhost", dir, "server");
    issue(&issuer, "server.dc1.consul", dir, "named");
    issue(&issuer, "me", dir, "client");
    let address = relay(dir, "server", false, &node.address);
    let put = |more: &[&str], address: &str| {
        shell.run(&[&["-s", address, "kv", "put", "a", "1"][..], more].concat())
    };
    assert_eq!(put(&["--ca-file", "ca.pem"], &address).code, Some(0));
    let refused = put(&["--ca-file", "other.pem"], &address);
    assert_eq!(refused.code, Some(5));
    assert!(refused.err.contains("certificate") && refused.err.contains("--ca-file"), "{refused:?}");
    let unchecked = put(&["--insecure-skip-verify"], &address);
    assert!(unchecked.code == Some(0) && unchecked.err.contains("is not checked"), "{unchecked:?}");
    let missing = put(&["--ca-file", "nosuch.pem"], &address);
    assert!(missing.code == Some(2) && missing.err.contains("nosuch.pem"), "{missing:?}");

    let named = relay(dir, "named", false, &node.address);
    assert_eq!(put(&["--ca-file", "ca.pem"], &named).code, Some(5));
    assert_eq!(put(&["--ca-file", "ca.pem", "--tls-server-name", "server.dc1.consul"], &named).code, Some(0));

    let mutual = relay(dir, "server", true, &node.address);
    let anonymous = put(&["--ca-file", "ca.pem"], &mutual);
    assert!(anonymous.code == Some(5) || anonymous.code == Some(6), "{anonymous:?}");
    let shown = ["--ca-file", "ca.pem", "--client-cert", "client.pem", "--client-key", "client.key"];
    assert_eq!(put(&shown, &mutual).code, Some(0));
    let half = put(&["--ca-file", "ca.pem", "--client-cert", "client.pem"], &mutual);
    assert!(half.code == Some(2) && half.err.contains("needs its key"), "{half:?}");

    shell.ok(&[
        "context",
        "set",
        "tls",
        "-s",
        &mutual,
        "--ca-file",
        "ca.pem",
        "--client-cert",
        "client.pem",
        "--client-key",
        "client.key",
    ]);
    assert_eq!(shell.ok(&["--context", "tls", "kv", "get", "a"]), "1");
}

#[test]
fn consuls_variables_and_flags_speak_tls_too() {
    let node = Node::start();
    let dir = tempfile::tempdir().unwrap();
    let issuer = authority();
    std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
    issue(&issuer, "localhost", dir.path(), "server");
    let address = relay(dir.path(), "server", false, &node.address);
    let ca = dir.path().join("ca.pem").display().to_string();
    let put = ["kv", "put", "a", "1"];
    let success = (0, "Success! Data written to: a\n".to_owned());
    assert_eq!(consul(&[("CONSUL_HTTP_ADDR", &address), ("CONSUL_CACERT", &ca)], &put), success);
    let bare = address.trim_start_matches("https://");
    let variables = [("CONSUL_HTTP_ADDR", bare), ("CONSUL_HTTP_SSL", "true"), ("CONSUL_CACERT", &ca)];
    assert_eq!(consul(&variables, &put), success);
    let flags = [format!("-http-addr={address}"), format!("-ca-file={ca}")];
    assert_eq!(consul(&[], &["kv", "put", &flags[0], &flags[1], "a", "1"]), success);
    let (code, text) = consul(&[("CONSUL_HTTP_ADDR", &address)], &put);
    assert!(code == 1 && text.contains("certificate"), "{text}");
}

#[test]
fn a_unix_socket_is_an_address() {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    let path = shell.path("k.sock");
    let to = node.address.clone();
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let socket = path.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = UnixListener::bind(socket).unwrap();
            tell.send(()).unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let to = to.clone();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(to).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
    });
    told.recv().unwrap();
    let address = format!("unix://{}", path.display());
    shell.ok(&["-s", &address, "kv", "put", "a", "1"]);
    assert_eq!(shell.ok(&["-s", &address, "kv", "get", "a"]), "1");
    assert_eq!(consul(&[("CONSUL_HTTP_ADDR", &address)], &["kv", "get", "a"]), (0, "1\n".to_owned()));
    let missing = shell.run(&["-s", "unix:///nonexistent/k.sock", "kv", "get", "a"]);
    assert!(missing.code == Some(5) && missing.err.contains("unix:///nonexistent/k.sock"), "{missing:?}");
}
