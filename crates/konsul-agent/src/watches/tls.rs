//! TLS towards whoever hears of changes.

use std::path::Path;
use std::sync::Arc;

use konsul_checks::{Anybody, roots_of_the_system};
use konsul_config::HttpHandler;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
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
        Some(file) => Arc::new(roots_of(file)?),
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
