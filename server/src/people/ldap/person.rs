//! One entry as a principal, as far as it can be understood alone.

use super::GROUP_MEMBERS_MAX;
use super::dn::Dn;
use super::entry::{Entry, Typed, guid};
use super::schema::{Changes, Members, Schema, template_attributes};
use parlance_core::admin::PersonRecord;
use parlance_core::directory::guid_of;
use parlance_core::directory::model::{
    NAME_BYTES_MAX, PATH_BYTES_MAX, PrincipalKind, PrincipalState,
};
use parlance_wire::sip::Uri;
use parlance_wire::xccos::Guid;

/// A principal without its parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it stands.
    pub dn: Dn,
    /// What it is; `parents` are filled in later.
    pub record: PersonRecord,
    /// Whom it names as members; `None` when there are too many to go by.
    pub members: Option<Vec<Member>>,
}

/// A member as a group names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Member {
    /// By distinguished name.
    Dn(Dn),
    /// By account name, in lower case.
    Account(String),
}

/// Account disabled: `ACCOUNTDISABLE` of `userAccountControl` ([MS-ADTS] §2.2.16).
const ACCOUNT_DISABLED: u32 = 2;
/// `pwdAccountLockedTime` of an account that an administrator has locked
/// (draft-behera-ldap-password-policy §5.3.3). Other values pass by themselves.
const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// Reads an entry.
///
/// # Errors
/// The entry's name, and why it is left out.
pub fn read(typed: &Typed, schema: &Schema) -> Result<Found, (String, String)> {
    understand(typed, schema).map_err(|reason| (typed.entry.dn.clone(), reason))
}

fn understand(typed: &Typed, schema: &Schema) -> Result<Found, String> {
    let (kind, entry) = (typed.kind, &typed.entry);
    let dn = Dn::parse(&entry.dn).ok_or("its distinguished name cannot be read")?;
    if entry.dn.chars().any(char::is_control) {
        return Err("its distinguished name has control characters".into());
    }
    if entry.dn.len() > PATH_BYTES_MAX {
        return Err(format!("its distinguished name is longer than {PATH_BYTES_MAX} bytes"));
    }
    let id = entry.values(&schema.id).next().and_then(guid);
    let id = id.unwrap_or_else(|| guid_of(dn.as_str()));
    let uri = match kind {
        PrincipalKind::User => address(entry, schema)?,
        kind => uri_of(kind, id),
    };
    // What is cut short names somebody else.
    let short = |text: Option<&str>| {
        let is_whole = |text: &&str| text.len() <= NAME_BYTES_MAX && cut(text) == **text;
        text.filter(is_whole).unwrap_or_default().to_owned()
    };
    let record = PersonRecord {
        id,
        kind,
        uri,
        display_name: cut(entry.first_text(&schema.display_name).unwrap_or_default()),
        account: short(entry.first_text(&schema.account)),
        email: short(entry.text(&schema.email)),
        company: cut(entry.first_text(&schema.company).unwrap_or_default()),
        path: entry.dn.clone(),
        state: state(entry, kind, schema.changes),
        parents: None,
    };
    let members = match kind {
        PrincipalKind::Group => members(entry, schema),
        _ => Some(Vec::new()),
    };
    Ok(Found { dn, record, members })
}

/// URI of what is no user.
pub fn uri_of(kind: PrincipalKind, id: Guid) -> String {
    match kind {
        PrincipalKind::Folder => format!("ma-fld:{id}@u.f"),
        _ => format!("ma-grp:{id}@u.g"),
    }
}

/// What fits into a name: no control characters, and not too much.
fn cut(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    plain[..plain.floor_char_boundary(NAME_BYTES_MAX)].to_owned()
}

fn state(entry: &Entry, kind: PrincipalKind, changes: Changes) -> PrincipalState {
    let is = |name: &str, value: &str| entry.texts(name).any(|v| v.eq_ignore_ascii_case(value));
    let is_disabled = match changes {
        _ if kind != PrincipalKind::User => false,
        Changes::Usn => {
            let control = entry.text("userAccountControl").and_then(|text| text.parse().ok());
            let control: i32 = control.unwrap_or_default();
            control.cast_unsigned() & ACCOUNT_DISABLED != 0 || is("msRTCSIP-UserEnabled", "FALSE")
        }
        Changes::Stamp => {
            is("nsAccountLock", "TRUE") || is("pwdAccountLockedTime", LOCKED_FOR_GOOD)
        }
    };
    if is_disabled { PrincipalState::Disabled } else { PrincipalState::Active }
}

/// SIP address in canonical spelling.
fn address(entry: &Entry, schema: &Schema) -> Result<String, String> {
    let values = || schema.sip.iter().flat_map(|name| entry.texts(name));
    let text = match values().find(|text| is_sip(text)) {
        Some(text) => text.to_owned(),
        None => filled(entry, schema).ok_or_else(|| {
            format!("no SIP address: none of {} has one, and no template fits", list(&schema.sip))
        })?,
    };
    canonical(&text).ok_or_else(|| format!("{text:?} is no SIP address"))
}

/// A SIP URI, or an address without a scheme; `proxyAddresses` holds other schemes, too.
fn is_sip(text: &str) -> bool {
    let scheme = text.split('@').next().unwrap_or_default().split_once(':');
    text.contains('@') && scheme.is_none_or(|(scheme, _)| scheme.eq_ignore_ascii_case("sip"))
}

/// `sip:user@domain` in canonical spelling, from a URI or an address without a scheme.
pub fn canonical(text: &str) -> Option<String> {
    let has_scheme = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sip:"));
    let text = if has_scheme { text.to_owned() } else { format!("sip:{text}") };
    let identity = Uri::parse(&text)?.identity()?;
    (identity.len() <= NAME_BYTES_MAX).then_some(identity)
}

/// The template with the values of its attributes; `None` when one is missing.
fn filled(entry: &Entry, schema: &Schema) -> Option<String> {
    let template = schema.sip_template.as_deref().filter(|template| !template.is_empty())?;
    let mut text = template.to_owned();
    for name in template_attributes(template) {
        text = text.replace(&format!("{{{name}}}"), entry.text(name)?);
    }
    Some(text)
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "the attributes".to_owned() } else { names.join(", ") }
}

fn members(entry: &Entry, schema: &Schema) -> Option<Vec<Member>> {
    let named = schema.member.iter().filter_map(|name| entry.all_values(name));
    let mut members = Vec::new();
    for value in named.flatten() {
        if members.len() == GROUP_MEMBERS_MAX {
            return None;
        }
        let Ok(text) = std::str::from_utf8(value) else { continue };
        members.extend(match schema.members {
            Members::ByDn => Dn::parse(text).map(Member::Dn),
            Members::ByAccount => Some(Member::Account(text.trim().to_lowercase())),
        });
    }
    Some(members)
}
