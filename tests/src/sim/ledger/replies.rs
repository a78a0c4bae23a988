//! What replies and notices say: rosters, and where history meets the live messages.

use super::{Asked, Ledger, Roles, Seat};
use parlance_loadgen::{PostId, RoomId};
use parlance_wire::xccos::{Found, Notice, Participant, Reply, ReplyData, RoomInfo};
use std::collections::BTreeMap;

impl Ledger {
    pub(super) fn noticed(&mut self, client: usize, notice: &Notice) {
        let (uri, joins, parts) = match notice {
            Notice::Join { domain, room, users } => {
                let joins: Vec<&Participant> = users.iter().collect();
                (parlance_wire::xccos::room_uri(domain, *room), joins, Vec::new())
            }
            Notice::Part { room_uri, users } => {
                (room_uri.clone(), Vec::new(), users.iter().map(String::as_str).collect())
            }
            Notice::RoomChanged(_)
            | Notice::Permissions { .. }
            | Notice::Kick { .. }
            | Notice::Invite(_) => return self.noticed_act(client, notice),
            Notice::Other { name } => return self.violate(format!("notice {name}")),
        };
        let Some(room) = self.room(&uri) else { return };
        if parts == [self.desks[client].uri.as_str()] {
            return self.expelled(client, room);
        }
        let has_session = self.session(client).is_some();
        let mut wrong = Vec::new();
        match self.seat(client, room) {
            Some((_, Seat { known: Some(known), .. })) => {
                for user in &joins {
                    if known.insert(user.uri.clone(), Roles::from(*user)).is_some() {
                        wrong.push(user.uri.as_str());
                    }
                }
                wrong.extend(parts.iter().filter(|user| known.remove(**user).is_none()));
            }
            None if has_session => wrong.push("anybody: not in the room"),
            _ => {}
        }
        let wrong = wrong.into_iter().map(|user| format!("surprising notice of {user}")).collect();
        self.complain(client, room, wrong);
        self.marks.add("notice_join", joins.len() as u64);
        self.marks.add("notice_part", parts.len() as u64);
    }

    /// What administration did: told to those who are in the room, or who were a moment ago.
    fn noticed_act(&mut self, client: usize, notice: &Notice) {
        let (name, uri, may_be_out) = match notice {
            Notice::RoomChanged(room) => ("chanmodify", room.uri.clone(), room.disabled),
            Notice::Permissions { domain, room, .. } => {
                ("permmodify", parlance_wire::xccos::room_uri(domain, *room), false)
            }
            Notice::Kick { room_uri, users } => {
                let is_self = *users == [self.desks[client].uri.clone()];
                ("kick", room_uri.clone(), is_self)
            }
            Notice::Invite(invitation) => ("invite", invitation.room.uri.clone(), true),
            _ => unreachable!("the caller looked"),
        };
        self.marks.hit(&format!("notice_{name}"));
        let Some(room) = self.room(&uri) else { return };
        let has_session = self.session(client).is_some();
        let seat = self.seat(client, room);
        let is_out = seat.is_none();
        if let Some((_, Seat { known: Some(known), .. })) = seat
            && let Notice::Permissions { users, .. } = notice
        {
            for user in users {
                known.entry(user.uri.clone()).and_modify(|roles| *roles = Roles::from(user));
            }
        }
        if has_session && !may_be_out && is_out {
            self.violate(format!("client {client}: ntc:{name} of room {room}, and not in it"));
        }
    }

    pub(super) fn replied(
        &mut self,
        client: usize,
        envid: Option<u64>,
        name: &str,
        code: u16,
        reply: &Reply,
    ) {
        let asked = envid.and_then(|envid| self.asked.remove(&(client, envid)));
        let Some((asked_at, asked)) = asked else {
            if let Some(session) = self.desks[client].session.as_mut().filter(|s| s.strays > 0) {
                session.strays -= 1;
                return;
            }
            return self.violate(format!("client {client}: rpl:{name} to nothing"));
        };
        self.marks.hit(&format!("reply_{name}_{code}"));
        let older = (client, 0)..(client, envid.unwrap_or_default());
        if let Some(((_, older), _)) = self.asked.range(older).next() {
            self.violate(format!("client {client}: {name} {envid:?} answered before {older}"));
        }
        if let (Asked::Part(room), Some(session)) = (asked, &mut self.desks[client].session) {
            *session.parting.entry(room).or_default() -= 1;
        }
        match &reply.data {
            // The list of a large room is a look at it: no notices follow.
            ReplyData::Joined { .. } if name == "getparticipants" => {}
            ReplyData::Joined { users, rooms, .. } if code == 200 => {
                rooms.iter().for_each(|(room, who)| self.joined(client, room, users, who));
            }
            ReplyData::Parted { room_uri } if code == 200 => {
                let Some(room) = self.room(room_uri) else { return };
                let Some(session) = self.desks[client].session.as_mut() else { return };
                session.seats.remove(&room);
                session.maybe.remove(&room);
                self.checker.parted(session.id, RoomId(room as u32));
            }
            ReplyData::History { room_uri, messages } if code == 200 => {
                let shows = !messages.is_empty();
                if shows && self.is_denied(client, room_uri, asked_at, self.now) {
                    self.violate(format!("client {client}: history of {room_uri}, denied"));
                }
                self.history(client, asked, asked_at, reply);
            }
            ReplyData::Found(found) if code == 200 => {
                let shown = found.rooms.iter().filter(|room| !room.messages.is_empty());
                let shown: Vec<&str> = shown.map(|room| room.room_uri.as_str()).collect();
                for uri in shown {
                    if self.is_denied(client, uri, asked_at, self.now) {
                        self.violate(format!("client {client}: found in {uri}, denied"));
                    }
                }
                self.found(client, asked, asked_at, found);
            }
            _ => {}
        }
    }

    /// The client's user may not be in the room any more.
    fn expelled(&mut self, client: usize, room: usize) {
        self.marks.hit("told_expelled");
        let has_walls = self.has_walls;
        let Some(session) = self.desks[client].session.as_mut() else { return };
        session.seats.remove(&room);
        session.maybe.remove(&room);
        self.checker.parted(session.id, RoomId(room as u32));
        if !has_walls {
            self.violate(format!("client {client} is taken out of room {room}"));
        }
    }

    fn joined(&mut self, client: usize, room: &RoomInfo, users: &[Participant], who: &[u32]) {
        let Some(room) = self.room(&room.uri) else { return };
        let shown = who.iter().map(|index| &users[*index as usize]);
        let known: BTreeMap<String, Roles> =
            shown.map(|user| (user.uri.clone(), Roles::from(user))).collect();
        self.note_joined(client, room, known.is_empty());
        let desk = &mut self.desks[client];
        let Some(session) = desk.session.as_mut() else { return };
        session.maybe.remove(&room);
        self.checker.session_joined(session.id, RoomId(room as u32));
        let seat = session.seats.entry(room).or_default();
        let has_self = known.contains_key(&desk.uri);
        seat.known = (!known.is_empty()).then_some(known);
        if seat.known.is_some() && !has_self {
            self.violate(format!("client {client} is not in the roster of room {room}"));
        }
    }

    /// Coverage of the roster's ways.
    fn note_joined(&mut self, client: usize, room: usize, is_large: bool) {
        self.marks.hit(if is_large { "joined_large" } else { "joined" });
        if std::mem::replace(&mut self.large[room], is_large) != is_large {
            self.marks.hit(if is_large { "became_large" } else { "became_small" });
        }
        let desk = &self.desks[client];
        let is_back = desk.lost_at.is_some_and(|at| self.now < at + self.grace_us);
        let is_still_known = self.desks.iter().any(|other| {
            let seat = other.session.as_ref().and_then(|session| session.seats.get(&room));
            let known = seat.and_then(|seat| seat.known.as_ref());
            other.uri != desk.uri && known.is_some_and(|known| known.contains_key(&desk.uri))
        });
        if is_back && is_still_known {
            self.marks.hit("back_within_grace");
        }
    }

    fn history(&mut self, client: usize, asked: Asked, asked_at: u64, reply: &Reply) {
        let ReplyData::History { room_uri, messages } = &reply.data else { return };
        let Asked::History(room, count, is_at_rest) = asked else {
            return self.violate("history that nobody asked for".to_owned());
        };
        if messages.is_empty() && self.may_be_off(room_uri, asked_at) {
            return self.marks.hit("history_off");
        }
        let mut wrong = Vec::new();
        if self.room(room_uri) != Some(room) || messages.len() > count as usize {
            wrong.push(format!("{} messages of {count}, {room_uri}", messages.len()));
        }
        if messages.windows(2).any(|pair| pair[0].ts > pair[1].ts) {
            wrong.push("times in history go back".to_owned());
        }
        let marks: Vec<_> = messages.iter().map(|m| (m.chat_id, PostId::parse(&m.chat))).collect();
        for message in messages {
            wrong.extend(self.unlike_log(room, message.chat_id, PostId::parse(&message.chat)));
        }
        wrong.extend(self.shown_silent(room, &marks));
        let first = marks.first().map_or(1, |(first, _)| *first);
        let all = self.with_silent(room, first, &marks, is_at_rest);
        if is_at_rest {
            self.checker.history_read_at_rest(RoomId(room as u32), &all);
        } else {
            self.checker.history_read(RoomId(room as u32), &all);
        }
        let next = marks.last().map_or(1, |(last, _)| last + 1);
        let kept = next as usize - 1 - self.silent(room, 0, next).count();
        let most = (count as usize).min(self.history_max).min(kept);
        if marks.len() != most {
            wrong.push(format!("{} messages up to {next}, expected {most}", marks.len()));
        }
        // Who asked to leave gets nothing live any more, but what was asked before is answered.
        let session = self.session(client).filter(|session| !session.is_parting(room));
        let seat = session.and_then(|session| session.seats.get(&room)).filter(|_| count > 0);
        if let Some(expected) = seat.map(|seat| seat.next) {
            let heard = |next| self.heard(room, next);
            if expected.is_some_and(|expected| heard(expected) != heard(next)) {
                wrong.push(format!("history up to {next}, live up to {expected:?}"));
            }
            let session = self.desks[client].session.as_mut().expect("looked at");
            let seat = session.seats.get_mut(&room).expect("looked at");
            seat.next = seat.next.max(Some(next));
        }
        self.complain(client, room, wrong);
    }

    /// A page of a room's history: no hole, and nothing is missing that the client has been told.
    fn found(&mut self, client: usize, asked: Asked, asked_at: u64, found: &Found) {
        let Asked::Search { room, start, next, is_at_rest } = asked else {
            return self.violate("a search that nobody made".to_owned());
        };
        let [only] = &*found.rooms else {
            return self.violate(format!("{} rooms of one", found.rooms.len()));
        };
        if only.messages.is_empty() && self.may_be_off(&only.room_uri, asked_at) {
            return self.marks.hit("history_off");
        }
        let shown: Vec<_> =
            only.messages.iter().map(|m| (m.chat_id, PostId::parse(&m.chat))).collect();
        let mut wrong = self.shown_silent(room, &shown);
        let marks = self.with_silent(room, start, &shown, !found.is_exceeded);
        for (number, (found, post)) in (start..).zip(&marks) {
            if *found != number {
                wrong.push(format!("found {found} where {number} should be"));
            }
            wrong.extend(self.unlike_log(room, *found, *post));
        }
        let end = start + marks.len() as u64;
        if !found.is_exceeded && end < next {
            wrong.push(format!("found up to {end}, told up to {next}"));
        }
        if found.is_exceeded && marks.is_empty() {
            wrong.push("an empty page, and more to come".to_owned());
        }
        if found.is_exceeded {
            self.marks.hit("search_exceeded");
        }
        self.pages.entry(room).or_default().extend(&marks);
        if is_at_rest && !found.is_exceeded {
            let whole = self.pages.remove(&room).unwrap_or_default();
            self.checker.history_read_at_rest(RoomId(room as u32), &whole);
            self.marks.hit("read_whole");
        } else if !is_at_rest {
            self.pages.remove(&room);
        }
        self.complain(client, room, wrong);
    }
}
