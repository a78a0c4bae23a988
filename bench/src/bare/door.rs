//! Signing in at the bare limit: as little SIP and XCCOS as clients need to be in the room.
//!
//! Nothing here runs while deliveries are measured, except that the author's posts are found.

use super::fan::{Fan, Session};
use crate::Outcome;
use parlance_wire::sip::stamp::info_rest;
use parlance_wire::sip::{Frame, Framer, Message, Method, Response, Stamp, StampFields, StartLine};
use parlance_wire::xccos::{
    Command, CommandId, Delivery, FromClient, Post, Reply, ReplyData, ResponseCode, RoomInfo,
    RoomRef, Timestamp, decode_client, encode_delivery, encode_replies,
};
use std::collections::HashMap;
use std::net::SocketAddr;

/// The author's link is the first.
const AUTHOR: usize = 0;
/// Documents have numbers of 19 digits, as the broker's.
const ENVID: u64 = 1 << 62;
/// Any moment: the text is of one length.
const TS: i64 = 638_000_000_000_000_000;

/// See the module's text.
#[derive(Debug, Default)]
pub struct Door {
    links: Vec<Visitor>,
    posts: u64,
    branches: u64,
}

/// What is known of a link while it signs in.
#[derive(Debug)]
struct Visitor {
    local: SocketAddr,
    framer: Framer,
    rest: Vec<u8>,
    /// Call-ID to the session's place on the link.
    places: HashMap<String, usize>,
}

impl Door {
    /// A link came up; tokens are given in order.
    pub fn add(&mut self, local: SocketAddr) {
        let (framer, rest, places) = (Framer::default(), Vec::new(), HashMap::new());
        self.links.push(Visitor { local, framer, rest, places });
    }

    /// What this link says is to be read: it may still be signing in, or be the author's.
    pub fn is_watching(&self, token: usize) -> bool {
        token == AUTHOR || self.posts == 0
    }

    /// Reads what a link said.
    pub fn read(&mut self, token: usize, bytes: &[u8], fan: &mut Fan) -> Outcome<()> {
        let mut rest = std::mem::take(&mut self.links[token].rest);
        rest.extend_from_slice(bytes);
        let mut used = 0;
        while let Some(frame) =
            self.links[token].framer.next(&rest[used..]).map_err(|e| format!("{e:?}"))?
        {
            match frame {
                Frame::KeepAlive { len } => used += len,
                Frame::Message { head_len, len } => {
                    let bytes = &rest[used..used + len];
                    let message = Message::parse(bytes, head_len).map_err(|e| e.as_str())?;
                    self.on_message(token, &message, fan)?;
                    used += len;
                }
            }
        }
        rest.drain(..used);
        self.links[token].rest = rest;
        Ok(())
    }

    fn on_message(&mut self, token: usize, message: &Message<'_>, fan: &mut Fan) -> Outcome<()> {
        match message.start() {
            StartLine::Request { method: Method::Invite, .. } => self.invite(token, message, fan),
            StartLine::Request { method: Method::Info, .. } => self.info(token, message, fan),
            _ => Ok(()),
        }
    }

    fn invite(&mut self, token: usize, message: &Message<'_>, fan: &mut Fan) -> Outcome<()> {
        self.branches += 1;
        let visitor = &mut self.links[token];
        let sent_by = visitor.local.to_string();
        let tag = format!("{:048x}", u128::MAX - u128::from(self.branches));
        let (from, to) = (message.from(), message.to());
        let stamp = Stamp::new(&StampFields {
            target: message.contact().ok_or("an INVITE without Contact")?.uri,
            transport: "TCP",
            sent_by: &sent_by,
            branch_key: self.branches,
            from: &format!("<{}>;tag={tag}", to.uri),
            to: &format!(
                "<{}>;tag={};epid={}",
                from.uri,
                from.tag().unwrap_or_default(),
                from.epid().unwrap_or_default()
            ),
            call_id: message.call_id(),
            routes: &[],
        });
        let sessions = fan.sessions(token);
        visitor.places.insert(message.call_id().to_owned(), sessions.len());
        sessions.push(Session { stamp, cseq: 0 });
        fan.say(token, |out| {
            let contact = format!("<sip:{sent_by};transport=tcp>");
            Response::to(message, out, 200, Some(&tag)).header("Contact", contact).empty();
        });
        Ok(())
    }

    fn info(&mut self, token: usize, message: &Message<'_>, fan: &mut Fan) -> Outcome<()> {
        fan.say(token, |out| Response::to(message, out, 200, None).empty());
        match decode_client(message.body()).map_err(|e| e.as_str())? {
            FromClient::Commands(commands) => {
                let place = self.links[token].places[message.call_id()];
                for (to, command) in &commands {
                    let Command::Join(room) = command else { return Err("not a join".into()) };
                    let body = joined(to.clone(), command, room);
                    let session = &mut fan.sessions(token)[place];
                    session.cseq += 1;
                    let mut info = Vec::new();
                    session.stamp.write_info(&mut info, session.cseq, &body);
                    fan.say(token, |out| out.extend_from_slice(&info));
                }
            }
            FromClient::Post(post) => {
                self.posts += 1;
                fan.post(delivery(&post, self.posts));
            }
        }
        Ok(())
    }
}

fn joined(to: CommandId, command: &Command, room: &RoomRef) -> Vec<u8> {
    let info = RoomInfo { logged: true, ..RoomInfo::new(uri(room), "Room".to_owned()) };
    let data = ReplyData::Joined {
        users: Vec::new(),
        rooms: vec![(info, Vec::new())],
        failed: Vec::new(),
    };
    let name = command.reply_name().to_owned();
    let reply = Reply { name, to, code: ResponseCode::Success, data };
    let mut body = Vec::new();
    encode_replies(&mut body, ENVID, &[reply]);
    body
}

/// What the INFOs with the post have in common.
fn delivery(post: &Post, number: u64) -> Vec<u8> {
    let user = post.author.trim_start_matches("sip:").split('@').next().unwrap_or_default();
    let delivery = Delivery {
        room_uri: uri(&post.room),
        author: post.author.clone(),
        author_name: user.to_owned(),
        ts: Timestamp(TS),
        alert: false,
        chat_id: number,
        chat: post.chat.clone(),
        rtf: None,
    };
    let write = |out: &mut Vec<u8>| encode_delivery(out, ENVID + number, &delivery);
    info_rest(&mut Vec::new(), write).to_vec()
}

fn uri(room: &RoomRef) -> String {
    format!("ma-chan://{}/{}", room.domain, room.value)
}
