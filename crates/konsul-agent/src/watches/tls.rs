//! TLS towards whoever hears of changes.

use std::path::Path;
use std::sync::Arc;

use konsul_config::HttpHandler;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Speaks TLS on the socket with a server of that name.
pub(super) async fn wrap(
    socket: TcpStream,
    host: &str,
    handler: &HttpHandler,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|why| why.to_string())?;
    let connector = TlsConnector::from(Arc::new(config(handler)?));
    connector.connect(name, socket).await.map_err(|why| why.to_string())
}

fn config(handler: &HttpHandler) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| why.to_string())?;
    if handler.tls_skip_verify {
        let anybody = Arc::new(Anybody(provider));
        return Ok(builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth());
    }
    let roots = match &handler.ca_file {
        Some(file) => roots_of(file)?,
        None => roots_of_the_system(),
    };
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn roots_of(file: &Path) -> Result<RootCertStore, String> {
    let failed = |why: &dyn std::fmt::Display| format!("the ca_file {}: {why}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|why| failed(&why))? {
        roots.add(certificate.map_err(|why| failed(&why))?).map_err(|why| failed(&why))?;
    }
    if roots.is_empty() { Err(failed(&"it holds no certificate")) } else { Ok(roots) }
}

fn roots_of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Without any, the handshake says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Takes any certificate, as `tls_skip_verify` asks. What was signed is still checked to be signed by it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
