//! Who may do what: the decision tables of `product.md` §2 as pure functions.
//!
//! A decision has two inputs. A [`Standing`] says how a user relates to a room and its category, a
//! [`Place`] what the room is. [`crate::Directory`] finds both; nothing here looks anything up, so
//! the tables can be tested row by row and the laws over all values there are.
//!
//! Laws (`core/tests/policy.rs`):
//!
//! - who is out of scope may do nothing, whatever lists they are on: denied beats allowed;
//! - nobody posts who may not enter, nobody enters who may not see, and posting in an auditorium
//!   takes a presenter, managers included;
//! - in a disabled room nobody does anything but its managers, who manage.

use crate::directory::model::{Behavior, Privacy};

/// How a user relates to a room: lists, not yet rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Allowed and not denied by the category: `inScope` (`product.md` §2.0).
    pub in_scope: bool,
    /// On the room's list of members, by themselves or by something they belong to.
    pub is_listed: bool,
    /// On its list of managers.
    pub is_manager: bool,
    /// On its list of presenters.
    pub is_presenter: bool,
}

/// What a room is, as far as rights depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Who sees and enters it.
    pub privacy: Privacy,
    /// Who may post.
    pub behavior: Behavior,
    /// Nobody is in.
    pub is_disabled: bool,
    /// Its category takes files.
    pub takes_files: bool,
}

/// What a user may do with a room.
///
/// Whether somebody *is* in the room is not looked at: posting and uploading need that too
/// ([`crate::shard`] knows). Whether the category keeps history neither: reading is allowed then,
/// and there is nothing to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    /// Find it by searching and browsing (§2.1).
    pub find: bool,
    /// See its room card: what it is and who its managers are (§2.1).
    pub see: bool,
    /// Enter (§2.2).
    pub join: bool,
    /// Post (§2.3).
    pub post: bool,
    /// Read and search what was said, without being in (§2.4).
    pub read: bool,
    /// Upload files (§2.5).
    pub upload: bool,
    /// Change it (§2.7).
    pub manage: bool,
    /// Post although others in the room may not: a presenter of an auditorium.
    pub present: bool,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// [`Rights::find`]
    Find,
    /// [`Rights::see`]
    See,
    /// [`Rights::join`]
    Join,
    /// [`Rights::post`]
    Post,
    /// [`Rights::read`]
    Read,
    /// [`Rights::upload`]
    Upload,
    /// [`Rights::manage`]
    Manage,
    /// [`Rights::present`]
    Present,
}

/// Lists of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needed {
    /// That of its members.
    pub members: bool,
    /// That of its managers.
    pub managers: bool,
    /// That of its presenters.
    pub presenters: bool,
}

impl Needed {
    /// All of them.
    pub const ALL: Needed = Needed { members: true, managers: true, presenters: true };
}

impl Right {
    /// All there are.
    pub const ALL: [Right; 8] = [
        Right::Find,
        Right::See,
        Right::Join,
        Right::Post,
        Right::Read,
        Right::Upload,
        Right::Manage,
        Right::Present,
    ];

    /// The lists that it depends on, for those in scope: the others need not be searched for an
    /// answer to whether somebody has it.
    pub fn needs(self, place: Place) -> Needed {
        let Place { privacy, behavior, is_disabled, .. } = place;
        let (is_enabled, is_secret) = (!is_disabled, privacy == Privacy::Secret);
        let members = is_enabled && privacy != Privacy::Open;
        let none = Needed::default();
        match self {
            Right::Find => Needed { members: is_enabled && is_secret, ..none },
            Right::See if is_enabled && !is_secret => none,
            Right::See => Needed { members, managers: true, ..none },
            Right::Join | Right::Read => Needed { members, ..none },
            Right::Post | Right::Upload | Right::Present => {
                let presenters = is_enabled && behavior == Behavior::Auditorium;
                Needed { members, presenters, ..none }
            }
            Right::Manage => Needed { managers: true, ..none },
        }
    }
}

/// The tables of `product.md` §2.1 to §2.5 and §2.7.
pub fn rights(standing: Standing, place: Place) -> Rights {
    if !standing.in_scope {
        return Rights::default();
    }
    let is_enabled = !place.is_disabled;
    let is_member = place.privacy == Privacy::Open || standing.is_listed;
    let is_open_to_search = place.privacy != Privacy::Secret || is_member;
    let is_auditorium = place.behavior == Behavior::Auditorium;
    let join = is_enabled && is_member;
    let present = join && is_auditorium && standing.is_presenter;
    let post = join && (!is_auditorium || present);
    Rights {
        find: is_enabled && is_open_to_search,
        // A manager finds secret and disabled rooms too, among those that they manage.
        see: is_enabled && is_open_to_search || standing.is_manager,
        join,
        post,
        read: join,
        upload: post && place.takes_files,
        manage: standing.is_manager,
        present,
    }
}

/// May a user create rooms in a category (§2.6)? Administrators may anywhere but in the root.
pub fn may_create(in_scope: bool, is_creator: bool) -> bool {
    in_scope && is_creator
}

/// May a user move a room they manage into a category (§2.7)?
pub fn may_move(may_manage: bool, may_create_there: bool) -> bool {
    may_manage && may_create_there
}

impl Rights {
    /// Is it one of them?
    pub fn has(self, right: Right) -> bool {
        match right {
            Right::Find => self.find,
            Right::See => self.see,
            Right::Join => self.join,
            Right::Post => self.post,
            Right::Read => self.read,
            Right::Upload => self.upload,
            Right::Manage => self.manage,
            Right::Present => self.present,
        }
    }

    /// The bit mask that tells a client of its rights (`xccos.md` §3.2.4, the 2013 rights alone).
    pub fn key(self) -> u32 {
        let bits = [
            (self.manage, 1 << 2),
            (self.join, 1 << 7),
            (self.post, 1 << 8),
            (self.read, 1 << 10),
            (self.see, 1 << 11),
            (self.present, 1 << 12),
        ];
        bits.into_iter().filter(|(has, _)| *has).map(|(_, bit)| bit).sum()
    }
}
