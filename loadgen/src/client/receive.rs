//! What a client does with the server's messages.

use super::fast::{self, Recent};
use super::{Asked, CallId, Client, ClientEvent, EndReason, HELD_ANSWERS_MAX, State};
use crate::payload::PostId;
use parlance_wire::sip::session_timer::parse_expires_s;
use parlance_wire::sip::{HeaderName, Message, Method, Response, StartLine};
use parlance_wire::xccos::{FromServer, Reply, ReplyData, decode_server};

type Events<'e> = dyn FnMut(ClientEvent<'_>) + 'e;

impl Client {
    /// Reads one whole message as cut by the framer. Deliveries take a short way; everything else,
    /// and every delivery that is not written as our server writes it, goes through
    /// [`Client::handle`].
    pub fn handle_bytes(
        &mut self,
        bytes: &[u8],
        head_len: usize,
        out: &mut Vec<u8>,
        events: &mut Events<'_>,
    ) {
        let (head, body) = bytes.split_at(head_len);
        let call_id = fast::call_id(head).unwrap_or_default();
        let is_ours = self.short_way().is_some_and(|known| known.is(call_id));
        if is_ours && Recent::default().deliver(head, body, out, events) {
            return;
        }
        self.handle_unread(bytes, head_len, out, events);
    }

    /// The Call-ID of deliveries that take the short way now, if any do: those of the dialog, when
    /// they are answered at once with 200. True until something else is done with the client.
    pub(crate) fn short_way(&self) -> Option<CallId> {
        let is_usual = !self.is_holding && self.answer_status == 200;
        self.dialog.as_ref().filter(|_| is_usual).map(|dialog| dialog.call_id)
    }

    /// The long way.
    pub(crate) fn handle_unread(
        &mut self,
        bytes: &[u8],
        head_len: usize,
        out: &mut Vec<u8>,
        events: &mut Events<'_>,
    ) {
        match Message::parse(bytes, head_len) {
            Ok(message) => self.handle(&message, out, events),
            Err(error) => events(ClientEvent::Unreadable { what: error.as_str() }),
        }
    }

    /// Reads one message that is for this client by its Call-ID.
    pub fn handle(&mut self, message: &Message<'_>, out: &mut Vec<u8>, events: &mut Events<'_>) {
        match message.start() {
            StartLine::Response { status: 100..=199, .. } => {}
            StartLine::Response { status, .. } => self.on_response(status, message, out, events),
            StartLine::Request { method, .. } => self.on_request(method, message, out, events),
        }
    }

    fn on_response(
        &mut self,
        status: u16,
        message: &Message<'_>,
        out: &mut Vec<u8>,
        events: &mut Events<'_>,
    ) {
        let call_id = message.call_id().as_bytes();
        if self.outside.is_some_and(|outside| outside.is(call_id)) {
            return self.on_outside_answer(status, out, events);
        }
        if self.dialog.as_ref().is_none_or(|dialog| !dialog.call_id.is(call_id)) {
            return; // The late answer to a BYE of the look-up, or of an attempt given up.
        }
        let cseq = message.cseq();
        if cseq.method == Method::Invite {
            return self.on_invite_answer(status, message, out, events);
        }
        let found = self.asked.iter().position(|(number, _)| *number == cseq.number);
        let asked = found.and_then(|at| self.asked.remove(at)).map(|(_, asked)| asked);
        self.on_dialog_answer(asked, status, events);
    }

    fn on_outside_answer(&mut self, status: u16, out: &mut Vec<u8>, events: &mut Events<'_>) {
        match (self.state, status) {
            (State::Registering, 200) => self.after_register(out),
            (State::Provisioning, 200) => self.after_provision(out),
            _ => self.fail(status, events),
        }
    }

    fn fail(&mut self, status: u16, events: &mut Events<'_>) {
        self.end(events);
        events(ClientEvent::OpenFailed { status });
    }

    fn on_invite_answer(
        &mut self,
        status: u16,
        message: &Message<'_>,
        out: &mut Vec<u8>,
        events: &mut Events<'_>,
    ) {
        if !matches!(self.state, State::LookUpInviting | State::Inviting) {
            return;
        }
        if status != 200 {
            return self.fail(status, events);
        }
        let dialog = self.dialog.as_mut().expect("the answer was matched to a dialog");
        dialog.establish(&self.config, message, out);
        if dialog.is_look_up() {
            self.state = State::LookUpAsking;
            self.send_command(&parlance_wire::xccos::Command::ReqUri, out);
        } else {
            self.state = State::Open;
            let expires = message.header(HeaderName::SessionExpires).and_then(parse_expires_s);
            events(ClientEvent::Opened { session_expires_s: expires });
        }
    }

    fn on_dialog_answer(&mut self, asked: Option<Asked>, status: u16, events: &mut Events<'_>) {
        if self.state == State::LookUpAsking && status != 200 {
            return self.fail(status, events);
        }
        match asked {
            Some(Asked::Post(post)) => events(ClientEvent::Posted { post, status }),
            Some(Asked::Command { envid }) if status != 200 => {
                self.replies_due.retain(|due| *due != envid);
                events(ClientEvent::CommandRefused { envid, status });
            }
            Some(Asked::Update) => events(ClientEvent::Updated { status }),
            Some(Asked::Bye) => {
                self.end(events);
                return events(ClientEvent::Closed { status });
            }
            Some(Asked::Command { .. }) | None => {}
        }
        match (self.state, status) {
            // Still to come: the answer to our BYE.
            (State::Closing, _) => {}
            (_, 408 | 481) => {
                self.end(events);
                events(ClientEvent::Gone { reason: EndReason::Answer(status) });
            }
            _ => {}
        }
    }

    fn on_request(
        &mut self,
        method: Method<'_>,
        message: &Message<'_>,
        out: &mut Vec<u8>,
        events: &mut Events<'_>,
    ) {
        let is_current =
            self.dialog.as_ref().is_some_and(|d| d.call_id.is(message.call_id().as_bytes()));
        match method {
            Method::Ack | Method::Other("BENOTIFY") => {}
            Method::Options => self.answer(message, 200, out, events),
            // SIPE answers so to a dialog that it no longer considers current.
            Method::Info | Method::Bye if !is_current => self.answer(message, 487, out, events),
            Method::Info => {
                self.answer(message, self.answer_status, out, events);
                if self.answer_status == 200 {
                    self.on_document(message.body(), out, events);
                }
            }
            Method::Bye => {
                self.answer(message, 200, out, events);
                self.release_answers(usize::MAX, out);
                let is_look_up = self.state == State::LookUpAsking;
                self.end(events);
                events(match is_look_up {
                    true => ClientEvent::OpenFailed { status: 0 },
                    false => ClientEvent::Gone { reason: EndReason::ServerBye },
                });
            }
            Method::Other("NOTIFY") => self.answer(message, 200, out, events),
            _ => self.answer(message, 501, out, events),
        }
    }

    fn answer(
        &mut self,
        message: &Message<'_>,
        status: u16,
        out: &mut Vec<u8>,
        events: &mut Events<'_>,
    ) {
        if !self.is_holding {
            return Response::to(message, out, status, None).empty();
        }
        if self.held.len() == HELD_ANSWERS_MAX {
            return events(ClientEvent::Unreadable { what: "held_overflow" });
        }
        let mut held = Vec::new();
        Response::to(message, &mut held, status, None).empty();
        self.held.push_back(held.into());
    }

    fn on_document(&mut self, body: &[u8], out: &mut Vec<u8>, events: &mut Events<'_>) {
        match decode_server(body) {
            Ok(FromServer::Replies(replies)) => {
                for reply in &replies {
                    self.on_reply(reply, out, events);
                }
            }
            Ok(FromServer::Notices(notices)) => {
                for notice in &notices {
                    events(ClientEvent::Noticed { notice });
                }
            }
            Ok(FromServer::Delivery(delivery)) => events(ClientEvent::Delivered {
                room_uri: &delivery.room_uri,
                chat_id: delivery.chat_id,
                author: &delivery.author,
                text: &delivery.chat,
                post: PostId::parse(&delivery.chat),
            }),
            Err(error) => events(ClientEvent::Unreadable { what: error.as_str() }),
        }
    }

    fn on_reply(&mut self, reply: &Reply, out: &mut Vec<u8>, events: &mut Events<'_>) {
        if self.state == State::LookUpAsking {
            return self.on_look_up_reply(reply, out, events);
        }
        let due = self
            .replies_due
            .iter()
            .position(|envid| reply.to.envid.as_str().parse() == Ok(*envid))
            .and_then(|at| self.replies_due.remove(at));
        let (name, code) = (reply.name.as_str(), reply.code.code());
        events(ClientEvent::Replied { envid: due, name, code, reply });
        if code != 200 {
            return;
        }
        match &reply.data {
            ReplyData::Joined { rooms, failed, .. } => {
                for (room, users) in rooms {
                    events(ClientEvent::Joined { room, listed: users.len() });
                }
                for failure in failed {
                    events(ClientEvent::JoinFailed { failure });
                }
            }
            ReplyData::Parted { room_uri } => events(ClientEvent::Parted { room_uri }),
            ReplyData::History { room_uri, messages } => {
                events(ClientEvent::History { room_uri, messages });
            }
            ReplyData::Found(found) => events(ClientEvent::Found { found }),
            _ => {}
        }
    }

    /// `rpl:requri`: leaves the look-up dialog and invites the URI it names (`xccos.md` §7.2).
    fn on_look_up_reply(&mut self, reply: &Reply, out: &mut Vec<u8>, events: &mut Events<'_>) {
        let ReplyData::ReqUri { uri } = &reply.data else {
            return self.fail(0, events);
        };
        if let Some(dialog) = self.dialog.as_mut() {
            dialog.bare("BYE", out);
        }
        self.asked.clear();
        self.replies_due.clear();
        self.invite_chat(uri.clone(), out);
    }
}
