//! `cmd`: what a client asks (`xccos.md` §3, master table).

use super::document::{name_of, sanitised};
use super::write::Writer;
use super::{
    CommandId, DocumentError, EnvId, HistorySearch, PrincipalSearch, RoomChange, RoomDraft,
    RoomRef, RoomSearch, administer, fields, principal, room_search, search,
};
use crate::limits::{
    XCCOS_BJOIN_ROOMS_MAX, XCCOS_PREFERENCE_LABEL_BYTES_MAX, XCCOS_PRINCIPALS_MAX,
};
use crate::xml::Element;

/// A command, by its name on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `cmd:requri`: at which URI shall I open my long dialog?
    ReqUri,
    /// `cmd:getserverinfo`; `info_type` is echoed.
    GetServerInfo {
        /// Selector; `123` in everything seen.
        info_type: String,
    },
    /// `cmd:getassociations`: rooms I am connected with.
    GetAssociations {
        /// As member or as manager.
        kind: AssociationKind,
        /// Most rooms wanted.
        results_max: Option<u32>,
    },
    /// `cmd:bjoin`: join many rooms, in this order.
    BJoin(Vec<RoomRef>),
    /// `cmd:join`.
    Join(RoomRef),
    /// `cmd:part`.
    Part(RoomRef),
    /// `cmd:bccontext`: the newest `count` messages.
    BcContext {
        /// Which room.
        room: RoomRef,
        /// How many; the server's cap wins.
        count: u32,
    },
    /// `cmd:bcbydate`.
    BcByDate(Box<HistorySearch>),
    /// `cmd:chansrch`.
    ChanSrch(RoomSearch),
    /// `cmd:getinv`: invitations with a number above `after`.
    GetInv {
        /// Last number known to the client.
        after: u64,
        /// SIP domain.
        domain: String,
    },
    /// `cmd:getpref`; `content` is `None`.
    GetPref(Preference),
    /// `cmd:setpref`.
    SetPref(Preference),
    /// `cmd:nodespermcreatechild`: categories where I may create rooms.
    NodesPermCreateChild,
    /// `cmd:chaninfo`: one room, by reference, by name or both; never neither.
    ChanInfo {
        /// Which room.
        room: Option<RoomRef>,
        /// What it is called.
        name: Option<String>,
    },
    /// `cmd:chancreate`.
    ChanCreate(Box<RoomDraft>),
    /// `cmd:chanmodify`.
    ChanModify(Box<RoomChange>),
    /// `cmd:chandelete`.
    ChanDelete(RoomRef),
    /// `cmd:getpermissions`: what may I do in the room?
    GetPermissions(RoomRef),
    /// `cmd:usersearch`.
    UserSearch(Box<PrincipalSearch>),
    /// `cmd:getaddin`: which add-ins are there?
    GetAddin,
    /// `cmd:getparticipants`: who is in the room, however large it is?
    GetParticipants(RoomRef),
    /// `cmd:getfutok`: an upload token.
    GetFuTok {
        /// Which room.
        room: RoomRef,
        /// Original file name.
        file: String,
    },
    /// `cmd:getfdtok`: a download token.
    GetFdTok {
        /// Which room.
        room: RoomRef,
        /// Name under which the user saves it.
        file: String,
    },
    /// A known command whose values are missing or malformed: answered 400 `INVALID_ARGUMENT`.
    Malformed {
        /// Name behind `cmd:`, lower case.
        name: String,
    },
    /// Any other command: answered 501 `MSG_NOT_SUPPORTED`.
    Unknown {
        /// Name behind `cmd:`, lower case; at most `XML_NAME_BYTES_MAX` bytes, `[a-z0-9_-]` only.
        name: String,
    },
}

impl Command {
    /// Name behind `cmd:`.
    pub fn name(&self) -> &str {
        match self {
            Command::ReqUri => "requri",
            Command::GetServerInfo { .. } => "getserverinfo",
            Command::GetAssociations { .. } => "getassociations",
            Command::BJoin(_) => "bjoin",
            Command::Join(_) => "join",
            Command::Part(_) => "part",
            Command::BcContext { .. } => "bccontext",
            Command::BcByDate(_) => "bcbydate",
            Command::ChanSrch(_) => "chansrch",
            Command::GetInv { .. } => "getinv",
            Command::GetPref(_) => "getpref",
            Command::SetPref(_) => "setpref",
            Command::NodesPermCreateChild => "nodespermcreatechild",
            Command::ChanInfo { .. } => "chaninfo",
            Command::ChanCreate(_) => "chancreate",
            Command::ChanModify(_) => "chanmodify",
            Command::ChanDelete(_) => "chandelete",
            Command::GetPermissions(_) => "getpermissions",
            Command::UserSearch(_) => "usersearch",
            Command::GetAddin => "getaddin",
            Command::GetParticipants(_) => "getparticipants",
            Command::GetFuTok { .. } => "getfutok",
            Command::GetFdTok { .. } => "getfdtok",
            Command::Malformed { name } | Command::Unknown { name } => name,
        }
    }

    /// Name behind `rpl:` of the answer: the command's own, except that both file-token commands
    /// are answered by `getftok` (`xccos.md` §2.3).
    pub fn reply_name(&self) -> &str {
        match self.name() {
            "getfutok" | "getfdtok" => "getftok",
            name => name,
        }
    }
}

/// In which role (`xccos.md` §3.11; attribute values are our reading).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AssociationKind {
    Member,
    Manager,
}

/// `pref`: a user's numbered blob (`xccos.md` §3.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// At most 255 bytes.
    pub label: String,
    /// Number the sender knows.
    pub seqid: u64,
    /// Create an empty one if missing.
    pub create_default: bool,
    /// Base64 text, opaque to us.
    pub content: Option<String>,
}

/// Reads one `cmd`.
pub(super) fn decode(
    envid: &EnvId,
    element: &Element<'_>,
) -> Result<(CommandId, Command), DocumentError> {
    let name = name_of(element, "cmd:")?;
    let seqid = fields::number(element, "seqid").ok_or(DocumentError::ElementId)?;
    let nothing = Element::default();
    let data = element.child("data").unwrap_or(&nothing);
    let has_too_many = match &*name {
        "bjoin" | "bcbydate" => data.children.len() > XCCOS_BJOIN_ROOMS_MAX,
        "chancreate" | "chanmodify" => administer::principals(data) > XCCOS_PRINCIPALS_MAX,
        _ => false,
    };
    if has_too_many {
        return Err(DocumentError::TooMany);
    }
    let command = if is_known(&name) {
        decode_known(&name, data).unwrap_or(Command::Malformed { name })
    } else {
        Command::Unknown { name: sanitised(&name) }
    };
    Ok((CommandId { envid: envid.clone(), seqid }, command))
}

fn is_known(name: &str) -> bool {
    const KNOWN: [&str; 23] = [
        "requri",
        "getserverinfo",
        "getassociations",
        "bjoin",
        "join",
        "part",
        "bccontext",
        "bcbydate",
        "chansrch",
        "getinv",
        "getpref",
        "setpref",
        "nodespermcreatechild",
        "chaninfo",
        "chancreate",
        "chanmodify",
        "chandelete",
        "getpermissions",
        "usersearch",
        "getaddin",
        "getparticipants",
        "getfutok",
        "getfdtok",
    ];
    KNOWN.contains(&name)
}

fn decode_known(name: &str, data: &Element<'_>) -> Option<Command> {
    match name {
        "requri" => Some(Command::ReqUri),
        "getserverinfo" => {
            // Everything is answered whatever is asked for, so a missing selector does no harm.
            let info_type = data.child("sib").and_then(|sib| fields::text(sib, "infoType"));
            let info_type = info_type.unwrap_or_else(|| "123".to_owned());
            Some(Command::GetServerInfo { info_type })
        }
        "getassociations" => decode_associations(data.child("association")?),
        "bjoin" => {
            let rooms = data.children.iter().filter_map(fields::room_reference);
            let rooms = rooms.collect::<Option<Vec<_>>>()?;
            (!rooms.is_empty()).then_some(Command::BJoin(rooms))
        }
        "join" => fields::room(data).map(Command::Join),
        "part" => fields::room(data).map(Command::Part),
        "bccontext" => {
            let count = fields::number(data.child("bcq")?.child("last")?, "cnt")?;
            Some(Command::BcContext { room: fields::room(data)?, count })
        }
        "bcbydate" => search::decode(data).map(Box::new).map(Command::BcByDate),
        "chansrch" => room_search::decode(data.child("qib")?).map(Command::ChanSrch),
        "getinv" => {
            let inv = data.child("inv")?;
            let domain = fields::text(inv, "domain").unwrap_or_default();
            Some(Command::GetInv { after: fields::number(inv, "inviteId")?, domain })
        }
        "getpref" => {
            let preference = decode_preference(data.child("pref")?)?;
            Some(Command::GetPref(Preference { content: None, ..preference }))
        }
        "setpref" => {
            let preference = decode_preference(data.child("pref")?)?;
            preference.content.is_some().then_some(Command::SetPref(preference))
        }
        "nodespermcreatechild" => Some(Command::NodesPermCreateChild),
        "chaninfo" => {
            let (room, name) = administer::decode_lookup(data)?;
            Some(Command::ChanInfo { room, name })
        }
        "chancreate" => administer::decode_draft(data).map(Box::new).map(Command::ChanCreate),
        "chanmodify" => administer::decode_change(data).map(Box::new).map(Command::ChanModify),
        "chandelete" => fields::room(data).map(Command::ChanDelete),
        "getpermissions" => fields::room(data).map(Command::GetPermissions),
        "usersearch" => {
            principal::decode_search(data.child("uqb")?).map(Box::new).map(Command::UserSearch)
        }
        "getaddin" => Some(Command::GetAddin),
        "getparticipants" => fields::room(data).map(Command::GetParticipants),
        "getfutok" | "getfdtok" => {
            let (room, file) =
                (fields::room(data)?, fields::filled(data.child("ftdb")?, "fileUrl")?);
            let is_upload = name == "getfutok";
            Some(if is_upload {
                Command::GetFuTok { room, file }
            } else {
                Command::GetFdTok { room, file }
            })
        }
        _ => None,
    }
}

fn decode_associations(association: &Element<'_>) -> Option<Command> {
    let kind = match association.attribute("type")? {
        text if text.eq_ignore_ascii_case("member") => AssociationKind::Member,
        text if text.eq_ignore_ascii_case("manager") => AssociationKind::Manager,
        _ => return None,
    };
    let results_max = fields::optional_number(association, "maxResults")?;
    Some(Command::GetAssociations { kind, results_max })
}

/// Reads a `pref`, in commands and in replies.
pub(super) fn decode_preference(pref: &Element<'_>) -> Option<Preference> {
    Some(Preference {
        label: fields::filled(pref, "label")
            .filter(|label| label.len() <= XCCOS_PREFERENCE_LABEL_BYTES_MAX)?,
        seqid: fields::number(pref, "seqid")?,
        create_default: fields::flag(pref, "createdefault")?,
        content: fields::text(pref, "content"),
    })
}

/// Writes one `cmd`.
pub(super) fn encode(w: &mut Writer<'_>, command: &Command) {
    w.open("cmd").prefixed("id", "cmd:", command.name()).plain("seqid", 1);
    w.inside("cmd", |w| {
        w.open("data");
        match command {
            Command::ReqUri
            | Command::NodesPermCreateChild
            | Command::GetAddin
            | Command::Malformed { .. }
            | Command::Unknown { .. } => w.empty(),
            _ => w.inside("data", |w| encode_data(w, command)),
        }
    });
}

fn encode_data(w: &mut Writer<'_>, command: &Command) {
    match command {
        Command::GetServerInfo { info_type } => {
            w.open("sib").attribute("infoType", info_type).empty();
        }
        Command::GetAssociations { kind, results_max } => {
            let kind = match kind {
                AssociationKind::Member => "MEMBER",
                AssociationKind::Manager => "MANAGER",
            };
            w.open("association").plain("type", kind).optional("maxResults", *results_max).empty();
        }
        Command::BJoin(rooms) => rooms.iter().enumerate().for_each(|(key, room)| {
            encode_chanid(w, key, room);
        }),
        Command::Join(room) => encode_chanid(w, 0, room),
        Command::Part(room)
        | Command::ChanDelete(room)
        | Command::GetPermissions(room)
        | Command::GetParticipants(room) => encode_chanib(w, room),
        Command::BcContext { room, count } => {
            encode_chanib(w, room);
            w.open("bcq").inside("bcq", |w| w.open("last").plain("cnt", count).empty());
        }
        Command::BcByDate(search) => search::encode(w, search),
        Command::ChanSrch(search) => room_search::encode(w, search),
        Command::ChanInfo { room, name } => {
            administer::encode_lookup(w, room.as_ref(), name.as_deref());
        }
        Command::ChanCreate(draft) => administer::encode_draft(w, draft),
        Command::ChanModify(change) => administer::encode_change(w, change),
        Command::UserSearch(search) => principal::encode_search(w, search),
        Command::GetInv { after, domain } => {
            w.open("inv").plain("inviteId", after).attribute("domain", domain).empty();
        }
        Command::GetPref(preference) | Command::SetPref(preference) => {
            encode_preference(w, preference);
        }
        Command::GetFuTok { room, file } | Command::GetFdTok { room, file } => {
            w.open("ftdb").room("channelUri", room).attribute("fileUrl", file).empty();
        }
        Command::ReqUri
        | Command::NodesPermCreateChild
        | Command::GetAddin
        | Command::Malformed { .. }
        | Command::Unknown { .. } => {}
    }
}

fn encode_chanid(w: &mut Writer<'_>, key: usize, room: &RoomRef) {
    w.open("chanid").plain("key", key).attribute("domain", &room.domain);
    w.attribute("value", &room.value).empty();
}

/// A reference by URI, or by parts if a URI cannot have them: what was read as `chanid`, it may be
/// that no room is called so.
pub(super) fn encode_chanib(w: &mut Writer<'_>, room: &RoomRef) {
    if room.has_uri() {
        w.open("chanib").room("uri", room).empty();
    } else {
        encode_chanid(w, 0, room);
    }
}

/// Writes a `pref`, in commands and in replies.
pub(super) fn encode_preference(w: &mut Writer<'_>, preference: &Preference) {
    w.open("pref").attribute("label", &preference.label).plain("seqid", preference.seqid);
    w.plain("createdefault", preference.create_default);
    if let Some(content) = &preference.content {
        w.attribute("content", content);
    }
    w.empty();
}
