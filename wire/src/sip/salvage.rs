//! Making out enough of an unreadable request to answer it 400.

use super::Echo;

/// Bytes looked at: more than an honest message needs in front of the headers wanted here.
const SALVAGE_BYTES_MAX: usize = 8 * 1024;

/// The headers a response must repeat, with their compact forms.
const WANTED: [(&str, &str); 5] =
    [("Via", "v"), ("From", "f"), ("To", "t"), ("Call-ID", "i"), ("CSeq", "CSeq")];

impl Echo {
    /// Looks for Via, From, To, Call-ID and CSeq at the front of `bytes`, which need not be a whole
    /// or valid message. `None` for responses, and when one of them is missing, not UTF-8 or (but
    /// for Via) there twice: then no answer is possible. `to_tag` is added when To has no tag.
    pub fn salvage(bytes: &[u8], to_tag: &str) -> Option<Echo> {
        let head = &bytes[..bytes.len().min(SALVAGE_BYTES_MAX)];
        if head.starts_with(b"SIP/") {
            return None;
        }
        let mut lines: [Vec<u8>; 5] = Default::default();
        let mut rest = head.split_inclusive(|byte| *byte == b'\n').skip(1);
        while let Some(line) = rest.next().and_then(|line| line.strip_suffix(b"\r\n")) {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let Some((name, value)) = line.split_once(':') else { break };
            let name = name.trim();
            let is = |(long, short): &(&str, &str)| {
                name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(short)
            };
            let Some(index) = WANTED.iter().position(is) else { continue };
            if index > 0 && !lines[index].is_empty() || value.contains(char::is_control) {
                return None;
            }
            let to_tag = match WANTED[index].0 {
                "To" if !value.to_ascii_lowercase().contains(";tag=") => format!(";tag={to_tag}"),
                _ => String::new(),
            };
            let line = format!("{}: {}{to_tag}\r\n", WANTED[index].0, value.trim());
            lines[index].extend_from_slice(line.as_bytes());
        }
        let is_whole = lines.iter().all(|line| !line.is_empty());
        let is_ack = lines[4].trim_ascii_end().ends_with(b"ACK");
        (is_whole && !is_ack).then(|| Echo::from_lines(lines.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: Option<&str>) {
        let answer = Echo::salvage(input.as_bytes(), "new").map(|echo| {
            let mut out = Vec::new();
            echo.respond(&mut out, 400).empty();
            String::from_utf8(out).unwrap()
        });
        assert_eq!(answer.as_deref(), expect, "{input:?}");
    }

    const ANSWER: &str = "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TCP a\r\nVia: SIP/2.0/TCP b\r\n\
        From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=new\r\nCall-ID: c\r\nCSeq: 1 INFO\r\n\
        Content-Length: 0\r\n\r\n";

    #[test]
    fn what_can_be_answered_is() {
        check(
            "INFO x y z\r\nVia: SIP/2.0/TCP a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\
             v: SIP/2.0/TCP b\r\nf: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-id: c\r\n\
             CSEQ: 1 INFO\r\n\r\nbody",
            Some(ANSWER),
        );
    }

    #[test]
    fn the_rest_is_not() {
        check("", None);
        check("garbage", None);
        check("INFO x\r\nVia: a\r\nFrom: b\r\nTo: c\r\nCSeq: 1 INFO\r\n\r\n", None);
        let all = "Via: a\r\nFrom: b\r\nTo: c\r\nCall-ID: d\r\n";
        check(&format!("SIP/2.0 200 OK\r\n{all}CSeq: 1 INFO\r\n\r\n"), None);
        check(&format!("ACK x\r\n{all}CSeq: 1 ACK\r\n\r\n"), None);
        check(&format!("INFO x\r\n{all}From: e\r\nCSeq: 1 INFO\r\n\r\n"), None);
    }
}
