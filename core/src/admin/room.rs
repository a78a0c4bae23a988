//! Rooms (`product.md` §1.3, §2.6, §2.7, §3.2).

use super::lists::{Draft, Fence};
use super::plan::{Planner, check_text, check_version};
use super::{Actor, Cause, ListEdit, NewRoom, Refusal, RoomEdit};
use crate::directory::model::{Behavior, NAME_BYTES_MAX, Privacy, Role, Room};
use crate::directory::{CategoryEntry, Change, Node, PrincipalId, RoomEntry};
use crate::policy::Right;
use parlance_wire::xccos::Guid;

/// The lists of a room being edited.
pub(super) struct Lists<'a> {
    pub(super) members: Draft<'a>,
    managers: Draft<'a>,
    presenters: Draft<'a>,
}

impl<'a> Lists<'a> {
    fn of(entry: Option<&'a RoomEntry>) -> Lists<'a> {
        Lists {
            members: Draft::of(Role::Member, entry.map(|entry| entry.members())),
            managers: Draft::of(Role::Manager, entry.map(|entry| entry.managers())),
            presenters: Draft::of(Role::Presenter, entry.map(|entry| entry.presenters())),
        }
    }

    fn all(&self) -> [&Draft<'a>; 3] {
        [&self.members, &self.managers, &self.presenters]
    }
}

impl<'a> Planner<'a> {
    pub(super) fn new_room(&mut self, new: &NewRoom) -> Result<Guid, Refusal> {
        let category = self.category_named(&new.category)?;
        self.check_creator(category)?;
        let id = self.fresh()?;
        check_text("description", &new.description, NAME_BYTES_MAX)?;
        let addin = new.addin.as_deref().map(|text| self.addin_named(text)).transpose()?;
        let room = Room {
            id,
            category: category.category.id,
            name: self.free_name(&new.name, Node::Room(id))?,
            description: new.description.clone(),
            privacy: new.privacy,
            behavior: new.behavior,
            invitations: new.invitations,
            addin: addin.map(|addin| addin.id),
            is_disabled: new.is_disabled,
            audit: self.new_audit(),
            version: 1,
        };
        let mut lists = Lists::of(None);
        let edit = |names: &[String]| ListEdit { add: names.to_vec(), ..ListEdit::default() };
        self.edit(&mut lists.members, &edit(&new.members))?;
        self.edit(&mut lists.managers, &edit(&new.managers))?;
        self.edit(&mut lists.presenters, &edit(&new.presenters))?;
        if let Actor::User { uri } = self.actor {
            // By the URI they were authenticated by, and not by something else called so.
            lists.managers.put(self.principal_named(uri, "managers")?);
        }
        self.check_lists(&lists, category)?;
        self.check_presenters(None, &room, &lists)?;
        self.push_room(room, &lists, category);
        Ok(id)
    }

    pub(super) fn set_room(&mut self, text: &str, edit: &RoomEdit) -> Result<Guid, Refusal> {
        let entry = self.room_named(text)?;
        if let Some(asker) = self.asker()?
            && !self.directory.may(&asker, entry, Right::Manage)
        {
            return Err(self.may_not(&format!("they do not manage {:?}", entry.room.name)));
        }
        let mut room = entry.room.clone();
        check_version(edit.version, room.version, &room.audit.updated_by)?;
        self.edit_room(&mut room, edit)?;
        let category = self.category_after(entry, edit)?;
        room.category = category.category.id;
        let mut lists = Lists::of(Some(entry));
        if room.category != entry.room.category {
            self.move_lists(&mut lists, category);
        }
        self.edit(&mut lists.members, &edit.members)?;
        self.edit(&mut lists.managers, &edit.managers)?;
        self.edit(&mut lists.presenters, &edit.presenters)?;
        self.check_lists(&lists, category)?;
        if edit.force {
            self.drop_presenters(entry, &room, &mut lists);
        }
        self.check_presenters(Some(entry), &room, &lists)?;
        self.check_lost_presenters(entry, &room, &lists)?;
        if room != entry.room || lists.all().iter().any(|list| list.is_changed()) {
            self.touch(&mut room.version, &mut room.audit);
            self.push_room(room, &lists, category);
        }
        Ok(entry.room.id)
    }

    pub(super) fn remove_room(
        &mut self,
        text: &str,
        version: Option<u64>,
    ) -> Result<Guid, Refusal> {
        let room = &self.room_named(text)?.room;
        self.administrators_only("removing rooms")?;
        check_version(version, room.version, &room.audit.updated_by)?;
        self.push(Change::RoomRemoved(room.id));
        Ok(room.id)
    }

    fn check_creator(&self, category: &CategoryEntry) -> Result<(), Refusal> {
        let Some(asker) = self.asker()? else { return Ok(()) };
        match self.directory.may_create(&asker, category.category.id) {
            true => Ok(()),
            false => {
                let name = &category.category.name;
                Err(self.may_not(&format!("they may not create rooms in {name:?}")))
            }
        }
    }

    fn edit_room(&self, room: &mut Room, edit: &RoomEdit) -> Result<(), Refusal> {
        if let Some(name) = &edit.name {
            room.name = self.free_name(name, Node::Room(room.id))?;
        }
        if let Some(description) = &edit.description {
            check_text("description", description, NAME_BYTES_MAX)?;
            room.description.clone_from(description);
        }
        if let Some(addin) = &edit.addin {
            let addin = addin.as_deref().map(|text| self.addin_named(text)).transpose()?;
            room.addin = addin.map(|addin| addin.id);
        }
        room.privacy = edit.privacy.unwrap_or(room.privacy);
        room.behavior = edit.behavior.unwrap_or(room.behavior);
        room.invitations = edit.invitations.unwrap_or(room.invitations);
        room.is_disabled = edit.is_disabled.unwrap_or(room.is_disabled);
        Ok(())
    }

    /// The category the room is to stand in: moving it there takes a creator.
    fn category_after(
        &self,
        entry: &RoomEntry,
        edit: &RoomEdit,
    ) -> Result<&'a CategoryEntry, Refusal> {
        let Some(text) = &edit.category else {
            let category = self.directory.category(entry.room.category);
            return Ok(category.expect("a room's category is there"));
        };
        let category = self.category_named(text)?;
        if category.category.id != entry.room.category {
            self.check_creator(category)?;
        }
        Ok(category)
    }

    /// In another category others are in scope (`product.md` §1.3.2).
    fn move_lists(&mut self, lists: &mut Lists<'_>, category: &CategoryEntry) {
        let (allowed, denied) = scope(category);
        let name = &category.category.name;
        let fence = Fence { category: name, allowed: &allowed, denied: &denied };
        self.drop_outside(&mut lists.members, &fence);
        self.drop_outside(&mut lists.managers, &fence);
        self.drop_outside(&mut lists.presenters, &fence);
        // One who was a member only by an entry that went is none any more, and so no presenter.
        let lost = self.lost(&lists.presenters, &lists.members);
        self.drop_noted(&mut lists.presenters, &lost, "dropped from the presenters: no member");
    }

    fn check_lists(&self, lists: &Lists<'_>, category: &CategoryEntry) -> Result<(), Refusal> {
        let (allowed, denied) = scope(category);
        let name = &category.category.name;
        let fence = Fence { category: name, allowed: &allowed, denied: &denied };
        lists.all().into_iter().try_for_each(|list| self.check_scope(list, &fence))
    }

    /// An auditorium's presenters are members; other rooms have none (`product.md` §1.3). What the
    /// act does not bring about does not stand in its way.
    fn check_presenters(
        &self,
        before: Option<&RoomEntry>,
        room: &Room,
        lists: &Lists<'_>,
    ) -> Result<(), Refusal> {
        let presenters = &lists.presenters;
        let names = || self.names_of(&presenters.iter().collect::<Vec<_>>());
        if room.behavior == Behavior::Normal && presenters.added().next().is_some() {
            let message = format!("{} cannot be presenters: the room is no auditorium", names());
            return Err(Refusal::invalid("presenters", message));
        }
        let was_auditorium = before.is_some_and(RoomEntry::is_auditorium);
        if was_auditorium && room.behavior == Behavior::Normal && !presenters.is_empty() {
            let names = names();
            let message = format!(
                "a normal room has no presenters, and this has {names}; remove them or force it"
            );
            return Err(Refusal::new(Cause::InUse, "behavior", message));
        }
        let people = self.directory.people();
        let is_stranger = |id: &PrincipalId| !lists.members.covers(people, *id);
        let strangers: Vec<_> = match room.privacy {
            Privacy::Open => Vec::new(),
            _ => presenters.added().filter(is_stranger).collect(),
        };
        self.refuse_strangers(&strangers, "add them there first")
    }

    /// Presenters who are members no more by what the act does to members or privacy.
    fn check_lost_presenters(
        &self,
        entry: &RoomEntry,
        room: &Room,
        lists: &Lists<'_>,
    ) -> Result<(), Refusal> {
        let lost = self.lost_presenters(entry, room, lists);
        self.refuse_strangers(&lost, "remove them from the presenters, too, or force it")
    }

    fn refuse_strangers(&self, strangers: &[PrincipalId], advice: &str) -> Result<(), Refusal> {
        if strangers.is_empty() {
            return Ok(());
        }
        let names = self.names_of(strangers);
        let message = format!("presenters must be on the list of members: {names}; {advice}");
        Err(Refusal::new(Cause::PresenterNotInMemberList, "presenters", message))
    }

    /// Whoever cannot stay a presenter goes. New ones do not: they are refused.
    fn drop_presenters(&mut self, entry: &RoomEntry, room: &Room, lists: &mut Lists<'_>) {
        let (mut out, why) = match room.behavior {
            Behavior::Auditorium => (self.lost_presenters(entry, room, lists), "no member"),
            Behavior::Normal => {
                (lists.presenters.iter().collect(), "the room is no auditorium any more")
            }
        };
        out.retain(|id| entry.presenters().names(*id));
        let why = format!("dropped from the presenters: {why}");
        self.drop_noted(&mut lists.presenters, &out, &why);
    }

    fn lost_presenters(
        &self,
        entry: &RoomEntry,
        room: &Room,
        lists: &Lists<'_>,
    ) -> Vec<PrincipalId> {
        let was_open = entry.room.privacy == Privacy::Open;
        match room.privacy {
            Privacy::Open => Vec::new(),
            _ if was_open => {
                let people = self.directory.people();
                let all = lists.presenters.iter();
                all.filter(|id| !lists.members.covers(people, *id)).collect()
            }
            _ => self.lost(&lists.presenters, &lists.members),
        }
    }

    /// Those that the members covered before, and cover no more. Others have long been none: an act
    /// about something else does not stumble over them.
    fn lost(&self, presenters: &Draft<'_>, members: &Draft<'_>) -> Vec<PrincipalId> {
        let people = self.directory.people();
        let is_lost =
            |id: &PrincipalId| members.covered_before(people, *id) && !members.covers(people, *id);
        presenters.iter().filter(is_lost).collect()
    }

    fn push_room(&mut self, room: Room, lists: &Lists<'_>, category: &CategoryEntry) {
        let people = self.directory.people();
        let invited = self.invited(&room, &lists.members, category);
        let changes = lists.all().map(|list| list.change(people, room.id));
        self.push(Change::Room(room));
        self.plan.changes.extend(changes.into_iter().flatten().chain(invited));
    }
}

/// A category's scope as it is.
pub(super) fn scope(category: &CategoryEntry) -> (Draft<'_>, Draft<'_>) {
    let allowed = Draft::of(Role::Allowed, Some(category.allowed()));
    (allowed, Draft::of(Role::Denied, Some(category.denied())))
}
