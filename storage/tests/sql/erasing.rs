//! Messages that are cleared, deleted or replaced, and rooms that are removed.

use crate::fixture::*;
use crate::organisation::{act, category, everything};
use parlance_core::directory::{Change, Revision};
use parlance_storage::sql::{
    self, AnyStore, Appended, BATCH_ROWS_MAX, Error, Query, RoomEnd, Row, Store,
};
use parlance_wire::xccos::{Guid, Timestamp};

fn search(store: &mut AnyStore, text: &str) -> Vec<u64> {
    let query = Query { rooms: vec![ROOM], text: text.into(), limit: 100, ..Query::default() };
    numbers(&store.by_date(&query).unwrap().rows)
}

/// Appends everything once more: nothing is new, nothing is a conflict.
fn repeat(store: &mut AnyStore, all: &[Row]) {
    let appended = store.append(all, &cursor(99)).unwrap();
    assert_eq!(appended, Appended { inserted: 0, repeated: all.len() });
}

pub fn a_cleared_room_goes_on_where_it_was(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let mut all = rows(1..=12);
    for row in &mut all[8..] {
        row.place.term = 2;
    }
    let elsewhere = Row { room: OTHER, ..row(1, "elsewhere") };
    keep(&mut store, &all);
    keep(&mut store, std::slice::from_ref(&elsewhere));
    assert_eq!(store.messages_clear(Guid(9), at(100)).unwrap(), 0);
    assert_eq!(store.messages_clear(ROOM, at(0)).unwrap(), 0);
    assert_eq!(store.messages_delete(ROOM, &[place(1, 2), place(2, 12)]).unwrap(), 2);
    assert_eq!(store.messages_clear(ROOM, at(5)).unwrap(), 4);
    repeat(&mut store, &all);
    assert_eq!(numbers(&store.last(ROOM, 20, None).unwrap()), [6, 7, 8, 9, 10, 11]);
    assert_eq!(store.messages_clear(ROOM, at(5)).unwrap(), 0);
    // All, whatever the hour; yet what comes later is kept.
    assert_eq!(store.messages_clear(ROOM, Timestamp(i64::MAX)).unwrap(), 6);
    repeat(&mut store, &all);
    assert_eq!(store.last(ROOM, 20, None).unwrap(), []);
    assert_eq!(search(&mut store, "message"), [0_u64; 0]);
    let ends = [
        RoomEnd { room: OTHER, place: place(1, 1), ts: at(1) },
        RoomEnd { room: ROOM, place: place(2, 12), ts: at(12) },
    ];
    assert_eq!(store.rooms().unwrap(), ends);
    let next = Row { place: place(2, 13), ..row(13, "message 13") };
    assert_eq!(store.append(&[next], &cursor(100)).unwrap().inserted, 1);
    assert_eq!(search(&mut store, "message"), [13]);
    assert_eq!(store.last(OTHER, 5, None).unwrap(), [elsewhere]);
}

pub fn more_is_cleared_than_fits_one_transaction(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let count = sql::CLEAR_ROWS as u64 + 10;
    let all: Vec<Row> = rows(1..=count).into_iter().map(|row| Row { ts: at(1), ..row }).collect();
    keep(&mut store, &all);
    assert_eq!(store.messages_clear(ROOM, at(1)).unwrap(), count);
    assert_eq!(store.last(ROOM, 1, None).unwrap(), []);
}

pub fn deleted_messages_stay_away(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let all = rows(1..=5);
    keep(&mut store, &all);
    let places = [place(1, 2), place(1, 4), place(1, 2), place(1, 77), place(3, 1)];
    assert_eq!(store.messages_delete(ROOM, &places).unwrap(), 2);
    assert_eq!(store.messages_delete(ROOM, &places).unwrap(), 0);
    assert_eq!(store.messages_delete(OTHER, &places).unwrap(), 0);
    repeat(&mut store, &all);
    assert_eq!(numbers(&store.last(ROOM, 9, None).unwrap()), [1, 3, 5]);
    assert_eq!(search(&mut store, "2"), [0_u64; 0]);
    // What was not there is not away: its author was told that it is kept.
    assert_eq!(store.append(&[row(77, "later")], &cursor(1)).unwrap().inserted, 1);
    let many = vec![place(1, 1); BATCH_ROWS_MAX + 1];
    assert!(matches!(store.messages_delete(ROOM, &many), Err(Error::Invalid(_))));
}

pub fn replaced_messages_keep_their_new_text(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let mut all = rows(1..=4);
    all[1].rtf = Some("{\\rtf1 secret}".into());
    all[1].chat = "a secret".into();
    keep(&mut store, &all);
    let places = [place(1, 2), place(1, 3), place(1, 2), place(1, 50)];
    let text = "withdrawn by 管理 'x'";
    assert_eq!(store.messages_replace(ROOM, &places, text).unwrap(), 2);
    repeat(&mut store, &all);
    let found = store.last(ROOM, 9, None).unwrap();
    assert_eq!(found[1], Row { chat: text.into(), rtf: None, ..all[1].clone() });
    assert_eq!(search(&mut store, "secret"), [0_u64; 0]);
    assert_eq!(search(&mut store, "管理"), [2, 3]);
    assert_eq!(search(&mut store, "message"), [1, 4]);
    let query = Query { authors: vec![all[1].author.clone()], ..Query::default() };
    let query = Query { rooms: vec![ROOM], text: "withdrawn".into(), limit: 9, ..query };
    assert_eq!(store.by_date(&query).unwrap().rows.len(), 2, "the author is still in the index");
    assert_eq!(store.messages_replace(ROOM, &places, "again").unwrap(), 2);
    assert_eq!(store.messages_delete(ROOM, &places).unwrap(), 2);
    repeat(&mut store, &all);
    assert_eq!(numbers(&store.last(ROOM, 9, None).unwrap()), [1, 4]);
    assert!(matches!(store.messages_replace(ROOM, &places, "\0"), Err(Error::Invalid(_))));
}

pub fn an_export_passes_over_what_is_gone(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let of = |room: u128, term| Row { room: Guid(room), place: place(term, term), ..row(1, "x") };
    let all: Vec<Row> = (1..=9).flat_map(|room| (1..=3).map(move |term| of(room, term))).collect();
    keep(&mut store, &all);
    for room in 1..=8 {
        assert_eq!(store.messages_clear(Guid(room), at(9)).unwrap(), 3);
    }
    assert_eq!(store.page(None, 1).unwrap(), [all[24].clone()]);
    assert_eq!(store.page(Some(&all[3].key()), 2).unwrap(), all[24..26]);
    assert_eq!(store.page(Some(&all[26].key()), 2).unwrap(), []);
}

pub fn a_removed_room_takes_its_messages_along(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    store.directory_commit(Revision(0), &everything(), &act(1)).unwrap();
    let of = |row: Row| Row { room: Guid(21), ..row };
    let all: Vec<Row> = rows(1..=6).into_iter().map(of).collect();
    keep(&mut store, &all[..4]);
    let other = Row { room: Guid(22), ..row(1, "stays") };
    keep(&mut store, std::slice::from_ref(&other));
    store.messages_delete(Guid(21), &[place(1, 2)]).unwrap();
    let gone = [Change::RoomRemoved(Guid(21)), Change::RoomRemoved(Guid(23))];
    store.directory_commit(Revision(1), &gone, &act(2)).unwrap();
    assert_eq!(store.invitations_total().unwrap(), 0);
    // The log brings the old ones again, and some that it had not brought before.
    repeat(&mut store, &all);
    assert_eq!(store.last(Guid(21), 9, None).unwrap(), []);
    let ends = store.rooms().unwrap();
    assert_eq!(ends, [RoomEnd { room: Guid(22), place: place(1, 1), ts: at(1) }]);
    // Made again, it goes on where it had ended.
    let again = everything();
    let again = again.iter().find(|c| matches!(c, Change::Room(room) if room.id == Guid(21)));
    store.directory_commit(Revision(2), &[again.unwrap().clone()], &act(3)).unwrap();
    repeat(&mut store, &all);
    assert_eq!(store.rooms().unwrap()[0].place, place(1, 6));
    let next = of(row(7, "new"));
    assert_eq!(store.append(std::slice::from_ref(&next), &cursor(100)).unwrap().inserted, 1);
    assert_eq!(store.last(Guid(21), 9, None).unwrap(), [next]);
    assert_eq!(store.last(Guid(22), 9, None).unwrap(), [other]);
    let nothing = [Change::Category(category(60, "New"))];
    store.directory_commit(Revision(3), &nothing, &act(4)).unwrap();
}

pub fn rooms_have_a_size(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    assert_eq!(store.room_bytes().unwrap(), []);
    keep(&mut store, &[row(1, "ä"), Row { rtf: Some("1234".into()), ..row(2, "123") }]);
    keep(&mut store, &[Row { place: place(2, 3), ..row(3, "12") }]);
    keep(&mut store, &[Row { room: OTHER, ..row(1, "1") }]);
    assert_eq!(store.room_bytes().unwrap(), [(OTHER, 1), (ROOM, 11)]);
    store.messages_clear(OTHER, at(9)).unwrap();
    assert_eq!(store.room_bytes().unwrap(), [(ROOM, 11)]);
}
