//! Categories: who may ever be in which rooms (`product.md` §1.2, §2.8, §3.1).

use super::lists::{Draft, Fence};
use super::plan::{Planner, check_text, check_version};
use super::{CategoryEdit, Cause, ListEdit, NewCategory, Refusal};
use crate::directory::model::{Category, NAME_BYTES_MAX, Role};
use crate::directory::{CategoryEntry, Change, Node};
use parlance_wire::xccos::Guid;

/// The lists of a category being edited.
struct Lists<'a> {
    allowed: Draft<'a>,
    denied: Draft<'a>,
    creators: Draft<'a>,
}

impl<'a> Lists<'a> {
    fn of(entry: Option<&'a CategoryEntry>) -> Lists<'a> {
        Lists {
            allowed: Draft::of(Role::Allowed, entry.map(|entry| entry.allowed())),
            denied: Draft::of(Role::Denied, entry.map(|entry| entry.denied())),
            creators: Draft::of(Role::Creator, entry.map(|entry| entry.creators())),
        }
    }

    fn all(&self) -> [&Draft<'a>; 3] {
        [&self.allowed, &self.denied, &self.creators]
    }
}

impl Planner<'_> {
    pub(super) fn new_category(&mut self, new: &NewCategory) -> Result<Guid, Refusal> {
        self.administrators_only("making categories")?;
        let id = self.fresh()?;
        let category = Category {
            id,
            name: self.free_name(&new.name, Node::Category(id))?,
            description: new.description.clone(),
            invites: new.invites,
            file_upload: new.file_upload,
            chat_history: new.chat_history,
            audit: self.new_audit(),
            version: 1,
        };
        check_text("description", &category.description, NAME_BYTES_MAX)?;
        let mut lists = Lists::of(None);
        let edit = |names: &[String]| ListEdit { add: names.to_vec(), ..ListEdit::default() };
        self.edit(&mut lists.allowed, &edit(&new.allowed))?;
        self.edit(&mut lists.denied, &edit(&new.denied))?;
        self.edit(&mut lists.creators, &edit(&new.creators))?;
        let (allowed, denied) = (&lists.allowed, &lists.denied);
        self.check_scope(&lists.creators, &Fence { category: &category.name, allowed, denied })?;
        self.push(Change::Category(category));
        self.push_lists(id, &lists);
        Ok(id)
    }

    pub(super) fn set_category(
        &mut self,
        text: &str,
        edit: &CategoryEdit,
    ) -> Result<Guid, Refusal> {
        self.administrators_only("changing categories")?;
        let entry = self.category_named(text)?;
        let mut category = entry.category.clone();
        check_version(edit.version, category.version, &category.audit.updated_by)?;
        self.edit_category(&mut category, edit)?;
        let mut lists = Lists::of(Some(entry));
        self.edit(&mut lists.allowed, &edit.allowed)?;
        self.edit(&mut lists.denied, &edit.denied)?;
        self.edit(&mut lists.creators, &edit.creators)?;
        let (name, allowed, denied) = (category.name.clone(), &lists.allowed, &lists.denied);
        let fence = Fence { category: &name, allowed, denied };
        self.check_scope(&lists.creators, &fence)?;
        if allowed.is_changed() || denied.is_changed() {
            self.drop_outside(&mut lists.creators, &fence);
        }
        if category != entry.category || lists.all().iter().any(|list| list.is_changed()) {
            self.touch(&mut category.version, &mut category.audit);
            let id = category.id;
            self.push(Change::Category(category));
            self.push_lists(id, &lists);
        }
        Ok(entry.category.id)
    }

    fn edit_category(&self, category: &mut Category, edit: &CategoryEdit) -> Result<(), Refusal> {
        if let Some(name) = &edit.name {
            category.name = self.free_name(name, Node::Category(category.id))?;
        }
        if let Some(description) = &edit.description {
            check_text("description", description, NAME_BYTES_MAX)?;
            category.description.clone_from(description);
        }
        category.invites = edit.invites.unwrap_or(category.invites);
        category.file_upload = edit.file_upload.unwrap_or(category.file_upload);
        category.chat_history = edit.chat_history.unwrap_or(category.chat_history);
        Ok(())
    }

    fn push_lists(&mut self, id: Guid, lists: &Lists<'_>) {
        let people = self.directory.people();
        let changes = lists.all().map(|list| list.change(people, id));
        self.plan.changes.extend(changes.into_iter().flatten());
    }

    pub(super) fn remove_category(
        &mut self,
        text: &str,
        version: Option<u64>,
    ) -> Result<Guid, Refusal> {
        self.administrators_only("removing categories")?;
        let category = &self.category_named(text)?.category;
        check_version(version, category.version, &category.audit.updated_by)?;
        let of_it = self.directory.rooms().filter(|room| room.room.category == category.id);
        match of_it.count() {
            0 => self.push(Change::CategoryRemoved(category.id)),
            rooms => {
                let name = &category.name;
                let message =
                    format!("the category {name:?} has {rooms} rooms; move or remove them first");
                return Err(Refusal::new(Cause::NodeHierarchyViolation, "category", message));
            }
        }
        Ok(category.id)
    }
}
