//! Why a run did not happen.

use std::fmt;

/// Why nothing was read. Nothing is changed then: everybody stays as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LdapError {
    /// The password's file, or that of the authorities, cannot be used.
    File {
        /// Its name.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Nobody answers, or not in time, or TLS fails.
    Unreachable {
        /// `people.ldap.url`.
        url: String,
        /// What the system says.
        cause: String,
    },
    /// The server does not accept name and password.
    Refused {
        /// `people.ldap.bind_dn`.
        bind_dn: String,
        /// The server's words.
        cause: String,
    },
    /// A search failed.
    Search {
        /// Where.
        base: String,
        /// The filter.
        filter: String,
        /// The server's words, and what to do about it where we know.
        cause: String,
    },
    /// More than we are ready to hold.
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// Its bound.
        bound: usize,
    },
}

impl fmt::Display for LdapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LdapError::File { file, cause } => {
                write!(f, "{file} cannot be used ({cause}); check people.ldap and the file's owner")
            }
            LdapError::Unreachable { url, cause } => write!(
                f,
                "no connection to {url} ({cause}); check that the server runs, that its name, port \
                 and certificate fit the URL, and people.ldap.ca_file"
            ),
            LdapError::Refused { bind_dn, cause } => write!(
                f,
                "the server refuses {bind_dn:?} ({cause}); check people.ldap.bind_dn and the \
                 content of people.ldap.password_file"
            ),
            LdapError::Search { base, filter, cause } => {
                write!(f, "searching {base:?} for {filter} failed: {cause}")
            }
            LdapError::TooMany { what, bound } => write!(
                f,
                "there are more than {bound} {what}; narrow people.ldap.base or the filters"
            ),
        }
    }
}

impl std::error::Error for LdapError {}
