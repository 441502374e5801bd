//! HTTP checks.
//!
//! A run is a connection of its own, HTTP/1.1, closed after the answer. The status line decides; the body is only shown.
//! Of the body the last bytes are kept, as Consul does, and it is read no further than [`BODY_MAX`] and the deadline: a
//! peer that streams for ever is cut, and its status line still counts, as in Consul.

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use konsul_runtime::time::timeout_at;
use tokio::io::{AsyncRead, AsyncWrite};

use super::address::Reach;
use super::beside::beside;
use super::dial;
use super::errors::{DEADLINE, HTTP_TIMEOUT, system};
use super::tls::Secure;
use super::url::Url;
use super::{Limit, Run, RunFuture};
use crate::decide::{Finding, Tail};
use crate::definition::HttpCheck;

/// Most bytes of a body that are read.
const BODY_MAX: u64 = 256 << 10;

/// Most redirects that are followed, as in Go.
const REDIRECTS_MAX: usize = 10;

pub(crate) struct HttpRunner {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
    follow: bool,
    secure: Secure,
    reach: Reach,
}

impl HttpRunner {
    pub(crate) fn new(check: &HttpCheck, reach: Reach) -> Result<Self, String> {
        let method = if check.method.is_empty() { "GET" } else { &check.method };
        let failed =
            |why: String| format!("{} {:?}: {why}", verb(method), super::without_password(&check.url));
        let url = Url::parse(&check.url).map_err(failed)?;
        let method: Method =
            method.parse().map_err(|_| format!("net/http: invalid method {:?}", check.method))?;
        let mut headers = headers(check)?;
        if let Some(value) = &url.authorization
            && !headers.contains_key(AUTHORIZATION)
        {
            headers.insert(AUTHORIZATION, sensitive(value)?);
        }
        Ok(Self {
            url,
            method,
            headers,
            body: Bytes::from(check.body.clone()),
            follow: check.follow_redirects && reach.redirects,
            secure: Secure::new(&check.tls, b"http/1.1")?,
            reach,
        })
    }

    /// Goes from answer to answer until there is one to show.
    async fn fetch(&self, limit: Limit) -> Result<Answer, String> {
        let mut step = Step {
            url: self.url.clone(),
            method: self.method.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
        };
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.ask(&step, limit).await.map_err(|why| step.failed(&why))?;
            let Some(location) = answer.location.as_ref().filter(|_| self.follow) else { return Ok(answer) };
            step = step.redirected(answer.status, location)?;
        }
        Err(step.failed(&format!("stopped after {REDIRECTS_MAX} redirects")))
    }

    async fn ask(&self, step: &Step, limit: Limit) -> Result<Answer, String> {
        let target = &step.url.target;
        let late =
            |why: String| if konsul_runtime::time::now() >= limit.until { HTTP_TIMEOUT.into() } else { why };
        let stream = dial::tcp(target, self.reach, limit.until).await.map_err(|why| late(why.to_string()))?;
        if !step.url.https {
            return exchange(stream, step.request()?, limit).await;
        }
        let stream = self.secure.wrap(stream, &target.host, limit.until).await;
        let stream = stream.map_err(|why| if why == DEADLINE { HTTP_TIMEOUT.to_owned() } else { why })?;
        exchange(stream, step.request()?, limit).await
    }
}

impl Run for HttpRunner {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        Box::pin(async move {
            match self.fetch(limit).await {
                Ok(answer) => answer.judged(&self.method, &self.url.shown),
                Err(why) => Finding::critical(why),
            }
        })
    }
}

/// One request.
struct Step {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Step {
    fn request(&self) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.path.parse().map_err(|_| "invalid URL".to_owned())?;
        let headers = request.headers_mut();
        // First of all, as usual; a header of the definition is there already and stands.
        let host = HeaderValue::from_str(&self.url.host).map_err(|_| "invalid URL".to_owned())?;
        headers.insert(HOST, host);
        headers.extend(self.headers.clone());
        Ok(request)
    }

    fn failed(&self, why: &str) -> String {
        format!("{} {:?}: {why}", verb(self.method.as_str()), self.url.shown)
    }

    /// The next step, by Go's rules: 307 and 308 repeat the request, others become a `GET`; credentials do not go to another
    /// host.
    fn redirected(&self, status: StatusCode, location: &str) -> Result<Self, String> {
        let url = self.url.join(location).map_err(|why| self.failed(&why))?;
        let mut headers = self.headers.clone();
        headers.remove(HOST);
        if url.host != self.url.host {
            headers.remove(AUTHORIZATION);
            headers.remove(COOKIE);
        }
        let repeats = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if repeats || self.method == Method::HEAD {
            return Ok(Self { url, headers, method: self.method.clone(), body: self.body.clone() });
        }
        Ok(Self { url, headers, method: Method::GET, body: Bytes::new() })
    }
}

struct Answer {
    status: StatusCode,
    line: String,
    location: Option<String>,
    body: String,
}

impl Answer {
    fn judged(self, method: &Method, url: &str) -> Finding {
        let output = format!("HTTP {method} {url}: {} Output: {}", self.line, self.body);
        match self.status {
            status if status.is_success() => Finding::passing(output),
            StatusCode::TOO_MANY_REQUESTS => Finding::warning(output),
            _ => Finding::critical(output),
        }
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, limit: Limit) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| told(&error))?;
    let work = async {
        let answer = timeout_at(limit.until, sender.send_request(request)).await;
        let answer = answer.map_err(|_| HTTP_TIMEOUT.to_owned())?.map_err(|error| told(&error))?;
        Ok(read(answer, limit).await)
    };
    // Boxed, because a connection with its buffers is large, and most of a run is waiting for it.
    Box::pin(beside(connection, work)).await
}

async fn read(answer: Response<Incoming>, limit: Limit) -> Answer {
    let status = answer.status();
    let line = status_line(&answer);
    let location = answer.headers().get(LOCATION).filter(|_| redirects(status));
    let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = answer.into_body();
    let mut tail = Tail::new(limit.output_max);
    // What ends the reading early is not told: the status line is what counts.
    while let Ok(Some(Ok(frame))) = timeout_at(limit.until, body.frame()).await {
        if let Some(data) = frame.data_ref() {
            tail.push(data);
        }
        if tail.total() >= BODY_MAX {
            break;
        }
    }
    Answer { status, line, location, body: tail.text() }
}

fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn status_line(answer: &Response<Incoming>) -> String {
    let reason = answer.extensions().get::<ReasonPhrase>();
    let reason = reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
    let reason = reason.unwrap_or_else(|| answer.status().canonical_reason().unwrap_or_default().to_owned());
    format!("{} {reason}", answer.status().as_u16()).trim_end().to_owned()
}

fn told(error: &hyper::Error) -> String {
    if error.is_incomplete_message() || error.is_closed() {
        return "EOF".to_owned();
    }
    if error.is_parse() {
        return format!("net/http: HTTP/1.x transport connection broken: malformed HTTP response: {error}");
    }
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.map_or_else(|| error.to_string(), system)
}

fn headers(check: &HttpCheck) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, values) in &check.headers {
        let key: HeaderName =
            name.parse().map_err(|_| format!("net/http: invalid header field name {name:?}"))?;
        for value in values {
            // The value is not shown: it may be a secret.
            let value =
                sensitive(value).map_err(|_| format!("net/http: invalid header field value for {name:?}"))?;
            headers.append(key.clone(), value);
        }
    }
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert_with(|| HeaderValue::from_static(value));
    };
    default(USER_AGENT, "Consul Health Check");
    default(ACCEPT, "text/plain, text/*, */*");
    default(CONNECTION, "close");
    Ok(headers)
}

fn sensitive(value: &str) -> Result<HeaderValue, String> {
    let mut value =
        HeaderValue::from_str(value).map_err(|_| "net/http: invalid header field value".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// A method as Go's errors write it: `Get`.
fn verb(method: &str) -> String {
    let mut letters = method.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect()
}
