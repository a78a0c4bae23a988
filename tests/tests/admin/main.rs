//! Administration by the real binary: the API, who may do what by it, and the commands.

mod api;
mod cmdlets;
mod commands;
mod fire;
mod http;
mod ldap;
mod messages;
mod original;
mod replica;
mod roles;
mod tables;

use parlance_tests::peer::Dialog;
use parlance_tests::server::{Room, Server};

/// The code of the answer to a user's join of the first room.
fn join(server: &Server, user: &str) -> u16 {
    Dialog::open(server.sip, user).join(&Room::numbered(1).id)
}
