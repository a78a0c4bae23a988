//! One endpoint as a sans-io state machine: what SIPE or an official client says to the service.
//!
//! ```text
//! idle --open--> [REGISTER] --> [SUBSCRIBE] --> [INVITE, requri, BYE] --> INVITE --200--> open
//! open --bye--> closing --200--> idle          open --481 | BYE | link lost--> idle
//! ```
//!
//! Bytes to be sent are appended to the `out` that each method is given; what happened comes as
//! [`ClientEvent`]s. Every request of the server is answered at once, unless the caller holds the
//! answers back ([`Client::hold_answers`]), which makes a slow reader of it.

mod config;
mod dialog;
mod event;
pub(crate) mod fast;
mod receive;
#[cfg(test)]
mod tests;

pub use config::{ClientConfig, SignIn, Transport};
pub(crate) use dialog::{CallId, call_id_client};
pub use event::{ClientEvent, EndReason};
pub(crate) use fast::Recent;

use crate::payload::PostId;
use dialog::{Dialog, Purpose};
use parlance_wire::xccos::{Command, Post, RoomRef, encode_command, encode_post};
use std::collections::VecDeque;

/// Most answers held back; a server whose window is wider is told "held_overflow" and not answered.
pub const HELD_ANSWERS_MAX: usize = 4_096;

/// The client's clock as posts show it. The library has no clock, and no server may trust it.
const POST_TIME: &str = "2024-01-01T00:00:00Z";

/// Where a client is on its way to the open dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Registering,
    Provisioning,
    LookUpInviting,
    LookUpAsking,
    Inviting,
    Open,
    Closing,
}

/// A request of ours in the dialog that has no final answer yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Command { envid: u64 },
    Post(PostId),
    Update,
    Bye,
}

/// One endpoint of one user.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    state: State,
    /// Counts calls of [`Client::open`]; makes tags and Call-IDs of each attempt new.
    attempt: u32,
    /// Call-ID of the REGISTER or SUBSCRIBE that is on its way.
    outside: Option<CallId>,
    dialog: Option<Dialog>,
    /// Number of the last document; SIPE begins at random, we at the seed's low bits.
    envid: u64,
    /// Number of the last post made by [`Client::post`].
    post_seq: u32,
    /// CSeq and kind of our requests without final answer, oldest first.
    asked: VecDeque<(u32, Asked)>,
    /// Numbers of commands whose reply is to come, oldest first.
    replies_due: VecDeque<u64>,
    is_holding: bool,
    held: VecDeque<Box<[u8]>>,
    answer_status: u16,
}

impl Client {
    /// A client that has sent nothing yet.
    pub fn new(config: ClientConfig) -> Client {
        let envid = dialog::hash(&config, 0, 0) & 0x3fff_ffff;
        Client {
            config,
            state: State::Idle,
            attempt: 0,
            outside: None,
            dialog: None,
            envid,
            post_seq: 0,
            asked: VecDeque::new(),
            replies_due: VecDeque::new(),
            is_holding: false,
            held: VecDeque::new(),
            answer_status: 200,
        }
    }

    /// The constants it was made with.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// The client goes on on another link, whose own end is `sent_by`. It must be idle.
    pub fn move_to(&mut self, sent_by: &str) {
        assert!(self.is_idle(), "a dialog belongs to its link");
        sent_by.clone_into(&mut self.config.sent_by);
    }

    /// The long dialog stands: commands and posts may be sent.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Nothing is under way: [`Client::open`] may be called.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Requests of ours without final answer.
    pub fn unanswered(&self) -> usize {
        self.asked.len()
    }

    /// Begins the sign-in, with new Call-IDs and tags each time. The client must be idle.
    pub fn open(&mut self, out: &mut Vec<u8>) {
        assert!(self.is_idle(), "open needs an idle client");
        self.attempt += 1;
        if self.config.sign_in.register {
            self.outside = Some(dialog::register(&self.config, self.attempt, out));
            self.state = State::Registering;
        } else {
            self.after_register(out);
        }
    }

    fn after_register(&mut self, out: &mut Vec<u8>) {
        self.outside = None;
        if self.config.sign_in.provision {
            self.outside = Some(dialog::provision(&self.config, self.attempt, out));
            self.state = State::Provisioning;
        } else {
            self.after_provision(out);
        }
    }

    fn after_provision(&mut self, out: &mut Vec<u8>) {
        self.outside = None;
        let uri = self.config.service_uri.clone();
        if self.config.sign_in.look_up {
            self.invite(Purpose::LookUp, uri, out);
            self.state = State::LookUpInviting;
        } else {
            self.invite_chat(uri, out);
        }
    }

    fn invite_chat(&mut self, uri: String, out: &mut Vec<u8>) {
        self.invite(Purpose::Chat, uri, out);
        self.state = State::Inviting;
    }

    fn invite(&mut self, purpose: Purpose, uri: String, out: &mut Vec<u8>) {
        self.dialog = Some(Dialog::invite(&self.config, self.attempt, purpose, uri, out));
    }

    /// Sends a command; its number. The client must be open.
    pub fn command(&mut self, command: &Command, out: &mut Vec<u8>) -> u64 {
        assert!(self.is_open(), "commands need an open dialog");
        self.send_command(command, out)
    }

    fn send_command(&mut self, command: &Command, out: &mut Vec<u8>) -> u64 {
        self.envid += 1;
        let envid = self.envid;
        let mut body = Vec::with_capacity(256);
        encode_command(&mut body, envid, command);
        let dialog = self.dialog.as_mut().expect("an open client has a dialog");
        let cseq = dialog.info(&body, out);
        self.asked.push_back((cseq, Asked::Command { envid }));
        self.replies_due.push_back(envid);
        envid
    }

    /// Asks to join: `join` for one room, `bjoin` for any other number (at most
    /// `XCCOS_BJOIN_ROOMS_MAX`).
    pub fn join(&mut self, rooms: &[RoomRef], out: &mut Vec<u8>) -> u64 {
        let command = match rooms {
            [room] => Command::Join(room.clone()),
            rooms => Command::BJoin(rooms.to_vec()),
        };
        self.command(&command, out)
    }

    /// Asks to leave a room.
    pub fn part(&mut self, room: &RoomRef, out: &mut Vec<u8>) -> u64 {
        self.command(&Command::Part(room.clone()), out)
    }

    /// Asks for the newest `count` messages of a room.
    pub fn history(&mut self, room: &RoomRef, count: u32, out: &mut Vec<u8>) -> u64 {
        self.command(&Command::BcContext { room: room.clone(), count }, out)
    }

    /// Posts a text of `bytes` bytes that carries the post's mark; which post it is.
    pub fn post(&mut self, room: &RoomRef, bytes: usize, out: &mut Vec<u8>) -> PostId {
        self.post_seq += 1;
        let post = PostId { client: self.config.number, seq: self.post_seq };
        self.post_as(post, room, &post.text(bytes), out);
        post
    }

    /// Posts any text under a number of the caller's choice, which is not put into the text.
    pub fn post_as(&mut self, post: PostId, room: &RoomRef, text: &str, out: &mut Vec<u8>) {
        assert!(self.is_open(), "posts need an open dialog");
        self.envid += 1;
        let document = Post {
            room: room.clone(),
            author: self.config.user_uri(),
            ts: Some(POST_TIME.to_owned()),
            alert: false,
            chat: text.to_owned(),
            rtf: None,
        };
        let mut body = Vec::with_capacity(text.len() + 384);
        encode_post(&mut body, self.envid, &document);
        let dialog = self.dialog.as_mut().expect("an open client has a dialog");
        let cseq = dialog.info(&body, out);
        self.asked.push_back((cseq, Asked::Post(post)));
    }

    /// Sends an INFO with any body, as a broken client may. Its answer is not reported unless it
    /// ends the dialog.
    pub fn raw_info(&mut self, body: &[u8], out: &mut Vec<u8>) {
        assert!(self.is_open(), "an INFO needs an open dialog");
        self.dialog.as_mut().expect("an open client has a dialog").info(body, out);
    }

    /// Refreshes the session timer (`xccos.md` §1.6).
    pub fn update(&mut self, out: &mut Vec<u8>) {
        assert!(self.is_open(), "UPDATE needs an open dialog");
        let dialog = self.dialog.as_mut().expect("an open client has a dialog");
        let cseq = dialog.bare("UPDATE", out);
        self.asked.push_back((cseq, Asked::Update));
    }

    /// Ends the open dialog. Deliveries that cross the BYE are still answered and reported.
    pub fn bye(&mut self, out: &mut Vec<u8>) {
        assert!(self.is_open(), "BYE needs an open dialog");
        let dialog = self.dialog.as_mut().expect("an open client has a dialog");
        let cseq = dialog.bare("BYE", out);
        self.asked.push_back((cseq, Asked::Bye));
        self.state = State::Closing;
    }

    /// Tells the client that its link is gone, whatever it was doing.
    pub fn link_lost(&mut self, events: &mut dyn FnMut(ClientEvent<'_>)) {
        if !self.is_idle() {
            self.end(events);
            events(ClientEvent::Gone { reason: EndReason::LinkLost });
        }
    }

    /// Forgets everything of the present attempt and says which posts stay without outcome.
    fn end(&mut self, events: &mut dyn FnMut(ClientEvent<'_>)) {
        self.state = State::Idle;
        self.dialog = None;
        self.outside = None;
        self.replies_due.clear();
        self.held.clear();
        for (_, asked) in self.asked.drain(..) {
            if let Asked::Post(post) = asked {
                events(ClientEvent::Unanswered { post });
            }
        }
    }

    /// From now on, keeps the answers to the server's requests back (`true`), or gives later ones
    /// at once (`false`; those held stay held until [`Client::release_answers`]).
    pub fn hold_answers(&mut self, hold: bool) {
        self.is_holding = hold;
    }

    /// Answers held back.
    pub fn held_answers(&self) -> usize {
        self.held.len()
    }

    /// Sends up to `count` held answers, oldest first; how many were sent.
    pub fn release_answers(&mut self, count: usize, out: &mut Vec<u8>) -> usize {
        let count = count.min(self.held.len());
        self.held.drain(..count).for_each(|answer| out.extend_from_slice(&answer));
        count
    }

    /// Answers the server's INFOs of the dialog with `status` from now on (200 at first): 487 is
    /// what SIPE says to a dialog it no longer wants. Refused bodies are not reported.
    pub fn answer_with(&mut self, status: u16) {
        self.answer_status = status;
    }
}
