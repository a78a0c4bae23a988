//! What the engines share in keeping the directory: numbers for names, bounds.

use super::{DIRECTORY_ROWS_MAX, Error};
use parlance_core::directory::Change;
use parlance_core::directory::model::{
    Audit, Behavior, Invitations, PrincipalKind, PrincipalState, Privacy, Role, Scope,
};

/// Numbers that stand for values.
type Codes<T, const N: usize> = [(i16, T); N];

pub(super) const PRIVACIES: Codes<Privacy, 3> =
    [(0, Privacy::Open), (1, Privacy::Closed), (2, Privacy::Secret)];
pub(super) const BEHAVIORS: Codes<Behavior, 2> = [(0, Behavior::Normal), (1, Behavior::Auditorium)];
pub(super) const INVITATIONS: Codes<Invitations, 2> =
    [(0, Invitations::Inherit), (1, Invitations::False)];
pub(super) const KINDS: Codes<PrincipalKind, 4> = [
    (5, PrincipalKind::User),
    (8, PrincipalKind::Domain),
    (9, PrincipalKind::Group),
    (10, PrincipalKind::Folder),
];
pub(super) const STATES: Codes<PrincipalState, 3> =
    [(0, PrincipalState::Active), (1, PrincipalState::Disabled), (2, PrincipalState::Deleted)];
pub(super) const ROLES: Codes<Role, 6> = [
    (1, Role::Allowed),
    (2, Role::Denied),
    (3, Role::Creator),
    (4, Role::Member),
    (5, Role::Manager),
    (6, Role::Presenter),
];

/// The number of a value.
pub(super) fn code<T: PartialEq, const N: usize>(codes: &Codes<T, N>, value: T) -> i16 {
    codes.iter().find(|(_, known)| *known == value).expect("every value has a number").0
}

/// The value of a number that this program wrote.
pub(super) fn value<T: Copy, const N: usize>(codes: &Codes<T, N>, code: i16) -> Result<T, Error> {
    let found = codes.iter().find(|(known, _)| *known == code).map(|(_, value)| *value);
    found.ok_or_else(|| Error::Corrupt(format!("{code} stands for nothing")))
}

/// A name as it is compared.
pub(super) fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A scope as two columns.
pub(super) fn scope_columns(scope: &Scope) -> (i16, &str) {
    match scope {
        Scope::Global => (0, ""),
        Scope::Site(name) => (1, name),
        Scope::Service(name) => (2, name),
        Scope::Tag(name) => (3, name),
    }
}

/// Reads [`scope_columns`].
pub(super) fn scope(code: i16, name: String) -> Result<Scope, Error> {
    match code {
        0 => Ok(Scope::Global),
        1 => Ok(Scope::Site(name)),
        2 => Ok(Scope::Service(name)),
        3 => Ok(Scope::Tag(name)),
        _ => Err(Error::Corrupt(format!("{code} is no scope"))),
    }
}

/// Does a list of this kind belong to a room, rather than a category?
pub(super) fn is_of_room(role: Role) -> bool {
    Role::of_node(true).contains(&role)
}

/// Checks a batch: how large it is, and whether both engines can keep its texts and numbers.
pub(super) fn verify_changes(changes: &[Change]) -> Result<(), Error> {
    let rows: usize = changes.iter().map(rows).sum();
    if rows > DIRECTORY_ROWS_MAX {
        return Err(Error::Invalid("too many rows in one batch of the directory"));
    }
    if changes.iter().flat_map(texts).any(|text| text.contains('\0')) {
        return Err(Error::Invalid("a text of the directory contains the character NUL"));
    }
    match changes.iter().flat_map(numbers).all(|number| i64::try_from(number).is_ok()) {
        true => Ok(()),
        false => Err(Error::Invalid("a number of the directory is above 2^63 - 1")),
    }
}

/// Rows that a change may write, at least one.
fn rows(change: &Change) -> usize {
    match change {
        Change::Parents { parents, .. } => 1 + parents.len(),
        Change::Entries { add, remove, .. } => 1 + add.len() + remove.len(),
        Change::Invited { users, .. } => 1 + users.len(),
        _ => 1,
    }
}

fn texts(change: &Change) -> Vec<&str> {
    match change {
        Change::Pool(pool) => vec![&pool.fqdn, &pool.display_name, &pool.site],
        Change::Category(c) => [vec![&*c.name, &*c.description], audit_texts(&c.audit)].concat(),
        Change::Room(room) => {
            [vec![&*room.name, &*room.description], audit_texts(&room.audit)].concat()
        }
        Change::Addin(addin) => vec![&addin.name, &addin.url],
        Change::Principal(p) => {
            let texts = [&p.uri, &p.display_name, &p.account, &p.email, &p.company, &p.path];
            texts.into_iter().chain(&p.policy).map(String::as_str).collect()
        }
        Change::Policy(policy) => vec![scope_columns(&policy.scope).1, &policy.description],
        Change::Configuration(c) => vec![scope_columns(&c.scope).1, &c.room_management_url],
        Change::PolicyRemoved(scope) | Change::ConfigurationRemoved(scope) => {
            vec![scope_columns(scope).1]
        }
        Change::Endpoint(endpoint) => vec![&endpoint.uri, &endpoint.display_name],
        Change::EndpointRemoved(uri) => vec![uri],
        Change::CategoryRemoved(_)
        | Change::RoomRemoved(_)
        | Change::AddinRemoved(_)
        | Change::PrincipalRemoved(_)
        | Change::Parents { .. }
        | Change::Entries { .. }
        | Change::Invited { .. } => Vec::new(),
    }
}

fn audit_texts(audit: &Audit) -> Vec<&str> {
    vec![&audit.created_by, &audit.updated_by]
}

fn numbers(change: &Change) -> Option<u64> {
    match change {
        Change::Pool(pool) => Some(pool.last_invitation),
        Change::Category(category) => Some(category.version),
        Change::Room(room) => Some(room.version),
        Change::Addin(addin) => Some(addin.version),
        Change::Invited { number, .. } => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_one_value_each() {
        for (at, (number, role)) in ROLES.into_iter().enumerate() {
            assert_eq!((code(&ROLES, role), value(&ROLES, number)), (number, Ok(role)));
            assert_eq!(is_of_room(role), at >= 3);
        }
        assert!(matches!(value(&KINDS, 4), Err(Error::Corrupt(_))));
        let scopes = [
            Scope::Global,
            Scope::Site("a:b ".into()),
            Scope::Service("Pool".into()),
            Scope::Tag("global".into()),
        ];
        for given in scopes {
            let (code, name) = scope_columns(&given);
            assert_eq!(scope(code, name.to_owned()), Ok(given));
        }
    }
}
