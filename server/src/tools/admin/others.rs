//! `parlance admin addin|policy|config|endpoint|pool|message|token`: the smaller families.

use super::call::{Call, Document, Method};
use super::things::word;
use crate::api::MatchWord;
use clap::{Args, Subcommand};

/// Add-ins.
#[derive(Debug, Clone, Subcommand)]
pub enum Addin {
    /// Register an add-in
    New {
        /// Unique among add-ins
        name: String,
        /// http or https
        url: String,
    },
    /// Show one add-in, or all
    Get {
        /// Name, id or pool\name
        addin: Option<String>,
    },
    /// Change an add-in
    Set {
        /// Name, id or pool\name
        addin: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// Another address
        #[arg(long)]
        url: Option<String>,
    },
    /// Remove an add-in; with --force also one that rooms show
    Remove {
        /// Name, id or pool\name
        addin: String,
    },
}

impl Addin {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Addin::New { name, url } => {
                let document = Document::default().put("name", name.as_str());
                Call::new(Method::Post, &["addins"]).body(document.put("url", url.as_str()))
            }
            Addin::Get { addin: None } => Call::new(Method::Get, &["addins"]),
            Addin::Get { addin: Some(addin) } => Call::new(Method::Get, &["addins", addin]),
            Addin::Set { addin, name, url } => {
                let document = Document::default().maybe("name", name.as_deref());
                let document = document.maybe("url", url.as_deref());
                Call::new(Method::Patch, &["addins", addin]).body(document)
            }
            Addin::Remove { addin } => Call::new(Method::Delete, &["addins", addin]),
        }
    }
}

/// What a policy says.
#[derive(Debug, Clone, Args)]
pub struct PolicySettings {
    /// They may chat
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
}

/// Policies.
#[derive(Debug, Clone, Subcommand)]
pub enum Policy {
    /// Make a policy
    New {
        /// site:NAME, service:FQDN, or a tag
        identity: String,
        #[command(flatten)]
        settings: PolicySettings,
    },
    /// Show one policy, or all
    Get {
        /// global, site:NAME, service:FQDN or a tag
        identity: Option<String>,
    },
    /// Change a policy
    Set {
        /// global, site:NAME, service:FQDN or a tag
        #[arg(default_value = "global")]
        identity: String,
        #[command(flatten)]
        settings: PolicySettings,
    },
    /// Remove a policy, with --force also one that is granted; global gets its defaults again
    Remove {
        /// global, site:NAME, service:FQDN or a tag
        identity: String,
    },
    /// Grant a policy to a user, or take the grant back
    Grant {
        /// URI, id, account, address or name
        user: String,
        /// Tag without prefix; left out, the grant is taken back
        policy: Option<String>,
    },
}

impl PolicySettings {
    fn document(&self) -> Document {
        let document = Document::default().maybe("enabled", self.enabled);
        document.maybe("description", self.description.as_deref())
    }
}

impl Policy {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Policy::New { identity, settings } => {
                let document = settings.document().put("identity", identity.as_str());
                Call::new(Method::Post, &["policies"]).body(document)
            }
            Policy::Get { identity: None } => Call::new(Method::Get, &["policies"]),
            Policy::Get { identity: Some(of) } => Call::new(Method::Get, &["policies", of]),
            Policy::Set { identity, settings } => {
                Call::new(Method::Patch, &["policies", identity]).body(settings.document())
            }
            Policy::Remove { identity } => Call::new(Method::Delete, &["policies", identity]),
            Policy::Grant { user, policy } => {
                let document = Document::default().put("policy", policy.as_deref());
                Call::new(Method::Put, &["people", user, "policy"]).body(document)
            }
        }
    }
}

/// What a configuration says.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Messages shown on entering a room, 1 to 500
    #[arg(long, value_name = "COUNT")]
    default_chat_history: Option<u16>,
    /// Largest file
    #[arg(long, value_name = "KB")]
    max_file_size_kb: Option<u32>,
    /// Participants above which joins and leaves are not told any more
    #[arg(long, value_name = "COUNT")]
    participant_update_limit: Option<u32>,
    /// Replaces the built-in room management pages; "" for those
    #[arg(long, value_name = "URL")]
    room_management_url: Option<String>,
}

impl Settings {
    fn document(&self) -> Document {
        Document::default()
            .maybe("default_chat_history", self.default_chat_history)
            .maybe("max_file_size_kb", self.max_file_size_kb)
            .maybe("participant_update_limit", self.participant_update_limit)
            .maybe("room_management_url", self.room_management_url.as_deref())
    }
}

/// Configurations.
#[derive(Debug, Clone, Subcommand)]
pub enum Config {
    /// Make a configuration of a site or pool
    New {
        /// site:NAME or service:FQDN
        identity: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show one configuration, or all
    Get {
        /// global, site:NAME or service:FQDN
        identity: Option<String>,
    },
    /// Change a configuration
    Set {
        /// global, site:NAME or service:FQDN
        #[arg(default_value = "global")]
        identity: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Remove a configuration; global gets its defaults again
    Remove {
        /// global, site:NAME or service:FQDN
        identity: String,
    },
}

impl Config {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Config::New { identity, settings } => {
                let document = settings.document().put("identity", identity.as_str());
                Call::new(Method::Post, &["configurations"]).body(document)
            }
            Config::Get { identity: None } => Call::new(Method::Get, &["configurations"]),
            Config::Get { identity: Some(of) } => Call::new(Method::Get, &["configurations", of]),
            Config::Set { identity, settings } => {
                Call::new(Method::Patch, &["configurations", identity]).body(settings.document())
            }
            Config::Remove { identity } => Call::new(Method::Delete, &["configurations", identity]),
        }
    }
}

/// Further addresses of the service.
#[derive(Debug, Clone, Subcommand)]
pub enum Endpoint {
    /// Make an endpoint
    New {
        /// sip: URI
        uri: String,
        /// Shown to others
        #[arg(long, default_value = "")]
        display_name: String,
    },
    /// Show one endpoint, or all
    Get {
        /// URI or display name
        endpoint: Option<String>,
    },
    /// Remove an endpoint
    Remove {
        /// URI or display name
        endpoint: String,
    },
}

impl Endpoint {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Endpoint::New { uri, display_name } => {
                let document = Document::default().put("uri", uri.as_str());
                let document = document.put("display_name", display_name.as_str());
                Call::new(Method::Post, &["endpoints"]).body(document)
            }
            Endpoint::Get { endpoint: None } => Call::new(Method::Get, &["endpoints"]),
            Endpoint::Get { endpoint: Some(of) } => Call::new(Method::Get, &["endpoints", of]),
            Endpoint::Remove { endpoint } => Call::new(Method::Delete, &["endpoints", endpoint]),
        }
    }
}

/// The pool.
#[derive(Debug, Clone, Subcommand)]
pub enum Pool {
    /// Show the pool
    Get,
    /// Change the pool's settings
    Set {
        /// DNS name: prefix of every identity
        #[arg(long)]
        fqdn: Option<String>,
        /// Shown by clients
        #[arg(long)]
        display_name: Option<String>,
        /// Chooses policies and configurations of that site
        #[arg(long)]
        site: Option<String>,
    },
}

impl Pool {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Pool::Get => Call::new(Method::Get, &["pool"]),
            Pool::Set { fqdn, display_name, site } => {
                let document = Document::default()
                    .maybe("fqdn", fqdn.as_deref())
                    .maybe("display_name", display_name.as_deref())
                    .maybe("site", site.as_deref());
                Call::new(Method::Patch, &["pool"]).body(document)
            }
        }
    }
}

/// Which messages of a room; all that is given must fit.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// Name, id, URI or pool\name
    room: String,
    /// Keywords between blanks
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
    /// How to read them
    #[arg(long = "match", default_value = "all")]
    words: MatchWord,
    /// Upper and lower case must agree
    #[arg(long)]
    case_sensitive: bool,
    /// Not before: 2024-03-08 or 2024-03-08T07:16:05Z, UTC
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Not after; a day is meant to its end
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// Only what this user said
    #[arg(long, value_name = "SIP-URI")]
    author: Option<String>,
}

/// Messages.
#[derive(Debug, Clone, Subcommand)]
pub enum Message {
    /// Remove messages without a trace for those who chat
    Remove {
        #[command(flatten)]
        which: Which,
    },
    /// Put another text in place of messages
    Replace {
        #[command(flatten)]
        which: Which,
        /// What they say from now on; that an administrator has replaced the message, if left out
        #[arg(long)]
        text: Option<String>,
    },
}

impl Which {
    fn document(&self) -> Document {
        Document::default()
            .maybe("filter", self.filter.as_deref())
            .put("match", word(self.words))
            .put("case_sensitive", self.case_sensitive)
            .maybe("start", self.start.as_deref())
            .maybe("end", self.end.as_deref())
            .maybe("author", self.author.as_deref())
    }
}

impl Message {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Message::Remove { which } => {
                let parts = ["rooms", &which.room, "messages", "remove"];
                Call::new(Method::Post, &parts).body(which.document())
            }
            Message::Replace { which, text } => {
                let parts = ["rooms", &which.room, "messages", "replace"];
                let document = which.document().maybe("text", text.as_deref());
                Call::new(Method::Post, &parts).body(document)
            }
        }
    }
}

/// Tokens of the API.
#[derive(Debug, Clone, Subcommand)]
pub enum Token {
    /// Make a token; it is shown once
    New {
        /// Who or what will use it
        name: String,
        /// administrator, auditor or user:sip:name@domain
        #[arg(long)]
        role: String,
    },
    /// Show all tokens, without what they are made of
    List,
    /// Take a token away: it is of no use from now on
    Revoke {
        /// Id or name
        token: String,
    },
}

impl Token {
    /// As a request.
    pub fn call(&self) -> Call {
        match self {
            Token::New { name, role } => {
                let document = Document::default().put("name", name.as_str());
                let document = document.put("role", role.as_str());
                Call::new(Method::Post, &["tokens"]).body(document)
            }
            Token::List => Call::new(Method::Get, &["tokens"]),
            Token::Revoke { token } => Call::new(Method::Delete, &["tokens", token]),
        }
    }
}
