//! Groups in groups, organisational units, and users with 100 to 200 things above them
//! (`product.md` §4.5).
//!
//! ```text
//! domain <- unit of all people <- lines <- divisions <- departments <- user
//! all staff <- 4 lines <- 50 divisions <- departments <- teams of 10 <- user
//! all staff <- 4 regions <- countries <- sites <- user
//! all staff <- programmes <- projects of 30 <- user
//! 60 lists <- 300 lists <- 1,500 lists <- 8,000 lists <- user, in 8 to 22 of them
//! ```
//!
//! Lists are what makes ancestors many: each has two lists above it, as in directories that have
//! grown for years. Who is in which is chance, so that hardly two users belong to the same: the
//! worst that a server must bear.

use super::super::model::{Principal, PrincipalKind, PrincipalState};
use super::super::{Change, domain_principal};
use super::{Sample, What};
use parlance_wire::xccos::Guid;
use std::ops::Range;

/// Users of a team.
pub(super) const TEAM: u32 = 10;
/// Users of a project.
pub(super) const PROJECT: u32 = 30;
/// Users of a division: ten of them fill a large room.
const DIVISION: u32 = 1_600;
/// Divisions of a small organisation: so that ten of them are a fifth of it.
const DIVISIONS_MIN: u32 = 50;
/// Business lines: what walls stand between.
pub(super) const LINES: u32 = 4;
const REGIONS: u32 = 4;
const COUNTRIES: u32 = 12;
const SITES: u32 = 40;
/// Lists that each user is in.
const LISTS_OF_USER: Range<u32> = 8..23;

/// Kinds of groups, those that others stand in first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    PeopleUnit,
    LineUnit,
    DivisionUnit,
    DepartmentUnit,
    Staff,
    Line,
    Division,
    Department,
    Team,
    Region,
    Country,
    Site,
    Programme,
    Project,
    TopList,
    HighList,
    MiddleList,
    List,
}

use Kind::*;

const KINDS: [Kind; 18] = [
    PeopleUnit,
    LineUnit,
    DivisionUnit,
    DepartmentUnit,
    Staff,
    Line,
    Division,
    Department,
    Team,
    Region,
    Country,
    Site,
    Programme,
    Project,
    TopList,
    HighList,
    MiddleList,
    List,
];

impl Kind {
    /// How many there are in an organisation of so many users.
    pub(super) fn count(self, users: u32) -> u32 {
        match self {
            PeopleUnit | Staff => 1,
            LineUnit | Line => LINES,
            DivisionUnit | Division => (users / DIVISION).max(DIVISIONS_MIN),
            DepartmentUnit | Department => (users / 200).max(DIVISIONS_MIN),
            Team => users.div_ceil(TEAM).max(1),
            Region => REGIONS,
            Country => COUNTRIES,
            Site => SITES,
            Programme => Project.count(users).div_ceil(10),
            Project => users.div_ceil(PROJECT).max(1),
            TopList => 60,
            HighList => (users / 266).max(100),
            MiddleList => (users / 53).max(100),
            List => (users / 10).max(200),
        }
    }

    fn is_unit(self) -> bool {
        matches!(self, PeopleUnit | LineUnit | DivisionUnit | DepartmentUnit)
    }

    fn name(self) -> &'static str {
        match self {
            PeopleUnit => "People",
            LineUnit | Line => "Line",
            DivisionUnit | Division => "Division",
            DepartmentUnit | Department => "Department",
            Staff => "All staff",
            Team => "Team",
            Region => "Region",
            Country => "Country",
            Site => "Site",
            Programme => "Programme",
            Project => "Project",
            TopList => "Circle",
            HighList => "Forum",
            MiddleList => "Community",
            List => "List",
        }
    }
}

/// How many groups and units there are.
pub(super) fn groups(sample: &Sample) -> u32 {
    KINDS.iter().map(|kind| kind.count(sample.users)).sum()
}

/// The group of this kind that `place` of `of` falls into: `of` are dealt out evenly, in order.
fn above(place: u32, of: u32, count: u32) -> u32 {
    (u64::from(place) * u64::from(count) / u64::from(of.max(1))) as u32
}

impl Sample {
    /// Permanent identifier of a user, by number.
    pub fn user(&self, number: u32) -> Guid {
        self.id("user", number)
    }

    /// URI of a user, by number: `sip:first.last.number@domain`.
    pub fn user_uri(&self, number: u32) -> String {
        let (first, last) = names(number);
        format!("sip:{first}.{last}.{number}@{}", self.domain).to_ascii_lowercase()
    }

    /// Permanent identifier of a business line: a group of a fourth of all users.
    pub fn line(&self, number: u32) -> Guid {
        self.group(Line, number)
    }

    /// Permanent identifier of a list: a group of some 150 users.
    pub fn list(&self, number: u32) -> Guid {
        self.group(List, number)
    }

    pub(super) fn group(&self, kind: Kind, number: u32) -> Guid {
        self.id(&format!("{kind:?}"), number)
    }

    /// Which business line a team is of.
    pub(super) fn line_of_team(&self, team: u32) -> u32 {
        self.line_of_division(self.division_of(self.department_of(team)))
    }

    /// Which business line a user is of.
    pub(super) fn line_of_user(&self, user: u32) -> u32 {
        self.line_of_team(user / TEAM)
    }

    fn department_of(&self, team: u32) -> u32 {
        above(team, Team.count(self.users), Department.count(self.users))
    }

    fn division_of(&self, department: u32) -> u32 {
        above(department, Department.count(self.users), Division.count(self.users))
    }

    fn line_of_division(&self, division: u32) -> u32 {
        above(division, Division.count(self.users), LINES)
    }

    /// Groups and units by their number among all.
    pub(super) fn make_groups(&self, part: Range<u32>) -> Vec<Change> {
        part.flat_map(|number| {
            let (kind, place) = self.nth_group(number);
            let child = self.group(kind, place);
            let parents = self.parents_of_group(kind, place, number);
            let group = Change::Principal(self.group_principal(kind, place));
            [group, Change::Parents { child, parents: sorted(parents) }]
        })
        .collect()
    }

    fn nth_group(&self, number: u32) -> (Kind, u32) {
        let mut place = number;
        for kind in KINDS {
            match place.checked_sub(kind.count(self.users)) {
                Some(rest) => place = rest,
                None => return (kind, place),
            }
        }
        unreachable!("numbers stay below groups()")
    }

    fn parents_of_group(&self, kind: Kind, place: u32, number: u32) -> Vec<Guid> {
        let one = |kind, place| vec![self.group(kind, place)];
        let mut dice = self.dice(What::Group, number);
        let mut lists = |kind: Kind, count| {
            let chosen = dice.choose(count, kind.count(self.users), |_| true);
            chosen.into_iter().map(|list| self.group(kind, list)).collect()
        };
        match kind {
            PeopleUnit => vec![domain_principal(&self.domain).id],
            LineUnit => one(PeopleUnit, 0),
            DivisionUnit => one(LineUnit, self.line_of_division(place)),
            DepartmentUnit => one(DivisionUnit, self.division_of(place)),
            Staff | TopList => vec![],
            Line | Region | Programme => one(Staff, 0),
            Division => one(Line, self.line_of_division(place)),
            Department => one(Division, self.division_of(place)),
            Team => one(Department, self.department_of(place)),
            Country => one(Region, above(place, COUNTRIES, REGIONS)),
            Site => one(Country, above(place, SITES, COUNTRIES)),
            Project => one(Programme, place / 10),
            HighList => lists(TopList, 1),
            MiddleList => lists(HighList, 2),
            List => lists(MiddleList, 2),
        }
    }

    fn group_principal(&self, kind: Kind, place: u32) -> Principal {
        let id = self.group(kind, place);
        let name = format!("{} {place}", kind.name());
        let (principal_kind, uri, path) = match kind.is_unit() {
            true => (PrincipalKind::Folder, format!("ma-fld:{id}@u.f"), format!("OU={name}")),
            false => {
                let path = format!("CN={name},OU=Groups");
                (PrincipalKind::Group, format!("ma-grp:{id}@u.g"), path)
            }
        };
        let path = format!("{path},{}", self.domain_path());
        Principal {
            id,
            kind: principal_kind,
            uri,
            display_name: name,
            account: String::new(),
            email: String::new(),
            company: String::new(),
            path,
            state: PrincipalState::Active,
            policy: None,
        }
    }

    fn domain_path(&self) -> String {
        let labels: Vec<String> =
            self.domain.split('.').map(|label| format!("DC={label}")).collect();
        labels.join(",")
    }

    /// Users by number.
    pub(super) fn make_users(&self, part: Range<u32>) -> Vec<Change> {
        part.flat_map(|number| {
            let (child, parents) = (self.user(number), sorted(self.parents_of_user(number)));
            let user = Change::Principal(self.user_principal(number));
            [user, Change::Parents { child, parents }]
        })
        .collect()
    }

    fn parents_of_user(&self, number: u32) -> Vec<Guid> {
        let mut dice = self.dice(What::User, number);
        let team = number / TEAM;
        let mut parents = vec![
            self.group(DepartmentUnit, self.department_of(team)),
            self.group(Team, team),
            self.group(Project, self.project_of(number)),
            self.group(Site, dice.below(SITES)),
        ];
        let count = LISTS_OF_USER.start + dice.below(LISTS_OF_USER.end - LISTS_OF_USER.start);
        let lists = dice.choose(count as usize, List.count(self.users), |_| true);
        parents.extend(lists.into_iter().map(|list| self.group(List, list)));
        parents
    }

    /// People of all departments work in a project: every so manieth user.
    fn project_of(&self, number: u32) -> u32 {
        number % Project.count(self.users)
    }

    fn user_principal(&self, number: u32) -> Principal {
        let (first, last) = names(number);
        let uri = self.user_uri(number);
        let email = uri.trim_start_matches("sip:").to_owned();
        let department = self.department_of(number / TEAM);
        let division = self.division_of(department);
        let path = format!(
            "CN={first} {last} {number},OU=Department {department},OU=Division {division},OU=Line \
             {},OU=People,{}",
            self.line_of_division(division),
            self.domain_path(),
        );
        Principal {
            id: self.user(number),
            kind: PrincipalKind::User,
            uri,
            display_name: format!("{first} {last}"),
            account: format!("{}.{number}", last.to_ascii_lowercase()),
            email,
            company: "Harbour Group".to_owned(),
            path,
            state: PrincipalState::Active,
            policy: None,
        }
    }
}

/// Sorted, as [`Change::Parents`] wants them.
fn sorted(mut ids: Vec<Guid>) -> Vec<Guid> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// First and last name of a user.
fn names(number: u32) -> (&'static str, &'static str) {
    const FIRST: [&str; 24] = [
        "Ada", "Bela", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hana", "Ivo", "Jana", "Kofi",
        "Lena", "Marek", "Nadia", "Omar", "Petra", "Qing", "Rosa", "Samir", "Tilda", "Uwe", "Vera",
        "Wanja", "Yusuf",
    ];
    const LAST: [&str; 23] = [
        "Abel",
        "Brandt",
        "Castro",
        "Dahl",
        "Engel",
        "Fontane",
        "Gruber",
        "Holm",
        "Ibsen",
        "Jansen",
        "Keller",
        "Lindgren",
        "Moreau",
        "Novak",
        "Okafor",
        "Papadakis",
        "Quist",
        "Rossi",
        "Santos",
        "Tanaka",
        "Ullrich",
        "Varga",
        "Weber",
    ];
    let pick = |names: &[&'static str]| names[number as usize % names.len()];
    (pick(&FIRST), pick(&LAST))
}
