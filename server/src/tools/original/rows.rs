//! The tables that make up the directory, in memory.
//!
//! Names and meanings of columns are those of the published description of the original's database
//! (`product.md` §1.14 and the pages it was made of); those of Group Chat 2010 differ in little.

use super::table::{Fields, each, find};
use crate::tools::{Fault, bar};
use hashbrown::HashMap;
use parlance_core::directory::model::{PrincipalKind, PrincipalState, Role};
use parlance_people::Findings;
use parlance_wire::xccos::{Guid, Timestamp};
use std::path::{Path, PathBuf};

/// A principal's number in these tables.
pub type Who = i64;
/// A room's or category's number in these tables.
pub type NodeNumber = i64;

/// The node that everything stands in.
pub const ROOT: NodeNumber = 1;

/// `tblPrincipal`.
pub struct Principal {
    pub number: Who,
    pub id: Guid,
    pub uri: String,
    /// `None` for the server's own and for what is used for nothing.
    pub kind: Option<PrincipalKind>,
    /// Of another organisation: the original kept them disabled when it moved (`product.md` §10).
    pub is_federated: bool,
    pub state: PrincipalState,
    pub name: String,
    pub display_name: String,
    pub company: String,
    pub email: String,
    pub path: String,
    pub account: String,
}

impl Principal {
    /// What it is called, if anything.
    pub fn shown_name(&self) -> &str {
        if self.display_name.is_empty() { &self.name } else { &self.display_name }
    }
}

/// `tblNode`.
pub struct Node {
    pub number: NodeNumber,
    pub id: Guid,
    pub parent: Option<NodeNumber>,
    pub is_category: bool,
    pub name: String,
    pub description: String,
    /// Its members are its own only (2010).
    pub overrides_members: bool,
    pub invites: Option<bool>,
    pub keeps_history: Option<bool>,
    pub takes_files: Option<bool>,
    pub is_disabled: bool,
    pub behavior: Option<i64>,
    pub visibility: Option<i64>,
    pub addin: Option<Guid>,
    pub has_topic: bool,
    pub created: (Option<Who>, Timestamp),
    pub updated: (Option<Who>, Timestamp),
}

/// `tblSiopWhiteList`.
pub struct Addin {
    pub id: Guid,
    pub name: String,
    pub url: String,
}

/// `tblPrincipalInvites`.
pub struct Invite {
    pub who: Who,
    pub node: NodeNumber,
    pub on: Timestamp,
}

/// What all of it says.
#[derive(Default)]
pub struct Tables {
    pub principals: Vec<Principal>,
    pub nodes: Vec<Node>,
    /// `tblPrincipalRole`: who may what where. Roles that nobody here knows are left out.
    pub roles: HashMap<NodeNumber, Vec<(Role, Who)>>,
    /// `tblScopePrincipal`: whom a node is for at all.
    pub scopes: HashMap<NodeNumber, Vec<(Role, Who)>>,
    pub addins: Vec<Addin>,
    /// `tblPrincipalAffiliations`: what principals belong to.
    pub affiliations: HashMap<Who, Vec<Who>>,
    pub invites: Vec<Invite>,
    /// Categories may stand in categories, and hand down their scope and members.
    pub is_2010: bool,
    /// Tables that may be missing, and are.
    pub missing: Vec<&'static str>,
    /// `tblChat`, which is too long to be kept in memory.
    pub chat: Option<PathBuf>,
}

/// Reads them all, but for the messages.
///
/// # Errors
/// File and line, cause, effect and next step.
pub fn read(folder: &Path, findings: &mut Findings) -> Result<Tables, Fault> {
    let mut tables = Tables { chat: find(folder, "Chat")?, ..Tables::default() };
    needed(folder, "Principal", &["prinID", "prinGuid", "prinUri", "prinTypeID"], |row| {
        tables.principals.push(principal(row)?);
        Ok(())
    })?;
    let columns = ["nodeID", "nodeGuid", "parentID", "nodeType", "nodeName"];
    let columns = [&columns[..], &["disabled", "behavior", "visibility"]].concat();
    needed(folder, "Node", &columns, |row| {
        tables.is_2010 |= row.has("overrideMember");
        tables.nodes.push(node(row)?);
        Ok(())
    })?;
    let kinds = role_types(folder)?;
    let columns = ["prinRoleNodeID", "prinRolePrinID", "prinRoleTypeID"];
    let mut unknown = 0;
    needed(folder, "PrincipalRole", &columns, |row| {
        let (node, who) = (row.number("prinRoleNodeID")?, row.number("prinRolePrinID")?);
        match kinds.get(&row.number("prinRoleTypeID")?) {
            Some(role) => tables.roles.entry(node).or_default().push((*role, who)),
            None => unknown += 1,
        }
        Ok(())
    })?;
    if unknown > 0 {
        let reason = format!("{unknown} entries give a role that is not known here; left out");
        findings.add("tblPrincipalRole", reason);
    }
    // Nobody could be denied in 2010. Since then, who is denied must not be taken for allowed.
    let columns = ["scopeNodeID", "scopePrinID", "scopeIsDenied"];
    let columns = if tables.is_2010 { &columns[..2] } else { &columns[..] };
    needed(folder, "ScopePrincipal", columns, |row| {
        let (node, who) = (row.number("scopeNodeID")?, row.number("scopePrinID")?);
        let is_denied = match row.has("scopeIsDenied") {
            true => row.flag("scopeIsDenied")?.ok_or("scopeIsDenied is empty")?,
            false => false,
        };
        let role = if is_denied { Role::Denied } else { Role::Allowed };
        tables.scopes.entry(node).or_default().push((role, who));
        Ok(())
    })?;
    optional(folder, &mut tables)?;
    Ok(tables)
}

/// `tblRoleType`: its numbers are told nowhere, its names are.
fn role_types(folder: &Path) -> Result<HashMap<i64, Role>, Fault> {
    let mut kinds: HashMap<i64, Role> = HashMap::new();
    needed(folder, "RoleType", &["rtypeID", "rtypeDesc"], |row| {
        let number = row.number("rtypeID")?;
        let role = row.text("rtypeDesc")?.trim().to_lowercase();
        // The description begins with the name in some versions, and is the name in others.
        let role = match role.split([':', ' ']).next().unwrap_or_default() {
            "member" => Role::Member,
            "manager" => Role::Manager,
            "voiced" | "presenter" => Role::Presenter,
            "creator" => Role::Creator,
            _ => return Ok(()),
        };
        kinds.insert(number, role);
        Ok(())
    })?;
    for (role, name) in [(Role::Member, "Member"), (Role::Manager, "Manager")] {
        if !kinds.values().any(|known| *known == role) {
            return Err(Fault::Told(format!(
                "tblRoleType.csv has no role {name}, without which nobody can tell who may what, \
                 so nothing was imported"
            )));
        }
    }
    Ok(kinds)
}

fn optional(folder: &Path, tables: &mut Tables) -> Result<(), Fault> {
    let mut missing = Vec::new();
    let mut read = |name, columns: &[&str], take: &mut dyn FnMut(&Fields<'_>) -> Taken| match find(
        folder, name,
    )? {
        Some(path) => table(&path, columns, take),
        None => {
            missing.push(name);
            Ok(())
        }
    };
    read("SiopWhiteList", &["siopID", "siopName", "siopUrl"], &mut |row| {
        let (name, url) = (row.text("siopName")?.to_owned(), row.text("siopUrl")?.to_owned());
        tables.addins.push(Addin { id: row.guid("siopID")?, name, url });
        Ok(())
    })?;
    read("PrincipalAffiliations", &["principalID", "affiliationID"], &mut |row| {
        let (who, what) = (row.number("principalID")?, row.number("affiliationID")?);
        if who != what {
            tables.affiliations.entry(who).or_default().push(what);
        }
        Ok(())
    })?;
    read("PrincipalInvites", &["prinID", "nodeID", "createdOn"], &mut |row| {
        let (who, node) = (row.number("prinID")?, row.number("nodeID")?);
        tables.invites.push(Invite { who, node, on: row.time_or_none("createdOn") });
        Ok(())
    })?;
    if tables.chat.is_none() {
        missing.push("Chat");
    }
    tables.missing = missing;
    Ok(())
}

type Taken = Result<(), String>;

fn needed(
    folder: &Path,
    name: &'static str,
    columns: &[&str],
    take: impl FnMut(&Fields<'_>) -> Taken,
) -> Result<(), Fault> {
    match find(folder, name)? {
        Some(path) => table(&path, columns, take),
        None => Err(Fault::Told(format!(
            "{} has no tbl{name}.csv, without which nobody can tell who may what, so nothing was \
             imported; docs/guide/migration.md says how the tables are written",
            folder.display()
        ))),
    }
}

fn table(
    path: &Path,
    columns: &[&str],
    take: impl FnMut(&Fields<'_>) -> Taken,
) -> Result<(), Fault> {
    let progress = bar("reading", path.metadata().map_or(0, |file| file.len()));
    each(path, columns, &progress, take)?;
    progress.finish_and_clear();
    Ok(())
}

fn principal(row: &Fields<'_>) -> Result<Principal, String> {
    let text = |column: &str| row.text_or_null(column).trim().to_owned();
    // `tblPrincipalType`: 6, 7 and 11 are of 2010.
    let (kind, is_federated) = match row.number("prinTypeID")? {
        5 => (Some(PrincipalKind::User), false),
        6 | 7 => (Some(PrincipalKind::User), true),
        8 => (Some(PrincipalKind::Domain), false),
        9 => (Some(PrincipalKind::Group), false),
        10 => (Some(PrincipalKind::Folder), false),
        _ => (None, false),
    };
    let state = match row.number_or_null("prinDisabled")? {
        None | Some(0) => PrincipalState::Active,
        Some(2) => PrincipalState::Deleted,
        Some(_) => PrincipalState::Disabled,
    };
    Ok(Principal {
        number: row.number("prinID")?,
        id: row.guid("prinGuid")?,
        uri: row.text("prinUri")?.trim().to_owned(),
        kind,
        is_federated,
        state,
        name: text("prinName"),
        display_name: text("prinDisplayName"),
        company: text("prinCompanyName"),
        email: text("prinEmail"),
        path: text("prinADPath"),
        account: text("prinADUserPrincipalName"),
    })
}

fn node(row: &Fields<'_>) -> Result<Node, String> {
    let number = |column: &str| if row.has(column) { row.number_or_null(column) } else { Ok(None) };
    let changed = |by: &str, on: &str| -> Result<(Option<Who>, Timestamp), String> {
        Ok((number(by)?, row.time_or_none(on)))
    };
    let flag = |column: &str| if row.has(column) { row.flag(column) } else { Ok(None) };
    Ok(Node {
        number: row.number("nodeID")?,
        id: row.guid("nodeGuid")?,
        parent: row.number_or_null("parentID")?,
        is_category: row.flag("nodeType")? == Some(true),
        name: row.text("nodeName")?.to_owned(),
        description: row.text_or_null("nodeDesc").to_owned(),
        overrides_members: flag("overrideMember")? == Some(true),
        invites: flag("invite")?,
        keeps_history: flag("logged")?,
        takes_files: flag("filePost")?,
        is_disabled: flag("disabled")? == Some(true),
        behavior: number("behavior")?,
        visibility: number("visibility")?,
        addin: if row.has("siopID") { row.guid_or_null("siopID")? } else { None },
        has_topic: !row.text_or_null("topic").trim().is_empty(),
        created: changed("nodeAddedBy", "nodeAddedOn")?,
        updated: changed("nodeUpdatedBy", "nodeUpdatedOn")?,
    })
}
