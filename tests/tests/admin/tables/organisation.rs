//! A server, its people, and everybody's way to it.
//!
//! Principals have short names: `kay` is a user, `g:crew` a group, `o:yard` an organisational unit,
//! `d:` the domain. `admin` is an administrator, and no user.

use super::YES;
use super::chat::{Chat, verdict};
use crate::http::{Answer, Api};
use parlance_core::Directory;
use parlance_tests::server::{self, DOMAIN, Options, Server};
use parlance_tests::tool::{Said, tool};
use parlance_wire::xccos::{Command, Guid, RoomRef};
use serde_json::{Value, json};
use std::collections::HashMap;

pub const ADMIN: &str = "admin";

pub fn uri(name: &str) -> String {
    match name.split_once(':') {
        Some(("g", group)) => format!("ma-grp:{group}@u.g"),
        Some(("o", folder)) => format!("ma-fld:{folder}@u.f"),
        Some(_) => format!("ma-dom:{DOMAIN}"),
        None => format!("sip:{name}@{DOMAIN}"),
    }
}

pub fn uris(names: &[&str]) -> Value {
    names.iter().map(|name| uri(name)).collect()
}

/// A room, as all surfaces name it.
#[derive(Debug, Clone)]
pub struct Room {
    pub name: String,
    pub id: String,
    pub uri: String,
}

impl Room {
    pub fn reference(&self) -> RoomRef {
        RoomRef::parse(&self.uri).expect("a room's URI")
    }

    pub fn path(&self) -> String {
        format!("/rooms/{}", self.id)
    }
}

/// By which way somebody asks.
pub type Surface = &'static str;
pub const API: Surface = "the API";
pub const COMMAND: Surface = "a command";
pub const XCCOS: Surface = "XCCOS";
pub const SURFACES: [Surface; 3] = [API, COMMAND, XCCOS];

/// The same act as each surface has it.
pub struct Ask {
    pub method: &'static str,
    pub path: String,
    pub body: Option<Value>,
    pub words: Vec<String>,
    /// `None` where chat has no means for it.
    pub command: Option<Command>,
}

const SHARDS: usize = 2;

pub struct Organisation {
    server: Server,
    /// Whoever has a token, by short name.
    apis: HashMap<String, Api>,
    made: u32,
    /// Of each shard a room, which nobody is in but the observer.
    watched: Vec<Room>,
    observer: Chat,
}

impl Organisation {
    pub fn new() -> Organisation {
        let rooms: Vec<server::Room> = (0..SHARDS).map(room_of_shard).collect();
        let options = Options { shards: SHARDS, rooms: rooms.clone(), ..Options::default() };
        let server = Server::start(&options);
        let apis = HashMap::from([(ADMIN.to_owned(), Api::of(&server))]);
        let room = |room: &server::Room| {
            let (name, id, uri) = (room.name.clone(), room.id.clone(), room.uri());
            Room { name, id, uri }
        };
        let watched: Vec<Room> = rooms.iter().map(room).collect();
        let mut observer = Chat::open(server.sip, "observer").expect("a user of the service");
        assert!(watched.iter().all(|room| observer.join(room)));
        Organisation { server, apis, made: 0, watched, observer }
    }

    /// The API as somebody sees it.
    pub fn api(&self, name: &str) -> &Api {
        &self.apis[name]
    }

    /// Something new, by the API as an administrator.
    pub fn make(&self, path: &str, body: &Value) -> Value {
        let made = self.api(ADMIN).post(path, body);
        assert_eq!(made.status, 201, "{body}: {made:?}");
        made.body["item"].clone()
    }

    /// A change, by the API as an administrator.
    pub fn change(&self, path: &str, body: &Value) {
        let changed = self.api(ADMIN).patch(path, body);
        assert_eq!(changed.status, 200, "{body}: {changed:?}");
    }

    /// All that the database has of what was said, a line for each message behind the first.
    pub fn export(&self) -> String {
        self.server.until_stored();
        tool(self.server.folder(), &["export", "-"]).done()
    }

    /// A name that nothing has yet.
    pub fn fresh(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}{}", self.made)
    }

    /// A principal that stands in others. They are there.
    pub fn principal(&self, name: &str, parents: &[&str]) {
        let kind = match name.split_once(':') {
            Some(("g", _)) => "group",
            Some(_) => "folder",
            None => "user",
        };
        let (uri, parents) = (uri(name), uris(parents));
        self.make("/people", &json!({"kind": kind, "uri": uri, "parents": parents}));
    }

    /// A user who has a token, in the directory or not.
    pub fn holder(&mut self, name: &str) {
        let api = self.api(ADMIN).with_role(name, &format!("user:{}", uri(name)));
        let file = self.server.folder().join(token_file(name));
        std::fs::write(file, &api.token).expect("a file for the token");
        self.apis.insert(name.to_owned(), api);
    }

    /// Users of the domain.
    pub fn users(&mut self, names: &[&str]) {
        for name in names {
            self.principal(name, &["d:"]);
            self.holder(name);
        }
    }

    /// Puts a principal somewhere else, as a synchronisation does.
    pub fn put(&self, name: &str, parents: &[&str]) {
        self.change(&format!("/people/{}", uri(name)), &json!({"parents": uris(parents)}));
    }

    pub fn room(&self, body: &Value) -> Room {
        let made = self.make("/rooms", body);
        let text = |key: &str| made[key].as_str().expect("a room has it").to_owned();
        Room { name: text("name"), id: text("id"), uri: text("uri") }
    }

    /// The identifier of what is at a path.
    pub fn id(&self, path: &str) -> Guid {
        let found = self.api(ADMIN).get(path);
        let id = found.body["id"].as_str().and_then(Guid::parse);
        id.unwrap_or_else(|| panic!("{path}: {found:?}"))
    }

    /// Runs a command of administration: an administrator's on the server's machine, a user's
    /// anywhere, with a token.
    pub fn command(&self, name: &str, words: &[&str]) -> Said {
        let (server, file) = (format!("http://{}", self.server.http), token_file(name));
        let remote = ["--server", &server, "--token-file", &file];
        let way = if name == ADMIN { &[] } else { &remote[..] };
        tool(self.server.folder(), &[&["admin", "--json"], way, words].concat())
    }

    /// A user's dialog, if the service is for them. Whatever was administered is in force in it: an
    /// act is answered a moment before the shards have it.
    pub fn chat(&mut self, name: &str) -> Option<Chat> {
        self.settle();
        Chat::open(self.server.sip, name)
    }

    /// Waits until all shards have what was administered. They take it over in its order, and the
    /// one that owns a room tells of its changes.
    fn settle(&mut self) {
        let description = self.fresh("changed ");
        for room in &self.watched {
            self.change(&room.path(), &json!({"description": description}));
            self.observer.until_described(room, &description);
        }
    }

    /// What comes of an act by a surface; `None` where that has no means for it.
    pub fn verdict(&mut self, name: &str, surface: Surface, ask: &Ask) -> Option<String> {
        match surface {
            API => {
                let answer = self.api(name).ask(ask.method, &ask.path, &[], ask.body.as_ref());
                Some(of_answer(&answer))
            }
            COMMAND => {
                let words: Vec<&str> = ask.words.iter().map(|word| &**word).collect();
                Some(of_said(&self.command(name, &words)))
            }
            _ if name == ADMIN => None,
            _ => {
                let command = ask.command.as_ref()?;
                let mut chat = self.chat(name).expect("a user of the service");
                Some(verdict(chat.ask(command).code))
            }
        }
    }
}

/// A room that this shard owns.
fn room_of_shard(shard: usize) -> server::Room {
    let owner = |room: &server::Room| {
        Directory::owner(Guid::parse(&room.id).expect("a GUID"), SHARDS).0 as usize
    };
    let mut rooms = (1..).map(server::Room::numbered);
    rooms.find(|room| owner(room) == shard).expect("each shard owns some")
}

fn token_file(name: &str) -> String {
    format!("token-{name}")
}

fn of_answer(answer: &Answer) -> String {
    match answer.status {
        200 | 201 => YES.to_owned(),
        _ => cause(&answer.body),
    }
}

fn of_said(said: &Said) -> String {
    match said.code {
        Some(0) => YES.to_owned(),
        _ => {
            let problem = said.err.strip_prefix("parlance: ").map(serde_json::from_str);
            problem.and_then(Result::ok).map_or_else(|| format!("{said:?}"), |it| cause(&it))
        }
    }
}

/// The product's name of why not.
fn cause(problem: &Value) -> String {
    problem["sdk_name"].as_str().map_or_else(|| problem.to_string(), str::to_owned)
}
