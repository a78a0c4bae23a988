//! People from a CSV file (RFC 4180), and back into one.
//!
//! The first line names the columns, in any order and case:
//!
//! | column | |
//! |---|---|
//! | `kind` | `user`, `group`, `folder` or `domain` |
//! | `uri` | `sip:user@domain` of a user; `ma-grp:…`, `ma-fld:…`, `ma-dom:…` of the others |
//! | `display_name`, `account`, `email`, `company`, `path` | may be left out |
//! | `state` | `active` (also when empty), `disabled` or `deleted` |
//! | `groups` | what it stands in, separated by `;`: URIs, or names of groups of the file |
//! | `id` | GUID; empty: that of the principal with this URI, or one made from it |
//!
//! Groups and folders may leave `uri` empty: it follows from the name then. Without a column
//! `groups`, what people stand in stays as it is; with one, users also stand in the domain of their
//! address.

use ::csv::{ReaderBuilder, StringRecord, WriterBuilder};
use hashbrown::HashMap;
use parlance_core::Directory;
use parlance_core::admin::PersonRecord;
use parlance_core::directory::model::{
    NAME_BYTES_MAX, PATH_BYTES_MAX, PrincipalKind, PrincipalState,
};
use parlance_core::directory::{Person, domain_principal, guid_of};
use parlance_wire::xccos::Guid;
use std::fmt;

/// Lines a file may have: as many as a synchronisation reads entries.
pub const LINES_MAX: usize = crate::ldap::ENTRIES_MAX;
/// Faults that are told; who has more has one fault many times.
pub const FAULTS_MAX: usize = 100;

const COLUMNS: [&str; 10] =
    ["kind", "uri", "display_name", "account", "email", "company", "path", "state", "groups", "id"];

/// A fault of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1, the header's; where a record has several lines, its first.
    pub line: u64,
    /// Cause and next step.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Reads a file. `known` is the directory in force: what it knows by URI keeps its identifier.
///
/// # Errors
/// All faults of all lines, up to [`FAULTS_MAX`]; nothing of the file counts then.
pub fn import(text: &str, known: &Directory) -> Result<Vec<PersonRecord>, Vec<Fault>> {
    let mut reader = ReaderBuilder::new().trim(::csv::Trim::All).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => Header::read(header),
        Err(error) => Err(fault_of(&error)),
    };
    let header = header.map_err(|fault| vec![fault])?;
    let mut file = File { known, header, lines: Vec::new(), faults: Vec::new() };
    for record in reader.records() {
        if file.faults.len() >= FAULTS_MAX {
            return Err(file.faults);
        }
        match record {
            Ok(_) if file.lines.len() == LINES_MAX => {
                let message = format!("more than {LINES_MAX} lines; split the file");
                return Err(vec![Fault { line: LINES_MAX as u64 + 1, message }]);
            }
            Ok(record) => file.line(&record),
            Err(error) => file.faults.push(fault_of(&error)),
        }
    }
    file.finish()
}

fn fault_of(error: &::csv::Error) -> Fault {
    let line = error.position().map_or(1, ::csv::Position::line);
    Fault { line, message: cause_of(error) }
}

/// What is wrong with a file, and what to do about it.
pub fn cause_of(error: &::csv::Error) -> String {
    match error.kind() {
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "{len} fields where the header has {expected_len}; put quotes around fields with commas"
        ),
        ::csv::ErrorKind::Utf8 { .. } => "is not UTF-8; save the file as such".to_owned(),
        _ => error.to_string(),
    }
}

/// Which field of a line is what.
struct Header([Option<usize>; COLUMNS.len()]);

impl Header {
    fn read(header: &StringRecord) -> Result<Header, Fault> {
        let mut places = [None; COLUMNS.len()];
        for (at, name) in header.iter().enumerate() {
            // A byte order mark, as spreadsheets write it, is no part of the name.
            let name = name.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
            let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
                let message = format!(
                    "there is no column {name:?}; the first line names columns, which are {}",
                    COLUMNS.join(", ")
                );
                return Err(Fault { line: 1, message });
            };
            if places[column].replace(at).is_some() {
                return Err(Fault { line: 1, message: format!("column {name} is there twice") });
            }
        }
        for needed in [0, 1] {
            if places[needed].is_none() {
                let message = format!("column {} is missing", COLUMNS[needed]);
                return Err(Fault { line: 1, message });
            }
        }
        Ok(Header(places))
    }

    /// A field by its column's name; `None` when the file has no such column.
    fn field<'r>(&self, record: &'r StringRecord, column: &str) -> Option<&'r str> {
        let at = COLUMNS.iter().position(|known| *known == column)?;
        record.get(self.0[at]?)
    }
}

/// A line that is good alone.
struct Line {
    number: u64,
    record: PersonRecord,
    /// What it stands in, as written.
    groups: Option<Vec<String>>,
}

struct File<'d> {
    known: &'d Directory,
    header: Header,
    lines: Vec<Line>,
    faults: Vec<Fault>,
}

impl File<'_> {
    fn line(&mut self, record: &StringRecord) {
        let number = record.position().map_or(0, ::csv::Position::line);
        match self.person(record) {
            Ok(person) => {
                let groups = self.header.field(record, "groups").map(|groups| {
                    let names = groups.split(';').map(str::trim).filter(|name| !name.is_empty());
                    names.map(str::to_owned).collect()
                });
                self.lines.push(Line { number, record: person, groups });
            }
            Err(message) => self.faults.push(Fault { line: number, message }),
        }
    }

    fn person(&self, record: &StringRecord) -> Result<PersonRecord, String> {
        let field = |column: &str| self.header.field(record, column).unwrap_or_default();
        let text = |column: &str, bytes_max: usize| {
            let text = field(column);
            if text.len() > bytes_max {
                return Err(format!("{column} is longer than {bytes_max} bytes"));
            }
            if text.chars().any(char::is_control) {
                return Err(format!("{column} has a line break or another control character"));
            }
            Ok(text.to_owned())
        };
        let kind = kind(field("kind"))?;
        let display_name = text("display_name", NAME_BYTES_MAX)?;
        let uri = uri(kind, field("uri"), &display_name)?;
        let id = self.id(field("id"), &uri, kind)?;
        Ok(PersonRecord {
            id,
            kind,
            uri,
            display_name,
            account: text("account", NAME_BYTES_MAX)?,
            email: text("email", NAME_BYTES_MAX)?,
            company: text("company", NAME_BYTES_MAX)?,
            path: text("path", PATH_BYTES_MAX)?,
            state: state(field("state"))?,
            parents: None,
        })
    }

    fn id(&self, text: &str, uri: &str, kind: PrincipalKind) -> Result<Guid, String> {
        let known = find(self.known, uri).map(|person| person.principal.id);
        let given = match text {
            "" => None,
            text => Some(Guid::parse(text).ok_or_else(|| format!("id {text:?} is no GUID"))?),
        };
        match (given, known) {
            (Some(given), Some(known)) if given != known => {
                Err(format!("{uri} has the identifier {known} already, and keeps it"))
            }
            (Some(id), _) | (None, Some(id)) => Ok(id),
            (None, None) => Ok(made(kind, uri)),
        }
    }

    /// What needs all lines: that nothing is there twice, and what each stands in.
    fn finish(mut self) -> Result<Vec<PersonRecord>, Vec<Fault>> {
        self.find_doubles();
        let names = self.names();
        let mut domains: HashMap<String, Guid> = HashMap::new();
        let mut records = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let mut record = line.record.clone();
            match line.groups.as_ref().map(|groups| self.parents(&names, groups)).transpose() {
                Ok(parents) => record.parents = parents,
                Err(message) => self.faults.push(Fault { line: line.number, message }),
            }
            self.add_domain(&mut record, &mut domains);
            records.push(record);
        }
        if !self.faults.is_empty() {
            self.faults.sort_by_key(|fault| fault.line);
            self.faults.truncate(FAULTS_MAX);
            return Err(self.faults);
        }
        let own: hashbrown::HashSet<Guid> = records.iter().map(|record| record.id).collect();
        let new = domains
            .into_iter()
            .filter(|(uri, id)| find(self.known, uri).is_none() && !own.contains(id));
        records.extend(new.map(|(uri, _)| domain_record(&uri["ma-dom:".len()..])));
        Ok(records)
    }

    /// Nobody may chat who is in no domain.
    fn add_domain(&self, record: &mut PersonRecord, domains: &mut HashMap<String, Guid>) {
        let Some(parents) = record.parents.as_mut().filter(|_| record.kind == PrincipalKind::User)
        else {
            return;
        };
        let Some((_, domain)) = record.uri.rsplit_once('@') else { return };
        let own = domain_principal(domain);
        let id = find(self.known, &own.uri).map_or(own.id, |person| person.principal.id);
        if !parents.contains(&id) {
            parents.push(id);
        }
        domains.insert(own.uri, id);
    }

    fn find_doubles(&mut self) {
        let (mut uris, mut ids) = (HashMap::new(), HashMap::new());
        for Line { number, record, .. } in &self.lines {
            let first = uris.insert(&record.uri, *number).or(ids.insert(record.id, *number));
            if let Some(first) = first {
                let message = format!("{} is in line {first} already", record.uri);
                self.faults.push(Fault { line: *number, message });
            }
        }
    }

    /// Groups and folders of the file by name; `None` for names that several have.
    fn names(&self) -> HashMap<String, Option<Guid>> {
        let mut names = HashMap::new();
        for Line { record, .. } in
            self.lines.iter().filter(|l| l.record.kind != PrincipalKind::User)
        {
            let id = Some(record.id);
            names.insert(record.uri.clone(), id);
            let name = record.display_name.to_lowercase();
            if !name.is_empty() {
                names.entry(name).and_modify(|known| *known = None).or_insert(id);
            }
        }
        names
    }

    fn parents(
        &self,
        names: &HashMap<String, Option<Guid>>,
        groups: &[String],
    ) -> Result<Vec<Guid>, String> {
        let parent = |name: &String| match names.get(&name.to_lowercase()) {
            Some(Some(id)) => Ok(*id),
            Some(None) => Err(format!("several groups are called {name:?}; write the URI of one")),
            None => match find(self.known, &name.to_lowercase()) {
                Some(person) if person.principal.kind != PrincipalKind::User => {
                    Ok(person.principal.id)
                }
                Some(_) => Err(format!("{name:?} is a user, and nobody stands in a user")),
                None => Err(format!("there is no group {name:?}, in the file or outside it")),
            },
        };
        groups.iter().map(parent).collect()
    }
}

fn find<'d>(known: &'d Directory, uri: &str) -> Option<&'d Person> {
    known.people().find_uri(uri).and_then(|id| known.people().get(id))
}

/// The identifier of somebody new: the one in the URI of a group or folder, so that it is the same
/// in both places.
fn made(kind: PrincipalKind, uri: &str) -> Guid {
    let inner = uri.split(':').nth(1).and_then(|rest| Guid::parse(rest.split('@').next()?));
    match kind {
        PrincipalKind::Group | PrincipalKind::Folder => inner.unwrap_or_else(|| guid_of(uri)),
        _ => guid_of(uri),
    }
}

fn domain_record(domain: &str) -> PersonRecord {
    crate::ldap::known::record_of(&domain_principal(domain))
}

const KINDS: [(&str, PrincipalKind); 4] = [
    ("user", PrincipalKind::User),
    ("group", PrincipalKind::Group),
    ("folder", PrincipalKind::Folder),
    ("domain", PrincipalKind::Domain),
];
const STATES: [(&str, PrincipalState); 3] = [
    ("active", PrincipalState::Active),
    ("disabled", PrincipalState::Disabled),
    ("deleted", PrincipalState::Deleted),
];

fn kind(text: &str) -> Result<PrincipalKind, String> {
    let known = KINDS.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    known
        .map(|(_, kind)| *kind)
        .ok_or_else(|| format!("kind {text:?} is unknown; write user, group, folder or domain"))
}

fn state(text: &str) -> Result<PrincipalState, String> {
    let known = STATES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    match known {
        Some((_, state)) => Ok(*state),
        None if text.is_empty() => Ok(PrincipalState::Active),
        None => Err(format!("state {text:?} is unknown; write active, disabled or deleted")),
    }
}

fn uri(kind: PrincipalKind, text: &str, name: &str) -> Result<String, String> {
    let prefix = match kind {
        PrincipalKind::User => {
            let canonical = crate::ldap::person::canonical(text);
            return canonical.ok_or_else(|| {
                format!("uri {text:?} is no SIP address; write it like sip:ann@example.com")
            });
        }
        PrincipalKind::Group => "ma-grp:",
        PrincipalKind::Folder => "ma-fld:",
        PrincipalKind::Domain => "ma-dom:",
    };
    let lower = text.to_lowercase();
    let is_whole = |rest: &str| {
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && c != ';';
        !rest.is_empty() && rest.chars().all(is_plain) && lower.len() <= NAME_BYTES_MAX
    };
    match lower.strip_prefix(prefix) {
        Some(rest) if is_whole(rest) => Ok(lower),
        None if text.is_empty() && !name.is_empty() && kind != PrincipalKind::Domain => {
            let id = guid_of(&format!("{prefix}{}", name.to_lowercase()));
            Ok(crate::ldap::person::uri_of(kind, id))
        }
        _ => Err(format!("uri {text:?} is none of this kind; it begins with {prefix}")),
    }
}

/// Writes everybody a directory knows, so that [`import`] makes the same of it.
pub fn export(directory: &Directory) -> String {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let mut write = |fields: [&str; COLUMNS.len()]| {
        writer.write_record(fields).expect("memory takes everything");
    };
    write(COLUMNS);
    let people = directory.people();
    for (_, person) in people.iter() {
        let p = &person.principal;
        let parents = person.parents().iter().filter_map(|id| people.get(*id));
        let parents: Vec<&str> = parents.map(|parent| &*parent.principal.uri).collect();
        let kind = KINDS.iter().find(|(_, kind)| *kind == p.kind).map_or("", |(name, _)| name);
        let state = STATES.iter().find(|(_, state)| *state == p.state).map_or("", |(name, _)| name);
        let (groups, id) = (parents.join(";"), p.id.to_string());
        write([
            kind,
            &p.uri,
            &p.display_name,
            &p.account,
            &p.email,
            &p.company,
            &p.path,
            state,
            &groups,
            &id,
        ]);
    }
    let bytes = writer.into_inner().expect("memory takes everything");
    String::from_utf8(bytes).expect("it was made of text")
}
