//! How history is searched, the same for both engines: rooms are read lazily in the order of their
//! places and merged by time.
//!
//! Each room is read for itself because then the engine walks one index in order and stops as soon
//! as there is enough, however many messages the room has. Memory is bounded by the page asked for
//! and a few rows of each room.

use super::words::Matcher;
use super::{
    Continuation, Error, Found, NUMBER_MAX, Order, Place, Query, Row, RowKey, SEARCH_AUTHORS_MAX,
    SEARCH_ROOMS_MAX, SEARCH_ROWS_MAX, SEARCH_TEXT_BYTES_MAX,
};
use parlance_wire::xccos::{Guid, Timestamp};
use std::collections::VecDeque;

/// The messages of one room and term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// How the engine knows it.
    pub key: i64,
    /// Which term.
    pub term: u64,
    /// Lowest number.
    pub first: u64,
    /// Highest number.
    pub last: u64,
}

/// One step of a search.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    /// Which room.
    pub room: Guid,
    /// Which part of it.
    pub span: Span,
    /// Numbers from and to, inclusively.
    pub numbers: (u64, u64),
    /// Times from and to, inclusively.
    pub times: (Timestamp, Timestamp),
    /// By which number order.
    pub order: Order,
    /// What the index shall find, where it helps.
    pub matcher: Option<&'a Matcher>,
    /// Most rows.
    pub count: usize,
}

/// What an engine does for a search.
pub(super) trait Scanner {
    /// Parts of a room, by term.
    fn spans(&mut self, room: Guid) -> Result<Vec<Span>, Error>;

    /// The first place whose time is not before `ts`.
    fn first_since(&mut self, room: Guid, ts: Timestamp) -> Result<Option<Place>, Error>;

    /// The last place whose time is not after `ts`.
    fn last_until(&mut self, room: Guid, ts: Timestamp) -> Result<Option<Place>, Error>;

    /// Rows by number; at least those the matcher accepts.
    fn scan(&mut self, scan: &Scan<'_>) -> Result<Vec<Row>, Error>;

    /// Has the search taken too long?
    fn is_late(&self) -> bool;
}

const EARLIEST: Timestamp = Timestamp(0);
const LATEST: Timestamp = Timestamp(i64::MAX);
const LOWEST: Place = Place { term: 0, number: 0 };
const HIGHEST: Place = Place { term: i64::MAX as u64, number: NUMBER_MAX };

/// Checks a query against the bounds.
pub(super) fn verify(query: &Query) -> Result<(), Error> {
    let rules = [
        (query.rooms.len() <= SEARCH_ROOMS_MAX, "too many rooms in one search"),
        (query.after.0.len() <= SEARCH_ROOMS_MAX, "too many rooms in one search"),
        (query.authors.len() <= SEARCH_AUTHORS_MAX, "too many authors in one search"),
        (query.text.len() <= SEARCH_TEXT_BYTES_MAX, "the search text is too long"),
    ];
    rules.iter().try_for_each(|(holds, text)| holds.then_some(()).ok_or(Error::Invalid(text)))
}

/// Answers a query.
pub(super) fn search(engine: &mut impl Scanner, query: &Query) -> Result<Found, Error> {
    let matcher = Matcher::new(query);
    let limit = query.limit.min(SEARCH_ROWS_MAX);
    let mut rooms = query.rooms.clone();
    rooms.sort_unstable();
    rooms.dedup();
    // Enough for a page out of one room; of many rooms each gives a part of it.
    let chunk = ((limit + 1) * 2 / rooms.len().max(1)).clamp(16, SEARCH_ROWS_MAX + 1);
    let mut readers = Vec::with_capacity(rooms.len());
    for room in rooms {
        readers.push(Reader::new(engine, query, room)?);
    }
    let mut found = Found { next: query.after.clone(), ..Found::default() };
    while let Some(row) = next(engine, &mut readers, query, &matcher, chunk)? {
        if found.rows.len() == limit {
            found.exceeded = true;
            break;
        }
        advance(&mut found.next, row.key());
        found.rows.push(row);
    }
    if query.sort != query.search {
        found.rows.reverse();
    }
    Ok(found)
}

fn advance(next: &mut Continuation, key: RowKey) {
    match next.0.iter_mut().find(|known| known.room == key.room) {
        Some(known) => known.place = key.place,
        None => next.0.push(key),
    }
}

/// The next row over all rooms.
fn next(
    engine: &mut impl Scanner,
    readers: &mut Vec<Reader>,
    query: &Query,
    matcher: &Matcher,
    chunk: usize,
) -> Result<Option<Row>, Error> {
    for reader in readers.iter_mut() {
        reader.fill(engine, query, matcher, chunk)?;
    }
    readers.retain(|reader| !reader.rows.is_empty());
    let heads = readers.iter().enumerate();
    let heads = heads.map(|(at, reader)| ((reader.rows[0].ts, reader.room), at));
    let at = match query.search {
        Order::OldestFirst => heads.min(),
        Order::NewestFirst => heads.max(),
    };
    Ok(at.and_then(|(_, at)| readers[at].rows.pop_front()))
}

/// Reads one room in the direction of the search.
struct Reader {
    room: Guid,
    /// Parts not read to the end, with the numbers still to be read; the current one first.
    parts: VecDeque<(Span, (u64, u64))>,
    times: (Timestamp, Timestamp),
    rows: VecDeque<Row>,
}

impl Reader {
    fn new(engine: &mut impl Scanner, query: &Query, room: Guid) -> Result<Reader, Error> {
        let times = match query.start {
            // Overrides the dates (`xccos.md` §3.8).
            Some(_) => (EARLIEST, LATEST),
            None => (query.from.unwrap_or(EARLIEST), query.to.unwrap_or(LATEST)),
        };
        let mut reader = Reader { room, parts: VecDeque::new(), times, rows: VecDeque::new() };
        let Some((low, high)) = reader.places(engine, query)? else { return Ok(reader) };
        for span in engine.spans(room)? {
            let first = if span.term == low.term { low.number } else { 0 };
            let last = if span.term == high.term { high.number } else { NUMBER_MAX };
            let is_within = (low.term..=high.term).contains(&span.term);
            let numbers = (first.max(span.first), last.min(span.last));
            let numbers = match (query.start, query.search) {
                (None, _) => numbers,
                (Some(start), Order::OldestFirst) => (numbers.0.max(start), numbers.1),
                (Some(start), Order::NewestFirst) => (numbers.0, numbers.1.min(start)),
            };
            if is_within && numbers.0 <= numbers.1 {
                reader.parts.push_back((span, numbers));
            }
        }
        if query.search == Order::NewestFirst {
            reader.parts.make_contiguous().reverse();
        }
        Ok(reader)
    }

    /// Between which places to read; `None` if nothing is there.
    fn places(
        &self,
        engine: &mut impl Scanner,
        query: &Query,
    ) -> Result<Option<(Place, Place)>, Error> {
        let low = match self.times.0 {
            EARLIEST => Some(LOWEST),
            from => engine.first_since(self.room, from)?,
        };
        let high = match self.times.1 {
            LATEST => Some(HIGHEST),
            to => engine.last_until(self.room, to)?,
        };
        let (Some(low), Some(high)) = (low, high) else { return Ok(None) };
        let after = query.after.0.iter().find(|key| key.room == self.room);
        Ok(match (after, query.search) {
            (None, _) => Some((low, high)),
            (Some(after), Order::OldestFirst) => Some((low.max(above(after.place)), high)),
            (Some(after), Order::NewestFirst) => Some((low, high.min(below(after.place)))),
        }
        .filter(|(low, high)| low <= high))
    }

    /// Reads on until there is a row or the room's end.
    fn fill(
        &mut self,
        engine: &mut impl Scanner,
        query: &Query,
        matcher: &Matcher,
        count: usize,
    ) -> Result<(), Error> {
        while self.rows.is_empty() {
            let Some(&(span, numbers)) = self.parts.front() else { return Ok(()) };
            if engine.is_late() {
                return Err(Error::TimedOut);
            }
            let (room, times, order) = (self.room, self.times, query.search);
            let selective = matcher.is_selective().then_some(matcher);
            let scan = Scan { room, span, numbers, times, order, matcher: selective, count };
            let rows = engine.scan(&scan)?;
            self.step(rows.last().filter(|_| rows.len() == count), query.search);
            self.rows.extend(rows.into_iter().filter(|row| matcher.accepts(row)));
        }
        Ok(())
    }

    /// Goes on behind a row, or with the next part.
    fn step(&mut self, last: Option<&Row>, order: Order) {
        let (_, numbers) = self.parts.front_mut().expect("a part was just read");
        let is_over = match (last, order) {
            (None, _) => true,
            (Some(row), Order::OldestFirst) => {
                numbers.0 = row.place.number + 1;
                numbers.0 > numbers.1
            }
            (Some(row), Order::NewestFirst) => {
                numbers.1 = row.place.number - 1;
                numbers.0 > numbers.1
            }
        };
        if is_over {
            self.parts.pop_front();
        }
    }
}

fn above(place: Place) -> Place {
    Place { number: place.number.saturating_add(1), ..place }
}

/// The highest place below; terms have no highest number, so the one before ends at the bound.
fn below(place: Place) -> Place {
    match place {
        Place { term: 0, number: 0 } => LOWEST,
        Place { term, number: 0 } => Place { term: term - 1, number: NUMBER_MAX },
        Place { term, number } => Place { term, number: number - 1 },
    }
}
