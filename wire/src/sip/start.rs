//! First lines, methods and the CSeq that repeats them.

use super::grammar::{decimal, is_token, trim};

/// A request method. Unknown ones are kept: they are answered 501 by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method<'a> {
    Invite,
    Ack,
    Info,
    Bye,
    Update,
    Cancel,
    Options,
    Register,
    Subscribe,
    Other(&'a str),
}

impl<'a> Method<'a> {
    /// Reads a method; `None` for what is no token.
    pub fn parse(text: &'a str) -> Option<Method<'a>> {
        Some(match text {
            "INVITE" => Method::Invite,
            "ACK" => Method::Ack,
            "INFO" => Method::Info,
            "BYE" => Method::Bye,
            "UPDATE" => Method::Update,
            "CANCEL" => Method::Cancel,
            "OPTIONS" => Method::Options,
            "REGISTER" => Method::Register,
            "SUBSCRIBE" => Method::Subscribe,
            _ if is_token(text) => Method::Other(text),
            _ => return None,
        })
    }

    /// The method as it stands on the wire (case-sensitive, RFC 3261 §7.1).
    pub fn as_str(self) -> &'a str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Info => "INFO",
            Method::Bye => "BYE",
            Method::Update => "UPDATE",
            Method::Cancel => "CANCEL",
            Method::Options => "OPTIONS",
            Method::Register => "REGISTER",
            Method::Subscribe => "SUBSCRIBE",
            Method::Other(name) => name,
        }
    }
}

/// First line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// `METHOD uri SIP/2.0`
    Request {
        /// What is asked.
        method: Method<'a>,
        /// Request-URI, unparsed.
        uri: &'a str,
    },
    /// `SIP/2.0 status reason`
    Response {
        /// 100 to 699.
        status: u16,
        /// May be empty.
        reason: &'a str,
    },
}

impl<'a> StartLine<'a> {
    pub(super) fn parse(line: &'a str) -> Option<StartLine<'a>> {
        match line.strip_prefix("SIP/2.0 ") {
            Some(rest) => StartLine::parse_response(rest),
            None => StartLine::parse_request(line),
        }
    }

    /// Single blanks only: more of them would leave open where the URI ends.
    fn parse_request(line: &'a str) -> Option<StartLine<'a>> {
        let (method, rest) = line.split_once(' ')?;
        let uri = rest.strip_suffix(" SIP/2.0")?;
        let is_uri_byte = |b: u8| b > b' ' && !matches!(b, b'"' | b'<' | b'>' | 0x7f);
        if uri.is_empty() || !uri.bytes().all(is_uri_byte) {
            return None;
        }
        Some(StartLine::Request { method: Method::parse(method)?, uri })
    }

    /// The blank before an empty reason may be missing: some peers cut it off.
    fn parse_response(rest: &'a str) -> Option<StartLine<'a>> {
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        if status.len() != 3 {
            return None;
        }
        let status = u16::try_from(decimal(status)?).ok()?;
        (100..700).contains(&status).then_some(StartLine::Response { status, reason })
    }
}

/// Number and method of a CSeq header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2^31 (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// Method of the request it belongs to.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    pub(super) fn parse(value: &'a str) -> Option<CSeq<'a>> {
        let (number, method) = value.split_once([' ', '\t'])?;
        let number = decimal(number).filter(|number| *number < 1 << 31)?;
        Some(CSeq { number, method: Method::parse(trim(method))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines() {
        let request = |method, uri| Some(StartLine::Request { method, uri });
        let response = |status, reason| Some(StartLine::Response { status, reason });
        let check = |line: &str, expect| assert_eq!(StartLine::parse(line), expect, "{line}");
        check("INFO sip:a@b SIP/2.0", request(Method::Info, "sip:a@b"));
        check("info x SIP/2.0", request(Method::Other("info"), "x"));
        check("SIP/2.0 200 OK", response(200, "OK"));
        check("SIP/2.0 200 ", response(200, ""));
        check("SIP/2.0 200", response(200, ""));
        check("SIP/2.0 699 a  b", response(699, "a  b"));
        let broken = [
            "",
            "INFO",
            "INFO sip:a@b",
            "INFO  SIP/2.0",
            "INFO SIP/2.0",
            "INFO  sip:a SIP/2.0",
            "INFO sip:a  SIP/2.0",
            "INFO sip:a SIP/2.0 ",
            "INFO sip:a SIP/7.0",
            "INFO sip:a sip/2.0",
            "INFO <sip:a> SIP/2.0",
            "IN/FO sip:a SIP/2.0",
            "SIP/2.0 99 low",
            "SIP/2.0 099 low",
            "SIP/2.0 700 high",
            "SIP/2.0 2000 long",
            "SIP/2.0  200 OK",
            "SIP/2.0 +20 OK",
        ];
        broken.iter().for_each(|line| check(line, None));
    }

    #[test]
    fn sequence_numbers() {
        let check = |value: &str, expect: Option<(u32, &str)>| {
            let found = CSeq::parse(value).map(|cseq| (cseq.number, cseq.method.as_str()));
            assert_eq!(found, expect, "{value}");
        };
        check("1 INFO", Some((1, "INFO")));
        check("0009 \t INFO", Some((9, "INFO")));
        check("2147483647 X", Some((i32::MAX as u32, "X")));
        check("2147483648 INFO", None);
        check("1", None);
        check("1 ", None);
        check("INFO 1", None);
        check("1 IN FO", None);
        check("-1 INFO", None);
    }

    #[test]
    fn methods_keep_their_name() {
        for name in ["INVITE", "ACK", "INFO", "BYE", "UPDATE", "CANCEL", "OPTIONS", "NEWMETHOD"] {
            assert_eq!(Method::parse(name).unwrap().as_str(), name);
        }
        assert_eq!(Method::parse(""), None);
    }
}
