//! Requests as handlers: the value as the body, the index in a header.

use http::{HeaderName, HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use konsul_config::HttpHandler;
use konsul_runtime::time::timeout;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::look::Found;
use super::{KEPT_OUTPUT, tls};

/// Sends the request and reads the beginning of its answer. Any status but 2xx is a failure.
pub(super) async fn send(handler: &HttpHandler, found: &Found) -> Result<String, String> {
    let within = handler.timeout.to_std();
    match timeout(within, exchange(handler, found)).await {
        Ok(done) => done,
        Err(_) => Err(format!("{} did not answer within {}", handler.url, handler.timeout)),
    }
}

async fn exchange(handler: &HttpHandler, found: &Found) -> Result<String, String> {
    let uri: Uri = handler.url.parse().map_err(|why| format!("{}: {why}", handler.url))?;
    let host = uri.host().ok_or_else(|| format!("{} names no host", handler.url))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let request = request(handler, &uri, found)?;
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", handler.url);
    let socket = TcpStream::connect((bare, port)).await.map_err(|why| failed(&why))?;
    if secure {
        let stream = tls::wrap(socket, bare, handler).await.map_err(|why| failed(&why))?;
        speak(stream, request).await.map_err(|why| failed(&why))
    } else {
        speak(socket, request).await.map_err(|why| failed(&why))
    }
}

fn request(handler: &HttpHandler, uri: &Uri, found: &Found) -> Result<Request<Full<Bytes>>, String> {
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut request = Request::builder()
        .method(handler.method.as_str())
        .uri(path)
        .header("Host", authority)
        .header("Content-Type", "application/json")
        .header("X-Consul-Index", found.index.0);
    for (name, values) in &handler.headers {
        // The value may be a secret.
        let wrong = || format!("the header {name:?} cannot be sent");
        let header: HeaderName = name.parse().map_err(|_| wrong())?;
        for value in values {
            let value: HeaderValue = value.parse().map_err(|_| wrong())?;
            request = request.header(header.clone(), value);
        }
    }
    request.body(Full::new(Bytes::from(found.body.clone()))).map_err(|why| why.to_string())
}

/// One request on one connection. The connection ends with this future.
async fn speak<S>(stream: S, request: Request<Full<Bytes>>) -> Result<String, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|why| why.to_string())?;
    let answered = async {
        let answer = sender.send_request(request).await.map_err(|why| why.to_string())?;
        let status = answer.status();
        let text = beginning(answer.into_body()).await;
        if status.is_success() { Ok(text) } else { Err(format!("{status}: {}", text.trim_end())) }
    };
    tokio::pin!(answered, connection);
    tokio::select! {
        biased;
        done = &mut answered => done,
        // What went wrong with the connection is heard by whoever waits for the answer.
        _ = &mut connection => answered.await,
    }
}

async fn beginning(mut body: Incoming) -> String {
    let mut text = Vec::new();
    while text.len() < KEPT_OUTPUT {
        match body.frame().await {
            Some(Ok(frame)) => text.extend_from_slice(&frame.into_data().unwrap_or_default()),
            _ => break,
        }
    }
    text.truncate(KEPT_OUTPUT);
    String::from_utf8_lossy(&text).into_owned()
}
