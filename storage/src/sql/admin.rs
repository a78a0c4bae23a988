//! Who did what: the records of administrative acts, and invitations.

use super::{ADMIN_DETAIL_BYTES_MAX, ADMIN_TEXT_BYTES_MAX, Error};
use parlance_core::directory::Revision;
use parlance_wire::xccos::{Guid, Timestamp};

/// One administrative act, as it is kept for ever.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdminRecord {
    /// Made by who acts, once for each act: a batch whose outcome got lost is known by it.
    pub id: Guid,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// By which way: a command, a web page, a client.
    pub surface: String,
    /// What.
    pub act: String,
    /// With what.
    pub target: String,
    /// What exactly, as JSON; opaque here. At most [`ADMIN_DETAIL_BYTES_MAX`] bytes; the other
    /// texts [`ADMIN_TEXT_BYTES_MAX`].
    pub detail: String,
    /// What for, as the actor says.
    pub reason: String,
    /// Chosen by who asked, so that asking again does nothing again. Unique where it is given.
    pub request_key: Option<String>,
    /// How it went.
    pub outcome: String,
}

impl AdminRecord {
    /// Can both engines keep it?
    pub(super) fn verify(&self) -> Result<(), Error> {
        let AdminRecord { actor, surface, act, target, reason, outcome, .. } = self;
        let short = [actor, surface, act, target, reason, outcome].into_iter();
        let mut short = short.chain(self.request_key.as_ref());
        let is_fine = |text: &String, most| text.len() <= most && !text.contains('\0');
        match short.all(|text| is_fine(text, ADMIN_TEXT_BYTES_MAX))
            && is_fine(&self.detail, ADMIN_DETAIL_BYTES_MAX)
        {
            true => Ok(()),
            false => Err(Error::Invalid("a text of an administrative act is too long or has NUL")),
        }
    }
}

/// A record that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Rises from record to record; there may be gaps.
    pub row: u64,
    /// The directory's revision after the act.
    pub revision: Revision,
    /// What was done.
    pub record: AdminRecord,
}

/// A user's invitation to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredInvitation {
    /// Rises from act to act; the rooms of one act share it.
    pub number: u64,
    /// Where to.
    pub room: Guid,
    /// When.
    pub created_on: Timestamp,
}
