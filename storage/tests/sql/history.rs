//! The last messages, the ends of rooms, exports.

use crate::fixture::*;
use parlance_storage::sql::{self, Error, LAST_ROWS_MAX, RECENT_ROOMS_MAX, RoomEnd, Row, Store};
use parlance_wire::xccos::Guid;

/// Terms 1, 2 and 4 of [`ROOM`], numbers 1 to 10; term 4 was kept before term 2.
fn three_terms(fixture: &dyn Fixture) -> (sql::AnyStore, Vec<Row>) {
    let term = |number| {
        if number <= 4 {
            1
        } else if number <= 7 {
            2
        } else {
            4
        }
    };
    let all: Vec<Row> = rows(1..=10)
        .into_iter()
        .map(|row| Row { place: place(term(row.place.number), row.place.number), ..row })
        .collect();
    let mut store = fixture.store();
    keep(&mut store, &all[..4]);
    keep(&mut store, &all[7..]);
    keep(&mut store, &all[4..7]);
    keep(&mut store, &[Row { room: OTHER, ..row(1, "elsewhere") }]);
    (store, all)
}

pub fn the_last_of_a_room(fixture: &dyn Fixture) {
    let (mut store, all) = three_terms(fixture);
    let mut check = |count, before, expected: &[Row]| {
        assert_eq!(store.last(ROOM, count, before).unwrap(), expected, "{count} {before:?}");
    };
    check(0, None, &[]);
    check(2, None, &all[8..]);
    check(5, None, &all[5..]);
    check(100, None, &all);
    check(3, Some(place(4, 9)), &all[5..8]);
    check(3, Some(place(4, 1)), &all[4..7]);
    check(3, Some(place(3, 100)), &all[4..7]);
    check(3, Some(place(2, 5)), &all[1..4]);
    check(3, Some(place(1, 1)), &[]);
    check(3, Some(place(0, 5)), &[]);
    assert_eq!(store.last(Guid(9), 5, None).unwrap(), []);
    let mut store = fixture.open();
    let many: Vec<Row> = rows(100..=100 + LAST_ROWS_MAX as u64 + 5);
    keep(&mut store, &many);
    assert_eq!(store.last(ROOM, usize::MAX, Some(place(2, 0))).unwrap().len(), LAST_ROWS_MAX);
}

pub fn recent_messages_of_many_rooms(fixture: &dyn Fixture) {
    let (mut store, all) = three_terms(fixture);
    let found = store.recent(&[OTHER, Guid(9), ROOM], 4).unwrap();
    assert_eq!(found[0].room, OTHER);
    assert_eq!(found[1..], all[6..]);
    assert_eq!(store.recent(&[], 4).unwrap(), []);
    let many = vec![ROOM; RECENT_ROOMS_MAX + 1];
    assert!(matches!(store.recent(&many, 1), Err(Error::Invalid(_))));
    assert!(matches!(store.recent(&many[1..], 100), Err(Error::Invalid(_))));
}

pub fn rooms_end_where_they_ended(fixture: &dyn Fixture) {
    assert_eq!(fixture.store().rooms().unwrap(), []);
    let (mut store, _) = three_terms(fixture);
    let ends = [
        RoomEnd { room: OTHER, place: place(1, 1), ts: at(1) },
        RoomEnd { room: ROOM, place: place(4, 10), ts: at(10) },
    ];
    assert_eq!(store.rooms().unwrap(), ends);
}

/// Messages of some rooms in the order of an export.
fn many_rooms() -> Vec<Row> {
    let rooms = [0_u128, 1, u128::MAX >> 1, u128::MAX].map(Guid);
    let row =
        |room, number| Row { room, place: place(1 + number / 200, number), ..row(number, "") };
    rooms.into_iter().flat_map(|room| (1..=500).map(move |number| row(room, number))).collect()
}

pub fn an_export_is_imported_elsewhere(fixture: &dyn Fixture) {
    let all = many_rooms();
    let mut store = fixture.store();
    let mut shuffled = all.clone();
    shuffled.sort_by_key(|row| (row.place.number, row.room));
    keep(&mut store, &shuffled);
    let elsewhere = fixture.another();
    let mut copy = elsewhere.store();
    let mut exported = Vec::new();
    let count = sql::export::<Error>(&mut store, None, |row| {
        copy.import(std::slice::from_ref(&row))?;
        exported.push(row);
        Ok(())
    });
    assert_eq!(count, Ok(all.len() as u64));
    assert_eq!(exported, all);
    let mut again = Vec::new();
    sql::export::<Error>(&mut copy, None, |row| {
        again.push(row);
        Ok(())
    })
    .unwrap();
    assert_eq!(again, all);
    assert_eq!(copy.rooms().unwrap(), store.rooms().unwrap());
}

pub fn an_export_goes_on_where_it_stopped(fixture: &dyn Fixture) {
    let all = many_rooms();
    let mut store = fixture.store();
    keep(&mut store, &all);
    for at in [0, 198, 199, 499, 500, 1_234, 1_999] {
        let mut rest = Vec::new();
        let stop = Error::Invalid("full");
        let result = sql::export(&mut store, Some(all[at].key()), |row| {
            rest.push(row);
            if rest.len() == 300 { Err(stop.clone()) } else { Ok(()) }
        });
        let expected = &all[at + 1..all.len().min(at + 301)];
        assert_eq!(rest, expected, "{at}");
        assert_eq!(result.is_err(), expected.len() == 300);
    }
}
