//! What TLS needs of a configuration: whose certificates are believed, which one is shown, which name is expected.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::config::{ClientConfig, TlsOptions};

/// The other side of a TLS connection.
pub(crate) struct Peer {
    pub(crate) config: Arc<rustls::ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// Reads the files of a configuration. The text of an error names the file and what is wrong with it.
pub(crate) fn peer(config: &ClientConfig) -> Result<Peer, String> {
    let tls = &config.tls;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS cannot be set up: {e}"))?;
    let builder = if tls.skip_verify {
        let all = Arc::new(BelieveAll(provider));
        builder.dangerous().with_custom_certificate_verifier(all)
    } else {
        builder.with_root_certificates(roots(tls)?)
    };
    let mut built = match (&tls.client_cert, &tls.client_key) {
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|e| format!("the certificate {} cannot be shown: {e}", cert.display()))?,
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), None) => return Err(format!("the certificate {} needs its key", cert.display())),
        (None, Some(key)) => return Err(format!("the key {} needs its certificate", key.display())),
    };
    built.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Peer { config: Arc::new(built), name: name(config)? })
}

fn name(config: &ClientConfig) -> Result<ServerName<'static>, String> {
    let authority = config.authority();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).trim_matches(['[', ']']);
    let name = config.tls.server_name.as_deref().unwrap_or(host);
    ServerName::try_from(name.to_owned())
        .map_err(|_| format!("{name:?} is not a name that a certificate can have"))
}

fn roots(tls: &TlsOptions) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for file in authority_files(tls)? {
        for certificate in certificates(&file)? {
            store
                .add(certificate)
                .map_err(|e| format!("{} holds a certificate that is none: {e}", file.display()))?;
        }
    }
    if tls.ca_file.is_none() && tls.ca_path.is_none() {
        // Single certificates of the system that cannot be read are the system's affair, as long as others can.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(
                "this system names no certificate authorities; name the server's own as ca-file".to_owned()
            );
        }
    }
    Ok(store)
}

fn authority_files(tls: &TlsOptions) -> Result<Vec<PathBuf>, String> {
    let mut files: Vec<PathBuf> = tls.ca_file.iter().cloned().collect();
    if let Some(dir) = &tls.ca_path {
        let unreadable = |e: std::io::Error| format!("the directory {} cannot be read: {e}", dir.display());
        for entry in std::fs::read_dir(dir).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            files.extend(path.is_file().then_some(path));
        }
        if files.is_empty() {
            return Err(format!("the directory {} holds no certificates", dir.display()));
        }
        files.sort();
    }
    Ok(files)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<_, _>>);
    let found =
        found.map_err(|e| format!("{} cannot be read as certificates in PEM: {e}", path.display()))?;
    if found.is_empty() {
        return Err(format!("{} holds no certificate in PEM", path.display()));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|e| format!("{} cannot be read as a private key in PEM: {e}", path.display()))
}

/// Believes every certificate; the signatures of the handshake are still checked, so that the connection is with
/// whoever holds its key.
#[derive(Debug)]
struct BelieveAll(Arc<CryptoProvider>);

impl ServerCertVerifier for BelieveAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
