//! Requests and responses of a link: the registrar's minimum, dialogs, and what is refused with
//! which status (`sipe-client.md` §2, `xccos.md` §1).

use super::session::{Dialog, End, Restore, Session};
use super::{LinkId, Shard};
use crate::bucket::Bucket;
use crate::counters::Refusal;
use crate::directory::{Directory, NotServed};
use crate::mail::{Mail, SessionKey, User};
use parlance_wire::limits::XCCOS_NAME_BYTES_MAX;
use parlance_wire::sip::answer::ShapeId;
use parlance_wire::sip::message::HeaderName;
use parlance_wire::sip::session_timer::{self, SessionTimer};
use parlance_wire::sip::transaction::{Accepted, Order, order};
use parlance_wire::sip::{
    Address, Message, Method, Response, Stamp, StampFields, Uri, Window, address, stamp,
};
use slotmap::{Key, KeyData};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

/// Methods we answer, for Allow.
const ALLOW: &str = "INVITE, ACK, INFO, BYE, UPDATE, CANCEL, OPTIONS, REGISTER, SUBSCRIBE";

/// The event of in-band provisioning: the only one a server without presence offers, because SIPE
/// subscribes to everything it is offered (`sipe-client.md` §2.3).
const PROVISIONING: &str = "vnd-microsoft-provisioning-v2";
const PROVISIONING_TYPE: &str = "application/vnd-microsoft-roaming-provisioning-v2+xml";

/// Registration time when the client names none, and the most it gets, seconds.
const REGISTER_EXPIRES_S: u32 = 3_600;

/// Extensions a client may require of us.
const SUPPORTED: [&str; 2] = ["timer", "ms-benotify"];

/// Seconds a refused client should wait.
const RETRY_AFTER_S: u32 = 5;

/// An opened dialog cannot carry more than this much of a peer's text (tags, Call-ID, target).
const DIALOG_TEXT_BYTES_MAX: usize = 4 * 1024;

impl Shard {
    pub(super) fn on_request(
        &mut self,
        link: LinkId,
        request: &Message<'_>,
        method: Method<'_>,
        uri: &str,
    ) {
        if let Some((status, refusal)) = self.screen(link, request, method) {
            return self.reject(link, request, status, refusal);
        }
        if request.to().tag().is_some() && method != Method::Register {
            return self.on_dialog_request(link, request, method);
        }
        if method == Method::Ack {
            // Also the answer to a final response other than 2xx: nothing to do, nothing to say.
            return;
        }
        if !self.admits_request(link) {
            return self.reject(link, request, 503, Refusal::Overload);
        }
        match method {
            Method::Register => self.on_register(link, request),
            Method::Subscribe => self.on_subscribe(link, request),
            Method::Options => self.answer_with(link, request, 200, &[("Allow", ALLOW)]),
            Method::Invite => self.on_invite(link, request, uri),
            Method::Info | Method::Bye | Method::Update | Method::Cancel => {
                self.reject(link, request, 481, Refusal::NoDialog);
            }
            Method::Ack => unreachable!("handled above"),
            Method::Other(_) => self.reject(link, request, 501, Refusal::Unsupported),
        }
    }

    /// Takes a request that belongs to no dialog out of its link's bucket.
    fn admits_request(&mut self, link: LinkId) -> bool {
        let limits = &self.setup.limits;
        let (rate, burst) = (limits.link_requests_per_second, limits.link_requests_burst);
        self.links[link].requests.take(self.now.instant, rate, burst)
    }

    /// Faults that any request can have.
    fn screen(
        &self,
        link: LinkId,
        request: &Message<'_>,
        method: Method<'_>,
    ) -> Option<(u16, Refusal)> {
        if method == Method::Ack {
            return None;
        }
        if request.max_forwards() == Some(0) {
            return Some((483, Refusal::Loop));
        }
        let link = &self.links[link];
        let mut vias = request.headers().filter(|h| h.name == HeaderName::Via);
        let is_ours = |via: &str| is_own_via(via, &link.sent_by);
        if vias.any(|header| address::split_list(header.value).any(is_ours)) {
            return Some((482, Refusal::Loop));
        }
        if self.unknown_extension(request).is_some() {
            return Some((420, Refusal::BadExtension));
        }
        if !link.info.is_front_end && request.header(HeaderName::PAssertedIdentity).is_some() {
            return Some((403, Refusal::Spoofed));
        }
        None
    }

    fn unknown_extension<'m>(&self, request: &Message<'m>) -> Option<&'m str> {
        request
            .headers()
            .filter(|h| matches!(h.name, HeaderName::Require | HeaderName::ProxyRequire))
            .flat_map(|h| address::split_list(h.value))
            .find(|tag| !SUPPORTED.iter().any(|s| s.eq_ignore_ascii_case(tag)))
    }

    /// Counts and answers a refusal.
    fn reject(&mut self, link: LinkId, request: &Message<'_>, status: u16, refusal: Refusal) {
        self.refuse(link, refusal);
        match status {
            503 => {
                let wait = RETRY_AFTER_S.to_string();
                self.answer_with(link, request, status, &[("Retry-After", &wait)]);
            }
            420 => {
                let tag = self.unknown_extension(request).unwrap_or_default().to_owned();
                self.answer_with(link, request, status, &[("Unsupported", &tag)]);
            }
            405 | 501 => self.answer_with(link, request, status, &[("Allow", ALLOW)]),
            _ => self.answer_with(link, request, status, &[]),
        }
    }

    /// Answers without a body.
    pub(super) fn answer_with(
        &mut self,
        link: LinkId,
        request: &Message<'_>,
        status: u16,
        headers: &[(&str, &str)],
    ) {
        let tag = self.fresh_tag();
        self.write(link, |out| {
            let mut response = Response::to(request, out, status, Some(&tag));
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.empty();
        });
    }

    /// The canonical identity behind From (or the identity a trusted front end asserts); `None`
    /// when it is no user of the domain.
    fn identity(&self, link: LinkId, request: &Message<'_>) -> Option<String> {
        let asserted = request
            .header(HeaderName::PAssertedIdentity)
            .filter(|_| self.links[link].info.is_front_end)
            .and_then(Address::parse);
        let identity = asserted.unwrap_or_else(|| request.from()).parsed_uri()?.identity()?;
        let (_, domain) = identity.rsplit_once('@')?;
        (domain == self.setup.directory.domain).then_some(identity)
    }

    fn on_register(&mut self, link: LinkId, request: &Message<'_>) {
        let Some(identity) = self.identity(link, request) else {
            return self.reject(link, request, 403, Refusal::ForeignUser);
        };
        let to = request.to().parsed_uri().and_then(|uri| uri.identity());
        if to.as_deref() != Some(&*identity) {
            return self.reject(link, request, 403, Refusal::Spoofed);
        }
        let asked = request.expires_s().unwrap_or(REGISTER_EXPIRES_S);
        let granted = asked.min(REGISTER_EXPIRES_S);
        let until = self.now.instant.plus_ms(u64::from(granted) * 1000);
        self.links[link].registered_until = until;
        // One Supported line per token and no blanks in Allow-Events: SIPE reads them so.
        let granted = granted.to_string();
        self.answer_with(
            link,
            request,
            200,
            &[
                ("Expires", &granted),
                ("Supported", "msrtc-event-categories"),
                ("Allow-Events", PROVISIONING),
            ],
        );
    }

    fn on_subscribe(&mut self, link: LinkId, request: &Message<'_>) {
        let Some(identity) = self.identity(link, request) else {
            return self.reject(link, request, 403, Refusal::ForeignUser);
        };
        let event = request.header(HeaderName::Event).unwrap_or_default();
        let event = event.split(';').next().unwrap_or_default().trim();
        if !event.eq_ignore_ascii_case(PROVISIONING) {
            return self.reject(link, request, 489, Refusal::Unsupported);
        }
        let directory = &self.setup.directory;
        let is_enabled = directory.serve(&identity).is_ok();
        let body = provisioning_document(directory, is_enabled);
        let tag = self.fresh_tag();
        self.write(link, |out| {
            Response::to(request, out, 200, Some(&tag))
                .header("Event", PROVISIONING)
                .header("Expires", 0)
                .header("ms-piggyback-cseq", 1)
                .body(PROVISIONING_TYPE, body.as_bytes());
        });
    }

    fn on_invite(&mut self, link: LinkId, request: &Message<'_>, uri: &str) {
        let service = Uri::parse(uri).and_then(|uri| uri.identity());
        if !service.is_some_and(|service| self.is_service(&service)) {
            return self.reject(link, request, 404, Refusal::UnknownService);
        }
        let Some(identity) = self.identity(link, request) else {
            return self.reject(link, request, 403, Refusal::ForeignUser);
        };
        if let Err(why) = self.setup.directory.serve(&identity) {
            return self.reject_unserved(link, request, why);
        }
        let from = request.from();
        let text = from.tag().map_or(0, str::len)
            + request.call_id().len()
            + request.to().uri.len()
            + request.contact().map_or(0, |c| c.uri.len());
        let is_long = text > DIALOG_TEXT_BYTES_MAX || identity.len() > XCCOS_NAME_BYTES_MAX;
        if from.tag().is_none_or(str::is_empty) || is_long {
            let refusal = parlance_wire::sip::MessageError::HeaderMalformed(HeaderName::From);
            return self.reject(link, request, 400, Refusal::Message(refusal));
        }
        if !self.admits_dialog(link) {
            return self.reject(link, request, 503, Refusal::Overload);
        }
        let limits = &self.setup.limits;
        let timer = session_timer::negotiate(request, limits.session_expires_s, limits.min_se_s);
        match timer {
            SessionTimer::TooSmall { min_s } => {
                self.refuse(link, Refusal::SessionTimer);
                self.answer_with(link, request, 422, &[("Min-SE", &min_s.to_string())]);
            }
            SessionTimer::Accepted { expires_s } => {
                let name = self.setup.directory.display_name(&identity).into();
                let user = Arc::new(User { name, uri: identity.into() });
                self.open_dialog(link, request, user, expires_s);
            }
        }
    }

    /// The service's own address, or one that older clients were set up with (`product.md` §1.8).
    fn is_service(&self, uri: &str) -> bool {
        let directory = &self.setup.directory;
        uri == directory.service_uri || directory.endpoints().contains_key(uri)
    }

    /// A plain 403 switches the feature off in a client, quietly; the diagnostics name the cause
    /// (`xccos.md` §1.3, `product.md` §8.6: 20010).
    fn reject_unserved(&mut self, link: LinkId, request: &Message<'_>, why: NotServed) {
        let refusal = Refusal::NotServed(why);
        self.refuse(link, refusal);
        let id = if why == NotServed::NotProvisioned { 20010 } else { 20003 };
        let diagnostics = self.diagnostics(id, refusal);
        self.answer_with(link, request, 403, &[("Ms-Diagnostics", &diagnostics)]);
    }

    /// `Ms-Diagnostics` with one of the original's numbers.
    pub(super) fn diagnostics(&self, id: u32, refusal: Refusal) -> String {
        format!(
            "{id};source=\"{}\";reason=\"{}\";component=\"GroupChat\"",
            self.setup.directory.domain,
            refusal.explanation()
        )
    }

    fn admits_dialog(&mut self, link: LinkId) -> bool {
        let limits = &self.setup.limits;
        self.draining_until.is_none()
            && self.sessions.len() < limits.sessions_max
            && self.links[link].sessions.len() < limits.link_sessions_max
            && self.dialogs.take(self.now.instant, limits.dialogs_per_second, limits.dialogs_burst)
    }

    fn open_dialog(
        &mut self,
        link: LinkId,
        request: &Message<'_>,
        user: Arc<User>,
        expires_s: u32,
    ) {
        let random = self.random_128();
        let now = self.now.instant;
        let entry = &self.links[link];
        let key = self.sessions.insert_with_key(|key| {
            let local_tag = format!("{:016x}{random:032x}", key.data().as_ffi());
            Session {
                link,
                stamp: stamp_for(request, entry, key, &local_tag),
                window: Window::new(1),
                unanswered_since: now,
                lagging_since: None,
                waits_for_link: false,
                answer_shape: ShapeId::default(),
                shapes_learned: 0,
                dialog: Box::new(Dialog {
                    link_slot: entry.sessions.len(),
                    epid: endpoint_id(request),
                    call_id: request.call_id().into(),
                    remote_tag: request.from().tag().unwrap_or_default().into(),
                    remote_cseq: request.cseq().number,
                    accepted: Accepted::AwaitingAck { cseq: request.cseq().number },
                    opened: now,
                    heard: now,
                    expires_s,
                    requests: Bucket::default(),
                    backlog: VecDeque::new(),
                    backlog_bytes: 0,
                    seats: Vec::new(),
                    seat_turn: 0,
                    holds: Vec::new(),
                    joining: Vec::new(),
                    parting: Vec::new(),
                    expelling: Vec::new(),
                    asks: 0,
                    searches: 0,
                    preferences: 0,
                    restore: Restore::Undecided(Vec::new()),
                    local_tag: local_tag.into(),
                    user,
                }),
            }
        });
        self.links[link].sessions.push(key);
        self.counters.dialogs_opened += 1;
        self.check_session(key);
        self.claim_endpoint(link, request, key);
    }

    /// The 200 that opens or refreshes a dialog. Session-Expires is always there: without it SIPE
    /// falls into a storm of UPDATEs (`sipe-client.md` §3.7).
    fn answer_invite(&mut self, link: LinkId, request: &Message<'_>, key: SessionKey) {
        let response = self.accept_invite(link, request, key);
        self.write(link, |out| out.extend_from_slice(&response));
    }

    fn accept_invite(&self, link: LinkId, request: &Message<'_>, key: SessionKey) -> Vec<u8> {
        let session = &self.sessions[key];
        let (tag, expires_s) = (session.dialog.local_tag.clone(), session.dialog.expires_s);
        let entry = &self.links[link];
        let (sent_by, transport) = (entry.sent_by.clone(), entry.transport().to_ascii_lowercase());
        let address = entry.info.local.ip();
        let sdp = answer_sdp(request.body(), &address.to_string(), entry.info.local.port());
        let mut out = Vec::with_capacity(1024);
        Response::to(request, &mut out, 200, Some(&tag))
            .record_routes(request)
            .header("Contact", format_args!("<sip:{sent_by};transport={transport}>"))
            .header("Session-Expires", format_args!("{expires_s};refresher=uac"))
            .header("Allow", ALLOW)
            .body("application/sdp", sdp.as_bytes());
        out
    }

    /// Tells the registrar of a new dialog, which stands when the registrar has said which rooms
    /// the endpoint may believe to be in.
    fn claim_endpoint(&mut self, link: LinkId, request: &Message<'_>, key: SessionKey) {
        let session = &self.sessions[key];
        if session.dialog.epid.is_empty() {
            return self.answer_invite(link, request, key);
        }
        let (user, epid) = (session.dialog.user.clone(), session.dialog.epid.clone());
        let response = self.accept_invite(link, request, key);
        let ask = self.hold_response(key, user.clone(), link, response);
        let (from, to) = (self.address(key), self.registrar(&user));
        self.mail(to, Mail::Claim { from, ask, opened: self.now.instant, user, epid });
    }

    /// The session a request with a To tag belongs to. The tag is 128 random bits behind the key,
    /// the link must be the one that opened the dialog, Call-ID and From tag must agree.
    fn find_session(&self, link: LinkId, request: &Message<'_>) -> Option<SessionKey> {
        let tag = request.to().tag()?;
        let key = u64::from_str_radix(tag.get(..16)?, 16).ok()?;
        let key = SessionKey::from(KeyData::from_ffi(key));
        let session = self.sessions.get(key)?;
        let is_same = session.link == link
            && *session.dialog.local_tag == *tag
            && *session.dialog.call_id == *request.call_id()
            && request.from().tag() == Some(&*session.dialog.remote_tag);
        is_same.then_some(key)
    }

    fn on_dialog_request(&mut self, link: LinkId, request: &Message<'_>, method: Method<'_>) {
        let Some(key) = self.find_session(link, request) else {
            return self.on_lost_dialog_request(link, request, method);
        };
        let number = request.cseq().number;
        if method == Method::Ack {
            self.sessions[key].dialog.accepted.ack(number);
            return;
        }
        if self.identity(link, request).as_deref() != Some(&*self.sessions[key].dialog.user.uri) {
            return self.reject(link, request, 403, Refusal::Spoofed);
        }
        if method == Method::Cancel {
            // The INVITE has its final answer already (RFC 3261 §9.2).
            return self.reject(link, request, 481, Refusal::NoDialog);
        }
        if order(&mut self.sessions[key].dialog.remote_cseq, number) == Order::Stale {
            return self.reject(link, request, 500, Refusal::StaleCSeq);
        }
        self.sessions[key].dialog.heard = self.now.instant;
        if method == Method::Bye {
            self.answer_with(link, request, 200, &[]);
            return self.end_session(key, End::Bye);
        }
        if self.draining_until.is_some() {
            // The client shall rebuild elsewhere, and is not told BYE (`xccos.md` §3.20).
            let session = &self.sessions[key];
            let (user, epid) = (session.dialog.user.clone(), session.dialog.epid.clone());
            let to = self.registrar(&user);
            self.mail(to, Mail::ToldLost { user, epid, from: None });
            return self.answer_with(link, request, 481, &[]);
        }
        let limits = &self.setup.limits;
        let (rate, burst) = (limits.session_requests_per_second, limits.session_requests_burst);
        if !self.sessions[key].dialog.requests.take(self.now.instant, rate, burst) {
            return self.reject(link, request, 503, Refusal::Overload);
        }
        match method {
            Method::Info => self.on_info(link, key, request),
            Method::Update => self.on_update(link, key, request),
            Method::Invite => self.on_reinvite(link, key, request),
            Method::Options => self.answer_with(link, request, 200, &[("Allow", ALLOW)]),
            _ => self.reject(link, request, 501, Refusal::Unsupported),
        }
    }

    /// A request in a dialog that is gone, or never was: 481 makes the client build a new one.
    fn on_lost_dialog_request(&mut self, link: LinkId, request: &Message<'_>, method: Method<'_>) {
        if method == Method::Ack {
            return;
        }
        if !self.admits_request(link) {
            return self.reject(link, request, 503, Refusal::Overload);
        }
        let epid = endpoint_id(request);
        let identity = self.identity(link, request);
        let may_return = matches!(method, Method::Info | Method::Update) && !epid.is_empty();
        let Some(identity) = identity.filter(|_| may_return) else {
            return self.reject(link, request, 481, Refusal::NoDialog);
        };
        // The client's next dialog must not be faster than word of this one.
        self.refuse(link, Refusal::NoDialog);
        let name = self.setup.directory.display_name(&identity).into();
        let user = Arc::new(User { name, uri: identity.into() });
        let (tag, mut response) = (self.fresh_tag(), Vec::with_capacity(512));
        Response::to(request, &mut response, 481, Some(&tag)).empty();
        let ask = self.hold_response(SessionKey::null(), user.clone(), link, response);
        let (from, to) = (Some((self.setup.id, ask)), self.registrar(&user));
        self.mail(to, Mail::ToldLost { user, epid, from });
    }

    /// Renegotiates the session timer; `None` when it was refused.
    fn renew(&mut self, link: LinkId, key: SessionKey, request: &Message<'_>) -> Option<u32> {
        let limits = &self.setup.limits;
        let timer = session_timer::negotiate(request, limits.session_expires_s, limits.min_se_s);
        match timer {
            SessionTimer::Accepted { expires_s } => {
                self.sessions[key].dialog.expires_s = expires_s;
                Some(expires_s)
            }
            SessionTimer::TooSmall { min_s } => {
                self.refuse(link, Refusal::SessionTimer);
                self.answer_with(link, request, 422, &[("Min-SE", &min_s.to_string())]);
                None
            }
        }
    }

    fn on_update(&mut self, link: LinkId, key: SessionKey, request: &Message<'_>) {
        if let Some(expires_s) = self.renew(link, key, request) {
            let value = format!("{expires_s};refresher=uac");
            self.answer_with(link, request, 200, &[("Session-Expires", &value)]);
        }
    }

    fn on_reinvite(&mut self, link: LinkId, key: SessionKey, request: &Message<'_>) {
        if self.renew(link, key, request).is_some() {
            self.sessions[key].dialog.accepted =
                Accepted::AwaitingAck { cseq: request.cseq().number };
            self.sessions[key].dialog.opened = self.now.instant;
            self.answer_invite(link, request, key);
        }
    }

    /// Branch key and CSeq of the INFO of ours that waited for it, if one did.
    pub(super) fn on_response(
        &mut self,
        link: LinkId,
        response: &Message<'_>,
        status: u16,
    ) -> Option<(u64, u32)> {
        let branch = response.branch().and_then(stamp::parse_branch);
        let branch = branch.filter(|(_, cseq)| *cseq == response.cseq().number);
        let Some((key, cseq)) = branch else {
            self.refuse(link, Refusal::StrayResponse);
            return None;
        };
        self.on_final_answer(link, key, cseq, status).then_some((key, cseq))
    }

    /// An answer to the INFO `cseq` of the dialog whose stamp has the branch key `key`. False when
    /// none waits for it.
    pub(super) fn on_final_answer(
        &mut self,
        link: LinkId,
        key: u64,
        cseq: u32,
        status: u16,
    ) -> bool {
        if status < 200 {
            return false;
        }
        let key = SessionKey::from(KeyData::from_ffi(key));
        // An answer that crossed the client's BYE is nobody's fault.
        let Some(session) = self.sessions.get(key) else { return false };
        let is_awaited = session.link == link && self.answered(key, cseq, status);
        if !is_awaited {
            self.refuse(link, Refusal::StrayResponse);
        }
        is_awaited
    }
}

/// Was a Via written by us, for a link whose own end is `sent_by`?
fn is_own_via(via: &str, sent_by: &str) -> bool {
    let mut parts = via.split(';');
    let author = parts.next().and_then(|head| head.split_whitespace().nth(1));
    let branch = parts.find_map(|part| part.trim().strip_prefix("branch="));
    author.is_some_and(|author| author.eq_ignore_ascii_case(sent_by))
        && branch.is_some_and(|branch| stamp::parse_branch(branch).is_some())
}

/// Longest name of an endpoint, in bytes; clients use ten, or a UUID. A longer one is none.
const ENDPOINT_ID_BYTES_MAX: usize = 256;

/// What tells one endpoint of a user from another: epid, else the instance of its Contact.
fn endpoint_id(request: &Message<'_>) -> Box<str> {
    let instance = request.contact().and_then(|contact| contact.param("+sip.instance"));
    let id = request.from().epid().or(instance).unwrap_or_default();
    if id.len() <= ENDPOINT_ID_BYTES_MAX { id.into() } else { "".into() }
}

/// The head of our INFOs. Our From must be the invited URI letter by letter: SIPE finds its session
/// by it (`sipe-client.md` §3.4).
fn stamp_for(
    request: &Message<'_>,
    link: &super::link::Link,
    key: SessionKey,
    local_tag: &str,
) -> Stamp {
    let from = request.from();
    let mut to = format!("<{}>", from.uri);
    for (name, value) in [("tag", from.tag()), ("epid", from.epid())] {
        if let Some(value) = value {
            let _ = write!(to, ";{name}={value}");
        }
    }
    let routes: Vec<&str> = request
        .headers()
        .filter(|h| h.name == HeaderName::RecordRoute)
        .flat_map(|h| address::split_list(h.value))
        .collect();
    Stamp::new(&StampFields {
        target: request.contact().map_or(from.uri, |contact| contact.uri),
        transport: link.transport(),
        sent_by: &link.sent_by,
        branch_key: key.data().as_ffi(),
        from: &format!("<{}>;tag={local_tag}", request.to().uri),
        to: &to,
        call_id: request.call_id(),
        routes: &routes,
    })
}

/// One media line of the offered name, without meaning (`xccos.md` §1.3).
fn answer_sdp(offer: &[u8], address: &str, port: u16) -> String {
    let is_old = offer.split(|b| *b == b'\n').any(|line| line.starts_with(b"m=x-ms-message"));
    let media = if is_old { "x-ms-message" } else { "message" };
    let family = if address.contains(':') { "IP6" } else { "IP4" };
    format!(
        "v=0\r\no=- 0 0 IN {family} {address}\r\ns=session\r\nc=IN {family} {address}\r\n\
         t=0 0\r\nm={media} {port} sip null\r\na=accept-types:text/plain\r\n"
    )
}

/// Tells a client whether it may chat, where, and where rooms are managed (`xccos.md` §6.1).
fn provisioning_document(directory: &Directory, is_enabled: bool) -> String {
    let escaped = |text: &str| {
        let mut out = Vec::new();
        parlance_wire::xml::escape_into(&mut out, text);
        String::from_utf8(out).expect("escaping keeps UTF-8")
    };
    let uri = escaped(&directory.service_uri);
    let url = &directory.configuration().room_management_url;
    let pages = ["Int", "Ext"].map(|side| match url.is_empty() {
        true => String::new(),
        false => format!(
            "<property name=\"PersistentChatWebManagerUri{side}\">{}</property>",
            escaped(url)
        ),
    });
    format!(
        "<provisionGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/\
         provisiongrouplist-notification\"><provisionGroup name=\"persistentChatConfiguration\">\
         <propertyEntryList><property name=\"EnablePersistentChat\">{is_enabled}</property>\
         <property name=\"DefaultPersistentChatPoolUri\">{uri}</property>\
         <property name=\"PersistentChatPoolUris\">{uri}</property>{}{}\
         </propertyEntryList></provisionGroup></provisionGroupList>",
        pages[0], pages[1]
    )
}
