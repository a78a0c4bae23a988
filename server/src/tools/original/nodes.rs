//! Categories and rooms of the original as those here.
//!
//! One that is here already, by its identifier, gets the properties and lists that the tables have,
//! as the original's import overwrites what it finds. Another one of the same name keeps it, and
//! the imported one gets a number behind its name: nothing here is replaced by something else.

use super::people::{People, plain};
use super::rows::{Node, NodeNumber, ROOT, Tables, Who};
use hashbrown::{HashMap, HashSet};
use parlance_core::Directory;
use parlance_core::directory::model::{
    ADDIN_NAME_BYTES_MAX, ADDIN_URL_BYTES_MAX, Addin, Audit, Behavior, Category, Invitations,
    NAME_BYTES_MAX, PrincipalKind, Privacy, Role, Room, is_web_address,
};
use parlance_core::directory::{Change, List, Node as Place};
use parlance_people::Findings;
use parlance_wire::xccos::{Guid, Timestamp};

/// What rooms and categories come to.
pub struct Nodes {
    /// Add-ins and categories, each with its lists.
    pub categories: Vec<Vec<Change>>,
    /// Rooms, each with its lists, and invitations.
    pub rooms: Vec<Vec<Change>>,
    /// Where the messages of a node belong.
    pub ids: HashMap<NodeNumber, Guid>,
    /// Rooms that were left out as they are disabled.
    pub skipped: HashSet<NodeNumber>,
}

/// Plans them.
pub fn plan(
    tables: &Tables,
    people: &People,
    directory: &Directory,
    skip_disabled: bool,
    findings: &mut Findings,
) -> Nodes {
    let by_number = tables.nodes.iter().map(|node| (node.number, node)).collect();
    let by_id = tables.nodes.iter().map(|node| (node.id, node)).collect();
    let (names, named, addins) = Default::default();
    let mut plan =
        Plan { tables, people, directory, by_number, by_id, names, named, addins, findings };
    let mut nodes = Nodes {
        categories: plan.addins().into_iter().map(|addin| vec![addin]).collect(),
        rooms: Vec::new(),
        ids: HashMap::new(),
        skipped: HashSet::new(),
    };
    let (categories, mut rooms): (Vec<&Node>, Vec<&Node>) =
        tables.nodes.iter().partition(|node| node.is_category);
    let holds_rooms = |number| rooms.iter().any(|room| room.parent == Some(number));
    for node in categories {
        if node.number != ROOT || holds_rooms(ROOT) {
            nodes.categories.push(plan.category(node));
        }
    }
    // Whoever gives up a name comes before whoever takes it.
    rooms.sort_by_key(|room| plan.waits(room));
    for node in &rooms {
        if skip_disabled && node.is_disabled {
            nodes.skipped.insert(node.number);
        } else if let Some(changes) = plan.room(node) {
            nodes.ids.insert(node.number, node.id);
            nodes.rooms.push(changes);
        }
    }
    let invited = plan.invitations(&nodes.ids);
    nodes.rooms.extend(invited.into_iter().map(|invited| vec![invited]));
    plan.tell_rest(&rooms);
    nodes.categories.retain(|unit| !unit.is_empty());
    nodes.rooms.retain(|unit| !unit.is_empty());
    nodes
}

struct Plan<'a> {
    tables: &'a Tables,
    people: &'a People,
    directory: &'a Directory,
    by_number: HashMap<NodeNumber, &'a Node>,
    by_id: HashMap<Guid, &'a Node>,
    /// Names given so far, in lower case, and who has one.
    names: HashMap<String, Guid>,
    named: HashSet<Guid>,
    /// Those that rooms may have, by their names.
    addins: HashMap<String, Guid>,
    findings: &'a mut Findings,
}

/// Deepest nesting of categories that is followed: what is deeper stands in itself.
const DEPTH_MAX: usize = 64;

impl<'a> Plan<'a> {
    fn addins(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for addin in &self.tables.addins {
            let (name, known) =
                (plain(&addin.name, ADDIN_NAME_BYTES_MAX), self.directory.addin(addin.id));
            let is_other = |a: &Addin| a.id != addin.id && a.name.eq_ignore_ascii_case(&name);
            let is_taken = self.directory.addins().any(is_other)
                || self.addins.contains_key(&name.to_lowercase());
            let is_web = is_web_address(&addin.url) && addin.url.len() <= ADDIN_URL_BYTES_MAX;
            let reason = match () {
                () if !is_web => format!("{:?} is no web address", addin.url),
                () if is_taken || name.is_empty() => format!("the name {name:?} is not free"),
                () => {
                    self.addins.insert(name.to_lowercase(), addin.id);
                    let version = known.map_or(0, |known| known.version);
                    let new = Addin { id: addin.id, name, url: addin.url.clone(), version };
                    if known != Some(&new) {
                        changes.push(Change::Addin(Addin { version: version + 1, ..new }));
                    }
                    continue;
                }
            };
            let what = format!("add-in {:?}", addin.name);
            self.findings.add(&what, format!("{reason}, so it is left out, and rooms have none"));
        }
        changes
    }

    /// A room's add-in: that of the tables, or the one it has where the tables do not tell.
    fn addin(&self, node: &Node, known: Option<&Room>) -> Option<Guid> {
        if self.tables.missing.contains(&"SiopWhiteList") {
            return known.and_then(|room| room.addin);
        }
        node.addin.filter(|addin| self.addins.values().any(|id| id == addin))
    }

    fn category(&mut self, node: &'a Node) -> Vec<Change> {
        let handed = |get: fn(&Node) -> Option<bool>, default| {
            self.above(node).find_map(get).unwrap_or(default)
        };
        let (invites, file_upload) =
            (handed(|n| n.invites, false), handed(|n| n.takes_files, false));
        let chat_history = handed(|n| n.keeps_history, true);
        let known = self.directory.category(node.id);
        let version = known.map_or(0, |entry| entry.category.version);
        let category = Category {
            id: node.id,
            name: self.name(node, &self.path_name(node)),
            description: self.description(node),
            invites,
            file_upload,
            chat_history,
            audit: self.audit(node),
            version,
        };
        let (denied, allowed) = self.scope(node);
        let lists = [
            (Role::Denied, denied, known.map(|entry| entry.denied())),
            (Role::Allowed, allowed, known.map(|entry| entry.allowed())),
            (Role::Creator, self.listed(node, Role::Creator), known.map(|e| e.creators())),
        ];
        let entries = self.entries(node.id, lists);
        if known.is_some_and(|entry| entry.category == category) && entries.is_empty() {
            return Vec::new();
        }
        let category = Category { version: version + 1, ..category };
        std::iter::once(Change::Category(category)).chain(entries).collect()
    }

    /// `None` when it stands in nothing.
    fn room(&mut self, node: &'a Node) -> Option<Vec<Change>> {
        let category = node.parent.and_then(|number| self.by_number.get(&number)).copied();
        let Some(category) = category.filter(|category| category.is_category) else {
            let reason = "stands in no category of the tables, so it is left out";
            self.findings.add(&format!("room {:?}", node.name), reason);
            return None;
        };
        let known = self.directory.room(node.id);
        let version = known.map_or(0, |entry| entry.room.version);
        let behavior = self.behavior(node);
        if node.has_topic || (self.tables.is_2010 && node.keeps_history == Some(false)) {
            let reason = "has a topic or a setting of history that rooms have no more since 2013; \
                          they are left out, and its category decides";
            self.findings.add(&format!("room {:?}", node.name), reason);
        }
        let room = Room {
            id: node.id,
            category: category.id,
            name: self.name(node, &node.name),
            description: self.description(node),
            privacy: self.privacy(node),
            behavior,
            invitations: match node.invites {
                Some(false) => Invitations::False,
                _ => Invitations::Inherit,
            },
            addin: self.addin(node, known.map(|entry| &entry.room)),
            is_disabled: node.is_disabled,
            audit: self.audit(node),
            version,
        };
        let mut presenters = self.listed(node, Role::Presenter);
        if behavior == Behavior::Normal && !presenters.is_empty() {
            presenters.clear();
            let reason = "has presenters, but is no auditorium; they are left out";
            self.findings.add(&format!("room {:?}", node.name), reason);
        }
        let lists = [
            (Role::Member, self.listed(node, Role::Member), known.map(|e| e.members())),
            (Role::Manager, self.listed(node, Role::Manager), known.map(|e| e.managers())),
            (Role::Presenter, presenters, known.map(|entry| entry.presenters())),
        ];
        let entries = self.entries(node.id, lists);
        if known.is_some_and(|entry| entry.room == room) && entries.is_empty() {
            return Some(Vec::new());
        }
        let room = Room { version: version + 1, ..room };
        Some(std::iter::once(Change::Room(room)).chain(entries).collect())
    }

    /// The node and what it stands in, upwards. A circle, which cannot be, ends.
    fn above(&self, node: &'a Node) -> impl Iterator<Item = &'a Node> {
        let parent = |node: &&'a Node| {
            let parent = node.parent.filter(|parent| *parent != node.number)?;
            self.by_number.get(&parent).copied()
        };
        std::iter::successors(Some(node), parent).take(DEPTH_MAX)
    }

    /// A category's name with those of the categories it stands in before it, as there are no
    /// categories in categories (`product.md` §10).
    fn path_name(&self, node: &'a Node) -> String {
        let names = self.above(node).filter(|above| above.number != ROOT || node.number == ROOT);
        let mut names: Vec<&str> = names.map(|above| above.name.trim()).collect();
        names.reverse();
        names.join(" - ")
    }

    /// Does another node of the tables still have this one's name here?
    fn waits(&self, node: &Node) -> bool {
        let holder = self.directory.named(&plain(&node.name, NAME_BYTES_MAX)).map(Place::id);
        holder.is_some_and(|id| id != node.id && self.by_id.contains_key(&id))
    }

    /// A name that is free, or the node's own already.
    fn name(&mut self, node: &Node, wanted: &str) -> String {
        let base = plain(wanted, NAME_BYTES_MAX);
        let base = if base.is_empty() { format!("Node {}", node.number) } else { base };
        let mut name = base.clone();
        for number in 2.. {
            // Whoever has got another name by now, has it no more.
            let holder = self.directory.named(&name).map(Place::id);
            let holder = holder.filter(|id| !self.named.contains(id));
            let given = self.names.get(&name.to_lowercase()).copied();
            if [holder, given].into_iter().flatten().all(|id| id == node.id) {
                break;
            }
            let behind = format!(" ({number})");
            let end = base.floor_char_boundary(NAME_BYTES_MAX - behind.len());
            name = format!("{}{behind}", base[..end].trim_end());
        }
        if name != node.name.trim() {
            let reason = format!(
                "is called {name:?} here: names are unique, of one line and at most \
                 {NAME_BYTES_MAX} bytes, and those of categories tell what these stood in"
            );
            self.findings.add(&format!("{:?}", node.name), reason);
        }
        self.names.insert(name.to_lowercase(), node.id);
        self.named.insert(node.id);
        name
    }

    fn description(&mut self, node: &Node) -> String {
        let description = plain(&node.description, NAME_BYTES_MAX);
        if description != node.description.trim() {
            let reason =
                format!("its description is one line here, of at most {NAME_BYTES_MAX} bytes");
            self.findings.add(&format!("{:?}", node.name), reason);
        }
        description
    }

    fn privacy(&mut self, node: &Node) -> Privacy {
        match node.visibility {
            Some(2) => Privacy::Secret,
            Some(3) => Privacy::Closed,
            Some(6) => Privacy::Open,
            other => {
                let said = other.map_or("none".to_owned(), |number| number.to_string());
                let reason = format!("its visibility is {said}, which means nothing; it is closed");
                self.findings.add(&format!("room {:?}", node.name), reason);
                Privacy::Closed
            }
        }
    }

    fn behavior(&mut self, node: &Node) -> Behavior {
        match node.behavior {
            Some(4) => Behavior::Normal,
            Some(5) => Behavior::Auditorium,
            other => {
                let said = other.map_or("none".to_owned(), |number| number.to_string());
                let reason = format!(
                    "its behavior is {said}, which means nothing; it is an auditorium, so that \
                     nobody posts who should not"
                );
                self.findings.add(&format!("room {:?}", node.name), reason);
                Behavior::Auditorium
            }
        }
    }

    fn audit(&self, node: &Node) -> Audit {
        let ((created, created_on), (updated, updated_on)) = (node.created, node.updated);
        let (created_by, updated_by) = (self.people.name(created), self.people.name(updated));
        Audit { created_by, created_on, updated_by, updated_on }
    }

    /// Who is denied and who is allowed. In 2010, a category without a scope of its own had that of
    /// what it stands in. Not since: whoever names nobody allows nobody.
    fn scope(&mut self, node: &'a Node) -> (Vec<Guid>, Vec<Guid>) {
        let scopes = &self.tables.scopes;
        let holder = match self.tables.is_2010 {
            true => self.above(node).find(|above| scopes.contains_key(&above.number)),
            false => Some(node),
        };
        let scope = holder.and_then(|holder| scopes.get(&holder.number));
        let scope = scope.map(Vec::as_slice).unwrap_or_default();
        let of = |role| scope.iter().filter(move |(r, _)| *r == role).map(|(_, who)| *who);
        let is_lost = |who| self.people.get(who).is_none() && !self.people.is_harmless(who);
        let mut lost = of(Role::Denied).filter(|who| is_lost(*who));
        let allowed = match lost.next() {
            None => self.ids(node, Role::Allowed, of(Role::Allowed)),
            Some(who) => {
                let reason = format!(
                    "denies principal {who}, who was left out; so that the wall stands, nobody is \
                     allowed: see to it, and allow whom it should"
                );
                self.findings.add(&format!("category {:?}", node.name), reason);
                Vec::new()
            }
        };
        (self.ids(node, Role::Denied, of(Role::Denied)), allowed)
    }

    /// Whom a list names. In 2010 managers of what a node stands in managed it, too, and members
    /// were handed down until a node overrode them (`product.md` §10).
    fn listed(&mut self, node: &'a Node, role: Role) -> Vec<Guid> {
        let mut who: Vec<Who> = Vec::new();
        for above in self.above(node) {
            let roles = self.tables.roles.get(&above.number).into_iter().flatten();
            who.extend(roles.filter(|(r, _)| *r == role).map(|(_, who)| *who));
            let is_handed_down =
                self.tables.is_2010 && (role == Role::Manager || !above.overrides_members);
            if !is_handed_down {
                break;
            }
        }
        self.ids(node, role, who.into_iter())
    }

    /// Their identifiers, sorted, none twice. A list that loses somebody says so. Whoever has only
    /// the address of somebody else is not named, unless to be denied.
    fn ids(&mut self, node: &Node, role: Role, who: impl Iterator<Item = Who>) -> Vec<Guid> {
        let mut ids = Vec::new();
        for number in who {
            match self.people.get(number) {
                Some(person) if !person.is_somebody_else || role == Role::Denied => {
                    ids.push(person.id);
                }
                _ => {
                    let reason = format!("the list {role:?} loses principal {number}");
                    self.findings.add(&format!("{:?}", node.name), reason);
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// What makes the lists as they are in the tables.
    fn entries(&self, node: Guid, lists: [(Role, Vec<Guid>, Option<List<'_>>); 3]) -> Vec<Change> {
        let people = self.directory.people();
        let mut changes = Vec::new();
        for (role, wanted, known) in lists {
            let known = known.into_iter().flat_map(List::iter).filter_map(|id| people.get(id));
            let known: HashSet<Guid> = known.map(|person| person.principal.id).collect();
            let add: Vec<Guid> = wanted.iter().filter(|id| !known.contains(*id)).copied().collect();
            let mut remove: Vec<Guid> =
                known.into_iter().filter(|id| wanted.binary_search(id).is_err()).collect();
            remove.sort_unstable();
            if !add.is_empty() || !remove.is_empty() {
                changes.push(Change::Entries { node, role, add, remove });
            }
        }
        changes
    }

    /// Invitations, so that clients find again what they have been told of. Numbers are new: each
    /// room has one, in the order in which the rooms first invited somebody. Those that are here
    /// already stay.
    fn invitations(&self, ids: &HashMap<NodeNumber, Guid>) -> Vec<Change> {
        let mut rooms: HashMap<Guid, (Timestamp, Vec<Guid>)> = HashMap::new();
        for invite in &self.tables.invites {
            let person = self.people.get(invite.who);
            let person = person
                .filter(|person| person.kind == PrincipalKind::User && !person.is_somebody_else);
            let (Some(room), Some(person)) = (ids.get(&invite.node), person) else { continue };
            let (on, users) = rooms.entry(*room).or_insert((invite.on, Vec::new()));
            *on = invite.on.min(*on);
            users.push(person.id);
        }
        let rooms = rooms.into_iter().map(|(room, (on, users))| (on, room, users));
        let mut rooms: Vec<(Timestamp, Guid, Vec<Guid>)> = rooms.collect();
        rooms.sort_unstable();
        let numbers = self.directory.pool.last_invitation + 1..;
        let invited = rooms.into_iter().zip(numbers).map(|((on, room, mut users), number)| {
            users.sort_unstable();
            users.dedup();
            Change::Invited { room, number, on, users }
        });
        invited.collect()
    }

    /// What nothing was made of, and what is here but not there.
    fn tell_rest(&mut self, rooms: &[&Node]) {
        let is_room =
            |number: &NodeNumber| self.by_number.get(number).map(|node| !node.is_category);
        let scopes = self.tables.scopes.keys().filter(|number| is_room(number) != Some(false));
        for number in scopes {
            let reason = "has a scope, but is no category; the scope is left out";
            self.findings.add(&format!("node {number}"), reason);
        }
        let roles = self.tables.roles.iter().filter(|_| !self.tables.is_2010);
        for (number, roles) in roles.filter(|(number, _)| is_room(number) != Some(true)) {
            if roles.iter().any(|(role, _)| *role != Role::Creator) {
                let reason = "has members, managers or presenters, but is no room; left out";
                self.findings.add(&format!("node {number}"), reason);
            }
        }
        let told: HashSet<Guid> = rooms.iter().map(|room| room.id).collect();
        for entry in self.directory.rooms() {
            let room = &entry.room;
            if self.by_id.contains_key(&room.category) && !told.contains(&room.id) {
                let reason = "is here and in no table (any more); it stays as it is";
                self.findings.add(&format!("room {:?}", room.name), reason);
            }
        }
    }
}
