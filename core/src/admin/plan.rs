//! From an act to changes: who is it, may they, what follows.
//!
//! Each subject has a module of its own; here is what they share. A planner reads one directory and
//! writes one list of changes, which [`Directory::apply`] takes on that directory (a law of
//! `core/tests/admin.rs`).

use super::find;
use super::{Act, Actor, Cause, Context, Plan, Refusal};
use crate::directory::model::{Audit, NAME_BYTES_MAX, is_web_address};
use crate::directory::{Asker, Change, Directory, Node, NotServed};
use parlance_wire::xccos::Guid;

/// What an act comes to, or why not. Nothing is done.
///
/// # Errors
/// The first rule that the act breaks. Whether the actor may is asked before anything is said of
/// what else there is.
pub fn plan(
    directory: &Directory,
    actor: &Actor,
    act: &Act,
    context: &Context,
) -> Result<Plan, Refusal> {
    let refusal = match Planner::new(directory, actor, context).run(act) {
        Err(refusal) if refusal.cause == Cause::NoSuchPrincipal => refusal,
        decided => return decided,
    };
    // Users whom the directory lets in without knowing them can be named all the same: they become
    // principals by the act that names them.
    let newcomers = find::newcomers(directory, actor, act);
    let known = match newcomers.is_empty() {
        true => return Err(refusal),
        false => directory.apply(&newcomers).map(|(known, _)| known),
    };
    let known = known.expect("newcomers are in no directory yet, and stand in what is there");
    let mut plan = Planner::new(&known, actor, context).run(act)?;
    if !plan.changes.is_empty() {
        plan.changes.splice(0..0, newcomers);
    }
    Ok(plan)
}

/// A plan in the making.
pub(super) struct Planner<'a> {
    pub(super) directory: &'a Directory,
    pub(super) actor: &'a Actor,
    pub(super) context: &'a Context,
    pub(super) plan: Plan,
}

impl<'a> Planner<'a> {
    fn new(directory: &'a Directory, actor: &'a Actor, context: &'a Context) -> Planner<'a> {
        Planner { directory, actor, context, plan: Plan::default() }
    }

    fn run(mut self, act: &Act) -> Result<Plan, Refusal> {
        let subject = match act {
            Act::NewCategory(new) => Some(self.new_category(new)?),
            Act::SetCategory { category, edit } => Some(self.set_category(category, edit)?),
            Act::RemoveCategory { category, version } => {
                Some(self.remove_category(category, *version)?)
            }
            Act::NewRoom(new) => Some(self.new_room(new)?),
            Act::SetRoom { room, edit } => Some(self.set_room(room, edit)?),
            Act::RemoveRoom { room, version } => Some(self.remove_room(room, *version)?),
            Act::NewAddin { name, url } => Some(self.new_addin(name, url)?),
            Act::SetAddin { addin, version, name, url } => {
                Some(self.set_addin(addin, *version, name.as_deref(), url.as_deref())?)
            }
            Act::RemoveAddin { addin, version, force } => {
                Some(self.remove_addin(addin, *version, *force)?)
            }
            Act::GrantPolicy { user, policy } => Some(self.grant_policy(user, policy.as_deref())?),
            Act::RemovePerson { person } => Some(self.remove_person(person)?),
            _ => {
                self.administrators_only(act.name())?;
                self.run_settings(act)?;
                None
            }
        };
        self.plan.subject = subject;
        Ok(self.plan)
    }

    /// Acts of administrators that are not about one thing with an identifier.
    fn run_settings(&mut self, act: &Act) -> Result<(), Refusal> {
        match act {
            Act::NewPolicy { scope, edit } => self.new_policy(scope, edit),
            Act::SetPolicy { scope, edit } => self.set_policy(scope, edit),
            Act::RemovePolicy { scope, force } => self.remove_policy(scope, *force),
            Act::NewConfiguration { scope, edit } => self.new_configuration(scope, edit),
            Act::SetConfiguration { scope, edit } => self.set_configuration(scope, edit),
            Act::RemoveConfiguration { scope } => self.remove_configuration(scope),
            Act::NewEndpoint { uri, display_name } => self.new_endpoint(uri, display_name),
            Act::RemoveEndpoint { uri } => self.remove_endpoint(uri),
            Act::SetPool(pool) => self.set_pool(pool),
            Act::SyncPeople(records) => self.sync_people(records),
            Act::Load(changes) => self.load(changes),
            _ => unreachable!("acts about one thing are planned where they are told apart"),
        }
    }

    pub(super) fn push(&mut self, change: Change) {
        self.plan.changes.push(change);
    }

    pub(super) fn note(&mut self, note: String) {
        self.plan.notes.push(note);
    }

    pub(super) fn is_administrator(&self) -> bool {
        matches!(self.actor, Actor::Administrator { .. })
    }

    /// Refuses everybody else.
    pub(super) fn administrators_only(&self, what: &str) -> Result<(), Refusal> {
        match self.is_administrator() {
            true => Ok(()),
            false => Err(self.may_not(&format!("{what} is for administrators"))),
        }
    }

    /// The actor as somebody with rights of their own; `None` for administrators, who need none.
    pub(super) fn asker(&self) -> Result<Option<Asker<'a>>, Refusal> {
        let Actor::User { uri } = self.actor else { return Ok(None) };
        let why = match self.directory.serve(uri) {
            Ok(asker) => return Ok(Some(asker)),
            Err(NotServed::NotProvisioned) => "is not known here",
            Err(NotServed::Disabled) => "is disabled",
            Err(NotServed::NotEnabled) => "has no policy that enables chat",
        };
        Err(self.may_not(&format!("{uri} {why}")))
    }

    pub(super) fn may_not(&self, why: &str) -> Refusal {
        let message = format!("{} may not do this: {why}", self.actor.name());
        Refusal::new(Cause::ErrorPermission, "", message)
    }

    /// The identifier of what is made.
    pub(super) fn fresh(&self) -> Result<Guid, Refusal> {
        let (directory, id) = (self.directory, self.context.fresh);
        let is_taken = directory.room(id).is_some()
            || directory.category(id).is_some()
            || directory.addin(id).is_some()
            || id == directory.pool.root_category;
        match is_taken {
            false => Ok(id),
            true => {
                let message = format!("something has the identifier {id} already; try again");
                Err(Refusal::new(Cause::DataCollision, "identity", message))
            }
        }
    }

    /// Who made something just now.
    pub(super) fn new_audit(&self) -> Audit {
        let (by, on) = (self.actor.name().to_owned(), self.context.now);
        Audit { created_by: by.clone(), created_on: on, updated_by: by, updated_on: on }
    }

    /// Something is changed: the next version, and who did it.
    pub(super) fn touch(&self, version: &mut u64, audit: &mut Audit) {
        *version = version.saturating_add(1);
        self.actor.name().clone_into(&mut audit.updated_by);
        audit.updated_on = self.context.now;
    }

    /// A name for a room or category: its own if it has it already, else one that is free.
    pub(super) fn free_name(&self, name: &str, own: Node) -> Result<String, Refusal> {
        let name = checked_name(name, NAME_BYTES_MAX)?;
        match self.directory.named(&name) {
            Some(holder) if holder != own => {
                let message = format!("a room or category is called {name:?}; choose another name");
                Err(Refusal::new(Cause::DuplicateRoomName, "name", message))
            }
            _ => Ok(name),
        }
    }
}

/// Sees to it that nobody overwrites what they have not seen.
pub(super) fn check_version(
    seen: Option<u64>,
    version: u64,
    updated_by: &str,
) -> Result<(), Refusal> {
    match seen {
        Some(seen) if seen != version => {
            let by = if updated_by.is_empty() { "somebody else" } else { updated_by };
            let message = format!(
                "{by} changed it meanwhile: version {version} is in force and not {seen}; look \
                 again and repeat the change"
            );
            Err(Refusal::new(Cause::DataCollision, "version", message))
        }
        _ => Ok(()),
    }
}

/// A name without the blanks around it.
pub(super) fn checked_name(name: &str, bytes_max: usize) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Refusal::invalid("name", "a name is missing"));
    }
    check_text("name", name, bytes_max)?;
    Ok(name.to_owned())
}

/// A text that may be empty.
pub(super) fn check_text(field: &'static str, text: &str, bytes_max: usize) -> Result<(), Refusal> {
    if text.len() > bytes_max {
        let length = text.len();
        let message = format!("the {field} has {length} bytes, and may have {bytes_max}");
        return Err(Refusal::invalid(field, message));
    }
    if text.chars().any(char::is_control) {
        let message = format!("the {field} {text:?} has control characters");
        return Err(Refusal::invalid(field, message));
    }
    Ok(())
}

/// A web address that a client may open beside a room.
pub(super) fn check_url(field: &'static str, url: &str, bytes_max: usize) -> Result<(), Refusal> {
    check_text(field, url, bytes_max)?;
    match is_web_address(url) {
        true => Ok(()),
        false => {
            let message = format!("{url:?} is no address of the form https://host/path");
            Err(Refusal::invalid(field, message))
        }
    }
}
