//! Why an act was not carried out.

use parlance_core::admin::Refusal;
use std::fmt;

/// Why an act was not carried out. Nothing is half done, whichever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminError {
    /// It may not be, or makes no sense.
    Refused(Refusal),
    /// The database is away or refuses; the product's `DatabaseConnection`.
    Database(String),
    /// More acts wait than may.
    Busy,
    /// The request's key was used for another act.
    KeyReused,
    /// Directory and database contradict each other: a fault of ours, or of somebody's hands.
    Broken(String),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdminError::Refused(refusal) => refusal.fmt(f),
            AdminError::Database(cause) => write!(
                f,
                "{cause}; nothing was changed that you were not told of; try again when the \
                 database is back (`parlance store check` tells more)"
            ),
            AdminError::Busy => f.write_str(
                "too many administrative acts are waiting, so this one was not begun; try again \
                 in a moment",
            ),
            AdminError::KeyReused => f.write_str(
                "the request's key was used before for another act, so this one was not begun; \
                 take a new key for a new act",
            ),
            AdminError::Broken(cause) => write!(
                f,
                "{cause}, so directory and database contradict each other and nothing was \
                 changed; start the server anew, and please report this"
            ),
        }
    }
}

impl std::error::Error for AdminError {}

impl From<Refusal> for AdminError {
    fn from(refusal: Refusal) -> AdminError {
        AdminError::Refused(refusal)
    }
}
