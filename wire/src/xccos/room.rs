//! `chanib`, `uib`, `aib`, `fib`: rooms and who is in them (`xccos.md` §3.2).

use super::fields;
use super::write::Writer;
use crate::xml::Element;

/// `aib@key` of an ordinary participant (captured; `xccos.md` §3.2.4).
pub const KEY_PARTICIPANT: u32 = 3984;
/// `aib@key` of an operator: the only key SIPE shows as one.
pub const KEY_OPERATOR: u32 = 12276;

/// Who sees and enters a room (`product.md` §1.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Privacy {
    Open,
    Closed,
    Secret,
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
const INFO_VISIBILITY: &str = "urn:parlano:ma:info:visibility";
const PROP_FILE_POST: &str = "urn:parlano:ma:prop:filepost";
const PROP_INVITE: &str = "urn:parlano:ma:prop:invite";
const PROP_LOGGED: &str = "urn:parlano:ma:prop:logged";
const FAILURE_KEY: &str = "OPERATION_FAILED";

impl Privacy {
    /// The wire's word, in the two cases it is written in.
    fn words(self) -> [&'static str; 2] {
        match self {
            Privacy::Open => ["open", "OPEN"],
            Privacy::Closed => ["scoped", "SCOPED"],
            Privacy::Secret => ["private", "PRIVATE"],
        }
    }

    fn parse(text: &str) -> Option<Privacy> {
        let all = [Privacy::Open, Privacy::Closed, Privacy::Secret];
        all.into_iter().find(|privacy| privacy.words()[0].eq_ignore_ascii_case(text.trim()))
    }
}

/// `aib@key` of a participant.
pub(super) fn key_of(user: &Participant) -> u32 {
    if user.is_operator { KEY_OPERATOR } else { KEY_PARTICIPANT }
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
    encode_head(w, room);
    w.plain("behavior", "NORMAL").plain("disabled", false);
    w.inside("chanib", |w| {
        for key in [KEY_PARTICIPANT, KEY_OPERATOR] {
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
}

fn encode_properties(w: &mut Writer<'_>, room: &RoomInfo) {
    if let Some(count) = room.participants {
        w.open("info").plain("id", INFO_COUNT).inside_display("info", count);
    }
    let [lower, upper] = room.privacy.words();
    w.open("info").plain("id", INFO_VISIBILTY).inside_display("info", lower);
    w.open("info").plain("id", INFO_VISIBILITY).inside_display("info", upper);
    let properties =
        [(PROP_FILE_POST, room.file_post), (PROP_INVITE, room.invite), (PROP_LOGGED, room.logged)];
    for (id, value) in properties {
        w.open("prop").plain("id", id).inside_display("prop", value);
    }
}

/// Reads a `chanib` that describes a room; what is missing is off, empty or unknown.
pub(super) fn decode(chanib: &Element<'_>) -> Option<RoomInfo> {
    let privacy = described(chanib, "info", INFO_VISIBILITY)
        .or_else(|| described(chanib, "info", INFO_VISIBILTY))
        .map_or(Some(Privacy::Open), Privacy::parse)?;
    let count = described(chanib, "info", INFO_COUNT);
    let flag = |id| described(chanib, "prop", id).map_or(Some(false), fields::parse_bool);
    Some(RoomInfo {
        uri: fields::filled(chanib, "uri")?,
        name: fields::filled(chanib, "name")?,
        description: fields::text(chanib, "description").unwrap_or_default(),
        participants: count.map_or(Some(None), |text| fields::parse_number(text).map(Some))?,
        privacy,
        file_post: flag(PROP_FILE_POST)?,
        invite: flag(PROP_INVITE)?,
        logged: flag(PROP_LOGGED)?,
    })
}

/// Text of the `info` or `prop` with that id.
fn described<'e>(chanib: &'e Element<'_>, name: &str, id: &str) -> Option<&'e str> {
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
