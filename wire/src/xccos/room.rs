//! `chanib`, `uib`, `aib`, `fib`: rooms and who is in them (`xccos.md` §3.2).

use super::ids::{RoomRef, category_uri};
use super::write::Writer;
use super::{AddinInfo, Guid, RoleList, Timestamp, addin, fields, role};
use crate::xml::Element;

/// `aib@key` of an ordinary participant (captured; `xccos.md` §3.2.4).
pub const KEY_PARTICIPANT: u32 = 3984;
/// `aib@key` of an operator: the only key SIPE shows as one.
pub const KEY_OPERATOR: u32 = 12276;
/// `aib@key` of a presenter: that of a participant, and the bit for posting in an auditorium.
pub const KEY_PRESENTER: u32 = KEY_PARTICIPANT + 4096;
/// `aib@key` of a presenter who is operator.
pub const KEY_PRESENTING_OPERATOR: u32 = KEY_OPERATOR + 4096;

/// Who sees and enters a room (`product.md` §1.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Privacy {
    Open,
    Closed,
    Secret,
}

/// Who may post in a room (`product.md` §1.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Behavior {
    /// Whoever is in.
    #[default]
    Normal,
    /// Presenters only.
    Auditorium,
}

/// `chanib`: a room's description. Both spellings of the visibility id are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomInfo {
    /// `ma-chan://…` in canonical spelling.
    pub uri: String,
    /// Never empty (SIPE crashes without).
    pub name: String,
    /// May be empty; always written.
    pub description: String,
    /// Number of participants, when known.
    pub participants: Option<u32>,
    /// Written as `open`, `scoped`, `private`.
    pub privacy: Privacy,
    /// Files may be posted.
    pub file_post: bool,
    /// Invitations are sent.
    pub invite: bool,
    /// History is kept.
    pub logged: bool,
    /// Where the room is, `parent`; its domain is that of `uri`, which must have one.
    pub category: Option<Guid>,
    /// Who may post.
    pub behavior: Behavior,
    /// Nobody is in.
    pub disabled: bool,
    /// The page beside it.
    pub addin: Option<AddinInfo>,
    /// Who made and changed it, when the reader may know.
    pub audit: Option<Audit>,
    /// Its lists, when the reader may know them.
    pub roles: Vec<RoleList>,
}

impl RoomInfo {
    /// An open, normal, enabled room of which nothing else is known, as one that has only these
    /// two attributes is read.
    pub fn new(uri: String, name: String) -> RoomInfo {
        RoomInfo {
            uri,
            name,
            description: String::new(),
            participants: None,
            privacy: Privacy::Open,
            file_post: false,
            invite: false,
            logged: false,
            category: None,
            behavior: Behavior::Normal,
            disabled: false,
            addin: None,
            audit: None,
            roles: Vec::new(),
        }
    }
}

/// `audit`: who made a room and who changed it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// `sip:` URI.
    pub created_by: String,
    /// When.
    pub created_on: Timestamp,
    /// `sip:` URI.
    pub updated_by: String,
    /// When; a change may say which one it is based on.
    pub updated_on: Timestamp,
}

/// `uib`: a participant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Participant {
    /// `sip:user@domain`, the same spelling everywhere.
    pub uri: String,
    /// Display name.
    pub name: String,
    /// Marked by [`KEY_OPERATOR`] instead of [`KEY_PARTICIPANT`].
    pub is_operator: bool,
    /// Marked by [`KEY_PRESENTER`], or by [`KEY_PRESENTING_OPERATOR`].
    pub is_presenter: bool,
}

/// `fib`: one room of a bjoin that failed, as the client named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// SIP domain as the client wrote it.
    pub domain: String,
    /// Room identifier as the client wrote it.
    pub value: String,
}

const INFO_COUNT: &str = "urn:parlano:ma:info:ucnt";
/// The spelling that SIPE looks for.
const INFO_VISIBILTY: &str = "urn:parlano:ma:info:visibilty";
pub(super) const INFO_VISIBILITY: &str = "urn:parlano:ma:info:visibility";
const PROP_FILE_POST: &str = "urn:parlano:ma:prop:filepost";
pub(super) const PROP_INVITE: &str = "urn:parlano:ma:prop:invite";
const PROP_LOGGED: &str = "urn:parlano:ma:prop:logged";
const FAILURE_KEY: &str = "OPERATION_FAILED";

impl Privacy {
    /// The wire's word, in the two cases it is written in.
    pub(super) fn words(self) -> [&'static str; 2] {
        match self {
            Privacy::Open => ["open", "OPEN"],
            Privacy::Closed => ["scoped", "SCOPED"],
            Privacy::Secret => ["private", "PRIVATE"],
        }
    }

    pub(super) fn parse(text: &str) -> Option<Privacy> {
        let all = [Privacy::Open, Privacy::Closed, Privacy::Secret];
        all.into_iter().find(|privacy| privacy.words()[0].eq_ignore_ascii_case(text.trim()))
    }
}

impl Behavior {
    /// The wire's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Behavior::Normal => "NORMAL",
            Behavior::Auditorium => "AUDITORIUM",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Behavior> {
        let all = [Behavior::Normal, Behavior::Auditorium];
        all.into_iter().find(|behavior| behavior.word().eq_ignore_ascii_case(text.trim()))
    }
}

/// `aib@key` of a participant.
pub(super) fn key_of(user: &Participant) -> u32 {
    match (user.is_operator, user.is_presenter) {
        (false, false) => KEY_PARTICIPANT,
        (false, true) => KEY_PRESENTER,
        (true, false) => KEY_OPERATOR,
        (true, true) => KEY_PRESENTING_OPERATOR,
    }
}

/// Is somebody with that `aib@key` operator, are they presenter? Nobody is with another key.
pub(super) fn marks_of(key: Option<u32>) -> (bool, bool) {
    match key {
        Some(KEY_PRESENTER) => (false, true),
        Some(KEY_OPERATOR) => (true, false),
        Some(KEY_PRESENTING_OPERATOR) => (true, true),
        _ => (false, false),
    }
}

/// Writes what a `uib` says about a user, its `id` apart.
pub(super) fn participant_attributes(w: &mut Writer<'_>, user: &Participant) {
    let account = user.uri.split_once(':').map_or(user.uri.as_str(), |(_, address)| address);
    let account = account.split_once('@').map_or(account, |(account, _)| account);
    w.attribute("uri", &user.uri).plain("type", 5);
    w.attribute("uname", account).attribute("dispname", &user.name);
}

/// Writes a `chanib` as a search shows it.
pub(super) fn encode(w: &mut Writer<'_>, room: &RoomInfo) {
    encode_head(w, room);
    w.inside("chanib", |w| encode_properties(w, room));
}

/// Writes a `chanib` as a join shows it: with who is in it, by their indexes in `users`.
pub(super) fn encode_joined(
    w: &mut Writer<'_>,
    room: &RoomInfo,
    present: &[u32],
    users: &[Participant],
) {
    const KEYS: [u32; 4] = [KEY_PARTICIPANT, KEY_PRESENTER, KEY_OPERATOR, KEY_PRESENTING_OPERATOR];
    encode_head(w, room);
    w.inside("chanib", |w| {
        for key in KEYS {
            let has_key = |index: &u32| key_of(&users[*index as usize]) == key;
            let mut with_key = present.iter().copied().filter(has_key).peekable();
            if with_key.peek().is_some() {
                w.open("aib").plain("key", key).list("value", with_key).empty();
            }
        }
        encode_properties(w, room);
    });
}

fn encode_head(w: &mut Writer<'_>, room: &RoomInfo) {
    // SIPE crashes on a room without name.
    let name = if room.name.is_empty() { &room.uri } else { &room.name };
    w.open("chanib").attribute("name", name).attribute("description", &room.description);
    w.attribute("uri", &room.uri);
    if let Some((category, domain)) = room.category.zip(RoomRef::domain_of(&room.uri)) {
        w.attribute("parent", &category_uri(domain, category));
    }
    w.plain("behavior", room.behavior.word()).plain("disabled", room.disabled);
    if let Some(addin) = &room.addin {
        addin::attributes(w, addin);
    }
}

fn encode_properties(w: &mut Writer<'_>, room: &RoomInfo) {
    if let Some(count) = room.participants {
        w.open("info").plain("id", INFO_COUNT).inside_display("info", count);
    }
    let [lower, upper] = room.privacy.words();
    w.open("info").plain("id", INFO_VISIBILTY).inside_display("info", lower);
    w.open("info").plain("id", INFO_VISIBILITY).inside_display("info", upper);
    encode_flags(w, room.file_post, room.invite, room.logged);
    if let Some(audit) = &room.audit {
        w.open("audit").attribute("createdby", &audit.created_by);
        w.plain("createdon", audit.created_on).attribute("updatedby", &audit.updated_by);
        w.plain("updatedon", audit.updated_on).empty();
    }
    room.roles.iter().for_each(|list| role::encode(w, list));
}

/// Writes what a room or category may do.
pub(super) fn encode_flags(w: &mut Writer<'_>, file_post: bool, invite: bool, logged: bool) {
    let properties = [(PROP_FILE_POST, file_post), (PROP_INVITE, invite), (PROP_LOGGED, logged)];
    for (id, value) in properties {
        w.open("prop").plain("id", id).inside_display("prop", value);
    }
}

/// Reads what a room or category may do, in the order in which they are written; what is missing
/// it may not.
pub(super) fn decode_flags(element: &Element<'_>) -> Option<(bool, bool, bool)> {
    let flag = |id| described(element, "prop", id).map_or(Some(false), fields::parse_bool);
    Some((flag(PROP_FILE_POST)?, flag(PROP_INVITE)?, flag(PROP_LOGGED)?))
}

/// Reads a `chanib` that describes a room; what is missing is off, empty or unknown.
pub(super) fn decode(chanib: &Element<'_>) -> Option<RoomInfo> {
    let count = described(chanib, "info", INFO_COUNT);
    let (file_post, invite, logged) = decode_flags(chanib)?;
    let roles = chanib.children_named("role").map(role::decode);
    Some(RoomInfo {
        uri: fields::filled(chanib, "uri")?,
        name: fields::filled(chanib, "name")?,
        description: fields::text(chanib, "description").unwrap_or_default(),
        participants: count.map_or(Some(None), |text| fields::parse_number(text).map(Some))?,
        privacy: privacy_of(chanib)?.unwrap_or(Privacy::Open),
        file_post,
        invite,
        logged,
        category: fields::optional_category(chanib, "parent")?,
        behavior: fields::parsed(chanib, "behavior", Behavior::parse)?.unwrap_or_default(),
        disabled: fields::flag(chanib, "disabled")?,
        addin: addin::of(chanib)?,
        audit: chanib.child("audit").map_or(Some(None), |audit| decode_audit(audit).map(Some))?,
        roles: roles.collect::<Option<_>>()?,
    })
}

/// The visibility that a `chanib` tells, in either spelling; `Some(None)` when it tells none.
pub(super) fn privacy_of(chanib: &Element<'_>) -> Option<Option<Privacy>> {
    described(chanib, "info", INFO_VISIBILITY)
        .or_else(|| described(chanib, "info", INFO_VISIBILTY))
        .map_or(Some(None), |text| Privacy::parse(text).map(Some))
}

fn decode_audit(audit: &Element<'_>) -> Option<Audit> {
    let time = |name| audit.attribute(name).and_then(Timestamp::parse);
    Some(Audit {
        created_by: fields::text(audit, "createdby").unwrap_or_default(),
        created_on: time("createdon")?,
        updated_by: fields::text(audit, "updatedby").unwrap_or_default(),
        updated_on: time("updatedon")?,
    })
}

/// Text of the `info` or `prop` with that id.
pub(super) fn described<'e>(chanib: &'e Element<'_>, name: &str, id: &str) -> Option<&'e str> {
    let has_id = |e: &&Element<'_>| e.attribute("id").is_some_and(|i| i.eq_ignore_ascii_case(id));
    let mut named = chanib.children.iter().filter(|e| e.name == name);
    named.find(has_id).map(|element| element.text.as_ref())
}

/// Writes a `fib`.
pub(super) fn encode_failure(w: &mut Writer<'_>, failure: &Failure) {
    w.open("fib").plain("key", FAILURE_KEY).attribute("value", &failure.value);
    w.attribute("domain", &failure.domain).empty();
}

/// Reads a `fib`.
pub(super) fn decode_failure(fib: &Element<'_>) -> Option<Failure> {
    Some(Failure { domain: fields::text(fib, "domain")?, value: fields::text(fib, "value")? })
}
