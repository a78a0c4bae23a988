//! What can be asked for. Names and defaults are the product's (`product.md` §3).

use crate::directory::model::{
    Behavior, Configuration, Invitations, Pool, PrincipalKind, PrincipalState, Privacy, Scope,
};
use parlance_wire::xccos::Guid;

/// Who wants something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An administrator (`product.md` §1.9): may everything, is exempt from scopes and creators.
    Administrator {
        /// Name of the token or account, for the record.
        name: String,
    },
    /// A user: may what managers and creators may.
    User {
        /// `sip:` URI in canonical spelling, authenticated.
        uri: String,
    },
}

impl Actor {
    /// As it is written into records and audit fields.
    pub fn name(&self) -> &str {
        match self {
            Actor::Administrator { name } => name,
            Actor::User { uri } => uri,
        }
    }
}

/// How a list of principals is to change. Principals are named by URI, as `ma-grp:` and the like,
/// by GUID, or by an account name, e-mail address or display name that only one has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListEdit {
    /// In place of all that are in it; applied before the others.
    pub replace: Option<Vec<String>>,
    /// To be added. One that is in already is `PrincipalsAlreadyDefined`.
    pub add: Vec<String>,
    /// To be taken out. One that is not in it is no error.
    pub remove: Vec<String>,
}

impl ListEdit {
    /// Nothing is to change.
    pub fn is_empty(&self) -> bool {
        self.replace.is_none() && self.add.is_empty() && self.remove.is_empty()
    }
}

/// `New-CsPersistentChatCategory`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCategory {
    /// Unique among rooms and categories.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// `EnableInvitations`.
    pub invites: bool,
    /// `EnableFileUpload`.
    pub file_upload: bool,
    /// Off with `RemoveChatHistory`.
    pub chat_history: bool,
    /// The lists, empty in the product's own command; here they may be given at once.
    pub allowed: Vec<String>,
    /// See `allowed`.
    pub denied: Vec<String>,
    /// See `allowed`.
    pub creators: Vec<String>,
}

impl NewCategory {
    /// With the product's defaults.
    pub fn named(name: &str) -> NewCategory {
        NewCategory {
            name: name.to_owned(),
            description: String::new(),
            invites: false,
            file_upload: false,
            chat_history: true,
            allowed: Vec::new(),
            denied: Vec::new(),
            creators: Vec::new(),
        }
    }
}

/// `Set-CsPersistentChatCategory`; `None` leaves a property as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CategoryEdit {
    /// Version the editor saw; another one in force is a collision. `None` overwrites.
    pub version: Option<u64>,
    /// See [`NewCategory`], as all below.
    pub name: Option<String>,
    #[allow(missing_docs)]
    pub description: Option<String>,
    #[allow(missing_docs)]
    pub invites: Option<bool>,
    #[allow(missing_docs)]
    pub file_upload: Option<bool>,
    #[allow(missing_docs)]
    pub chat_history: Option<bool>,
    #[allow(missing_docs)]
    pub allowed: ListEdit,
    #[allow(missing_docs)]
    pub denied: ListEdit,
    #[allow(missing_docs)]
    pub creators: ListEdit,
}

/// `New-CsPersistentChatRoom`; with lists, as the product's SDK creates rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// Unique among rooms and categories.
    pub name: String,
    /// Category by name, GUID or `ma-cat://` URI.
    pub category: String,
    /// May be empty.
    pub description: String,
    /// Closed by default.
    pub privacy: Privacy,
    /// Normal by default.
    pub behavior: Behavior,
    /// Inherit by default.
    pub invitations: Invitations,
    /// Add-in by name or GUID.
    pub addin: Option<String>,
    /// Made disabled.
    pub is_disabled: bool,
    /// A creator who is no administrator becomes manager beside these.
    pub managers: Vec<String>,
    #[allow(missing_docs)]
    pub members: Vec<String>,
    #[allow(missing_docs)]
    pub presenters: Vec<String>,
}

impl NewRoom {
    /// With the product's defaults.
    pub fn named(name: &str, category: &str) -> NewRoom {
        NewRoom {
            name: name.to_owned(),
            category: category.to_owned(),
            description: String::new(),
            privacy: Privacy::Closed,
            behavior: Behavior::Normal,
            invitations: Invitations::Inherit,
            addin: None,
            is_disabled: false,
            managers: Vec::new(),
            members: Vec::new(),
            presenters: Vec::new(),
        }
    }
}

/// `Set-CsPersistentChatRoom`; `None` leaves a property as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomEdit {
    /// Version the editor saw; another one in force is a collision. `None` overwrites.
    pub version: Option<u64>,
    /// See [`NewRoom`], as all below.
    pub name: Option<String>,
    #[allow(missing_docs)]
    pub description: Option<String>,
    /// Moves the room: principals that the new category does not allow are dropped from its lists.
    pub category: Option<String>,
    #[allow(missing_docs)]
    pub privacy: Option<Privacy>,
    /// From auditorium to normal with presenters is refused, unless they are removed in the same
    /// act or the act is forced, which drops them.
    pub behavior: Option<Behavior>,
    #[allow(missing_docs)]
    pub invitations: Option<Invitations>,
    /// `Some(None)` takes the add-in away.
    pub addin: Option<Option<String>>,
    #[allow(missing_docs)]
    pub is_disabled: Option<bool>,
    #[allow(missing_docs)]
    pub members: ListEdit,
    #[allow(missing_docs)]
    pub managers: ListEdit,
    #[allow(missing_docs)]
    pub presenters: ListEdit,
    /// Goes on past what would only be warned of.
    pub force: bool,
}

/// `Set-CsPersistentChatPolicy`; `None` leaves a property as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyEdit {
    /// `EnablePersistentChat`.
    pub is_enabled: Option<bool>,
    #[allow(missing_docs)]
    pub description: Option<String>,
}

/// `Set-CsPersistentChatConfiguration`; `None` leaves a property as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigurationEdit {
    /// `DefaultChatHistory`: 1 to 500.
    pub default_chat_history: Option<u16>,
    /// `MaxFileSizeKB`.
    pub max_file_size_kb: Option<u32>,
    /// `ParticipantUpdateLimit`.
    pub participant_update_limit: Option<u32>,
    /// `RoomManagementUrl`: http or https; empty for the built-in pages.
    pub room_management_url: Option<String>,
}

/// A principal as another directory knows it: from LDAP or a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRecord {
    /// That directory's identifier, or one made from the URI ([`crate::directory::guid_of`]).
    pub id: Guid,
    #[allow(missing_docs)]
    pub kind: PrincipalKind,
    /// `sip:` URI of a user, `ma-grp:`, `ma-fld:` or `ma-dom:` of anything else.
    pub uri: String,
    #[allow(missing_docs)]
    pub display_name: String,
    #[allow(missing_docs)]
    pub account: String,
    #[allow(missing_docs)]
    pub email: String,
    #[allow(missing_docs)]
    pub company: String,
    /// Distinguished name, or empty.
    pub path: String,
    #[allow(missing_docs)]
    pub state: PrincipalState,
    /// Direct parents: groups, folder, domain. `None` leaves them as they are.
    pub parents: Option<Vec<Guid>>,
}

/// An administrative act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `New-CsPersistentChatCategory`.
    NewCategory(NewCategory),
    /// `Set-CsPersistentChatCategory`.
    SetCategory {
        /// By name, GUID, `ma-cat://` URI, or `pool\name`.
        category: String,
        #[allow(missing_docs)]
        edit: CategoryEdit,
    },
    /// `Remove-CsPersistentChatCategory`: refused while rooms are in it.
    RemoveCategory {
        /// As in `SetCategory`.
        category: String,
        /// Version that whoever removes it saw.
        version: Option<u64>,
    },
    /// `New-CsPersistentChatRoom`; `cmd:chancreate`.
    NewRoom(NewRoom),
    /// `Set-CsPersistentChatRoom`; `cmd:chanmodify`.
    SetRoom {
        /// By name, GUID, `ma-chan://` URI, or `pool\name`.
        room: String,
        #[allow(missing_docs)]
        edit: RoomEdit,
    },
    /// `Remove-CsPersistentChatRoom`; `cmd:chandelete`.
    RemoveRoom {
        /// As in `SetRoom`.
        room: String,
        /// Version that whoever removes it saw.
        version: Option<u64>,
    },
    /// `New-CsPersistentChatAddin`.
    NewAddin {
        /// Unique among add-ins.
        name: String,
        /// http or https.
        url: String,
    },
    /// `Set-CsPersistentChatAddin`.
    SetAddin {
        /// By name, GUID, or `pool\name`.
        addin: String,
        /// Version the editor saw.
        version: Option<u64>,
        #[allow(missing_docs)]
        name: Option<String>,
        #[allow(missing_docs)]
        url: Option<String>,
    },
    /// `Remove-CsPersistentChatAddin`.
    RemoveAddin {
        /// As in `SetAddin`.
        addin: String,
        /// Version that whoever removes it saw.
        version: Option<u64>,
        /// Also when rooms use it: they have none then.
        force: bool,
    },
    /// `New-CsPersistentChatPolicy`: never the global one.
    NewPolicy {
        #[allow(missing_docs)]
        scope: Scope,
        #[allow(missing_docs)]
        edit: PolicyEdit,
    },
    /// `Set-CsPersistentChatPolicy`.
    SetPolicy {
        #[allow(missing_docs)]
        scope: Scope,
        #[allow(missing_docs)]
        edit: PolicyEdit,
    },
    /// `Grant-CsPersistentChatPolicy`.
    GrantPolicy {
        /// As in [`ListEdit`].
        user: String,
        /// Tag without prefix; `None` takes the grant back.
        policy: Option<String>,
    },
    /// `Remove-CsPersistentChatPolicy`; the global one gets its defaults again.
    RemovePolicy {
        #[allow(missing_docs)]
        scope: Scope,
        /// Also when it is granted to users: the grants are taken back.
        force: bool,
    },
    /// `New-CsPersistentChatConfiguration`: a site or service.
    NewConfiguration {
        #[allow(missing_docs)]
        scope: Scope,
        #[allow(missing_docs)]
        edit: ConfigurationEdit,
    },
    /// `Set-CsPersistentChatConfiguration`.
    SetConfiguration {
        #[allow(missing_docs)]
        scope: Scope,
        #[allow(missing_docs)]
        edit: ConfigurationEdit,
    },
    /// `Remove-CsPersistentChatConfiguration`; the global one gets its defaults again.
    RemoveConfiguration {
        #[allow(missing_docs)]
        scope: Scope,
    },
    /// `New-CsPersistentChatEndpoint`.
    NewEndpoint {
        /// `sip:` URI; unique, among users too.
        uri: String,
        #[allow(missing_docs)]
        display_name: String,
    },
    /// `Remove-CsPersistentChatEndpoint`.
    RemoveEndpoint {
        #[allow(missing_docs)]
        uri: String,
    },
    /// The pool's own settings: names and site may change, identifiers may not.
    SetPool(Pool),
    /// What another directory says of people: made, changed, gone (by their state). One batch;
    /// principals of it that are not in the directory yet may be each other's parents.
    SyncPeople(Vec<PersonRecord>),
    /// A principal that no list names is forgotten.
    RemovePerson {
        /// As in [`ListEdit`].
        person: String,
    },
    /// Things that were planned elsewhere: an import, a generated organisation. For administrators.
    Load(Vec<crate::directory::Change>),
}

impl Act {
    /// Short stable name for records and metrics, such as `room.set`.
    pub fn name(&self) -> &'static str {
        match self {
            Act::NewCategory(_) => "category.new",
            Act::SetCategory { .. } => "category.set",
            Act::RemoveCategory { .. } => "category.remove",
            Act::NewRoom(_) => "room.new",
            Act::SetRoom { .. } => "room.set",
            Act::RemoveRoom { .. } => "room.remove",
            Act::NewAddin { .. } => "addin.new",
            Act::SetAddin { .. } => "addin.set",
            Act::RemoveAddin { .. } => "addin.remove",
            Act::NewPolicy { .. } => "policy.new",
            Act::SetPolicy { .. } => "policy.set",
            Act::GrantPolicy { .. } => "policy.grant",
            Act::RemovePolicy { .. } => "policy.remove",
            Act::NewConfiguration { .. } => "config.new",
            Act::SetConfiguration { .. } => "config.set",
            Act::RemoveConfiguration { .. } => "config.remove",
            Act::NewEndpoint { .. } => "endpoint.new",
            Act::RemoveEndpoint { .. } => "endpoint.remove",
            Act::SetPool(_) => "pool.set",
            Act::SyncPeople(_) => "people.sync",
            Act::RemovePerson { .. } => "people.remove",
            Act::Load(_) => "load",
        }
    }
}

/// Bounds of a setting, for messages.
pub(super) fn is_history_depth(depth: u16) -> bool {
    crate::directory::model::CHAT_HISTORY.contains(&depth)
}

/// A configuration after an edit.
pub(super) fn edited(mut configuration: Configuration, edit: &ConfigurationEdit) -> Configuration {
    let set = |value: &mut u32, new: Option<u32>| *value = new.unwrap_or(*value);
    set(&mut configuration.max_file_size_kb, edit.max_file_size_kb);
    set(&mut configuration.participant_update_limit, edit.participant_update_limit);
    if let Some(depth) = edit.default_chat_history {
        configuration.default_chat_history = depth;
    }
    if let Some(url) = &edit.room_management_url {
        configuration.room_management_url.clone_from(url);
    }
    configuration
}
