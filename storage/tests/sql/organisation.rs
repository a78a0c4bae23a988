//! A directory as plain maps, and things to put into it.

use parlance_core::directory::Change;
use parlance_core::directory::model::{
    Addin, Audit, Behavior, Category, Configuration, Invitations, LegacyEndpoint, Policy, Pool,
    Principal, PrincipalKind, PrincipalState, Privacy, Role, Room, Scope,
};
use parlance_storage::sql::{AdminRecord, AnyStore, Store};
use parlance_wire::xccos::{Guid, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// A directory, in the simplest way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    pub pool: Option<Pool>,
    pub categories: BTreeMap<Guid, Category>,
    pub rooms: BTreeMap<Guid, Room>,
    pub addins: BTreeMap<Guid, Addin>,
    pub principals: BTreeMap<Guid, Principal>,
    pub parents: BTreeMap<Guid, BTreeSet<Guid>>,
    pub entries: BTreeSet<(Guid, Role, Guid)>,
    pub policies: BTreeMap<Scope, Policy>,
    pub configurations: BTreeMap<Scope, Configuration>,
    pub endpoints: BTreeMap<String, LegacyEndpoint>,
    pub invitations: BTreeMap<(Guid, Guid), (u64, Timestamp)>,
}

impl Model {
    /// What a store has, its invitations aside; every change must fit those before it.
    pub fn load(store: &mut AnyStore) -> Model {
        let mut model = Model::default();
        store.directory_load(&mut |change| assert!(model.apply(&change), "{change:?}")).unwrap();
        model
    }

    pub fn without_invitations(&self) -> Model {
        Model { invitations: BTreeMap::new(), ..self.clone() }
    }

    /// Does the name belong to nobody but this one?
    fn is_free(&self, id: Guid, name: &str) -> bool {
        let rooms = self.rooms.values().map(|room| (room.id, &room.name));
        let mut all = self.categories.values().map(|c| (c.id, &c.name)).chain(rooms);
        all.all(|(other, taken)| other == id || taken.to_lowercase() != name.to_lowercase())
    }

    /// Applies a change if it fits.
    pub fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::Pool(pool) => self.pool = Some(pool.clone()),
            Change::Category(category) => {
                let is_room = self.rooms.contains_key(&category.id);
                if is_room || !self.is_free(category.id, &category.name) {
                    return false;
                }
                self.categories.insert(category.id, category.clone());
            }
            Change::CategoryRemoved(id) => {
                let is_in_use = self.rooms.values().any(|room| room.category == *id);
                if is_in_use || self.categories.remove(id).is_none() {
                    return false;
                }
                self.entries.retain(|(node, ..)| node != id);
            }
            Change::Room(room) => {
                let is_category = self.categories.contains_key(&room.id);
                let has_place = self.categories.contains_key(&room.category);
                let has_addin = room.addin.is_none_or(|addin| self.addins.contains_key(&addin));
                if is_category || !has_place || !has_addin || !self.is_free(room.id, &room.name) {
                    return false;
                }
                self.rooms.insert(room.id, room.clone());
            }
            Change::RoomRemoved(id) => {
                if self.rooms.remove(id).is_none() {
                    return false;
                }
                self.entries.retain(|(node, ..)| node != id);
                self.invitations.retain(|(_, room), _| room != id);
            }
            Change::Addin(addin) => {
                if self.addins.values().any(|a| a.id != addin.id && a.name == addin.name) {
                    return false;
                }
                self.addins.insert(addin.id, addin.clone());
            }
            Change::AddinRemoved(id) => {
                if self.rooms.values().any(|room| room.addin == Some(*id)) {
                    return false;
                }
                self.addins.remove(id);
            }
            Change::Policy(policy) => {
                self.policies.insert(policy.scope.clone(), policy.clone());
            }
            Change::PolicyRemoved(scope) => drop(self.policies.remove(scope)),
            Change::Configuration(configuration) => {
                self.configurations.insert(configuration.scope.clone(), configuration.clone());
            }
            Change::ConfigurationRemoved(scope) => drop(self.configurations.remove(scope)),
            Change::Endpoint(endpoint) => {
                self.endpoints.insert(endpoint.uri.clone(), endpoint.clone());
            }
            Change::EndpointRemoved(uri) => drop(self.endpoints.remove(uri)),
            _ => return self.apply_to_people(change),
        }
        true
    }

    fn apply_to_people(&mut self, change: &Change) -> bool {
        match change {
            Change::Principal(new) => {
                let clashes = |old: &Principal| match old.id == new.id {
                    true => old.kind != new.kind,
                    false => old.uri == new.uri,
                };
                if self.principals.values().any(clashes) {
                    return false;
                }
                self.principals.insert(new.id, new.clone());
            }
            Change::PrincipalRemoved(id) => {
                self.entries.retain(|(.., principal)| principal != id);
                self.invitations.retain(|(user, _), _| user != id);
                self.parents.remove(id);
                self.parents.values_mut().for_each(|parents| parents.retain(|other| other != id));
                self.parents.retain(|_, parents| !parents.is_empty());
                return self.principals.remove(id).is_some();
            }
            Change::Parents { child, parents } => {
                if !parents.iter().chain([child]).all(|id| self.principals.contains_key(id)) {
                    return false;
                }
                self.parents.remove(child);
                if !parents.is_empty() {
                    self.parents.insert(*child, parents.iter().copied().collect());
                }
            }
            Change::Entries { node, role, add, remove } => {
                let nodes = match Role::of_node(true).contains(role) {
                    true => self.rooms.contains_key(node),
                    false => self.categories.contains_key(node),
                };
                if !nodes || !add.iter().chain(remove).all(|id| self.principals.contains_key(id)) {
                    return false;
                }
                let is_gone = |id: &Guid| remove.contains(id);
                self.entries.retain(|(n, r, id)| (n, r) != (node, role) || !is_gone(id));
                self.entries.extend(add.iter().map(|id| (*node, *role, *id)));
            }
            Change::Invited { room, number, on, users } => {
                if !self.rooms.contains_key(room) {
                    return false;
                }
                if let Some(pool) = &mut self.pool {
                    pool.last_invitation = pool.last_invitation.max(*number);
                }
                for user in users.iter().filter(|user| self.principals.contains_key(user)) {
                    self.invitations.entry((*user, *room)).or_insert((*number, *on));
                }
            }
            other => panic!("{other:?} is not about people"),
        }
        true
    }
}

/// The record of an act.
pub fn act(id: u128) -> AdminRecord {
    AdminRecord {
        id: Guid(id),
        at: Timestamp(id as i64),
        actor: "sip:kim@contoso.example".into(),
        surface: "command".into(),
        act: "room-create".into(),
        target: "Lobby's \u{1f600}".into(),
        detail: "{\"name\":\"Lobby\"}".into(),
        reason: "asked for".into(),
        request_key: None,
        outcome: "done".into(),
    }
}

pub fn audit(n: u64) -> Audit {
    Audit {
        created_by: format!("sip:user{n}@contoso.example"),
        created_on: Timestamp(n as i64),
        updated_by: "Administrator".into(),
        updated_on: Timestamp(-(n as i64)),
    }
}

pub fn category(id: u128, name: &str) -> Category {
    Category {
        id: Guid(id),
        name: name.into(),
        description: format!("about {name}"),
        invites: id.is_multiple_of(2),
        file_upload: id.is_multiple_of(3),
        chat_history: !id.is_multiple_of(5),
        audit: audit(id as u64),
        version: id as u64,
    }
}

pub fn room(id: u128, category: u128, name: &str) -> Room {
    Room {
        id: Guid(id),
        category: Guid(category),
        name: name.into(),
        description: "'; DROP TABLE chat_room".into(),
        privacy: [Privacy::Open, Privacy::Closed, Privacy::Secret][id as usize % 3],
        behavior: [Behavior::Normal, Behavior::Auditorium][id as usize % 2],
        invitations: [Invitations::Inherit, Invitations::False][id as usize % 2],
        addin: None,
        is_disabled: id.is_multiple_of(4),
        audit: audit(id as u64),
        version: 1,
    }
}

pub fn principal(id: u128, kind: PrincipalKind, uri: &str) -> Principal {
    let states = [PrincipalState::Active, PrincipalState::Disabled, PrincipalState::Deleted];
    Principal {
        id: Guid(id),
        kind,
        uri: uri.into(),
        display_name: format!("Grüße {id}"),
        account: format!("CONTOSO\\{id}"),
        email: format!("{id}@contoso.example"),
        company: "Contoso".into(),
        path: "CN=x,OU=\"y\"".into(),
        state: states[id as usize % 3],
        policy: (id.is_multiple_of(2)).then(|| "Sales".into()),
    }
}

pub fn addin(id: u128, name: &str) -> Addin {
    Addin { id: Guid(id), name: name.into(), url: "https://x.example/?a=1&b=2".into(), version: 3 }
}

pub fn pool() -> Pool {
    Pool {
        fqdn: "pool.contoso.example".into(),
        display_name: "Contoso".into(),
        site: "Site 1".into(),
        db_version: Guid(u128::MAX),
        root_category: Guid(7),
        last_invitation: 4,
    }
}

pub fn entries(node: u128, role: Role, add: &[u128], remove: &[u128]) -> Change {
    let ids = |ids: &[u128]| ids.iter().copied().map(Guid).collect();
    Change::Entries { node: Guid(node), role, add: ids(add), remove: ids(remove) }
}

pub fn parents(child: u128, parents: &[u128]) -> Change {
    let parents = parents.iter().copied().map(Guid).collect();
    Change::Parents { child: Guid(child), parents }
}

pub fn invited(room: u128, number: u64, users: &[u128]) -> Change {
    let users = users.iter().copied().map(Guid).collect();
    Change::Invited { room: Guid(room), number, on: Timestamp(number as i64 * 10), users }
}

/// Everything there is: users 1 to 3, group 4, domain 5, folder 6; categories 11 and 12; rooms 21
/// to 23; add-in 31.
pub fn everything() -> Vec<Change> {
    let user = |id| {
        Change::Principal(principal(id, PrincipalKind::User, &format!("sip:{id}@contoso.example")))
    };
    let policy = |scope, is_enabled| Policy { scope, is_enabled, description: "why".into() };
    let configuration = Configuration {
        default_chat_history: 500,
        max_file_size_kb: u32::MAX,
        participant_update_limit: 0,
        room_management_url: "https://rooms.example".into(),
        ..Configuration::new(Scope::Service("pool.contoso.example".into()))
    };
    let endpoint = "sip:ocschat@contoso.example".to_owned();
    vec![
        Change::Pool(pool()),
        user(1),
        user(2),
        user(3),
        Change::Principal(principal(4, PrincipalKind::Group, "ma-grp:4@u.g")),
        Change::Principal(principal(5, PrincipalKind::Domain, "ma-dom:contoso.example")),
        Change::Principal(principal(6, PrincipalKind::Folder, "ma-fld:6@u.f")),
        parents(1, &[4, 5]),
        parents(4, &[6]),
        Change::Category(category(11, "General")),
        Change::Category(category(12, "Sales")),
        Change::Addin(addin(31, "Board")),
        Change::Room(Room { addin: Some(Guid(31)), ..room(21, 11, "Lobby") }),
        Change::Room(room(22, 11, "Kitchen")),
        Change::Room(room(23, 12, "Straße")),
        entries(11, Role::Allowed, &[5], &[]),
        entries(12, Role::Denied, &[2, 4], &[]),
        entries(12, Role::Creator, &[1], &[]),
        entries(21, Role::Member, &[1, 2, 3, 4, 5, 6], &[]),
        entries(21, Role::Manager, &[1], &[]),
        entries(21, Role::Presenter, &[3], &[]),
        entries(22, Role::Member, &[3], &[]),
        Change::Policy(policy(Scope::Global, true)),
        Change::Policy(policy(Scope::Site("Site 1".into()), false)),
        Change::Policy(policy(Scope::Tag("Sales".into()), true)),
        Change::Configuration(Configuration::new(Scope::Global)),
        Change::Configuration(configuration),
        Change::Endpoint(LegacyEndpoint { uri: endpoint, display_name: "Chat".into() }),
        invited(21, 5, &[1, 2]),
    ]
}

/// The model of [`everything`].
pub fn modelled(changes: &[Change]) -> Model {
    let mut model = Model::default();
    for change in changes {
        assert!(model.apply(change), "{change:?}");
    }
    model
}
