//! `parlance history`: what was said in a room, from the database.

use super::message::{self, Message};
use super::{Answer, Fault, database, note, shown};
use crate::Exit;
use crate::config::Config;
use clap::Args;
use parlance_core::directory::Change;
use parlance_storage::sql::{AnyStore, Order, Query, Row, SEARCH_ROWS_MAX, Store, Words};
use parlance_wire::xccos::{Guid, Timestamp};
use std::io::Write;

/// Messages shown when nothing limits them.
const LAST: usize = 50;
/// Rooms named to somebody who asks for one that is not there.
const NAMES_MAX: usize = 20;
/// Most messages that are held in memory, to be shown the other way round.
const LAST_MAX: u64 = 100_000;

/// Which messages, and how.
#[derive(Debug, Clone, Args)]
pub struct History {
    /// Name of a room, its GUID or its ma-chan URI
    room: String,
    /// The newest N messages; 50 if nothing else is asked for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=LAST_MAX))]
    last: Option<u64>,
    /// Not before this time: 2024-03-08 or 2024-03-08T07:16:05Z, UTC
    #[arg(long, value_name = "TIME", value_parser = from)]
    from: Option<Timestamp>,
    /// Not after this time; a day is meant to its end
    #[arg(long, value_name = "TIME", value_parser = to)]
    to: Option<Timestamp>,
    /// Only messages with all these words
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// One JSON object per line, as in an export
    #[arg(long)]
    json: bool,
}

fn from(text: &str) -> Result<Timestamp, String> {
    time(text, "T00:00:00Z")
}

fn to(text: &str) -> Result<Timestamp, String> {
    time(text, "T23:59:59.9999999Z")
}

fn time(text: &str, of_day: &str) -> Result<Timestamp, String> {
    let whole = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}{of_day}")));
    whole.ok_or_else(|| "neither a day like 2024-03-08 nor a time like 2024-03-08T07:16:05Z".into())
}

/// Shows it.
///
/// # Errors
/// Cause, effect, next step.
pub fn run(wanted: &History, config: &Config, out: &mut dyn Write) -> Answer {
    let mut store = database::open(config)?;
    let room = room(config, &mut store, &wanted.room)?;
    let is_limited = wanted.from.or(wanted.to).is_some() || wanted.search.is_some();
    let last = match wanted.last {
        Some(last) => Some(last as usize),
        None if is_limited => None,
        None => Some(LAST),
    };
    let order = if last.is_some() { Order::NewestFirst } else { Order::OldestFirst };
    let query = Query {
        rooms: vec![room],
        text: wanted.search.clone().unwrap_or_default(),
        words: Words::All,
        from: wanted.from,
        to: wanted.to,
        search: order,
        sort: order,
        ..Query::default()
    };
    match last {
        None => pages(&mut store, query, usize::MAX, |row| show(row, wanted.json, out))?,
        Some(last) => {
            let mut rows = Vec::new();
            pages(&mut store, query, last, |row| {
                rows.push(row);
                Ok(())
            })?;
            rows.into_iter().rev().try_for_each(|row| show(row, wanted.json, out))?;
        }
    }
    out.flush()?;
    tell_lag(config, &mut store, room)?;
    Ok(Exit::Done)
}

/// The room that is meant. A GUID need not be in the directory: history outlives it.
fn room(config: &Config, store: &mut AnyStore, text: &str) -> Result<Guid, Fault> {
    let addressed = || Guid::parse(text.strip_prefix("ma-chan://")?.rsplit_once('/')?.1);
    if let Some(id) = Guid::parse(text).or_else(addressed) {
        return Ok(id);
    }
    let read = |take: &mut dyn FnMut(Change)| Ok(store.directory_load(take)?);
    let directory = crate::admin::load(read, &config.directory.domain, true)?;
    // A database that no server has used yet has the rooms that the first one will make.
    let found = crate::admin::find::room(&directory, text);
    let found = found.or_else(|| crate::admin::find::room(&config.directory, text));
    let named = found.map(|room| room.room.id);
    named.ok_or_else(|| {
        let mut names: Vec<&str> = directory.rooms().map(|room| &*room.room.name).collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(NAMES_MAX);
        names.truncate(NAMES_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Fault::Told(format!(
            "no room is called {text:?}; there are {names:?}{more}, and a GUID or ma-chan URI is \
             understood as well"
        ))
    })
}

/// Hands over what a query finds, page by page, at most `left`.
fn pages(
    store: &mut AnyStore,
    mut query: Query,
    mut left: usize,
    mut act: impl FnMut(Row) -> Result<(), Fault>,
) -> Result<(), Fault> {
    while left > 0 {
        query.limit = left.min(SEARCH_ROWS_MAX);
        let found = store.by_date(&query)?;
        left -= found.rows.len().min(left);
        let is_all = !found.exceeded || found.rows.is_empty();
        found.rows.into_iter().try_for_each(&mut act)?;
        if is_all {
            break;
        }
        query.after = found.next;
    }
    Ok(())
}

fn show(row: Row, is_json: bool, out: &mut dyn Write) -> Result<(), Fault> {
    if is_json {
        message::line(out, &Message::from(row))?;
        return Ok(());
    }
    // Fractions of seconds are for programs.
    let time = row.ts.to_string();
    let time = time.split('.').next().unwrap_or(&time);
    let (name, author, number) = (shown(&row.author_name), shown(&row.author), row.place.number);
    let alert = if row.alert { "[alert] " } else { "" };
    let lines: Vec<String> = row.chat.lines().map(shown).collect();
    writeln!(out, "{time}Z  {number}  {name} <{author}>: {alert}{}", lines.join("\n    "))?;
    Ok(())
}

/// Says when the log has newer messages of the room.
fn tell_lag(config: &Config, store: &mut AnyStore, room: Guid) -> Result<(), Fault> {
    let Some(lag) = database::lag(config, store, |entry| entry.room == room)? else {
        return Ok(());
    };
    if lag.messages > 0 {
        let count = lag.messages;
        note(&format!(
            "{count} newer message(s) of this room are in the log and not in the database yet; \
             `parlance log inspect --room {room} --from {}` lists them",
            lag.stored.next()
        ));
    }
    if let Some(trouble) = lag.trouble {
        note(&format!("the log may have newer messages: {trouble}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_and_end() {
        let second = |text| Timestamp::parse(text).unwrap();
        assert_eq!(from("2024-03-08"), Ok(second("2024-03-08T00:00:00Z")));
        assert_eq!(to("2024-03-08"), Ok(Timestamp(second("2024-03-09T00:00:00Z").0 - 1)));
        assert_eq!(to("2024-03-08T07:00:00+01:00"), Ok(second("2024-03-08T06:00:00Z")));
        assert!(from("yesterday").is_err());
    }
}
