//! A dialog, asked as a chat client asks.

use super::YES;
use super::organisation::Room;
use parlance_core::admin::Cause;
use parlance_tests::peer::{Dialog, Names};
use parlance_wire::xccos::{
    self, AssociationKind, Command, FromServer, Notice, Post, Reply, ReplyData, ResponseCode,
    RoomSearch,
};
use std::net::SocketAddr;

/// Causes of the tables.
const CAUSES: [Cause; 3] =
    [Cause::ErrorPermission, Cause::NoSuchNode, Cause::NodeHierarchyViolation];

/// How a reply is called in the tables.
pub fn verdict(code: ResponseCode) -> String {
    let cause = CAUSES.into_iter().find(|cause| cause.response_code() == code);
    match (code, cause) {
        (ResponseCode::Success, _) => YES.to_owned(),
        (_, Some(cause)) => cause.as_str().to_owned(),
        (_, None) => format!("{code:?}"),
    }
}

/// A user's dialog.
pub struct Chat {
    dialog: Dialog,
    envid: u64,
}

impl Chat {
    /// `None` for a user whom the service is not for.
    pub fn open(address: SocketAddr, user: &str) -> Option<Chat> {
        match Dialog::invite(address, Names::fresh(user)) {
            Ok(dialog) => Some(Chat { dialog, envid: 0 }),
            Err(status) => {
                assert_eq!(status, 403, "{user}");
                None
            }
        }
    }

    /// The reply to a command. Whatever else comes before it is passed over.
    pub fn ask(&mut self, command: &Command) -> Reply {
        self.envid += 1;
        let mut body = Vec::new();
        xccos::encode_command(&mut body, self.envid, command);
        assert_eq!(self.dialog.info(&body), 200, "{command:?}");
        let envid = self.envid.to_string();
        loop {
            if let FromServer::Replies(replies) = self.told()
                && let Some(reply) = replies.into_iter().find(|r| r.to.envid.as_str() == envid)
            {
                return reply;
            }
        }
    }

    fn told(&mut self) -> FromServer {
        xccos::decode_server(&self.dialog.told()).expect("what the server writes can be read")
    }

    fn succeeds(&mut self, command: &Command) -> bool {
        self.ask(command).code == ResponseCode::Success
    }

    /// Says something; whether that was accepted.
    pub fn post(&mut self, room: &Room) -> bool {
        let post = Post {
            room: room.reference(),
            author: self.dialog.names.uri(),
            ts: None,
            alert: false,
            chat: "said".to_owned(),
            rtf: None,
        };
        self.envid += 1;
        let mut body = Vec::new();
        xccos::encode_post(&mut body, self.envid, &post);
        match self.dialog.info(&body) {
            200 => true,
            status => {
                assert_eq!(status, 403, "a post in {}", room.name);
                false
            }
        }
    }

    pub fn join(&mut self, room: &Room) -> bool {
        self.succeeds(&Command::Join(room.reference()))
    }

    /// What was said in a room; `None` if that may not be read.
    pub fn history(&mut self, room: &Room) -> Option<usize> {
        let reply = self.ask(&Command::BcContext { room: room.reference(), count: 9 });
        match (reply.code, reply.data) {
            (ResponseCode::Success, ReplyData::History { messages, .. }) => Some(messages.len()),
            (ResponseCode::Success, data) => panic!("no history: {data:?}"),
            _ => None,
        }
    }

    /// Is the room found by its name?
    pub fn finds(&mut self, room: &Room) -> bool {
        let criteria = room.name.clone();
        let search = RoomSearch { criteria, ..RoomSearch::default() };
        self.lists(&Command::ChanSrch(search), room)
    }

    /// Is the room among those that one manages?
    pub fn manages(&mut self, room: &Room) -> bool {
        let (kind, results_max) = (AssociationKind::Manager, None);
        self.lists(&Command::GetAssociations { kind, results_max }, room)
    }

    fn lists(&mut self, command: &Command, room: &Room) -> bool {
        match self.ask(command).data {
            ReplyData::Rooms(rooms) => rooms.iter().any(|info| info.uri == room.uri),
            other => panic!("no rooms: {other:?}"),
        }
    }

    /// Is its card shown?
    pub fn sees(&mut self, room: &Room) -> bool {
        self.succeeds(&Command::ChanInfo { room: Some(room.reference()), name: None })
    }

    /// The bits of what may be done there; none where the room is not even seen.
    pub fn permissions(&mut self, room: &Room) -> u32 {
        match self.ask(&Command::GetPermissions(room.reference())).data {
            ReplyData::Permissions { key, .. } => key,
            _ => 0,
        }
    }

    /// Waits until the server tells that the user is taken out of the room.
    pub fn until_kicked(&mut self, room: &Room) {
        let user = self.dialog.names.uri();
        self.until(|notice| match notice {
            Notice::Kick { room_uri, users } => *room_uri == room.uri && users.contains(&user),
            _ => false,
        });
    }

    /// Waits until the server tells those in the room that it has this description.
    pub fn until_described(&mut self, room: &Room, description: &str) {
        self.until(|notice| match notice {
            Notice::RoomChanged(info) => info.uri == room.uri && info.description == description,
            _ => false,
        });
    }

    fn until(&mut self, is_it: impl Fn(&Notice) -> bool) {
        loop {
            if let FromServer::Notices(notices) = self.told()
                && notices.iter().any(&is_it)
            {
                return;
            }
        }
    }
}
