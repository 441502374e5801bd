//! URLs of HTTP checks.

use base64::Engine as _;
use http::Uri;

use super::dial::Target;

/// Where one request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) https: bool,
    pub(crate) target: Target,
    /// What the `Host` header says.
    pub(crate) host: String,
    pub(crate) path: String,
    /// The value of an `Authorization` header, if the URL carries a user.
    pub(crate) authorization: Option<String>,
    /// The whole, without a password.
    pub(crate) shown: String,
}

impl Url {
    /// Takes a URL apart. The error is Go's, without the method and the URL before it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.split('#').next().unwrap_or_default();
        if !text.contains("://") {
            return Err("unsupported protocol scheme \"\"".to_owned());
        }
        let uri: Uri = text.parse().map_err(|_| "invalid URL".to_owned())?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            other => return Err(format!("unsupported protocol scheme {:?}", other.unwrap_or_default())),
        };
        let authority = uri.authority().ok_or_else(|| "http: no Host in request URL".to_owned())?;
        let (user, host) = match authority.as_str().rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority.as_str()),
        };
        if authority.host().is_empty() {
            return Err("http: no Host in request URL".to_owned());
        }
        Ok(Self {
            https,
            target: Target {
                host: authority.host().trim_matches(['[', ']']).to_owned(),
                port: authority.port_u16().unwrap_or(if https { 443 } else { 80 }),
            },
            host: host.to_owned(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            authorization: user.map(basic),
            shown: without_password(text),
        })
    }

    /// Where a `Location` leads from here.
    pub(crate) fn join(&self, location: &str) -> Result<Self, String> {
        let scheme = if self.https { "https" } else { "http" };
        let directory =
            self.path.split('?').next().unwrap_or("/").rsplit_once('/').map_or("", |(dir, _)| dir);
        if location.contains("://") {
            Self::parse(location)
        } else if location.starts_with("//") {
            Self::parse(&format!("{scheme}:{location}"))
        } else if location.starts_with('/') {
            Self::parse(&format!("{scheme}://{}{location}", self.host))
        } else {
            Self::parse(&format!("{scheme}://{}{directory}/{location}", self.host))
        }
    }
}

/// `user:password`, percent-decoded, as the value of a header.
fn basic(user: &str) -> String {
    let user = if user.contains(':') { user.to_owned() } else { format!("{user}:") };
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(percent_decoded(&user)))
}

pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// A URL as it may be shown: a password in it becomes `***`, as Go's errors show it.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:***@{host}{tail}")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = Url::parse("http://user:p%40ss@[::1]:81/a?b=c#d").unwrap();
        assert!(!url.https);
        assert_eq!(url.target, Target { host: "::1".into(), port: 81 });
        assert_eq!((url.host.as_str(), url.path.as_str()), ("[::1]:81", "/a?b=c"));
        assert_eq!(url.authorization.as_deref(), Some("Basic dXNlcjpwQHNz"));
        assert_eq!(url.shown, "http://user:***@[::1]:81/a?b=c");
        let url = Url::parse("https://web").unwrap();
        assert_eq!((url.target.port, url.path.as_str(), url.host.as_str()), (443, "/", "web"));
    }

    #[test]
    fn what_is_no_url_is_told_so() {
        let error = |text| Url::parse(text).unwrap_err();
        assert_eq!(error("web"), "unsupported protocol scheme \"\"");
        assert_eq!(error("ftp://web/"), "unsupported protocol scheme \"ftp\"");
        assert_eq!(error("http://a b/"), "invalid URL");
        assert_eq!(error("http://"), "invalid URL");
    }

    #[track_caller]
    fn check_join(location: &str, expect: &str) {
        let from = Url::parse("http://u:p@web:81/a/b?c").unwrap();
        assert_eq!(from.join(location).unwrap().shown, expect);
    }

    #[test]
    fn a_location_is_followed_from_where_it_was_found() {
        check_join("https://other/x", "https://other/x");
        check_join("//other/x", "http://other/x");
        check_join("/x", "http://web:81/x");
        check_join("x?y", "http://web:81/a/x?y");
    }
}
