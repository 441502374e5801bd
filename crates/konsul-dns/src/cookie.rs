//! Cookies (RFC 7873, in the layout of RFC 9018): what shows that a client is where it says, without a connection.
//!
//! A client that sends back what we gave it has received our answers, so that they do not hit somebody else. Nobody is
//! asked to have one. The secret lasts as long as the process: after a restart every client gets another cookie.

use std::hash::{DefaultHasher, Hasher};
use std::net::IpAddr;

use konsul_runtime::random;

/// Bytes of the client's part.
const CLIENT_BYTES: usize = 8;
/// How long a cookie holds, in seconds, and how far ahead a clock of ours may have been.
const HOLDS: u32 = 3600;
const AHEAD: u32 = 300;

/// Makes and checks cookies.
pub(crate) struct Cookies {
    secret: [u8; 32],
}

/// A cookie with both parts.
pub(crate) type Cookie = [u8; 24];

impl Cookies {
    pub(crate) fn new() -> Cookies {
        let mut secret = [0; 32];
        random::fill(&mut secret);
        Cookies { secret }
    }

    /// What a client gets for its cookie, and whether it has shown by it that it is where it says.
    pub(crate) fn answer(&self, theirs: &[u8], client: IpAddr, seconds: u32) -> (Cookie, bool) {
        let part: [u8; CLIENT_BYTES] = theirs.first_chunk().copied().unwrap_or_default();
        let is_proven = self.is_ours(theirs, part, client, seconds);
        (self.make(part, client, seconds), is_proven)
    }

    fn is_ours(&self, theirs: &[u8], part: [u8; CLIENT_BYTES], client: IpAddr, seconds: u32) -> bool {
        let Some(made) = theirs.get(12..16).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
        else {
            return false;
        };
        // Times are compared on a circle, as serial numbers are.
        let age = seconds.wrapping_sub(made);
        let is_timely = age <= HOLDS || age.wrapping_neg() <= AHEAD;
        is_timely && self.make(part, client, made).as_slice() == theirs
    }

    fn make(&self, part: [u8; CLIENT_BYTES], client: IpAddr, seconds: u32) -> Cookie {
        let mut cookie = [0; 24];
        cookie[..8].copy_from_slice(&part);
        cookie[8] = 1;
        cookie[12..16].copy_from_slice(&seconds.to_be_bytes());
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.secret[..16]);
        hasher.write(&cookie[..16]);
        match client {
            IpAddr::V4(v4) => hasher.write(&v4.octets()),
            IpAddr::V6(v6) => hasher.write(&v6.octets()),
        }
        hasher.write(&self.secret[16..]);
        cookie[16..].copy_from_slice(&hasher.finish().to_be_bytes());
        cookie
    }
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_prove_anything() {
        let (cookies, client) = (Cookies::new(), IpAddr::from([10, 0, 0, 1]));
        let (cookie, is_proven) = cookies.answer(b"abcdefgh", client, 1000);
        assert!(!is_proven && cookie.starts_with(b"abcdefgh"));
        let proves =
            |cookie: &[u8], client: [u8; 4], seconds: u32| cookies.answer(cookie, client.into(), seconds).1;
        assert!(proves(&cookie, [10, 0, 0, 1], 1000));
        assert!(proves(&cookie, [10, 0, 0, 1], 4600));
        assert!(proves(&cookie, [10, 0, 0, 1], 700));
        assert!(!proves(&cookie, [10, 0, 0, 1], 4601));
        assert!(!proves(&cookie, [10, 0, 0, 1], 699));
        assert!(!proves(&cookie, [10, 0, 0, 2], 1000));
        assert!(!proves(&cookie[..23], [10, 0, 0, 1], 1000));
        for at in 0..24 {
            let mut forged = cookie;
            forged[at] ^= 1;
            assert!(!proves(&forged, [10, 0, 0, 1], 1000), "{at}");
        }
        assert!(!Cookies::new().answer(&cookie, client, 1000).1);
    }
}
