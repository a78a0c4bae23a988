//! A stand-in for the server on one link, for tests: correct, in memory, without any bound.

use parlance_wire::sip::{Frame, Framer, Message, Method, Response, Stamp, StampFields, StartLine};
use parlance_wire::xccos::*;
use std::collections::HashMap;

/// A dialog the fake has accepted.
struct FakeDialog {
    user: String,
    stamp: Stamp,
    cseq: u32,
    rooms: Vec<String>,
}

#[derive(Default)]
pub(crate) struct FakeServer {
    dialogs: Vec<(String, FakeDialog)>,
    log: HashMap<String, Vec<Delivery>>,
    /// `METHOD` of each request and status of each response that came, in order.
    pub(crate) seen: Vec<String>,
    /// Call-ID of each INFO answered with 200.
    pub(crate) answered: Vec<String>,
    /// Answer requests of this method with this status.
    pub(crate) refuse: Option<(&'static str, u16)>,
    /// Rooms that cannot be joined.
    pub(crate) closed: Vec<String>,
    /// Message of each room that its last member is not shown.
    pub(crate) lose: Option<u64>,
}

impl FakeServer {
    /// Reads everything the clients sent and writes everything they get.
    pub(crate) fn turn(&mut self, bytes: &mut Vec<u8>, out: &mut Vec<u8>) {
        let taken = std::mem::take(bytes);
        let (mut framer, mut rest) = (Framer::default(), &taken[..]);
        while let Some(frame) = framer.next(rest).expect("clients frame well") {
            let Frame::Message { head_len, len } = frame else { panic!("no keep-alives here") };
            let message = Message::parse(&rest[..len], head_len).expect("clients write well");
            self.on_message(&message, out);
            rest = &rest[len..];
        }
        assert!(rest.is_empty(), "clients send whole messages");
    }

    fn on_message(&mut self, message: &Message<'_>, out: &mut Vec<u8>) {
        let method = match message.start() {
            StartLine::Response { status, .. } => {
                self.seen.push(status.to_string());
                return self.answered.push(message.call_id().to_owned());
            }
            StartLine::Request { method, .. } => method,
        };
        self.seen.push(method.as_str().to_owned());
        if let Some((_, status)) = self.refuse.filter(|(refused, _)| *refused == method.as_str()) {
            return Response::to(message, out, status, Some("f")).empty();
        }
        match method {
            Method::Ack => {}
            Method::Invite => self.on_invite(message, out),
            Method::Info => self.on_info(message, out),
            Method::Bye => {
                Response::to(message, out, 200, None).empty();
                self.dialogs.retain(|(call_id, _)| call_id != message.call_id());
            }
            _ => Response::to(message, out, 200, Some("f")).empty(),
        }
    }

    fn on_invite(&mut self, message: &Message<'_>, out: &mut Vec<u8>) {
        Response::to(message, out, 100, None).empty();
        Response::to(message, out, 200, Some("fake"))
            .header("Contact", "<sip:127.0.0.1:5060;transport=tcp>")
            .header("Record-Route", "<sip:edge;lr>, <sip:core;lr>")
            .header("Session-Expires", "600;refresher=uac")
            .empty();
        let (from, to) = (message.from(), message.to());
        let epid = from.epid().expect("clients have an epid");
        let stamp = Stamp::new(&StampFields {
            target: message.contact().expect("clients give a Contact").uri,
            transport: "TCP",
            sent_by: "127.0.0.1:5060",
            branch_key: self.dialogs.len() as u64,
            from: &format!("<{}>;tag=fake", to.uri),
            to: &format!("<{}>;tag={};epid={epid}", from.uri, from.tag().expect("tag")),
            call_id: message.call_id(),
            routes: &[],
        });
        let dialog = FakeDialog { user: from.uri.to_owned(), stamp, cseq: 0, rooms: Vec::new() };
        self.dialogs.push((message.call_id().to_owned(), dialog));
    }

    fn on_info(&mut self, message: &Message<'_>, out: &mut Vec<u8>) {
        let found = self.dialogs.iter().position(|(call_id, _)| call_id == message.call_id());
        let Some(at) = found else {
            return Response::to(message, out, 481, None).empty();
        };
        assert_eq!(message.header(parlance_wire::sip::HeaderName::Route), Some("<sip:core;lr>"));
        match decode_client(message.body()).expect("clients write documents") {
            FromClient::Commands(commands) => {
                Response::to(message, out, 200, None).empty();
                for (to, command) in commands {
                    let data = self.perform(at, &command);
                    let code = ResponseCode::Success;
                    let reply = Reply { name: command.reply_name().to_owned(), to, code, data };
                    self.send(at, out, |body| encode_replies(body, 1, &[reply]));
                }
            }
            FromClient::Post(post) => {
                let uri = format!("ma-chan://{}/{}", post.room.domain, post.room.value);
                let is_joined = self.dialogs[at].1.rooms.contains(&uri);
                let status = if is_joined { 200 } else { 403 };
                Response::to(message, out, status, None).empty();
                if is_joined {
                    self.deliver(uri, &post, out);
                }
            }
        }
    }

    fn perform(&mut self, at: usize, command: &Command) -> ReplyData {
        let uri = |room: &RoomRef| format!("ma-chan://{}/{}", room.domain, room.value);
        match command {
            Command::ReqUri => ReplyData::ReqUri { uri: "sip:chat@example.test".to_owned() },
            Command::Join(room) => self.join(at, std::slice::from_ref(room)),
            Command::BJoin(rooms) => self.join(at, rooms),
            Command::Part(room) => {
                self.dialogs[at].1.rooms.retain(|joined| *joined != uri(room));
                ReplyData::Parted { room_uri: uri(room) }
            }
            Command::BcContext { room, count } => {
                let log = self.log.entry(uri(room)).or_default();
                let start = log.len().saturating_sub(*count as usize);
                ReplyData::History { room_uri: uri(room), messages: log[start..].to_vec() }
            }
            Command::BcByDate(search) => self.search(search),
            _ => ReplyData::Empty,
        }
    }

    /// By number alone, and forwards.
    fn search(&mut self, search: &HistorySearch) -> ReplyData {
        let mut found = Found::default();
        for room in &search.rooms {
            let room_uri = format!("ma-chan://{}/{}", room.domain, room.value);
            let log = self.log.entry(room_uri.clone()).or_default();
            let start = search.start.unwrap_or_default();
            let all = log.iter().filter(|message| message.chat_id >= start);
            let count_max = search.count_max.map_or(usize::MAX, |count| count as usize);
            found.is_exceeded |= all.clone().count() > count_max;
            let messages = all.take(count_max).cloned().collect();
            found.rooms.push(FoundInRoom { room_uri, messages });
        }
        ReplyData::Found(found)
    }

    fn join(&mut self, at: usize, rooms: &[RoomRef]) -> ReplyData {
        let (mut joined, mut failed) = (Vec::new(), Vec::new());
        let dialog = &mut self.dialogs[at].1;
        for room in rooms {
            let uri = format!("ma-chan://{}/{}", room.domain, room.value);
            if self.closed.contains(&uri) {
                let (domain, value) = (room.domain.to_string(), room.value.to_string());
                failed.push(Failure { domain, value });
                continue;
            }
            dialog.rooms.push(uri.clone());
            joined.push((room_info(uri), vec![0]));
        }
        let uri = dialog.user.clone();
        let users = vec![Participant {
            uri,
            name: "Name".to_owned(),
            is_operator: false,
            is_presenter: false,
        }];
        ReplyData::Joined { users, rooms: joined, failed }
    }

    fn deliver(&mut self, room_uri: String, post: &Post, out: &mut Vec<u8>) {
        let log = self.log.entry(room_uri.clone()).or_default();
        let delivery = Delivery {
            room_uri: room_uri.clone(),
            author: post.author.clone(),
            author_name: "Somebody & co".to_owned(),
            ts: Timestamp(0),
            alert: false,
            chat_id: log.len() as u64 + 1,
            chat: post.chat.clone(),
            rtf: None,
        };
        log.push(delivery.clone());
        let is_in = |at: &usize| self.dialogs[*at].1.rooms.contains(&room_uri);
        let mut members: Vec<usize> = (0..self.dialogs.len()).filter(is_in).collect();
        if self.lose == Some(delivery.chat_id) {
            members.pop();
        }
        for at in members {
            self.send(at, out, |body| encode_delivery(body, 1, &delivery));
        }
    }

    fn send(&mut self, at: usize, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut body = Vec::new();
        write(&mut body);
        let dialog = &mut self.dialogs[at].1;
        dialog.cseq += 1;
        dialog.stamp.write_info(out, dialog.cseq, &body);
    }

    /// Sends a BYE in every dialog and forgets them.
    pub(crate) fn hang_up(&mut self, out: &mut Vec<u8>) {
        for (_, dialog) in self.dialogs.drain(..) {
            dialog.stamp.write_bare(out, "BYE", dialog.cseq + 1);
        }
    }

    /// Forgets every dialog without a word, as a server that was started anew.
    pub(crate) fn restart(&mut self) {
        self.dialogs.clear();
    }

    /// Texts of a room in its order.
    pub(crate) fn texts(&self, room_uri: &str) -> Vec<&str> {
        let log = self.log.get(room_uri).map(Vec::as_slice).unwrap_or_default();
        log.iter().map(|delivery| delivery.chat.as_str()).collect()
    }
}

fn room_info(uri: String) -> RoomInfo {
    RoomInfo { participants: Some(1), logged: true, ..RoomInfo::new(uri, "Room".to_owned()) }
}
