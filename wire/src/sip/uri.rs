//! SIP URIs as spans (RFC 3261 §19.1).

use super::grammar::{decimal, param};

/// `scheme:user@host:port;params` of a `sip` or `sips` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// As written, e.g. `sip`.
    pub scheme: &'a str,
    /// Part before `@`, without password.
    pub user: Option<&'a str>,
    /// Host name, IPv4 address or bracketed IPv6 address.
    pub host: &'a str,
    /// Port, when given.
    pub port: Option<u16>,
    /// Everything behind the first `;` after the host, without it; may be empty.
    pub params: &'a str,
}

impl<'a> Uri<'a> {
    /// Reads a `sip:` or `sips:` URI; `None` for anything else or for controls, blanks, quotes,
    /// `<`, `>`, letters beyond ASCII (the standard wants them escaped) and broken escapes.
    /// Headers (`?…`) are cut off.
    pub fn parse(text: &'a str) -> Option<Uri<'a>> {
        let is_uri_byte = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>');
        if !text.bytes().all(is_uri_byte) || !are_escapes_whole(text) {
            return None;
        }
        let (scheme, rest) = text.split_once(':')?;
        if !scheme.eq_ignore_ascii_case("sip") && !scheme.eq_ignore_ascii_case("sips") {
            return None;
        }
        // The user part may hold `;` and `?`, but nothing behind it may hold `@`.
        let (user, rest) = match rest.split_once('@') {
            Some((userinfo, rest)) => (Some(user_of(userinfo)?), rest),
            None => (None, rest),
        };
        let rest = rest.split_once('?').map_or(rest, |(uri, _headers)| uri);
        let (hostport, params) = rest.split_once(';').unwrap_or((rest, ""));
        if rest.contains('@') {
            return None;
        }
        let (host, port) = parse_hostport(hostport)?;
        Some(Uri { scheme, user, host, port, params })
    }

    /// Value of a parameter, ignoring case of its name; `Some("")` for one without value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        param(self.params, name)
    }

    /// The identity spelling: `sip:user@host`, lower case, no port, no parameters; escapes of
    /// characters that need none are resolved. `None` without a user part. All comparisons of who
    /// somebody is use this form.
    pub fn identity(&self) -> Option<String> {
        let user = self.user?;
        let mut identity = String::with_capacity("sip:@".len() + user.len() + self.host.len());
        identity.push_str("sip:");
        push_unescaped(&mut identity, user);
        identity.push('@');
        identity.push_str(self.host);
        identity.make_ascii_lowercase();
        Some(identity)
    }
}

fn user_of(userinfo: &str) -> Option<&str> {
    let user = userinfo.split_once(':').map_or(userinfo, |(user, _password)| user);
    (!user.is_empty()).then_some(user)
}

fn parse_hostport(text: &str) -> Option<(&str, Option<u16>)> {
    let host_len = match text.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(host_len);
    let port = match rest.strip_prefix(':') {
        Some(digits) => Some(u16::try_from(decimal(digits)?).ok()?),
        None if rest.is_empty() => None,
        None => return None,
    };
    is_host(host).then_some((host, port))
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        // The underscore is no host name by the standard, but there are Windows domains with it.
        None => {
            let is_host_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            !host.is_empty() && host.bytes().all(is_host_byte)
        }
    }
}

fn are_escapes_whole(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|tail| tail.len() >= 2 && tail.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit))
}

/// `%61` and `a` are the same user (RFC 3261 §19.1.4), `%3B` and `;` are not.
fn push_unescaped(out: &mut String, user: &str) {
    let mut pieces = user.split('%');
    out.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        let value = piece.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match value {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) => {
                out.push(char::from(byte));
                out.push_str(&piece[2..]);
            }
            _ => {
                out.push('%');
                out.push_str(piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_uris() {
        let check = |text: &str, user, host: &str, port, params: &str| {
            let uri = Uri::parse(text).unwrap();
            assert_eq!((uri.user, uri.host, uri.port, uri.params), (user, host, port, params));
        };
        check("sip:a@b.example", Some("a"), "b.example", None, "");
        check("SIPS:a@b:5061;transport=tls;lr", Some("a"), "b", Some(5061), "transport=tls;lr");
        check("sip:b.example", None, "b.example", None, "");
        check("sip:a:secret@b", Some("a"), "b", None, "");
        check("sip:a;x=%40@b;y?h=v", Some("a;x=%40"), "b", None, "y");
        check("sip:a?b@c", Some("a?b"), "c", None, "");
        check("sip:a@[2001:db8::1]:5060", Some("a"), "[2001:db8::1]", Some(5060), "");
        check("sip:192.0.2.1:5060", None, "192.0.2.1", Some(5060), "");
    }

    #[test]
    fn unreadable_uris() {
        let check = |text: &str| assert_eq!(Uri::parse(text), None, "{text}");
        check("");
        check("sip");
        check("sip:");
        check("sip:@b");
        check("sip:a@");
        check("sip:a@b@c");
        check("sip:a@b;x=c@d");
        check("tel:+123");
        check("ma-chan://domain/1");
        check("sip:a b@c");
        check("sip:a@b>");
        check("sip:a\u{7f}@b");
        check("sip:ä@b");
        check("sip:a%4@b");
        check("sip:a%zz@b");
        check("sip:a@b:");
        check("sip:a@b:65536");
        check("sip:a@b:+1");
        check("sip:a@[::1");
        check("sip:a@[::g]");
        check("sip:a@[::1]x");
        check("sip:a@b/c");
    }

    #[test]
    fn identities() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(Uri::parse(text).unwrap().identity().as_deref(), expect, "{text}");
        };
        check("sip:Kay@Contoso.Example", Some("sip:kay@contoso.example"));
        check("sips:kay@contoso.example:5061;x=y", Some("sip:kay@contoso.example"));
        check("sip:%4B%61y%3Bz@h", Some("sip:kay%3bz@h"));
        check("sip:%25%36@h", Some("sip:%256@h"));
        check("sip:contoso.example", None);
    }
}
