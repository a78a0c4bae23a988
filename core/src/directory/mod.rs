//! What the broker knows of the organisation: people, categories, rooms, access lists, policies.
//!
//! A [`Directory`] is an immutable value that all shards share. A batch of [`Change`]s makes the
//! next one out of it, which shares with it whatever the batch did not touch; shards swap to it and
//! are told what is [`Touched`], so that a revocation is in force for those who are in a room, too,
//! without everybody being looked at.
//!
//! Sized for 150,000 users, 33,000 rooms, 2,000,000 entries in lists, and 200 things that a user
//! belongs to (`product.md` §4.1).

mod affiliations;
mod apply;
mod change;
mod lists;
pub mod model;
mod people;
pub mod sample;
mod seed;

pub use affiliations::Affiliations;
pub use apply::{Inconsistent, Invited, Touched};
pub use change::{Change, Revision};
pub use lists::{List, Lists};
pub use people::{Asker, People, Person, PrincipalId};
pub use seed::{
    DirectoryError, RoomConfig, display_name, domain_principal, guid_of, user_principal,
};

use crate::mail::ShardId;
use crate::policy::{self, Needed, Place, Right, Rights, Standing};
use hashbrown::HashMap;
use model::{
    Addin, Behavior, Category, Configuration, Invitations, LegacyEndpoint, Policy, Pool,
    PrincipalKind, Privacy, Role, Room, Scope,
};
use parlance_wire::xccos::{Guid, room_uri};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A room with its lists.
#[derive(Debug, Clone)]
pub struct RoomEntry {
    lists: Lists,
    /// Its properties.
    pub room: Room,
    /// `ma-chan://domain/guid`.
    pub uri: String,
}

/// A category with its lists.
#[derive(Debug, Clone)]
pub struct CategoryEntry {
    lists: Lists,
    /// Its properties.
    pub category: Category,
}

/// What has a name that must be unique in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// A category.
    Category(Guid),
    /// A room.
    Room(Guid),
}

impl Node {
    /// Whichever it is.
    pub fn id(self) -> Guid {
        let (Node::Category(id) | Node::Room(id)) = self;
        id
    }
}

/// The directory in force.
#[derive(Debug, Clone)]
pub struct Directory {
    /// SIP domain, lower case.
    pub domain: String,
    /// URI clients open their dialogs to, e.g. `sip:ocschat@example.test`.
    pub service_uri: String,
    /// How many batches it is made of.
    pub revision: Revision,
    /// The pool's own settings.
    pub pool: Pool,
    /// Users of the domain who are in no list of people are let in, as members of the domain and
    /// nothing else.
    pub admits_unknown: bool,
    people: Arc<People>,
    categories: Arc<HashMap<Guid, Arc<CategoryEntry>>>,
    rooms: Arc<HashMap<Guid, Arc<RoomEntry>>>,
    /// Names in lower case.
    names: Arc<HashMap<Box<str>, Node>>,
    addins: Arc<BTreeMap<Guid, Addin>>,
    policies: Arc<BTreeMap<Scope, Policy>>,
    configurations: Arc<BTreeMap<Scope, Configuration>>,
    endpoints: Arc<BTreeMap<String, LegacyEndpoint>>,
    /// What unknown users belong to: the domain, if it is a principal, and what it stands in.
    unknown: Arc<Affiliations>,
    /// What the policies say of those to whom none is granted: worked out once, for every decision
    /// asks.
    is_enabled_by_default: bool,
    /// What holds where no configuration says anything.
    defaults: Configuration,
    /// Configuration in force for this pool.
    configuration: Configuration,
}

/// Why somebody may not use the service at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotServed {
    /// Nobody knows the user: "principal not provisioned" (`product.md` §8.6, 20010).
    NotProvisioned,
    /// Known, but disabled or gone from the directory it came from.
    Disabled,
    /// No policy enables the feature for the user (`product.md` §1.5).
    NotEnabled,
}

impl Directory {
    /// A directory with nothing in it.
    pub fn empty(domain: &str) -> Directory {
        let domain = domain.to_ascii_lowercase();
        Directory {
            service_uri: format!("sip:ocschat@{domain}"),
            revision: Revision(0),
            pool: seed::pool(&domain),
            domain,
            admits_unknown: false,
            people: Arc::default(),
            categories: Arc::default(),
            rooms: Arc::default(),
            names: Arc::default(),
            addins: Arc::default(),
            policies: Arc::default(),
            configurations: Arc::default(),
            endpoints: Arc::default(),
            unknown: Arc::default(),
            is_enabled_by_default: false,
            defaults: Configuration::new(Scope::Global),
            configuration: Configuration::new(Scope::Global),
        }
    }

    /// The same with other defaults of the configuration: those of the server's own file.
    pub fn with_defaults(self, defaults: Configuration) -> Directory {
        let mut directory = Directory { defaults, ..self };
        directory.choose_configuration();
        directory
    }

    /// Service, else site, else global, else the defaults.
    fn choose_configuration(&mut self) {
        let service = Scope::Service(self.pool.fqdn.clone());
        let site = Scope::Site(self.pool.site.clone());
        let scopes = [service, site, Scope::Global];
        let found = scopes.iter().find_map(|scope| self.configurations.get(scope));
        self.configuration = found.unwrap_or(&self.defaults).clone();
    }

    /// What the global configuration is where none was set.
    pub fn defaults(&self) -> &Configuration {
        &self.defaults
    }

    /// The room of that id.
    pub fn room(&self, id: Guid) -> Option<&Arc<RoomEntry>> {
        self.rooms.get(&id)
    }

    /// All rooms, in no particular order.
    pub fn rooms(&self) -> impl Iterator<Item = &Arc<RoomEntry>> {
        self.rooms.values()
    }

    /// The category of that id.
    pub fn category(&self, id: Guid) -> Option<&Arc<CategoryEntry>> {
        self.categories.get(&id)
    }

    /// All categories, in no particular order.
    pub fn categories(&self) -> impl Iterator<Item = &Arc<CategoryEntry>> {
        self.categories.values()
    }

    /// The room or category of that name, in any case.
    pub fn named(&self, name: &str) -> Option<Node> {
        self.names.get(&*name.trim().to_lowercase()).copied()
    }

    /// The add-in of that id.
    pub fn addin(&self, id: Guid) -> Option<&Addin> {
        self.addins.get(&id)
    }

    /// All add-ins, by id.
    pub fn addins(&self) -> impl Iterator<Item = &Addin> {
        self.addins.values()
    }

    /// All principals.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// All policies that were set; [`Scope::Global`] has its defaults where it was not.
    pub fn policies(&self) -> &BTreeMap<Scope, Policy> {
        &self.policies
    }

    /// All configurations that were set; [`Scope::Global`] has its defaults where it was not.
    pub fn configurations(&self) -> &BTreeMap<Scope, Configuration> {
        &self.configurations
    }

    /// The configuration in force for this pool: service, else site, else global.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Further addresses of the service, by URI.
    pub fn endpoints(&self) -> &BTreeMap<String, LegacyEndpoint> {
        &self.endpoints
    }

    /// Which of `shards` owns a room: its only sequencer. Depends on the id alone.
    pub fn owner(id: Guid, shards: usize) -> ShardId {
        // GUIDs need not be random in their low bits, so they are mixed first (Fibonacci hashing).
        let folded = (id.0 ^ (id.0 >> 64)) as u64;
        let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ShardId((mixed % shards as u64) as u16)
    }

    /// Somebody by URI in canonical spelling, if the service is for them.
    pub fn serve(&self, uri: &str) -> Result<Asker<'_>, NotServed> {
        let Some(id) = self.people.find_uri(uri) else {
            let is_ours = uri.rsplit_once('@').is_some_and(|(_, domain)| domain == self.domain);
            if !self.admits_unknown || !is_ours {
                return Err(NotServed::NotProvisioned);
            }
            return match self.is_enabled(None) {
                true => Ok(Asker { id: None, affiliations: &self.unknown }),
                false => Err(NotServed::NotEnabled),
            };
        };
        let person = self.people.get(id).expect("found by its URI");
        if person.principal.kind != PrincipalKind::User {
            return Err(NotServed::NotProvisioned);
        }
        if !person.is_active() {
            return Err(NotServed::Disabled);
        }
        if !self.is_enabled(person.principal.policy.as_deref()) {
            return Err(NotServed::NotEnabled);
        }
        Ok(Asker { id: Some(id), affiliations: person.affiliations() })
    }

    /// The policy for a user to whom this one is granted: user, else pool, else site, else global
    /// (ADR 0009, choice 1). A grant of a policy that is no more counts as none.
    pub fn policy_for(&self, granted: Option<&str>) -> Option<&Policy> {
        let tag = granted.map(|name| Scope::Tag(name.to_owned()));
        let service = Some(Scope::Service(self.pool.fqdn.clone()));
        let site = Some(Scope::Site(self.pool.site.clone()));
        let scopes = [tag, service, site, Some(Scope::Global)];
        scopes.into_iter().flatten().find_map(|scope| self.policies.get(&scope))
    }

    /// Off, unless a policy turns it on (`product.md` §1.5).
    fn is_enabled(&self, granted: Option<&str>) -> bool {
        let tag = granted.map(|name| Scope::Tag(name.to_owned()));
        let policy = tag.and_then(|tag| self.policies.get(&tag));
        policy.map_or(self.is_enabled_by_default, |policy| policy.is_enabled)
    }

    /// Name of a user as shown to others: that of the directory, else the user part of the URI.
    pub fn display_name<'a>(&'a self, uri: &'a str) -> &'a str {
        let person = self.people.find_uri(uri).and_then(|id| self.people.get(id));
        let name = person.map(|person| &*person.principal.display_name);
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| display_name(uri))
    }

    /// Is somebody in the scope of a category: allowed and not denied?
    pub fn is_in_scope(&self, asker: &Asker<'_>, category: Guid) -> bool {
        self.categories.get(&category).is_some_and(|category| category.admits(asker))
    }

    /// How somebody relates to a room.
    pub fn standing(&self, asker: &Asker<'_>, room: &RoomEntry) -> Standing {
        match self.categories.get(&room.room.category) {
            Some(category) => room.standing(asker, category, Needed::ALL),
            None => Standing::default(),
        }
    }

    /// What a room is, as far as rights depend on it.
    pub fn place(&self, room: &RoomEntry) -> Place {
        room.place(self.category(room.room.category).is_some_and(|c| c.category.file_upload))
    }

    /// May somebody do this with a room? What that does not depend on is not looked at.
    pub fn may(&self, asker: &Asker<'_>, room: &RoomEntry, right: Right) -> bool {
        let Some(category) = self.categories.get(&room.room.category) else { return false };
        let place = room.place(category.category.file_upload);
        policy::rights(room.standing(asker, category, right.needs(place)), place).has(right)
    }

    /// May somebody do this with a room, both by their names? Nothing with a room that is not
    /// there, or when the service is not for them.
    pub fn allows(&self, uri: &str, room: Guid, right: Right) -> bool {
        match (self.serve(uri), self.rooms.get(&room)) {
            (Ok(asker), Some(room)) => self.may(&asker, room, right),
            _ => false,
        }
    }

    /// Everything that somebody may do with a room.
    pub fn rights(&self, asker: &Asker<'_>, room: &RoomEntry) -> Rights {
        let Some(category) = self.categories.get(&room.room.category) else {
            return Rights::default();
        };
        let standing = room.standing(asker, category, Needed::ALL);
        policy::rights(standing, room.place(category.category.file_upload))
    }

    /// Everything that somebody may do with a room, as [`Self::allows`] says it.
    pub fn rights_of(&self, uri: &str, room: Guid) -> Rights {
        match (self.serve(uri), self.rooms.get(&room)) {
            (Ok(asker), Some(room)) => self.rights(&asker, room),
            _ => Rights::default(),
        }
    }

    /// May somebody create rooms in a category?
    pub fn may_create(&self, asker: &Asker<'_>, category: Guid) -> bool {
        let is_creator = self.categories.get(&category).is_some_and(|c| c.creators().has(asker));
        policy::may_create(self.is_in_scope(asker, category), is_creator)
    }

    /// Do members of the room get invitations: does its category invite, and the room not refuse?
    pub fn invites(&self, room: &RoomEntry) -> bool {
        let does = self.category(room.room.category).is_some_and(|c| c.category.invites);
        does && room.room.invitations == Invitations::Inherit
    }

    /// Can what is said in the room be read later?
    pub fn keeps_history(&self, room: &RoomEntry) -> bool {
        self.category(room.room.category).is_none_or(|c| c.category.chat_history)
    }

    /// Rooms that name somebody, or something they belong to, in a list; each once, sorted.
    /// Categories' lists do not count.
    pub fn rooms_listing(&self, asker: &Asker<'_>) -> Vec<&Arc<RoomEntry>> {
        let who = asker.id.iter().chain(asker.affiliations.ids());
        let lists = who.filter_map(|id| self.people.get(*id)).map(|person| &person.listed);
        let mut rooms: Vec<Guid> = lists.flatten().copied().collect();
        rooms.sort_unstable();
        rooms.dedup();
        rooms.into_iter().filter_map(|id| self.rooms.get(&id)).collect()
    }

    /// A room's list.
    pub fn list(&self, node: Guid, role: Role) -> Option<List<'_>> {
        let lists = match role.is_of_room() {
            true => self.rooms.get(&node).map(|room| &room.lists),
            false => self.categories.get(&node).map(|category| &category.lists),
        };
        lists.map(|lists| lists.of(role))
    }

    fn room_entry(&self, room: Room) -> RoomEntry {
        let uri = room_uri(&self.domain, room.id);
        RoomEntry { lists: Lists::default(), room, uri }
    }
}

impl RoomEntry {
    /// Who may enter, unless it is open.
    pub fn members(&self) -> List<'_> {
        self.lists.of(Role::Member)
    }

    /// Who may change it.
    pub fn managers(&self) -> List<'_> {
        self.lists.of(Role::Manager)
    }

    /// Who may post, if it is an auditorium.
    pub fn presenters(&self) -> List<'_> {
        self.lists.of(Role::Presenter)
    }

    /// With what the lists say that are not needed left at no.
    fn standing(&self, asker: &Asker<'_>, category: &CategoryEntry, needed: Needed) -> Standing {
        if !category.admits(asker) {
            return Standing::default();
        }
        Standing {
            in_scope: true,
            is_listed: needed.members && self.members().has(asker),
            is_manager: needed.managers && self.managers().has(asker),
            is_presenter: needed.presenters && self.presenters().has(asker),
        }
    }

    fn place(&self, takes_files: bool) -> Place {
        let Room { privacy, behavior, is_disabled, .. } = self.room;
        Place { privacy, behavior, is_disabled, takes_files }
    }

    /// Only presenters post in it.
    pub fn is_auditorium(&self) -> bool {
        self.room.behavior == Behavior::Auditorium
    }

    /// Is it found by members only?
    pub fn is_secret(&self) -> bool {
        self.room.privacy == Privacy::Secret
    }
}

impl CategoryEntry {
    /// Who may be in its rooms at all.
    pub fn allowed(&self) -> List<'_> {
        self.lists.of(Role::Allowed)
    }

    /// Who may not, whatever else is said.
    pub fn denied(&self) -> List<'_> {
        self.lists.of(Role::Denied)
    }

    /// Who may create rooms.
    pub fn creators(&self) -> List<'_> {
        self.lists.of(Role::Creator)
    }

    fn admits(&self, asker: &Asker<'_>) -> bool {
        self.allowed().has(asker) && !self.denied().has(asker)
    }
}
