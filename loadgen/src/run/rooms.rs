//! The rooms of a run: as the command line tells them, or as an organisation has them.

use super::mix;
use super::plan::Stream;
use super::profile::{COUNT_MAX, Organisation};
use crate::cli::RunArgs;
use parlance_loadgen::rooms;
use parlance_wire::xccos::RoomRef;
use std::ops::Range;

/// A room of the run.
#[derive(Debug)]
pub struct Room {
    /// In the server's spelling.
    pub uri: String,
    /// As commands name it.
    pub reference: RoomRef,
    /// Users in it, by number.
    pub members: Vec<u32>,
}

/// Rooms that are alike.
#[derive(Debug)]
pub struct Class {
    pub name: &'static str,
    /// By number.
    pub rooms: Range<u32>,
    /// Posts per second in all of them.
    pub rate: f64,
}

/// Classes of rooms, and all rooms in their order.
pub type Rooms = (Vec<Class>, Vec<Room>);

/// Rooms that the command line tells, all of one size.
pub fn told_rooms(args: &RunArgs, users: u32) -> Result<Rooms, String> {
    if args.model.is_some() {
        return Err(
            "--model is for a profile of an organisation; here --rate tells the rate".into()
        );
    }
    let uris = room_uris(args)?;
    let size = args.room_size.unwrap_or(30);
    let rooms = uris
        .into_iter()
        .zip(0..)
        .map(|(uri, index)| room(uri, rooms::members(index, size, users).collect()))
        .collect::<Result<Vec<Room>, String>>()?;
    let all = 0..rooms.len() as u32;
    Ok((vec![Class { name: "rooms", rooms: all, rate: 10.0 }], rooms))
}

fn room_uris(args: &RunArgs) -> Result<Vec<String>, String> {
    let told = args.rooms.as_deref().unwrap_or("1");
    let uris: Vec<String> = match (&args.rooms_file, told.parse::<u32>()) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect()
        }
        (None, Ok(count)) if count <= COUNT_MAX => {
            (0..count).map(|index| rooms::room_uri(&args.room_domain, index)).collect()
        }
        (None, Ok(_)) => return Err(format!("at most {COUNT_MAX} rooms")),
        (None, Err(_)) => told.split(',').map(|uri| uri.trim().to_owned()).collect(),
    };
    if uris.is_empty() { Err("no rooms".to_owned()) } else { Ok(uris) }
}

/// Rooms of an organisation: those of `config` with the same profile and size.
pub fn organisation_rooms(args: &RunArgs, organisation: &Organisation) -> Result<Rooms, String> {
    if args.rooms.is_some() || args.rooms_file.is_some() || args.room_size.is_some() {
        return Err("the profile says which rooms there are and how large".to_owned());
    }
    let model = usize::from(args.model.unwrap_or(1) - 1);
    let (mut classes, mut rooms): Rooms = Default::default();
    for (size, stream) in organisation.profile.sizes.iter().zip(Stream::Rooms as u64..) {
        let first = rooms.len() as u32;
        let all = mix::members(size, organisation, args.seed, stream);
        for (members, index) in all.into_iter().zip(first..) {
            rooms.push(room(rooms::room_uri(&args.room_domain, index), members)?);
        }
        let rate = size.posts_per_second(organisation.users_whole(), model);
        classes.push(Class { name: size.name, rooms: first..rooms.len() as u32, rate });
    }
    Ok((classes, rooms))
}

fn room(uri: String, members: Vec<u32>) -> Result<Room, String> {
    let reference = RoomRef::parse(&uri).ok_or_else(|| format!("{uri} is no room"))?;
    Ok(Room { uri, reference, members })
}
