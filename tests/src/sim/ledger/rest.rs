//! What must be true at rest.

use super::{Ledger, Roles};
use std::collections::BTreeMap;

impl Ledger {
    /// At rest: everybody in a room has been told everything of it, and knows who else is in, and
    /// as what.
    pub fn check_rest(&mut self, participants_max: usize) {
        let uris: Vec<String> = self.rooms.keys().cloned().collect();
        for uri in uris {
            let room = self.rooms[&uri];
            let seats = || {
                self.desks.iter().enumerate().filter_map(|(client, desk)| {
                    let seat = desk.session.as_ref()?.seats.get(&room)?;
                    Some((client, desk, seat))
                })
            };
            let newest = seats().filter_map(|(_, _, seat)| seat.next).max();
            let is_in = seats().map(|(_, desk, _)| &desk.uri);
            let truth: BTreeMap<String, Roles> =
                is_in.map(|user| (user.clone(), self.walls.roles(user, &uri))).collect();
            let is_unsure = self.desks.iter().any(|desk| {
                desk.session.as_ref().is_some_and(|session| session.maybe.contains(&room))
            });
            let is_large = !self.rooms_stay_small && truth.len() >= participants_max;
            let mut wrong = Vec::new();
            for (client, _, seat) in seats() {
                let heard = |next: Option<u64>| next.map(|next| self.heard(room, next));
                if seat.next.is_some() && heard(seat.next) != heard(newest) {
                    wrong.push((client, format!("told up to {:?} of {newest:?}", seat.next)));
                }
                let known = seat.known.as_ref().filter(|_| !is_unsure && !is_large);
                if let Some(known) = known.filter(|known| **known != truth) {
                    wrong.push((client, format!("believes {known:?}, true is {truth:?}")));
                }
            }
            for (client, what) in wrong {
                self.violate(format!("client {client}, room {room}, at rest: {what}"));
            }
        }
    }
}
