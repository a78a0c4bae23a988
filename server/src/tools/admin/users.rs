//! `parlance admin user`.

use super::call::{Call, Document, Method};
use super::things::word;
use crate::api::{KindWord, StateWord};
use clap::Subcommand;
use std::path::PathBuf;

/// People and groups.
#[derive(Debug, Clone, Subcommand)]
pub enum User {
    /// Make a user or group by hand, where no other directory is followed
    New {
        /// sip: URI of a user; of a group anything that names it, or nothing
        uri: Option<String>,
        /// What it is
        #[arg(long, default_value = "user")]
        kind: KindWord,
        /// Permanent identifier
        #[arg(long)]
        id: Option<String>,
        /// Shown to others
        #[arg(long, default_value = "")]
        display_name: String,
        /// Account name or user principal name
        #[arg(long, default_value = "")]
        account: String,
        /// E-mail address
        #[arg(long, default_value = "")]
        email: String,
        /// Company
        #[arg(long, default_value = "")]
        company: String,
        /// Where it stands in the directory it comes from
        #[arg(long, default_value = "")]
        path: String,
        /// What it stands in directly
        #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
        parents: Option<Vec<String>>,
    },
    /// Show one, or those that are looked for
    Get {
        /// URI, id, account, address or name
        who: Option<String>,
        /// Part of a name, URI, address or account; or wildcards * and ?
        #[arg(long, conflicts_with = "who")]
        search: Option<String>,
        /// Only of this kind
        #[arg(long, conflicts_with = "who")]
        kind: Option<KindWord>,
        /// Only in this state
        #[arg(long, conflicts_with = "who")]
        state: Option<StateWord>,
        /// At most so many
        #[arg(long, conflicts_with = "who")]
        limit: Option<usize>,
    },
    /// Change one
    Set {
        /// URI, id, account, address or name
        who: String,
        /// Another URI
        #[arg(long)]
        uri: Option<String>,
        /// Shown to others
        #[arg(long)]
        display_name: Option<String>,
        /// Account name or user principal name
        #[arg(long)]
        account: Option<String>,
        /// E-mail address
        #[arg(long)]
        email: Option<String>,
        /// Company
        #[arg(long)]
        company: Option<String>,
        /// Where it stands in the directory it comes from
        #[arg(long)]
        path: Option<String>,
        /// Is it in use?
        #[arg(long)]
        state: Option<StateWord>,
        /// In place of what it stands in directly
        #[arg(long, value_name = "WHO,…", value_delimiter = ',')]
        parents: Option<Vec<String>>,
    },
    /// Take up everybody in a CSV file, or nobody; who is not in it stays as they are
    Import {
        /// The file; - is the standard input
        file: PathBuf,
    },
    /// Write everybody as CSV
    Export,
    /// Forget one that no list names
    Remove {
        /// URI, id, account, address or name
        who: String,
    },
}

impl User {
    /// As a request.
    pub fn call(&self) -> Call {
        let given = |names: &Vec<String>| -> Vec<String> {
            names.iter().filter(|name| !name.is_empty()).cloned().collect()
        };
        match self {
            User::New { uri, kind, id, display_name, account, email, company, path, parents } => {
                let document = Document::default()
                    .maybe("uri", uri.as_deref())
                    .put("kind", word(*kind))
                    .maybe("id", id.as_deref())
                    .put("display_name", display_name.as_str())
                    .put("account", account.as_str())
                    .put("email", email.as_str())
                    .put("company", company.as_str())
                    .put("path", path.as_str())
                    .maybe("parents", parents.as_ref().map(given));
                Call::new(Method::Post, &["people"]).body(document)
            }
            User::Get { who: Some(who), .. } => Call::new(Method::Get, &["people", who]),
            User::Get { who: None, search, kind, state, limit } => {
                Call::new(Method::Get, &["people"])
                    .param("search", search.as_deref())
                    .param("kind", kind.map(word))
                    .param("state", state.map(word))
                    .list(*limit)
            }
            User::Set { who, uri, display_name, account, email, company, path, state, parents } => {
                let document = Document::default()
                    .maybe("uri", uri.as_deref())
                    .maybe("display_name", display_name.as_deref())
                    .maybe("account", account.as_deref())
                    .maybe("email", email.as_deref())
                    .maybe("company", company.as_deref())
                    .maybe("path", path.as_deref())
                    .maybe("state", state.map(word))
                    .maybe("parents", parents.as_ref().map(given));
                Call::new(Method::Patch, &["people", who]).body(document)
            }
            User::Import { file } => Call::new(Method::Post, &["people.csv"]).file(file),
            User::Export => Call::new(Method::Get, &["people.csv"]),
            User::Remove { who } => Call::new(Method::Delete, &["people", who]),
        }
    }
}
