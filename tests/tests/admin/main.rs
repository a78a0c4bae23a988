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
