//! The things an organisation's directory is made of, as they are kept and told.
//!
//! Names, defaults and limits are the product's (`product.md` §1). Lists of principals are not part
//! of the things they belong to: they are changes of their own ([`super::Change::Entries`]), so
//! that one more member of a room with 16,000 is one row.

pub use parlance_wire::xccos::{Behavior, Privacy};
use parlance_wire::xccos::{Guid, Timestamp};

/// Longest name or description of a room or category, and longest URI, in bytes
/// (`product.md` §4.1; the original counts characters).
pub const NAME_BYTES_MAX: usize = parlance_wire::limits::XCCOS_NAME_BYTES_MAX;
/// Longest name of an add-in, in bytes (`product.md` §1.4).
pub const ADDIN_NAME_BYTES_MAX: usize = 50;
/// Longest URL of an add-in, in bytes (`product.md` §1.4).
pub const ADDIN_URL_BYTES_MAX: usize = 255;
/// Longest path of a principal in the directory it comes from, in bytes (`product.md` §4.1).
pub const PATH_BYTES_MAX: usize = 384;
/// Messages shown on entering a room: bounds of the setting (`product.md` §1.6).
pub const CHAT_HISTORY: std::ops::RangeInclusive<u16> = 1..=500;

/// Who made and who last changed a thing, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audit {
    /// `sip:` URI, or the name of an administrator.
    pub created_by: String,
    /// When it was made.
    pub created_on: Timestamp,
    /// `sip:` URI, or the name of an administrator.
    pub updated_by: String,
    /// When it was last changed.
    pub updated_on: Timestamp,
}

/// What belongs to the pool as a whole (`product.md` §1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// DNS name: prefix of every identity, as in `pool.example.com\Lobby`.
    pub fqdn: String,
    /// Shown by clients to tell pools apart.
    pub display_name: String,
    /// Site it belongs to: chooses policies and configurations of that site.
    pub site: String,
    /// Made once with the data: clients drop their caches when it changes.
    pub db_version: Guid,
    /// Root category: nothing stands in it directly.
    pub root_category: Guid,
    /// Number of the newest invitation (`product.md` §1.11): rises by one with each act that
    /// invites, so that it rises for every user.
    pub last_invitation: u64,
}

/// Who may ever be in its rooms, and what those have in common (`product.md` §1.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Category {
    /// Permanent identifier.
    pub id: Guid,
    /// Unique in the pool, among rooms too; 1 to [`NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// At most [`NAME_BYTES_MAX`] bytes.
    pub description: String,
    /// Rooms invite, unless they switch it off. Off by default.
    pub invites: bool,
    /// Files may be posted. Off by default.
    pub file_upload: bool,
    /// What is said can be read later. On by default.
    pub chat_history: bool,
    /// Who and when.
    pub audit: Audit,
    /// Rises with each change, its lists' included, from 1.
    pub version: u64,
}

/// Does a room invite those who become members? It can switch off what its category does, never on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Invitations {
    /// As the category says.
    #[default]
    Inherit,
    /// No.
    False,
}

/// A chat room (`product.md` §1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Permanent identifier: the room's URI stays when it is renamed or moved.
    pub id: Guid,
    /// The category it stands in.
    pub category: Guid,
    /// Unique in the pool, among categories too; 1 to [`NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// At most [`NAME_BYTES_MAX`] bytes.
    pub description: String,
    /// Who sees and enters it.
    pub privacy: Privacy,
    /// Who may post.
    pub behavior: Behavior,
    /// Does it invite?
    pub invitations: Invitations,
    /// Web page shown beside it.
    pub addin: Option<Guid>,
    /// Nobody is in and nobody finds it; everything is kept.
    pub is_disabled: bool,
    /// Who and when.
    pub audit: Audit,
    /// Rises with each change, its lists' included, from 1: a change that names another version is
    /// a collision (`product.md` §1.3).
    pub version: u64,
}

/// A web page that a room may show beside the chat (`product.md` §1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addin {
    /// Permanent identifier.
    pub id: Guid,
    /// Unique among add-ins; 1 to [`ADDIN_NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// `http` or `https`, at most [`ADDIN_URL_BYTES_MAX`] bytes.
    pub url: String,
    /// Rises with each change, from 1.
    pub version: u64,
}

/// Is this a web address that a client may open beside a room: `http` or `https` with a host, and
/// no blanks or controls?
pub fn is_web_address(url: &str) -> bool {
    let is_web = url.split_once("://").is_some_and(|(scheme, rest)| {
        let is_http = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
        is_http && !rest.is_empty() && !rest.starts_with(['/', '?', '#'])
    });
    is_web && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// What a principal is (`product.md` §1.7; the numbers are the original's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrincipalKind {
    /// 5: a person, or a bot with an account.
    User,
    /// 8: everybody of a domain.
    Domain,
    /// 9: a distribution list or security group.
    Group,
    /// 10: a container or organisational unit.
    Folder,
}

/// Is a principal in use?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PrincipalState {
    /// Yes.
    #[default]
    Active,
    /// Known, but not enabled for the service.
    Disabled,
    /// Gone from the directory it came from; kept for what was said and done.
    Deleted,
}

/// A person, or a number of them, that access lists can name (`product.md` §1.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// That of the directory it comes from, or made for it.
    pub id: Guid,
    /// What it is.
    pub kind: PrincipalKind,
    /// `sip:user@domain` in canonical spelling for users, `ma-grp:<guid>@u.g` for groups,
    /// `ma-fld:<guid>@u.f` for folders, `ma-dom:<domain>` for domains. Unique.
    pub uri: String,
    /// Shown to others.
    pub display_name: String,
    /// Account name or user principal name.
    pub account: String,
    /// E-mail address.
    pub email: String,
    /// Company.
    pub company: String,
    /// Where it stands in the directory it comes from, such as a distinguished name; at most
    /// [`PATH_BYTES_MAX`] bytes.
    pub path: String,
    /// Is it in use?
    pub state: PrincipalState,
    /// Name of the policy granted to this user.
    pub policy: Option<String>,
}

/// What a list of a room or category is for (`product.md` §1.9). Three are of a category, three of
/// a room: [`super::Lists`] relies on the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Category: may be in its rooms at all.
    Allowed,
    /// Category: may not, whatever else is said.
    Denied,
    /// Category: may create rooms.
    Creator,
    /// Room: may enter.
    Member,
    /// Room: may change it.
    Manager,
    /// Room that is an auditorium: may post.
    Presenter,
}

/// Whom a policy or a configuration is for: the most specific wins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `global`: everybody. It always exists; removed, it has its defaults again.
    Global,
    /// `site:NAME`.
    Site(String),
    /// `service:FQDN`: one pool.
    Service(String),
    /// `tag:NAME`: users it is granted to. Policies only.
    Tag(String),
}

impl Scope {
    /// Reads an identity as the product writes it, any case before the colon; a bare word is a tag.
    /// `None` when a name is empty or longer than [`NAME_BYTES_MAX`] bytes.
    pub fn parse(text: &str) -> Option<Scope> {
        let (kind, name) = match text.split_once(':') {
            Some((kind, name)) => (kind.to_ascii_lowercase(), name),
            None if text.eq_ignore_ascii_case("global") => return Some(Scope::Global),
            None => ("tag".to_owned(), text),
        };
        // The product writes service:PersistentChatServer:<fqdn>.
        let name = name.trim().strip_prefix("PersistentChatServer:").unwrap_or(name.trim());
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return None;
        }
        match kind.as_str() {
            "site" => Some(Scope::Site(name.to_owned())),
            "service" | "pool" => Some(Scope::Service(name.to_ascii_lowercase())),
            "tag" => Some(Scope::Tag(name.to_owned())),
            _ => None,
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::Global => f.write_str("global"),
            Scope::Site(name) => write!(f, "site:{name}"),
            Scope::Service(name) => write!(f, "service:{name}"),
            Scope::Tag(name) => write!(f, "tag:{name}"),
        }
    }
}

/// Who has the feature at all (`product.md` §1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whom it is for.
    pub scope: Scope,
    /// They may chat. Off by default.
    pub is_enabled: bool,
    /// At most [`NAME_BYTES_MAX`] bytes.
    pub description: String,
}

/// How a pool behaves (`product.md` §1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Whom it is for: never a tag.
    pub scope: Scope,
    /// Messages shown on entering a room, in [`CHAT_HISTORY`].
    pub default_chat_history: u16,
    /// Largest file, in KB.
    pub max_file_size_kb: u32,
    /// Participants above which joins and leaves are not told any more.
    pub participant_update_limit: u32,
    /// Replaces the built-in room management pages; empty for those.
    pub room_management_url: String,
}

impl Configuration {
    /// The product's defaults.
    pub fn new(scope: Scope) -> Configuration {
        Configuration {
            scope,
            default_chat_history: 30,
            max_file_size_kb: 20_000,
            participant_update_limit: 75,
            room_management_url: String::new(),
        }
    }
}

/// A further address of the service, for clients that were set up for an older one
/// (`product.md` §1.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyEndpoint {
    /// `sip:` URI in canonical spelling. Unique, among users too.
    pub uri: String,
    /// At most [`NAME_BYTES_MAX`] bytes.
    pub display_name: String,
}

impl Role {
    /// Is it a list of rooms, and not of categories?
    pub fn is_of_room(self) -> bool {
        matches!(self, Role::Member | Role::Manager | Role::Presenter)
    }

    /// The lists of a room, or of a category.
    pub fn of_node(is_room: bool) -> [Role; 3] {
        match is_room {
            true => [Role::Member, Role::Manager, Role::Presenter],
            false => [Role::Allowed, Role::Denied, Role::Creator],
        }
    }
}
