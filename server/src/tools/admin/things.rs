//! `parlance admin category|room`: what has lists of principals.

use super::call::{Call, Document, Edit, Method};
use crate::api::{InvitationsWord, PrivacyWord, TypeWord};
use clap::{Args, Subcommand, ValueEnum};

/// The word of a value, as documents have it.
pub(super) fn word(value: impl ValueEnum) -> String {
    let word = value.to_possible_value().map(|value| value.get_name().to_owned());
    word.expect("every value has a word")
}

/// Three options that edit a list.
macro_rules! list_edit {
    ($(#[$doc:meta])* $name:ident, $set:ident, $add:ident, $remove:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Args)]
        pub struct $name {
            /// In place of all that are in the list; "" empties it
            #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
            $set: Option<Vec<String>>,
            /// To be added
            #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
            $add: Vec<String>,
            /// To be taken out
            #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
            $remove: Vec<String>,
        }

        impl $name {
            fn edit(&self) -> Edit<'_> {
                Edit { set: &self.$set, add: &self.$add, remove: &self.$remove }
            }
        }
    };
}

list_edit!(
    /// Of a category.
    AllowedEdit, set_allowed, add_allowed, remove_allowed
);
list_edit!(
    /// Of a category.
    DeniedEdit, set_denied, add_denied, remove_denied
);
list_edit!(
    /// Of a category.
    CreatorsEdit, set_creators, add_creators, remove_creators
);
list_edit!(
    /// Of a room.
    MembersEdit, set_members, add_members, remove_members
);
list_edit!(
    /// Of a room.
    ManagersEdit, set_managers, add_managers, remove_managers
);
list_edit!(
    /// Of a room.
    PresentersEdit, set_presenters, add_presenters, remove_presenters
);

/// Categories.
#[derive(Debug, Clone, Subcommand)]
pub enum Category {
    /// Make a category
    New {
        /// Unique among rooms and categories
        name: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// Its rooms invite their members
        #[arg(long)]
        invites: bool,
        /// Files may be posted in its rooms
        #[arg(long)]
        file_upload: bool,
        /// What is said in its rooms cannot be read later
        #[arg(long)]
        no_history: bool,
        /// Who may be in its rooms
        #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
        allowed: Vec<String>,
        /// Who may not, whatever else is said
        #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
        denied: Vec<String>,
        /// Who may create rooms
        #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
        creators: Vec<String>,
    },
    /// Show one category, or all
    Get {
        /// Name, id, URI or pool\name
        category: Option<String>,
    },
    /// Change a category
    Set {
        /// Name, id, URI or pool\name
        category: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// Another description
        #[arg(long)]
        description: Option<String>,
        /// Do its rooms invite?
        #[arg(long, value_name = "BOOL")]
        invites: Option<bool>,
        /// May files be posted?
        #[arg(long, value_name = "BOOL")]
        file_upload: Option<bool>,
        /// Can be read later what was said?
        #[arg(long, value_name = "BOOL")]
        chat_history: Option<bool>,
        #[command(flatten)]
        allowed: AllowedEdit,
        #[command(flatten)]
        denied: DeniedEdit,
        #[command(flatten)]
        creators: CreatorsEdit,
    },
    /// Remove a category that has no rooms
    Remove {
        /// Name, id, URI or pool\name
        category: String,
    },
}

impl Category {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Category::New {
                name,
                description,
                invites,
                file_upload,
                no_history,
                allowed,
                denied,
                creators,
            } => {
                let document = Document::default()
                    .put("name", name.as_str())
                    .put("description", description.as_str())
                    .put("invites", *invites)
                    .put("file_upload", *file_upload)
                    .put("chat_history", !no_history)
                    .put("allowed", allowed.clone())
                    .put("denied", denied.clone())
                    .put("creators", creators.clone());
                Call::new(Method::Post, &["categories"]).body(document)
            }
            Category::Get { category: None } => Call::new(Method::Get, &["categories"]).list(None),
            Category::Get { category: Some(name) } => Call::new(Method::Get, &["categories", name]),
            Category::Set {
                category,
                name,
                description,
                invites,
                file_upload,
                chat_history,
                allowed,
                denied,
                creators,
            } => {
                let document = Document::default()
                    .maybe("name", name.as_deref())
                    .maybe("description", description.as_deref())
                    .maybe("invites", *invites)
                    .maybe("file_upload", *file_upload)
                    .maybe("chat_history", *chat_history)
                    .list("allowed", allowed.edit())
                    .list("denied", denied.edit())
                    .list("creators", creators.edit());
                Call::new(Method::Patch, &["categories", category]).body(document)
            }
            Category::Remove { category } => Call::new(Method::Delete, &["categories", category]),
        }
    }
}

/// What a new room is.
#[derive(Debug, Clone, Args)]
pub struct NewRoom {
    /// Unique among rooms and categories
    name: String,
    /// Where it stands: name, id or URI of a category
    #[arg(long)]
    category: String,
    /// What it is for
    #[arg(long, default_value = "")]
    description: String,
    /// Who sees and enters it
    #[arg(long, default_value = "closed")]
    privacy: PrivacyWord,
    /// Who posts in it
    #[arg(long = "type", default_value = "normal")]
    behavior: TypeWord,
    /// Does it invite?
    #[arg(long, default_value = "inherit")]
    invitations: InvitationsWord,
    /// Web page beside it, by name or id
    #[arg(long)]
    addin: Option<String>,
    /// Nobody gets in yet
    #[arg(long)]
    disabled: bool,
    /// Who may enter
    #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
    members: Vec<String>,
    /// Who may change it
    #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
    managers: Vec<String>,
    /// Who may post, if it is an auditorium
    #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
    presenters: Vec<String>,
}

/// What is to change of a room.
#[derive(Debug, Clone, Args)]
pub struct SetRoom {
    /// Name, id, URI or pool\name
    room: String,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// Another description
    #[arg(long)]
    description: Option<String>,
    /// Moves it there; who is not allowed there is dropped from its lists
    #[arg(long)]
    category: Option<String>,
    /// Who sees and enters it
    #[arg(long)]
    privacy: Option<PrivacyWord>,
    /// Who posts in it
    #[arg(long = "type")]
    behavior: Option<TypeWord>,
    /// Does it invite?
    #[arg(long)]
    invitations: Option<InvitationsWord>,
    /// Web page beside it; "" takes it away
    #[arg(long)]
    addin: Option<String>,
    /// Does nobody get in?
    #[arg(long, value_name = "BOOL")]
    disabled: Option<bool>,
    #[command(flatten)]
    members: MembersEdit,
    #[command(flatten)]
    managers: ManagersEdit,
    #[command(flatten)]
    presenters: PresentersEdit,
}

impl NewRoom {
    /// As a request.
    pub fn call(&self) -> Call {
        let document = Document::default()
            .put("name", self.name.as_str())
            .put("category", self.category.as_str())
            .put("description", self.description.as_str())
            .put("privacy", word(self.privacy))
            .put("type", word(self.behavior))
            .put("invitations", word(self.invitations))
            .maybe("addin", self.addin.as_deref())
            .put("disabled", self.disabled)
            .put("members", self.members.clone())
            .put("managers", self.managers.clone())
            .put("presenters", self.presenters.clone());
        Call::new(Method::Post, &["rooms"]).body(document)
    }
}

impl SetRoom {
    /// As a request.
    pub fn call(&self) -> Call {
        let addin = self.addin.as_deref();
        let document = Document::default()
            .maybe("name", self.name.as_deref())
            .maybe("description", self.description.as_deref())
            .maybe("category", self.category.as_deref())
            .maybe("privacy", self.privacy.map(word))
            .maybe("type", self.behavior.map(word))
            .maybe("invitations", self.invitations.map(word))
            .maybe("addin", addin.map(|name| (!name.is_empty()).then_some(name)))
            .maybe("disabled", self.disabled)
            .list("members", self.members.edit())
            .list("managers", self.managers.edit())
            .list("presenters", self.presenters.edit());
        Call::new(Method::Patch, &["rooms", &self.room]).body(document)
    }
}
