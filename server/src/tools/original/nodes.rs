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
    NAME_BYTES_MAX, Principal, PrincipalKind, Privacy, Role, Room,
};
use parlance_core::directory::{Change, List, Node as Place};
use parlance_people::Findings;
use parlance_wire::xccos::{Guid, Timestamp};

/// What rooms and categories come to.
pub struct Nodes {
    /// Add-ins and categories with their lists.
    pub categories: Vec<Change>,
    /// Rooms with their lists, and invitations.
    pub rooms: Vec<Change>,
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
    let mut plan = Plan {
        tables,
        people,
        directory,
        by_number,
        names: HashMap::new(),
        addins: HashSet::new(),
        findings,
        topics: 0,
    };
    let mut nodes = Nodes {
        categories: plan.addins(),
        rooms: Vec::new(),
        ids: HashMap::new(),
        skipped: HashSet::new(),
    };
    let (categories, rooms): (Vec<&Node>, Vec<&Node>) =
        tables.nodes.iter().partition(|node| node.is_category);
    let holds_rooms = |number| rooms.iter().any(|room| room.parent == Some(number));
    for node in categories {
        if node.number != ROOT || holds_rooms(ROOT) {
            nodes.categories.extend(plan.category(node));
        }
    }
    for node in rooms {
        if skip_disabled && node.is_disabled {
            nodes.skipped.insert(node.number);
        } else if let Some(changes) = plan.room(node) {
            nodes.ids.insert(node.number, node.id);
            nodes.rooms.extend(changes);
        }
    }
    if plan.topics > 0 {
        let reason = "have a topic, which rooms have no more since 2013; it is left out";
        plan.findings.add(&format!("{} rooms", plan.topics), reason);
    }
    let invited = plan.invitations(&nodes.ids);
    nodes.rooms.extend(invited);
    nodes
}

struct Plan<'a> {
    tables: &'a Tables,
    people: &'a People,
    directory: &'a Directory,
    by_number: HashMap<NodeNumber, &'a Node>,
    /// Names given so far, in lower case.
    names: HashMap<String, Guid>,
    /// Those that rooms may have.
    addins: HashSet<Guid>,
    findings: &'a mut Findings,
    topics: usize,
}

impl<'a> Plan<'a> {
    fn addins(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for addin in &self.tables.addins {
            let is_web = ["http://", "https://"].iter().any(|web| {
                addin.url.get(..web.len()).is_some_and(|start| start.eq_ignore_ascii_case(web))
            });
            let fits = addin.url.len() <= ADDIN_URL_BYTES_MAX
                && !addin.url.contains(|c: char| c.is_control() || c.is_whitespace());
            let name = plain(&addin.name, ADDIN_NAME_BYTES_MAX);
            let mut others = self.directory.addins();
            let is_taken = others.any(|a| a.id != addin.id && a.name.eq_ignore_ascii_case(&name));
            let reason = match () {
                () if !is_web || !fits => format!("{:?} is no web address", addin.url),
                () if is_taken || name.is_empty() => "another add-in has its name".to_owned(),
                () => {
                    self.addins.insert(addin.id);
                    let version = self.directory.addin(addin.id).map_or(0, |known| known.version);
                    let new = Addin { id: addin.id, name, url: addin.url.clone(), version };
                    if self.directory.addin(addin.id) != Some(&new) {
                        let version = version + 1;
                        changes.push(Change::Addin(Addin { version, ..new }));
                    }
                    continue;
                }
            };
            let what = format!("add-in {:?}", addin.name);
            self.findings.add(&what, format!("{reason}, so it is left out, and rooms have none"));
        }
        changes
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
        let scope = self.scope(node);
        // Who is denied comes first: if the import stops between two transactions, no wall is open.
        let lists = [
            (Role::Denied, scope.0, known.map(|entry| entry.denied())),
            (Role::Allowed, scope.1, known.map(|entry| entry.allowed())),
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
        let category = node.parent.and_then(|number| self.by_number.get(&number));
        let Some(category) = category.filter(|category| category.is_category) else {
            let reason = "stands in no category of the tables, so it is left out";
            self.findings.add(&format!("room {:?}", node.name), reason);
            return None;
        };
        let known = self.directory.room(node.id);
        let version = known.map_or(0, |entry| entry.room.version);
        let behavior = match node.behavior {
            Some(5) => Behavior::Auditorium,
            _ => Behavior::Normal,
        };
        self.topics += usize::from(node.has_topic);
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
            addin: node.addin.filter(|addin| self.addins.contains(addin)),
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
        std::iter::successors(Some(node), parent).take(self.tables.nodes.len())
    }

    /// A category's name with those of the categories it stands in before it, as there are no
    /// categories in categories (`product.md` §10).
    fn path_name(&self, node: &'a Node) -> String {
        let names = self.above(node).filter(|above| above.number != ROOT || node.number == ROOT);
        let mut names: Vec<&str> = names.map(|above| above.name.trim()).collect();
        names.reverse();
        names.join(" - ")
    }

    /// A name that is free, or the node's own already.
    fn name(&mut self, node: &Node, wanted: &str) -> String {
        let base = plain(wanted, NAME_BYTES_MAX);
        let base = if base.is_empty() { format!("Node {}", node.number) } else { base };
        let mut name = base.clone();
        for number in 2.. {
            let holder = self.directory.named(&name);
            let holder = holder.map(|(Place::Category(id) | Place::Room(id))| id);
            let given = self.names.get(&name.to_lowercase()).copied();
            if [holder, given].into_iter().flatten().all(|id| id == node.id) {
                break;
            }
            let behind = format!(" ({number})");
            let end = base.floor_char_boundary(NAME_BYTES_MAX - behind.len());
            name = format!("{}{behind}", base[..end].trim_end());
        }
        if name != wanted.trim() || name != node.name.trim() {
            let reason = format!(
                "is called {name:?} here: names are unique, of one line and at most \
                 {NAME_BYTES_MAX} bytes, and those of categories tell what these stood in"
            );
            self.findings.add(&format!("{:?}", node.name), reason);
        }
        self.names.insert(name.to_lowercase(), node.id);
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
        (self.ids(node, of(Role::Denied)), self.ids(node, of(Role::Allowed)))
    }

    /// Whom a list names: by the node itself, and by what it stands in. Managers of the root become
    /// managers of every room (`product.md` §10); members are handed down until a node has its own.
    fn listed(&mut self, node: &'a Node, role: Role) -> Vec<Guid> {
        let mut who: Vec<Who> = Vec::new();
        for above in self.above(node) {
            let roles = self.tables.roles.get(&above.number).into_iter().flatten();
            who.extend(roles.filter(|(r, _)| *r == role).map(|(_, who)| *who));
            if role != Role::Manager && above.overrides_members {
                break;
            }
        }
        self.ids(node, who.into_iter())
    }

    /// Their identifiers, sorted, none twice. A list that loses somebody says so.
    fn ids(&mut self, node: &Node, who: impl Iterator<Item = Who>) -> Vec<Guid> {
        let mut ids = Vec::new();
        for number in who {
            match self.people.get(number) {
                Some(person) => ids.push(person.id),
                None => {
                    let reason = format!("a list names principal {number}, who was left out");
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
        let guid = |principal: &Principal| principal.id;
        let mut changes = Vec::new();
        for (role, wanted, known) in lists {
            let known = known.into_iter().flat_map(List::iter).filter_map(|id| people.get(id));
            let known: HashSet<Guid> = known.map(|person| guid(&person.principal)).collect();
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
    /// room has one, in the order in which the rooms first invited somebody.
    fn invitations(&self, ids: &HashMap<NodeNumber, Guid>) -> Vec<Change> {
        let mut rooms: HashMap<Guid, (Timestamp, Vec<Guid>)> = HashMap::new();
        for invite in &self.tables.invites {
            let person = self.people.get(invite.who).filter(|p| p.kind == PrincipalKind::User);
            let (Some(room), Some(person)) = (ids.get(&invite.node), person) else { continue };
            // Who invites already has its number.
            if self.directory.room(*room).is_some() {
                continue;
            }
            let (on, users) = rooms.entry(*room).or_insert((invite.on, Vec::new()));
            *on = invite.on.min(*on);
            users.push(person.id);
        }
        let mut rooms: Vec<_> =
            rooms.into_iter().map(|(room, (on, users))| (on, room, users)).collect();
        rooms.sort_unstable();
        let numbers = self.directory.pool.last_invitation + 1..;
        let invited = rooms.into_iter().zip(numbers).map(|((on, room, mut users), number)| {
            users.sort_unstable();
            users.dedup();
            Change::Invited { room, number, on, users }
        });
        invited.collect()
    }
}
