//! How things of the directory look in documents.

use super::Versioned;
use super::words::{InvitationsWord, KindWord, PrivacyWord, StateWord, TypeWord};
use parlance_core::Directory;
use parlance_core::admin::ListEdit;
use parlance_core::directory::model::{Audit, Principal};
use parlance_core::directory::{CategoryEntry, List, Person, RoomEntry};
use parlance_wire::xccos::{Timestamp, category_uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A thing by id and name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// Permanent identifier.
    pub id: String,
    /// Name of this moment.
    pub name: String,
}

/// A principal in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PrincipalView {
    /// Permanent identifier.
    pub id: String,
    /// What it is.
    pub kind: KindWord,
    /// `sip:`, `ma-grp:`, `ma-fld:` or `ma-dom:`.
    pub uri: String,
    /// Shown to others.
    pub display_name: String,
}

/// How a list is to change.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListEditBody {
    /// In place of all that are in it; `[]` empties it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Vec<String>>,
    /// To be added; one that is in already is an error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// To be taken out; one that is not in it is no error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

impl From<ListEditBody> for ListEdit {
    fn from(body: ListEditBody) -> ListEdit {
        ListEdit { replace: body.set, add: body.add, remove: body.remove }
    }
}

/// Who made and changed a thing, and when.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// `sip:` URI, or the name of an administrator.
    pub created_by: String,
    /// ISO 8601, UTC.
    pub created_on: String,
    /// As `created_by`.
    pub updated_by: String,
    /// As `created_on`.
    pub updated_on: String,
}

impl From<&Audit> for AuditView {
    fn from(audit: &Audit) -> AuditView {
        AuditView {
            created_by: audit.created_by.clone(),
            created_on: audit.created_on.to_string(),
            updated_by: audit.updated_by.clone(),
            updated_on: audit.updated_on.to_string(),
        }
    }
}

/// A category.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CategoryView {
    /// Permanent identifier.
    pub id: String,
    /// `ma-cat://domain/id`.
    pub uri: String,
    /// `pool\name`.
    pub identity: String,
    /// Unique among rooms and categories.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its rooms invite, unless they switch it off.
    pub invites: bool,
    /// Files may be posted in its rooms.
    pub file_upload: bool,
    /// What is said in its rooms can be read later.
    pub chat_history: bool,
    /// Rooms in it.
    pub rooms: usize,
    /// Who may be in its rooms; administrators and auditors see the lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<PrincipalView>>,
    /// Who may not, whatever else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<Vec<PrincipalView>>,
    /// Who may create rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creators: Option<Vec<PrincipalView>>,
    /// Who and when.
    pub audit: AuditView,
    /// Rises with each change.
    pub version: u64,
}

/// A room.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RoomView {
    /// Permanent identifier.
    pub id: String,
    /// `ma-chan://domain/id`.
    pub uri: String,
    /// `pool\name`.
    pub identity: String,
    /// Unique among rooms and categories.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where it stands.
    pub category: Named,
    /// Who sees and enters it.
    pub privacy: PrivacyWord,
    /// Who posts in it.
    pub r#type: TypeWord,
    /// Does it invite?
    pub invitations: InvitationsWord,
    /// Web page beside it.
    pub addin: Option<Named>,
    /// Nobody is in and nobody finds it.
    pub disabled: bool,
    /// Entries in the list of members.
    pub member_count: usize,
    /// Entries in the list of managers.
    pub manager_count: usize,
    /// Entries in the list of presenters.
    pub presenter_count: usize,
    /// Who may enter; one room shows its lists, a list of rooms does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<PrincipalView>>,
    /// Who may change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managers: Option<Vec<PrincipalView>>,
    /// Who may post, if it is an auditorium.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presenters: Option<Vec<PrincipalView>>,
    /// Who and when.
    pub audit: AuditView,
    /// Rises with each change.
    pub version: u64,
}

impl Versioned for RoomView {
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
}

impl Versioned for CategoryView {
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
}

/// A principal with all that is known of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// Permanent identifier.
    pub id: String,
    /// What it is.
    pub kind: KindWord,
    /// `sip:`, `ma-grp:`, `ma-fld:` or `ma-dom:`.
    pub uri: String,
    /// Shown to others.
    pub display_name: String,
    /// E-mail address.
    pub email: String,
    /// Company.
    pub company: String,
    /// Account name or user principal name.
    pub account: String,
    /// Where it stands in the directory it comes from.
    pub path: String,
    /// Is it in use?
    pub state: StateWord,
    /// Policy granted to this user, without prefix.
    pub policy: Option<String>,
    /// What it stands in directly.
    pub parents: Vec<PrincipalView>,
    /// What it stands in at all.
    pub affiliation_count: usize,
}

impl Versioned for PersonView {
    fn version(&self) -> Option<u64> {
        None
    }
}

/// Makes views out of one directory.
pub struct Views<'d>(pub &'d Directory);

impl Views<'_> {
    /// All of a list.
    pub fn list(&self, list: List<'_>) -> Vec<PrincipalView> {
        list.iter()
            .filter_map(|id| self.0.people().get(id))
            .map(|it| principal(&it.principal))
            .collect()
    }

    /// A category; `is_whole` with its lists.
    pub fn category(&self, entry: &CategoryEntry, is_whole: bool) -> CategoryView {
        let of = &entry.category;
        let lists = |list: List<'_>| is_whole.then(|| self.list(list));
        CategoryView {
            id: of.id.to_string(),
            uri: category_uri(&self.0.domain, of.id),
            identity: self.identity(&of.name),
            name: of.name.clone(),
            description: of.description.clone(),
            invites: of.invites,
            file_upload: of.file_upload,
            chat_history: of.chat_history,
            rooms: self.0.rooms().filter(|room| room.room.category == of.id).count(),
            allowed: lists(entry.allowed()),
            denied: lists(entry.denied()),
            creators: lists(entry.creators()),
            audit: (&of.audit).into(),
            version: of.version,
        }
    }

    /// A room; `is_whole` with its lists.
    pub fn room(&self, entry: &RoomEntry, is_whole: bool) -> RoomView {
        let of = &entry.room;
        let lists = |list: List<'_>| is_whole.then(|| self.list(list));
        let category = self.0.category(of.category);
        let addin = of.addin.and_then(|id| self.0.addin(id));
        RoomView {
            id: of.id.to_string(),
            uri: entry.uri.clone(),
            identity: self.identity(&of.name),
            name: of.name.clone(),
            description: of.description.clone(),
            category: Named {
                id: of.category.to_string(),
                name: category.map(|entry| entry.category.name.clone()).unwrap_or_default(),
            },
            privacy: of.privacy.into(),
            r#type: of.behavior.into(),
            invitations: of.invitations.into(),
            addin: addin.map(|it| Named { id: it.id.to_string(), name: it.name.clone() }),
            disabled: of.is_disabled,
            member_count: entry.members().len(),
            manager_count: entry.managers().len(),
            presenter_count: entry.presenters().len(),
            members: lists(entry.members()),
            managers: lists(entry.managers()),
            presenters: lists(entry.presenters()),
            audit: (&of.audit).into(),
            version: of.version,
        }
    }

    /// A principal with all that is known of it.
    pub fn person(&self, person: &Person) -> PersonView {
        let of = &person.principal;
        let parents = person.parents().iter().filter_map(|id| self.0.people().get(*id));
        PersonView {
            id: of.id.to_string(),
            kind: of.kind.into(),
            uri: of.uri.clone(),
            display_name: of.display_name.clone(),
            email: of.email.clone(),
            company: of.company.clone(),
            account: of.account.clone(),
            path: of.path.clone(),
            state: of.state.into(),
            policy: of.policy.clone(),
            parents: parents.map(|it| principal(&it.principal)).collect(),
            affiliation_count: person.affiliations().ids().len(),
        }
    }

    fn identity(&self, name: &str) -> String {
        format!("{}\\{name}", self.0.pool.fqdn)
    }
}

/// A principal in a list.
pub fn principal(of: &Principal) -> PrincipalView {
    PrincipalView {
        id: of.id.to_string(),
        kind: of.kind.into(),
        uri: of.uri.clone(),
        display_name: of.display_name.clone(),
    }
}

/// Reads a time: ISO 8601, or a day alone with what is meant of it.
pub fn time(text: &str, of_day: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}{of_day}")))
}

/// The beginning of a day.
pub const DAY_BEGINS: &str = "T00:00:00Z";
/// The end of a day.
pub const DAY_ENDS: &str = "T23:59:59.9999999Z";
