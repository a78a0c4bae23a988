//! Add-ins: web pages beside rooms (`product.md` §1.4, §3.3).

use super::find::addin_called;
use super::plan::{Planner, check_url, check_version, checked_name};
use super::{Cause, Refusal};
use crate::directory::Change;
use crate::directory::model::{ADDIN_NAME_BYTES_MAX, ADDIN_URL_BYTES_MAX, Addin, Room};
use parlance_wire::xccos::Guid;

impl Planner<'_> {
    pub(super) fn new_addin(&mut self, name: &str, url: &str) -> Result<Guid, Refusal> {
        self.administrators_only("registering add-ins")?;
        let id = self.fresh()?;
        let name = self.free_addin_name(name, id)?;
        check_url("url", url, ADDIN_URL_BYTES_MAX)?;
        self.push(Change::Addin(Addin { id, name, url: url.to_owned(), version: 1 }));
        Ok(id)
    }

    pub(super) fn set_addin(
        &mut self,
        text: &str,
        version: Option<u64>,
        name: Option<&str>,
        url: Option<&str>,
    ) -> Result<Guid, Refusal> {
        self.administrators_only("changing add-ins")?;
        let old = self.addin_named(text)?;
        check_version(version, old.version, "")?;
        let mut addin = old.clone();
        if let Some(name) = name {
            addin.name = self.free_addin_name(name, old.id)?;
        }
        if let Some(url) = url {
            check_url("url", url, ADDIN_URL_BYTES_MAX)?;
            url.clone_into(&mut addin.url);
        }
        if addin != *old {
            addin.version = addin.version.saturating_add(1);
            self.push(Change::Addin(addin));
        }
        Ok(old.id)
    }

    pub(super) fn remove_addin(
        &mut self,
        text: &str,
        version: Option<u64>,
        force: bool,
    ) -> Result<Guid, Refusal> {
        self.administrators_only("removing add-ins")?;
        let addin = self.addin_named(text)?;
        check_version(version, addin.version, "")?;
        let users = self.directory.rooms().filter(|room| room.room.addin == Some(addin.id));
        let mut users: Vec<&Room> = users.map(|room| &room.room).collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        if let [first, ..] = users.as_slice() {
            let (count, first, name) = (users.len(), &first.name, &addin.name);
            if !force {
                let message = format!(
                    "{count} rooms show the add-in {name:?}, {first:?} among them; force it to \
                     take it away from them"
                );
                return Err(Refusal::new(Cause::InUse, "addin", message));
            }
            self.note(format!("{count} rooms have no add-in any more"));
        }
        for room in users {
            let mut room = Room { addin: None, ..room.clone() };
            self.touch(&mut room.version, &mut room.audit);
            self.push(Change::Room(room));
        }
        self.push(Change::AddinRemoved(addin.id));
        Ok(addin.id)
    }

    fn free_addin_name(&self, name: &str, own: Guid) -> Result<String, Refusal> {
        let name = checked_name(name, ADDIN_NAME_BYTES_MAX)?;
        match addin_called(self.directory, &name) {
            Some(holder) if holder.id != own => {
                let message = format!("an add-in is called {name:?}; choose another name");
                Err(Refusal::new(Cause::DuplicateAddinName, "name", message))
            }
            _ => Ok(name),
        }
    }
}
