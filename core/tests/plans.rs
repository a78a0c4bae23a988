//! Laws of all plans, whatever is wanted in whatever order.

mod organisation;

use organisation::acts::{category, new_room, room, ship, standing_in};
use organisation::{admin, uri, user};
use parlance_core::admin::{Act, ListEdit};
use parlance_core::directory::model::{Behavior, Privacy};
use parlance_core::directory::{List, RoomEntry};
use proptest::prelude::*;

fn some_people() -> impl Strategy<Value = Vec<String>> {
    let all = ["ann", "bob", "cat", "dan", "eve", "fay", "g:crew", "g:all", "d:", "zoe"];
    prop::collection::vec(prop::sample::select(all.to_vec()).prop_map(uri), 0..3)
}

fn some_edit() -> impl Strategy<Value = ListEdit> {
    (prop::option::weighted(0.2, some_people()), some_people(), some_people())
        .prop_map(|(replace, add, remove)| ListEdit { replace, add, remove })
}

fn some_act() -> impl Strategy<Value = Act> {
    let rooms = prop::sample::select(&["Bridge", "Mess", "Cargo", "New"][..]);
    let categories = prop::sample::select(&["Deck", "Hold"][..]);
    let privacy = prop::sample::select(&[Privacy::Open, Privacy::Closed, Privacy::Secret][..]);
    let behavior = prop::sample::select(&[Behavior::Normal, Behavior::Auditorium][..]);
    let place = (prop::option::of(categories.clone()), prop::option::of(privacy));
    let how = (prop::option::of(behavior), any::<bool>(), prop::option::of(any::<bool>()));
    let lists = (some_edit(), some_edit(), some_edit());
    let set_room = (rooms.clone(), place, how, lists).prop_map(|(name, place, how, lists)| {
        room(name, |edit| {
            edit.category = place.0.map(str::to_owned);
            (edit.privacy, edit.behavior, edit.force, edit.is_disabled) =
                (place.1, how.0, how.1, how.2);
            (edit.members, edit.managers, edit.presenters) = lists;
        })
    });
    let lists = (some_edit(), some_edit(), some_edit(), any::<bool>());
    let set_category = (categories.clone(), lists).prop_map(|(name, lists)| {
        category(name, |edit| {
            (edit.allowed, edit.denied, edit.creators) = (lists.0, lists.1, lists.2);
            edit.invites = Some(lists.3);
        })
    });
    let made =
        (categories.clone(), some_people(), some_people()).prop_map(|(at, members, more)| {
            new_room(at, |new| (new.members, new.managers) = (members, more))
        });
    let people = prop::sample::select(&["ann", "eve", "zoe"][..]);
    let groups = prop::sample::subsequence(vec!["g:crew", "g:all", "d:"], 0..3);
    let synced = (people.clone(), groups)
        .prop_map(|(name, groups)| Act::SyncPeople(vec![standing_in(name, &groups)]));
    prop_oneof![
        8 => set_room,
        4 => set_category,
        2 => made,
        2 => synced,
        1 => rooms.prop_map(|name| {
            Act::RemoveRoom { room: name.to_owned(), version: None }
        }),
        1 => categories.prop_map(|name| {
            Act::RemoveCategory { category: name.to_owned(), version: None }
        }),
        1 => people.prop_map(|name| Act::RemovePerson { person: uri(name) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is planned fits the directory it was planned on ([`Organisation::plan`] sees to
    /// it); what is done comes to nothing when it is wanted again, or is refused; and what changes
    /// a room is seen by its version.
    #[test]
    fn plans_fit(acts in prop::collection::vec((any::<bool>(), some_act()), 1..20)) {
        let mut org = ship();
        org.directory.admits_unknown = true;
        for (is_admin, act) in acts {
            let actor = if is_admin { admin() } else { user("ann") };
            let before = org.directory.clone();
            if org.act(&actor, &act).is_err() {
                continue;
            }
            let again = org.plan(&actor, &act).map(|plan| plan.changes);
            prop_assert!(again.as_ref().is_ok_and(Vec::is_empty) || again.is_err(), "{:?}", act);
            for room in before.rooms() {
                let Some(after) = org.directory.room(room.room.id) else { continue };
                let ids = |list: List<'_>| list.iter().collect::<Vec<_>>();
                let lists = |r: &RoomEntry| [r.members(), r.managers(), r.presenters()].map(ids);
                let is_same = room.room == after.room && lists(room) == lists(after);
                prop_assert_eq!(is_same, room.room.version == after.room.version, "{:?}", act);
            }
            for room in org.directory.rooms() {
                let is_new = before.room(room.room.id).is_none_or(|old| {
                    old.presenters() != room.presenters() || old.room.behavior != room.room.behavior
                });
                let is_allowed = room.is_auditorium() || room.presenters().is_empty();
                prop_assert!(is_allowed || !is_new, "{:?}", act);
            }
        }
    }
}
