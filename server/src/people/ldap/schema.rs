//! Which attributes and filters a directory uses.

/// A family of directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Active Directory, with the attributes of Lync and Skype for Business where they are.
    ActiveDirectory,
    /// POSIX accounts and groups of RFC 2307, whose members are account names.
    Rfc2307,
    /// `inetOrgPerson` (RFC 2798) and `groupOfNames` (RFC 4519).
    InetOrgPerson,
}

impl Preset {
    /// All of them.
    pub const ALL: [Preset; 3] = [Preset::ActiveDirectory, Preset::Rfc2307, Preset::InetOrgPerson];

    /// As it stands in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Preset::ActiveDirectory => "active-directory",
            Preset::Rfc2307 => "rfc2307",
            Preset::InetOrgPerson => "inetorgperson",
        }
    }
}

/// How members of a group are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// By distinguished name, so that groups can be members, too.
    ByDn,
    /// By account name.
    ByAccount,
}

/// How changes since the last run are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// `uSNChanged`, a number that rises on each server of its own ([MS-ADTS] §3.1.1.1.9).
    Usn,
    /// `entryCSN` where there is one (OpenLDAP), else `modifyTimestamp` (RFC 4512 §3.4.4).
    Stamp,
}

/// Attributes and filters. Of several attributes the first that has a value counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Which entries are users.
    pub user_filter: String,
    /// Which entries are groups.
    pub group_filter: String,
    /// Which entries are folders: organisational units.
    pub folder_filter: String,
    /// Where a user's SIP address stands, with `sip:` or without a scheme.
    pub sip: Vec<String>,
    /// The address of those who have none, made of attributes: `{uid}@example.com`.
    pub sip_template: Option<String>,
    /// Permanent identifier.
    pub id: String,
    /// Name shown to others.
    pub display_name: Vec<String>,
    /// Account name.
    pub account: Vec<String>,
    /// E-mail address.
    pub email: String,
    /// Company.
    pub company: Vec<String>,
    /// Where a group names its members; the values of all of them count.
    pub member: Vec<String>,
    /// How it names them.
    pub members: Members,
    /// How changes are found.
    pub changes: Changes,
}

fn all(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Schema {
    /// The preset for users of `domain`.
    pub fn new(preset: Preset, domain: &str) -> Schema {
        match preset {
            Preset::ActiveDirectory => active_directory(),
            Preset::Rfc2307 => rfc2307(domain),
            Preset::InetOrgPerson => inetorgperson(domain),
        }
    }

    /// What to ask for, so that everything is there that [`person`](super::person) looks at.
    pub fn attributes(&self, is_group: bool) -> Vec<String> {
        let mut names = vec![self.id.clone(), self.email.clone()];
        let lists = [&self.sip, &self.display_name, &self.account, &self.company];
        names.extend(lists.into_iter().flatten().cloned());
        if is_group {
            names.extend(self.member.iter().cloned());
        }
        let template = self.sip_template.as_deref().unwrap_or_default();
        names.extend(template_attributes(template).map(str::to_owned));
        names.extend(all(match self.changes {
            Changes::Usn => &["userAccountControl", "msRTCSIP-UserEnabled"],
            Changes::Stamp => {
                &["entryCSN", "modifyTimestamp", "nsAccountLock", "pwdAccountLockedTime"]
            }
        }));
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What stands between braces.
pub(super) fn template_attributes(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

fn active_directory() -> Schema {
    Schema {
        // Computers are users, too, but of another category.
        user_filter: "(&(objectCategory=person)(objectClass=user)\
                      (|(msRTCSIP-PrimaryUserAddress=*)(proxyAddresses=sip:*)))"
            .into(),
        group_filter: "(objectClass=group)".into(),
        // Containers of the system's own are for advanced views only.
        folder_filter: "(|(objectClass=organizationalUnit)\
                        (&(objectClass=container)(!(showInAdvancedViewOnly=TRUE))))"
            .into(),
        sip: all(&["msRTCSIP-PrimaryUserAddress", "proxyAddresses"]),
        sip_template: None,
        id: "objectGUID".into(),
        display_name: all(&["displayName", "cn", "name", "ou"]),
        account: all(&["userPrincipalName", "sAMAccountName"]),
        email: "mail".into(),
        company: all(&["company"]),
        member: all(&["member"]),
        members: Members::ByDn,
        changes: Changes::Usn,
    }
}

fn inetorgperson(domain: &str) -> Schema {
    Schema {
        user_filter: "(objectClass=inetOrgPerson)".into(),
        group_filter: "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))".into(),
        folder_filter: "(objectClass=organizationalUnit)".into(),
        sip: all(&["mail"]),
        sip_template: Some(format!("{{uid}}@{domain}")),
        id: "entryUUID".into(),
        display_name: all(&["displayName", "cn", "ou"]),
        account: all(&["uid"]),
        email: "mail".into(),
        company: all(&["o"]),
        member: all(&["member", "uniqueMember"]),
        members: Members::ByDn,
        changes: Changes::Stamp,
    }
}

fn rfc2307(domain: &str) -> Schema {
    Schema {
        user_filter: "(objectClass=posixAccount)".into(),
        group_filter: "(objectClass=posixGroup)".into(),
        display_name: all(&["displayName", "gecos", "cn", "ou"]),
        member: all(&["memberUid"]),
        members: Members::ByAccount,
        ..inetorgperson(domain)
    }
}
