//! A small organisation to decide about, built by changes and by acts.
//!
//! Principals have short names: `kay` is a user of the domain, `g:crew` a group, `o:yard` an
//! organisational unit, `d:` the domain.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod acts;

use parlance_core::Directory;
use parlance_core::admin::{Act, Actor, Cause, Context, Plan, Refusal, plan};
use parlance_core::directory::model::{
    Category, Policy, Principal, PrincipalKind, PrincipalState, Role, Room, Scope,
};
use parlance_core::directory::{Change, Node, Touched, guid_of, user_principal};
use parlance_core::policy::Rights;
use parlance_wire::xccos::{Guid, Timestamp};

pub const DOMAIN: &str = "d.test";
pub const NOW: Timestamp = Timestamp(1_000_000);

pub fn admin() -> Actor {
    Actor::Administrator { name: "root".to_owned() }
}

pub fn user(name: &str) -> Actor {
    Actor::User { uri: uri(name) }
}

pub fn uri(name: &str) -> String {
    match name.split_once(':') {
        Some(("g", group)) => format!("ma-grp:{group}@u.g"),
        Some(("o", folder)) => format!("ma-fld:{folder}@u.f"),
        Some(("d", _)) => format!("ma-dom:{DOMAIN}"),
        _ => format!("sip:{name}@{DOMAIN}"),
    }
}

pub fn uris(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| uri(name)).collect()
}

pub fn id(name: &str) -> Guid {
    guid_of(&uri(name))
}

pub fn ids(names: &[&str]) -> Vec<Guid> {
    names.iter().map(|name| id(name)).collect()
}

pub fn principal(name: &str) -> Principal {
    let kind = match name.split_once(':') {
        Some(("g", _)) => PrincipalKind::Group,
        Some(("o", _)) => PrincipalKind::Folder,
        Some(("d", _)) => PrincipalKind::Domain,
        _ => PrincipalKind::User,
    };
    Principal { id: id(name), kind, uri: uri(name), ..user_principal("sip:x@x") }
}

/// A directory in the making.
pub struct Organisation {
    pub directory: Directory,
    made: u128,
}

impl Organisation {
    /// The domain, and a policy by which all may chat.
    pub fn new() -> Organisation {
        let mut organisation = Organisation { directory: Directory::empty(DOMAIN), made: 0xa000 };
        let (scope, description) = (Scope::Global, String::new());
        organisation.change(Change::Principal(principal("d:")));
        organisation.change(Change::Policy(Policy { scope, is_enabled: true, description }));
        organisation
    }

    pub fn change(&mut self, change: Change) -> Touched {
        let (next, touched) = self.directory.apply(&[change]).expect("a change that fits");
        self.directory = next;
        touched
    }

    /// A principal that stands in others, which are made if need be.
    pub fn person(&mut self, name: &str, parents: &[&str]) {
        for name in parents.iter().chain([&name]) {
            if self.directory.people().find(id(name)).is_none() {
                self.change(Change::Principal(principal(name)));
            }
        }
        self.change(Change::Parents { child: id(name), parents: ids(parents) });
    }

    /// Users of the domain.
    pub fn users(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.person(name, &["d:"]));
    }

    pub fn set_state(&mut self, name: &str, state: PrincipalState) {
        self.change(Change::Principal(Principal { state, ..principal(name) }));
    }

    /// A category for these.
    pub fn category(&mut self, name: &str, allowed: &[&str]) -> Guid {
        self.made += 1;
        let (id, text) = (Guid(self.made), name.to_owned());
        let chat_history = true;
        self.change(Change::Category(Category {
            id,
            name: text,
            chat_history,
            version: 1,
            ..Category::default()
        }));
        self.list(name, Role::Allowed, allowed);
        id
    }

    pub fn edit_category(&mut self, name: &str, edit: impl FnOnce(&mut Category)) {
        let Some(Node::Category(id)) = self.directory.named(name) else { panic!("{name}") };
        let mut category = self.directory.category(id).expect("it has a name").category.clone();
        edit(&mut category);
        self.change(Change::Category(category));
    }

    /// A closed room without anybody.
    pub fn room(&mut self, name: &str, category: &str) -> Guid {
        self.made += 1;
        let Some(Node::Category(category)) = self.directory.named(category) else {
            panic!("{category}")
        };
        let id = Guid(self.made);
        self.change(Change::Room(Room {
            id,
            category,
            name: name.to_owned(),
            description: String::new(),
            privacy: parlance_core::directory::model::Privacy::Closed,
            behavior: parlance_core::directory::model::Behavior::Normal,
            invitations: parlance_core::directory::model::Invitations::Inherit,
            addin: None,
            is_disabled: false,
            audit: Default::default(),
            version: 1,
        }));
        id
    }

    pub fn edit_room(&mut self, name: &str, edit: impl FnOnce(&mut Room)) {
        let mut room = self.room_named(name);
        edit(&mut room);
        self.change(Change::Room(room));
    }

    pub fn room_named(&self, name: &str) -> Room {
        let Some(Node::Room(id)) = self.directory.named(name) else { panic!("{name}") };
        self.directory.room(id).expect("it has a name").room.clone()
    }

    pub fn node(&self, name: &str) -> Guid {
        self.directory.named(name).expect(name).id()
    }

    /// Puts principals into a list.
    pub fn list(&mut self, node: &str, role: Role, who: &[&str]) {
        let node = self.node(node);
        self.change(Change::Entries { node, role, add: ids(who), remove: vec![] });
    }

    /// Short names in a list, sorted.
    pub fn listed(&self, node: &str, role: Role) -> Vec<String> {
        let people = self.directory.people();
        let list = self.directory.list(self.node(node), role).expect("a list of it");
        let uris =
            list.iter().map(|id| people.get(id).expect("it is listed").principal.uri.as_str());
        let mut names: Vec<String> = uris.map(short).collect();
        names.sort();
        names
    }

    pub fn rights(&self, who: &str, room: &str) -> Rights {
        self.directory.rights_of(&uri(who), self.node(room))
    }

    /// What an act comes to; whatever is planned fits.
    pub fn plan(&self, actor: &Actor, act: &Act) -> Result<Plan, Refusal> {
        let context = Context { now: NOW, fresh: Guid(self.made + 0x1000) };
        let plan = plan(&self.directory, actor, act, &context)?;
        let applied = self.directory.apply(&plan.changes);
        assert!(applied.is_ok(), "{act:?} came to {plan:?}, which does not fit: {applied:?}");
        Ok(plan)
    }

    /// Does it.
    pub fn act(&mut self, actor: &Actor, act: &Act) -> Result<Plan, Refusal> {
        let plan = self.plan(actor, act)?;
        self.directory = self.directory.apply(&plan.changes).expect("tried above").0;
        self.made += 0x1_0000;
        Ok(plan)
    }

    /// Why not.
    pub fn cause(&self, actor: &Actor, act: &Act) -> Option<Cause> {
        self.plan(actor, act).err().map(|refusal| refusal.cause)
    }
}

/// The short name of a URI.
pub fn short(uri: &str) -> String {
    let (scheme, rest) = uri.split_once(':').expect("URIs have a scheme");
    let name = rest.split('@').next().expect("the first part is always there");
    match scheme {
        "ma-grp" => format!("g:{name}"),
        "ma-fld" => format!("o:{name}"),
        "ma-dom" => "d:".to_owned(),
        _ => name.to_owned(),
    }
}
