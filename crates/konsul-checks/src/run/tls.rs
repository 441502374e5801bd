//! TLS towards the target of a check.

use std::io;
use std::sync::{Arc, OnceLock};

use konsul_runtime::time::{Instant, timeout_at};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::errors::{DEADLINE, system};
use crate::definition::Tls;

/// TLS as a definition wants it, ready to be used for each run.
pub(crate) struct Secure {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
}

impl Secure {
    /// Reads what the definition holds. `protocol` is what is offered inside.
    pub(crate) fn new(tls: &Tls, protocol: &[u8]) -> Result<Self, String> {
        let mut config = config(tls)?;
        config.alpn_protocols = vec![protocol.to_vec()];
        // Each run must see what a new client would see.
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), server_name: tls.server_name.clone() })
    }

    /// Shakes hands. The error is in Go's words.
    pub(crate) async fn wrap(
        &self,
        stream: TcpStream,
        host: &str,
        until: Instant,
    ) -> Result<TlsStream<TcpStream>, String> {
        let name = self.server_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(host);
        let wanted = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("tls: {name:?} is not a name that a certificate can have"))?;
        let connector = TlsConnector::from(self.config.clone());
        match timeout_at(until, connector.connect(wanted, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(told(&error, name)),
            Err(_) => Err(DEADLINE.to_owned()),
        }
    }
}

/// A failed handshake as Go tells it.
fn told(error: &io::Error, name: &str) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let unverified = |why: &str| format!("tls: failed to verify certificate: x509: {why}");
    match inner {
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            unverified("certificate signed by unknown authority")
        }
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => unverified(&format!("certificate is not valid for {name}")),
        Some(Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        )) => unverified("certificate has expired or is not yet valid"),
        Some(Error::InvalidCertificate(other)) => unverified(&other.to_string()),
        Some(Error::InvalidMessage(_)) => "tls: first record does not look like a TLS handshake".to_owned(),
        Some(other) => format!("tls: {other}"),
        None => system(error),
    }
}

fn config(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| format!("TLS cannot be set up: {why}"))?;
    let builder = if tls.skip_verify {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    } else {
        builder.with_root_certificates(roots(tls)?)
    };
    match &tls.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let chain = certificates(&identity.chain, "the agent's certificate")?;
            let key = PrivateKeyDer::from_pem_slice(&identity.key)
                .map_err(|why| format!("the agent's key is no private key in PEM: {why}"))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|why| format!("the agent's certificate cannot be shown: {why}"))
        }
    }
}

fn roots(tls: &Tls) -> Result<Arc<RootCertStore>, String> {
    let Some(pem) = &tls.authorities else { return Ok(roots_of_the_system()) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "the authority of the check")? {
        roots.add(certificate).map_err(|why| format!("the authority of the check is none: {why}"))?;
    }
    Ok(Arc::new(roots))
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{what} holds no certificate in PEM")),
        Err(why) => Err(format!("{what} is no certificate in PEM: {why}")),
    }
}

/// The authorities that the system believes. Read once, shared by everybody.
pub fn roots_of_the_system() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        // Without any, the handshake says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    };
    ROOTS.get_or_init(read).clone()
}

/// Takes any certificate, as `tls_skip_verify` asks. What was signed is still checked to be signed by it.
#[derive(Debug)]
pub struct Anybody(pub Arc<CryptoProvider>);

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
