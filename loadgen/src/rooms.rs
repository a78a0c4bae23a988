//! Rooms and their members derived from numbers, so that a server's configuration and a run agree.

use parlance_wire::xccos::Guid;
use std::fmt::Write;

/// The GUID of room `index`: a version 8 UUID (RFC 9562 §5.8) that ends in the index.
pub fn room_guid(index: u32) -> Guid {
    const BASE: u128 = 0x7061_726c_616e_8365_8000_0000_0000_0000;
    Guid(BASE | u128::from(index))
}

/// The URI of room `index` in the one spelling the server emits.
pub fn room_uri(domain: &str, index: u32) -> String {
    parlance_wire::xccos::room_uri(domain, room_guid(index))
}

/// Users that are members of room `room`: `size` of `users`, one window behind the other, so that
/// every user is in as many rooms as any other, give or take one.
pub fn members(room: u32, size: u32, users: u32) -> impl Iterator<Item = u32> {
    let size = size.min(users);
    let start = u64::from(room) * u64::from(size);
    (0..size).map(move |n| ((start + u64::from(n)) % u64::from(users)) as u32)
}

/// A server configuration with `rooms` rooms, listening for SIP over TCP on `listen` and for health
/// and metrics on `http` (`host:port`, loopback), with these values in its `[limits]`.
pub fn server_config(
    domain: &str,
    listen: &str,
    http: &str,
    rooms: u32,
    limits: &[(&str, u64)],
) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "[server]\ndomain = \"{domain}\"\n\n\
         [listen]\nsip = [\"{listen}\"]\nsips = []\nhttp = \"{http}\"\n"
    );
    if !limits.is_empty() {
        text.push_str("\n[limits]\n");
    }
    for (name, value) in limits {
        let _ = writeln!(text, "{name} = {value}");
    }
    for index in 0..rooms {
        let guid = room_guid(index);
        let _ = write!(text, "\n[[room]]\nname = \"Load {index}\"\nid = \"{guid}\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_spread_evenly() {
        let mut rooms_of = [0u32; 100];
        for room in 0..40 {
            let found: Vec<u32> = members(room, 30, 100).collect();
            assert_eq!(found.len(), 30);
            for user in found {
                rooms_of[user as usize] += 1;
            }
        }
        assert!(rooms_of.iter().all(|&n| n == 12), "{rooms_of:?}");
    }

    #[test]
    fn a_room_never_has_more_members_than_users() {
        assert_eq!(members(5, 30, 4).count(), 4);
        assert_eq!(members(0, 30, 0).count(), 0);
    }
}
