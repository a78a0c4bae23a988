//! The client's half of a SIP dialog: what an INVITE says, and the stamp that follows from its 200.

use super::ClientConfig;
use parlance_wire::sip::address::split_list;
use parlance_wire::sip::{HeaderName, Message, Request, Stamp, StampFields};

/// What a Call-ID belongs to; its letter stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Register,
    Provision,
    LookUp,
    Chat,
}

impl Purpose {
    fn letter(self) -> char {
        match self {
            Purpose::Register => 'r',
            Purpose::Provision => 'p',
            Purpose::LookUp => 'l',
            Purpose::Chat => 'c',
        }
    }
}

/// Hex digits of the client's number at the start of each of its Call-IDs.
const NUMBER_DIGITS: usize = 8;
/// A Call-ID: those digits, the purpose, and sixteen more digits.
const CALL_ID_BYTES: usize = NUMBER_DIGITS + 1 + 16;

/// A Call-ID nobody else has: client and purpose are readable in it. It lies in place, since each
/// delivery is compared with it, and most come to clients that had none for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallId([u8; CALL_ID_BYTES]);

impl CallId {
    pub(super) fn new(config: &ClientConfig, attempt: u32, purpose: Purpose) -> CallId {
        let letter = purpose.letter();
        let hash = hash(config, attempt, letter as u64);
        let text = format!("{:08x}{letter}{hash:016x}", config.number);
        CallId(text.into_bytes().try_into().expect("its length is always the same"))
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of a text")
    }

    pub(crate) fn is(&self, text: &[u8]) -> bool {
        self.0 == text
    }
}

/// The client's number in a [`CallId`].
pub(crate) fn call_id_client(call_id: &[u8]) -> Option<u32> {
    let digits = call_id.get(..NUMBER_DIGITS)?;
    digits.iter().try_fold(0u32, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number << 4 | digit)
    })
}

/// A number that looks random and follows from the seed (SplitMix64's mixing step).
pub(super) fn hash(config: &ClientConfig, attempt: u32, salt: u64) -> u64 {
    let mut z = config.seed ^ u64::from(config.number).rotate_left(32);
    z = z.wrapping_add(u64::from(attempt) << 8 | salt).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One dialog, from its INVITE on.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) call_id: CallId,
    purpose: Purpose,
    attempt: u32,
    from: String,
    remote_uri: String,
    cseq: u32,
    /// Present once the 200 came.
    stamp: Option<Stamp>,
}

impl Dialog {
    /// Sends the INVITE. SIPE's SDP; no part of it means anything (`xccos.md` §1.3).
    pub(super) fn invite(
        config: &ClientConfig,
        attempt: u32,
        purpose: Purpose,
        remote_uri: String,
        out: &mut Vec<u8>,
    ) -> Dialog {
        let call_id = CallId::new(config, attempt, purpose);
        let tag = hash(config, attempt, purpose.letter() as u64 ^ 0x74) as u32;
        let user = config.user_uri();
        let from = format!("<{user}>;tag={tag};epid={}", config.epid);
        let (host, port) = config.sent_by.rsplit_once(':').unwrap_or((&config.sent_by, "5060"));
        let sdp = format!(
            "v=0\r\no=- 0 0 IN IP4 {host}\r\ns=session\r\nc=IN IP4 {host}\r\nt=0 0\r\n\
             m=message {port} sip null\r\na=accept-types:text/plain\r\n"
        );
        request(config, out, "INVITE", &remote_uri, attempt)
            .header("From", &from)
            .header("To", format_args!("<{remote_uri}>"))
            .header("Call-ID", call_id.as_str())
            .header("CSeq", "1 INVITE")
            .header("Supported", "ms-sender")
            .header("Contact", format_args!("<{user};opaque=user:epid:{};gruu>", config.epid))
            .body("application/sdp", sdp.as_bytes());
        Dialog { call_id, purpose, attempt, from, remote_uri, cseq: 1, stamp: None }
    }

    pub(super) fn is_look_up(&self) -> bool {
        self.purpose == Purpose::LookUp
    }

    /// Takes the 200: remote target, route set, remote tag (RFC 3261 §12.1.2); sends the ACK.
    pub(super) fn establish(
        &mut self,
        config: &ClientConfig,
        response: &Message<'_>,
        out: &mut Vec<u8>,
    ) {
        let to = response.header(HeaderName::To).unwrap_or_default();
        let contact = response.contact().map(|address| address.uri);
        let mut routes: Vec<&str> = response
            .headers()
            .filter(|header| header.name == HeaderName::RecordRoute)
            .flat_map(|header| split_list(header.value))
            .collect();
        routes.reverse();
        let stamp = Stamp::new(&StampFields {
            target: contact.unwrap_or(&self.remote_uri),
            transport: config.transport.as_str(),
            sent_by: &config.sent_by,
            branch_key: hash(config, self.attempt, self.purpose.letter() as u64 ^ 0x62),
            from: &self.from,
            to,
            call_id: self.call_id.as_str(),
            routes: &routes,
        });
        stamp.write_bare(out, "ACK", 1);
        self.stamp = Some(stamp);
    }

    /// Sends an INFO; its CSeq. The dialog must be established.
    pub(super) fn info(&mut self, body: &[u8], out: &mut Vec<u8>) -> u32 {
        self.cseq += 1;
        let stamp = self.stamp.as_ref().expect("only established dialogs carry INFO");
        stamp.write_info(out, self.cseq, body);
        self.cseq
    }

    /// Sends a request without body; its CSeq. The dialog must be established.
    pub(super) fn bare(&mut self, method: &str, out: &mut Vec<u8>) -> u32 {
        self.cseq += 1;
        let stamp = self.stamp.as_ref().expect("only established dialogs carry requests");
        stamp.write_bare(out, method, self.cseq);
        self.cseq
    }
}

/// A request outside of a dialog up to Max-Forwards.
fn request<'o>(
    config: &ClientConfig,
    out: &'o mut Vec<u8>,
    method: &str,
    uri: &str,
    attempt: u32,
) -> Request<'o> {
    let branch = hash(config, attempt, method.len() as u64 ^ 0x1000);
    let transport = config.transport.as_str();
    Request::new(out, method, uri)
        .header(
            "Via",
            format_args!("SIP/2.0/{transport} {};branch=z9hG4bK{branch:016x}", config.sent_by),
        )
        .header("Max-Forwards", 70)
}

/// Headers of REGISTER and SUBSCRIBE that are the same.
fn own_request<'o>(
    config: &ClientConfig,
    out: &'o mut Vec<u8>,
    method: &str,
    uri: &str,
    attempt: u32,
    purpose: Purpose,
) -> Request<'o> {
    let user = config.user_uri();
    let tag = hash(config, attempt, purpose.letter() as u64 ^ 0x74) as u32;
    request(config, out, method, uri, attempt)
        .header("From", format_args!("<{user}>;tag={tag};epid={}", config.epid))
        .header("To", format_args!("<{user}>"))
        .header("Call-ID", CallId::new(config, attempt, purpose).as_str())
        .header("CSeq", format_args!("1 {method}"))
        .header("Contact", format_args!("<sip:{};transport=tcp>", config.sent_by))
}

/// Sends REGISTER as SIPE does (`sipe-client.md` §2.1), as far as a server looks at it.
pub(super) fn register(config: &ClientConfig, attempt: u32, out: &mut Vec<u8>) -> CallId {
    let uri = format!("sip:{}", config.domain);
    own_request(config, out, "REGISTER", &uri, attempt, Purpose::Register)
        .header("Supported", "gruu-10, adhoclist, msrtc-event-categories")
        .header("Event", "registration")
        .empty();
    CallId::new(config, attempt, Purpose::Register)
}

/// Asks for the provisioning document (`sipe-client.md` §2.3).
pub(super) fn provision(config: &ClientConfig, attempt: u32, out: &mut Vec<u8>) -> CallId {
    const BODY: &str = "<provisioningGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/\
        provisioninggrouplist\"><provisioningGroup name=\"persistentChatConfiguration\"/>\
        </provisioningGroupList>";
    own_request(config, out, "SUBSCRIBE", &config.user_uri(), attempt, Purpose::Provision)
        .header("Event", "vnd-microsoft-provisioning-v2")
        .header("Accept", "application/vnd-microsoft-roaming-provisioning-v2+xml")
        .header("Supported", "ms-benotify")
        .header("Supported", "ms-piggyback-first-notify")
        .header("Expires", 0)
        .body("application/vnd-microsoft-roaming-provisioning-v2+xml", BODY.as_bytes());
    CallId::new(config, attempt, Purpose::Provision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_found_by_its_call_id() {
        for number in [0, 1, 0xdead_beef, u32::MAX] {
            let config = ClientConfig::numbered(number, "example.test", "127.0.0.1:1", 9);
            let id = CallId::new(&config, 3, Purpose::Chat);
            assert_eq!(call_id_client(id.as_str().as_bytes()), Some(number));
        }
        assert_eq!(call_id_client(b"short"), None);
        assert_eq!(call_id_client(b"gggggggg0"), None);
    }
}
