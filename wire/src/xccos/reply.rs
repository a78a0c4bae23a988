//! `rpl`: the server's answers (`xccos.md` §2.3).

mod joined;

use super::command::{decode_preference, encode_preference};
use super::document::{name_of, sanitised};
use super::write::Writer;
use super::{
    AddinInfo, CategoryInfo, CommandId, Delivery, DocumentError, EnvId, Failure, Found, Invitation,
    Participant, Preference, PrincipalInfo, ResponseCode, RoomInfo, Timestamp, addin, category,
    code, fields, invitation, permission, post, principal, room, search,
};
use crate::xml::Element;

/// One reply element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Name behind `rpl:`.
    pub name: String,
    /// Which command it answers.
    pub to: CommandId,
    /// Outcome of the whole command.
    pub code: ResponseCode,
    /// `data`, always written, even when empty.
    pub data: ReplyData,
}

/// Content of `data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyData {
    /// `<data />`.
    Empty,
    /// `uib@uri` with the `sip:` scheme.
    ReqUri {
        /// Service URI.
        uri: String,
    },
    /// `sib`.
    ServerInfo(ServerInfo),
    /// join, bjoin, getparticipants: everybody mentioned once, the rooms with who is in them, and
    /// what failed.
    Joined {
        /// `uib` in document order; their `id` is their index.
        users: Vec<Participant>,
        /// `chanib`, each with indexes of `users` that are in it.
        rooms: Vec<(RoomInfo, Vec<u32>)>,
        /// `fib`.
        failed: Vec<Failure>,
    },
    /// part: the room's URI as joined.
    Parted {
        /// `ma-chan://…`.
        room_uri: String,
    },
    /// bccontext: messages, oldest first.
    History {
        /// `ma-chan://…`.
        room_uri: String,
        /// `msg`.
        messages: Vec<Delivery>,
    },
    /// bcbydate.
    Found(Found),
    /// chansrch, getassociations.
    Rooms(Vec<RoomInfo>),
    /// chaninfo, chancreate, chanmodify.
    Room(Box<RoomInfo>),
    /// chandelete.
    Deleted {
        /// `ma-chan://…`.
        room_uri: String,
    },
    /// getpermissions: what the asker may do.
    Permissions {
        /// `ma-chan://…`.
        room_uri: String,
        /// Bits as in [`room::KEY_PARTICIPANT`].
        key: u32,
    },
    /// usersearch.
    Principals {
        /// In the server's order.
        principals: Vec<PrincipalInfo>,
        /// There are more than are shown.
        more: bool,
    },
    /// getaddin.
    Addins(Vec<AddinInfo>),
    /// nodespermcreatechild.
    Categories(Vec<CategoryInfo>),
    /// getinv: rising numbers.
    Invitations(Vec<Invitation>),
    /// getpref, setpref.
    Preference(Preference),
    /// getftok.
    FileToken {
        /// GUID.
        token: String,
        /// Web service URL.
        server_uri: String,
    },
}

/// `sib` (`xccos.md` §3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// Echoed from the command.
    pub info_type: String,
    /// Server clock.
    pub server_time: Timestamp,
    /// Most rows of a search.
    pub search_limit: u32,
    /// Longest ordinary message, bytes of UTF-8.
    pub message_bytes_max: u32,
    /// Longest story, bytes of UTF-8.
    pub story_bytes_max: u32,
    /// `ma-cat://…`.
    pub root_uri: String,
    /// GUID of the database; a client drops its caches when it changes.
    pub db_version: String,
    /// SIP domain.
    pub domain: String,
    /// Pool name.
    pub display_name: String,
    /// Where rooms are managed in a browser; not written when empty.
    pub room_management_url: String,
}

/// Writes one `rpl`.
pub(super) fn encode(w: &mut Writer<'_>, seqid: u32, reply: &Reply) {
    w.open("rpl").prefixed("id", "rpl:", &reply.name).plain("seqid", seqid);
    w.inside("rpl", |w| {
        w.open("commandid").plain("seqid", reply.to.seqid);
        w.plain("envid", reply.to.envid.as_str()).empty();
        let (code, text) = (reply.code.code(), reply.code.text());
        w.open("resp").plain("code", code).inside_text("resp", text);
        w.open("data");
        if is_empty(&reply.data) {
            w.empty();
        } else {
            w.inside("data", |w| encode_data(w, &reply.data));
        }
    });
}

fn is_empty(data: &ReplyData) -> bool {
    match data {
        ReplyData::Empty => true,
        ReplyData::Rooms(rooms) => rooms.is_empty(),
        ReplyData::Addins(addins) => addins.is_empty(),
        ReplyData::Categories(categories) => categories.is_empty(),
        ReplyData::Invitations(invitations) => invitations.is_empty(),
        ReplyData::Joined { users, rooms, failed } => {
            users.is_empty() && rooms.is_empty() && failed.is_empty()
        }
        _ => false,
    }
}

fn encode_data(w: &mut Writer<'_>, data: &ReplyData) {
    match data {
        ReplyData::Empty => {}
        ReplyData::ReqUri { uri } => w.open("uib").attribute("uri", uri).empty(),
        ReplyData::ServerInfo(info) => encode_server_info(w, info),
        ReplyData::Joined { users, rooms, failed } => joined::encode(w, users, rooms, failed),
        ReplyData::Parted { room_uri } | ReplyData::Deleted { room_uri } => {
            w.open("chanib").attribute("uri", room_uri).empty()
        }
        ReplyData::History { room_uri, messages } => post::encode_history(w, room_uri, messages),
        ReplyData::Found(found) => search::encode_found(w, found),
        ReplyData::Rooms(rooms) => rooms.iter().for_each(|room| room::encode(w, room)),
        ReplyData::Room(room) => room::encode(w, room),
        ReplyData::Permissions { room_uri, key } => permission::encode(w, room_uri, *key),
        ReplyData::Principals { principals, more } => principal::encode_found(w, principals, *more),
        ReplyData::Addins(addins) => addin::encode(w, addins),
        ReplyData::Categories(categories) => category::encode(w, categories),
        ReplyData::Invitations(all) => all.iter().for_each(|one| invitation::encode(w, one)),
        ReplyData::Preference(preference) => encode_preference(w, preference),
        ReplyData::FileToken { token, server_uri } => {
            w.open("token").attribute("token", token).attribute("serveruri", server_uri).empty();
        }
    }
}

fn encode_server_info(w: &mut Writer<'_>, info: &ServerInfo) {
    w.open("sib").attribute("infoType", &info.info_type).plain("serverTime", info.server_time);
    w.plain("searchLimit", info.search_limit);
    w.plain("messageSizeLimit", info.message_bytes_max);
    w.plain("storySizeLimit", info.story_bytes_max);
    w.attribute("rootUri", &info.root_uri).attribute("dbVersion", &info.db_version);
    w.attribute("domain", &info.domain).attribute("displayName", &info.display_name);
    if !info.room_management_url.is_empty() {
        w.attribute("roomManagementUrl", &info.room_management_url);
    }
    w.empty();
}

/// Reads one `rpl`. What its data means follows from its name, as it does for SIPE.
pub(super) fn decode(element: &Element<'_>) -> Result<Reply, DocumentError> {
    let name = name_of(element, "rpl:")?;
    let to = element.child("commandid").and_then(decode_command_id);
    let to = to.ok_or(DocumentError::ElementId)?;
    let code = match element.child("resp") {
        Some(resp) => code::decode(resp).ok_or(DocumentError::Value)?,
        // SIPE's reading.
        None => ResponseCode::ServerError,
    };
    let nothing = Element::default();
    let data = element.child("data").unwrap_or(&nothing);
    let data = decode_data(&name, code, data).ok_or(DocumentError::Value)?;
    Ok(Reply { name: sanitised(&name), to, code, data })
}

fn decode_command_id(element: &Element<'_>) -> Option<CommandId> {
    let envid = EnvId::parse(element.attribute("envid")?)?;
    Some(CommandId { envid, seqid: fields::number(element, "seqid")? })
}

fn decode_data(name: &str, code: ResponseCode, data: &Element<'_>) -> Option<ReplyData> {
    // A failure has no data; success of a list may have none to show.
    if data.children.is_empty() && code != ResponseCode::Success {
        return Some(ReplyData::Empty);
    }
    match name {
        "chansrch" | "getassociations" => {
            let rooms = data.children_named("chanib").map(room::decode);
            return rooms.collect::<Option<_>>().map(ReplyData::Rooms);
        }
        "join" | "bjoin" | "getparticipants" => return joined::decode(data),
        "usersearch" => {
            let (principals, more) = principal::decode_found(data)?;
            return Some(ReplyData::Principals { principals, more });
        }
        "getaddin" => return addin::decode(data).map(ReplyData::Addins),
        "nodespermcreatechild" => return category::decode(data).map(ReplyData::Categories),
        "getinv" => return invitation::decode(data).map(ReplyData::Invitations),
        _ if data.children.is_empty() => return Some(ReplyData::Empty),
        _ => {}
    }
    match name {
        "requri" => Some(ReplyData::ReqUri { uri: fields::filled(data.child("uib")?, "uri")? }),
        "getserverinfo" => decode_server_info(data.child("sib")?).map(ReplyData::ServerInfo),
        "part" => {
            Some(ReplyData::Parted { room_uri: fields::filled(data.child("chanib")?, "uri")? })
        }
        "chandelete" => {
            Some(ReplyData::Deleted { room_uri: fields::filled(data.child("chanib")?, "uri")? })
        }
        "chaninfo" | "chancreate" | "chanmodify" => {
            room::decode(data.child("chanib")?).map(Box::new).map(ReplyData::Room)
        }
        "getpermissions" => {
            let (room_uri, key) = permission::decode(data)?;
            Some(ReplyData::Permissions { room_uri, key })
        }
        "bccontext" => {
            let (room_uri, messages) = post::decode_history(data.child("chanib")?)?;
            Some(ReplyData::History { room_uri, messages })
        }
        "bcbydate" => search::decode_found(data).map(ReplyData::Found),
        "getpref" | "setpref" => decode_preference(data.child("pref")?).map(ReplyData::Preference),
        "getftok" => decode_token(data.child("token")?),
        _ => Some(ReplyData::Empty),
    }
}

fn decode_server_info(sib: &Element<'_>) -> Option<ServerInfo> {
    Some(ServerInfo {
        info_type: fields::text(sib, "infoType")?,
        server_time: sib.attribute("serverTime").and_then(Timestamp::parse)?,
        search_limit: fields::number(sib, "searchLimit")?,
        message_bytes_max: fields::number(sib, "messageSizeLimit")?,
        story_bytes_max: fields::number(sib, "storySizeLimit")?,
        root_uri: fields::text(sib, "rootUri")?,
        db_version: fields::text(sib, "dbVersion")?,
        domain: fields::text(sib, "domain").unwrap_or_default(),
        display_name: fields::text(sib, "displayName").unwrap_or_default(),
        room_management_url: fields::text(sib, "roomManagementUrl").unwrap_or_default(),
    })
}

fn decode_token(token: &Element<'_>) -> Option<ReplyData> {
    let server_uri = fields::text(token, "serveruri")?;
    Some(ReplyData::FileToken { token: fields::filled(token, "token")?, server_uri })
}
