//! `parlance admin room`.

use super::call::{Call, Document, Method};
use super::things::{NewRoom, SetRoom, word};
use crate::api::{InvitationsWord, PrivacyWord, TypeWord};
use clap::{Args, Subcommand};

/// Which rooms; all that is given must fit.
#[derive(Debug, Clone, Args)]
pub struct RoomFilter {
    /// Name, id, URI or pool\name: this room, with its lists
    #[arg(conflicts_with_all = [
        "filter", "search_description", "category", "addin", "member", "manager", "disabled",
        "invitations", "privacy", "behavior", "chat_content_exceeds_mb", "limit",
    ])]
    room: Option<String>,
    /// Part of the name, or wildcards * and ? for the whole of it
    #[arg(long)]
    filter: Option<String>,
    /// The filter may fit the description instead
    #[arg(long)]
    search_description: bool,
    /// In this category
    #[arg(long)]
    category: Option<String>,
    /// With this add-in
    #[arg(long)]
    addin: Option<String>,
    /// With this user among the members
    #[arg(long, value_name = "WHO")]
    member: Option<String>,
    /// With this user among the managers
    #[arg(long, value_name = "WHO")]
    manager: Option<String>,
    /// Only disabled rooms, or only others
    #[arg(long, value_name = "BOOL")]
    disabled: Option<bool>,
    /// With this setting
    #[arg(long)]
    invitations: Option<InvitationsWord>,
    /// With this privacy
    #[arg(long)]
    privacy: Option<PrivacyWord>,
    /// Of this type
    #[arg(long = "type")]
    behavior: Option<TypeWord>,
    /// What was said in it takes more than so many MB
    #[arg(long, value_name = "MB")]
    chat_content_exceeds_mb: Option<u64>,
    /// At most so many
    #[arg(long)]
    limit: Option<usize>,
}

/// Rooms.
#[derive(Debug, Clone, Subcommand)]
pub enum Room {
    /// Make a room
    New(Box<NewRoom>),
    /// Show one room, or those that fit
    Get(Box<RoomFilter>),
    /// Change a room; --category moves it
    Set(Box<SetRoom>),
    /// Remove a room with all that was said in it
    Remove {
        /// Name, id, URI or pool\name
        room: String,
    },
    /// Remove everything that was said up to a moment
    Clear {
        /// Name, id, URI or pool\name
        room: String,
        /// The moment, inclusively: 2024-03-08 (to its end) or 2024-03-08T07:16:05Z, UTC
        #[arg(long, value_name = "TIME")]
        until: String,
    },
}

impl Room {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Room::New(new) => new.call(),
            Room::Get(filter) => filter.call(),
            Room::Set(edit) => edit.call(),
            Room::Remove { room } => Call::new(Method::Delete, &["rooms", room]),
            Room::Clear { room, until } => {
                let document = Document::default().put("until", until.as_str());
                Call::new(Method::Post, &["rooms", room, "clear"]).body(document)
            }
        }
    }
}

impl RoomFilter {
    fn call(&self) -> Call {
        if let Some(room) = &self.room {
            return Call::new(Method::Get, &["rooms", room]);
        }
        Call::new(Method::Get, &["rooms"])
            .param("filter", self.filter.as_deref())
            .flag("search_description", self.search_description)
            .param("category", self.category.as_deref())
            .param("addin", self.addin.as_deref())
            .param("member", self.member.as_deref())
            .param("manager", self.manager.as_deref())
            .param("disabled", self.disabled)
            .param("invitations", self.invitations.map(word))
            .param("privacy", self.privacy.map(word))
            .param("type", self.behavior.map(word))
            .param("chat_content_exceeds_mb", self.chat_content_exceeds_mb)
            .list(self.limit)
    }
}
