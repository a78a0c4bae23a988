//! Searches for rooms: each owner finds among its own (`xccos.md` §3.10, §6.10).

use super::Shard;
use super::room::Room;
use crate::directory::{Asker, Directory, RoomEntry};
use crate::mail::{Address, AskKey, Mail, User};
use crate::policy::Right;
use parlance_wire::xccos::RoomSearch;
use std::sync::Arc;

/// A search, ready to be held against many rooms.
struct Filter<'a> {
    search: &'a RoomSearch,
    /// Lower case; each must be there, or any.
    words: Vec<String>,
    member: Option<Named<'a>>,
    manager: Option<Named<'a>>,
}

/// Somebody a filter names; `None` when nobody is called so, and then nothing is found.
type Named<'a> = Option<Asker<'a>>;

impl<'a> Filter<'a> {
    fn new(directory: &'a Directory, search: &'a RoomSearch) -> Filter<'a> {
        let text = search.criteria.to_lowercase();
        let is_phrase = search.exact_phrase || !search.all_words;
        let words = match is_phrase {
            true => vec![text],
            false => text.split_whitespace().map(str::to_owned).collect(),
        };
        let find = |uri: &String| directory.serve(uri).ok();
        Filter {
            search,
            words,
            member: search.member.as_ref().map(find),
            manager: search.manager.as_ref().map(find),
        }
    }

    fn matches(&self, directory: &Directory, entry: &RoomEntry) -> bool {
        let (room, search) = (&entry.room, self.search);
        let is = |wanted: Option<bool>, value: bool| wanted.is_none_or(|wanted| wanted == value);
        self.has_words(entry)
            && search.category.is_none_or(|category| category == room.category)
            && search.addin.is_none_or(|addin| Some(addin) == room.addin)
            && search.privacy.is_none_or(|privacy| privacy == room.privacy)
            && search.behavior.is_none_or(|wanted| wanted == room.behavior)
            && is(search.disabled, room.is_disabled)
            && is(search.invite, directory.invites(entry))
            && names(self.member.as_ref(), |who| directory.may(who, entry, Right::Join))
            && names(self.manager.as_ref(), |who| directory.may(who, entry, Right::Manage))
    }

    fn has_words(&self, entry: &RoomEntry) -> bool {
        let name = entry.room.name.to_lowercase();
        let description = || entry.room.description.to_lowercase();
        let has = |word: &String| {
            name.contains(word) || self.search.extended && description().contains(word)
        };
        self.words.iter().all(has)
    }
}

impl Shard {
    /// Is the user that a search names in the room, if it names one?
    fn has_joined(&self, entry: &RoomEntry, search: &RoomSearch) -> bool {
        let Some(wanted) = &search.joined else { return true };
        let room = self.rooms.get(&entry.room.id);
        room.is_some_and(|room| room.has_user(wanted))
    }

    pub(super) fn on_search_mail(
        &mut self,
        from: Address,
        user: &User,
        ask: AskKey,
        search: &RoomSearch,
    ) {
        let directory = self.setup.directory.clone();
        let asker = directory.serve(&user.uri);
        let filter = Filter::new(&directory, search);
        let matches = |entry: &RoomEntry| filter.matches(&directory, entry);
        let mut rooms: Vec<(Arc<RoomEntry>, u32)> = Vec::new();
        let may_find = |entry: &RoomEntry| {
            asker.as_ref().is_ok_and(|asker| directory.may(asker, entry, Right::Find))
        };
        for entry in directory.rooms() {
            let is_ours = self.owner(entry.room.id) == self.setup.id;
            if is_ours && matches(entry) && may_find(entry) && self.has_joined(entry, search) {
                let present = self.rooms.get(&entry.room.id).map_or(0, Room::present);
                rooms.push((entry.clone(), present as u32));
            }
        }
        rooms.sort_by(|a, b| a.0.room.name.cmp(&b.0.room.name));
        rooms.truncate(self.setup.limits.search_max);
        self.mail(from.shard, Mail::Found { session: from.session, ask, rooms });
    }
}

fn names(named: Option<&Named<'_>>, has: impl Fn(&Asker<'_>) -> bool) -> bool {
    match named {
        None => true,
        Some(who) => who.as_ref().is_some_and(has),
    }
}
