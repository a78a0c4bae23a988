//! Categories with walls between them, and rooms with their lists (`product.md` §4.2).
//!
//! Of the page's contradictions the shares are followed, not what is printed beside them: 1 % of
//! the small rooms are auditoriums (it prints none), 1 % of the medium ones (it prints 32, which is
//! 3 %), and each has six presenters (it prints ten for the large ones).

use super::super::model::{Audit, Behavior, Category, Invitations, Privacy, Role, Room};
use super::super::{Change, domain_principal};
use super::people::Kind;
use super::{Dice, Sample, Share, USERS, What};
use parlance_wire::xccos::{Guid, Timestamp};
use std::ops::Range;

/// Entries of managers in each room, and of presenters in each auditorium.
const OFFICERS: u32 = 6;
/// Of a hundred rooms that are not open, those that are secret.
const SECRET: Share = Share::new(10, 0);
/// Half of the rooms invite (`product.md` §4.3).
const QUIET: Share = Share::new(50, 0);
/// When everything was made: the first of January 2026, as milliseconds.
const MADE: Timestamp = Timestamp(1_767_225_600_000);

/// Rooms of about one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// `small`, `medium` or `large`.
    pub name: &'static str,
    /// Users in each.
    pub users_per_room: u32,
    /// Rooms of each user.
    pub rooms_per_user: u32,
    /// Those that everybody in scope may enter: they have no list of members.
    pub open: Share,
    /// Those where only presenters post.
    pub auditorium: Share,
    /// Of those that are not open, those whose lists of members name users; the others name groups.
    pub direct: Share,
    /// Those whose list of managers names users; the others name groups.
    pub managed_direct: Share,
    /// Groups in a list of members that names groups: together they have as many users.
    pub groups: u32,
    group: Kind,
}

/// Small, medium and large rooms.
pub const CLASSES: [Class; 3] = [
    Class {
        name: "small",
        users_per_room: 30,
        rooms_per_user: 12,
        open: Share::new(3, 0),
        auditorium: Share::new(1, 50),
        direct: Share::new(50, 0),
        managed_direct: Share::new(50, 0),
        groups: 3,
        group: Kind::Team,
    },
    Class {
        name: "medium",
        users_per_room: 150,
        rooms_per_user: 2,
        open: Share::new(3, 0),
        auditorium: Share::new(1, 50),
        direct: Share::new(10, 0),
        managed_direct: Share::new(10, 0),
        groups: 5,
        group: Kind::Project,
    },
    Class {
        name: "large",
        users_per_room: 16_000,
        rooms_per_user: 2,
        open: Share::new(50, 0),
        auditorium: Share::new(50, 50),
        direct: Share::new(0, 0),
        managed_direct: Share::new(0, 0),
        groups: 10,
        group: Kind::Division,
    },
];

impl Class {
    /// How many rooms an organisation of so many users has of this class.
    pub fn rooms(&self, users: u32) -> u32 {
        let seats = u64::from(users) * u64::from(self.rooms_per_user);
        let size = u64::from(self.size(users).max(1));
        ((seats + size / 2) / size) as u32
    }

    /// Users in each room of this class: a fifth of a small organisation are in a large room.
    pub fn size(&self, users: u32) -> u32 {
        match self.users_per_room > 1_000 {
            true => self.users_per_room.min(users.div_ceil(USERS / self.users_per_room)),
            false => self.users_per_room.min(users),
        }
    }

    /// Entries in the lists of all its rooms, before they are made longer.
    fn entries(&self, users: u32) -> u32 {
        let rooms = self.rooms(users);
        let listing = self.listing(users);
        let direct = self.direct.of(listing);
        direct * self.size(users)
            + (listing - direct) * self.groups
            + self.auditorium.of(rooms) * OFFICERS
            + rooms * OFFICERS
    }

    /// Rooms that have a list of members.
    fn listing(&self, users: u32) -> u32 {
        let rooms = self.rooms(users);
        rooms - self.open.of(rooms)
    }
}

/// Who is in a list of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Domain,
    Line(u32),
    List(u32),
}

/// A category, and how many of ten small rooms are in it.
struct Plan {
    name: &'static str,
    allowed: &'static [Who],
    denied: &'static [Who],
    tenths: u32,
}

/// Medium rooms are in the first two, large ones in the first: their groups are of all lines.
const PLANS: [Plan; 6] = [
    Plan { name: "Company", allowed: &[Who::Domain], denied: &[], tenths: 4 },
    Plan { name: "Projects", allowed: &[Who::Domain], denied: &[Who::List(7)], tenths: 2 },
    // Who trades must not hear what research is about to publish, and the reverse.
    Plan {
        name: "Trading",
        allowed: &[Who::Line(1), Who::Line(3)],
        denied: &[Who::Line(2), Who::List(11)],
        tenths: 1,
    },
    Plan {
        name: "Research",
        allowed: &[Who::Domain],
        denied: &[Who::Line(1), Who::List(13)],
        tenths: 1,
    },
    Plan { name: "Operations", allowed: &[Who::Line(0), Who::Line(3)], denied: &[], tenths: 1 },
    Plan { name: "Partners", allowed: &[Who::Domain], denied: &[Who::List(17)], tenths: 1 },
];

impl Plan {
    /// May this business line be in its rooms?
    fn takes(&self, line: u32) -> bool {
        let names = |list: &[Who]| list.contains(&Who::Line(line));
        (self.allowed.contains(&Who::Domain) || names(self.allowed)) && !names(self.denied)
    }
}

impl Sample {
    /// Permanent identifier of a room, by class and number.
    pub fn room(&self, class: &Class, number: u32) -> Guid {
        self.id(class.name, number)
    }

    fn category(&self, place: usize) -> Guid {
        self.id("category", place as u32)
    }

    pub(super) fn make_categories(&self) -> Vec<Change> {
        PLANS.iter().enumerate().flat_map(|(place, plan)| self.make_category(place, plan)).collect()
    }

    fn make_category(&self, place: usize, plan: &Plan) -> Vec<Change> {
        let node = self.category(place);
        let category = Category {
            id: node,
            name: format!("{} (sample)", plan.name),
            description: format!("Rooms of {}", plan.name),
            invites: true,
            file_upload: place.is_multiple_of(2),
            chat_history: true,
            audit: audit("administrator"),
            version: 1,
        };
        let ids = |list: &[Who]| list.iter().map(|who| self.who(*who)).collect();
        let mut changes = vec![Change::Category(category)];
        push_entries(&mut changes, node, Role::Allowed, ids(plan.allowed));
        push_entries(&mut changes, node, Role::Denied, ids(plan.denied));
        push_entries(&mut changes, node, Role::Creator, ids(&plan.allowed[..1]));
        changes
    }

    fn who(&self, who: Who) -> Guid {
        match who {
            Who::Domain => domain_principal(&self.domain).id,
            Who::Line(line) => self.group(Kind::Line, line),
            Who::List(list) => self.group(Kind::List, list),
        }
    }

    /// Rooms of a class by number.
    pub(super) fn make_rooms(&self, class: &Class, part: Range<u32>) -> Vec<Change> {
        let more = self.more_users();
        part.flat_map(|number| self.make_room(class, number, more)).collect()
    }

    fn make_room(&self, class: &Class, number: u32, more: Share) -> Vec<Change> {
        // Rooms of all classes are numbered in one row, so that each has chances of its own.
        let before = CLASSES.iter().take_while(|other| other.name != class.name);
        let row = before.map(|other| other.rooms(self.users)).sum::<u32>() + number;
        let mut dice = self.dice(What::Room, row);
        let place = category_of(class, &mut dice);
        let plan = &PLANS[place];
        let room = self.room_of(class, number, self.category(place), &mut dice);
        let (node, is_open) = (room.id, room.privacy == Privacy::Open);
        let is_auditorium = room.behavior == Behavior::Auditorium;
        let mut changes = vec![Change::Room(room)];
        if !is_open {
            let members = self.members(class, number, plan, more, &mut dice);
            push_entries(&mut changes, node, Role::Member, members);
        }
        let managers = match class.managed_direct.hits(number) {
            true => self.users(OFFICERS, plan, &mut dice),
            false => self.teams(OFFICERS, plan, &mut dice),
        };
        push_entries(&mut changes, node, Role::Manager, managers);
        if is_auditorium {
            let presenters = self.users(OFFICERS, plan, &mut dice);
            push_entries(&mut changes, node, Role::Presenter, presenters);
        }
        changes
    }

    fn room_of(&self, class: &Class, number: u32, category: Guid, dice: &mut Dice) -> Room {
        let privacy = match class.open.hits(number) {
            true => Privacy::Open,
            false if SECRET.hits(number - class.open.of(number)) => Privacy::Secret,
            false => Privacy::Closed,
        };
        let behavior = match class.auditorium.hits(number) {
            true => Behavior::Auditorium,
            false => Behavior::Normal,
        };
        let invitations = match QUIET.hits(number) {
            true => Invitations::False,
            false => Invitations::Inherit,
        };
        let topic = topic(dice);
        Room {
            id: self.room(class, number),
            category,
            name: format!("{topic} {} {number}", class.name),
            description: format!("What concerns {topic}: questions, news and decisions"),
            privacy,
            behavior,
            invitations,
            addin: None,
            is_disabled: false,
            audit: audit(&self.user_uri(dice.below(self.users))),
            version: 1,
        }
    }

    /// Who is in the list of a room that is not open: users, or groups of as many; and further
    /// users where the lists are to be longer.
    fn members(
        &self,
        class: &Class,
        number: u32,
        plan: &Plan,
        more: Share,
        dice: &mut Dice,
    ) -> Vec<Guid> {
        let place = number - class.open.of(number);
        // A share may be more than all: then it says how many each gets.
        let extra = more.of(place + 1) - more.of(place);
        if class.direct.hits(place) {
            return self.users(class.size(self.users) + extra, plan, dice);
        }
        let mut members = match class.group {
            Kind::Team => self.teams(class.groups, plan, dice),
            kind => {
                let chosen = dice.choose(class.groups as usize, kind.count(self.users), |_| true);
                chosen.into_iter().map(|group| self.group(kind, group)).collect()
            }
        };
        if extra > 0 {
            members.extend(self.users(extra, plan, dice));
        }
        members
    }

    /// How many further users each list of members needs, in hundredths, to have the entries that
    /// are wanted.
    fn more_users(&self) -> Share {
        let sum = |of: &dyn Fn(&Class) -> u32| CLASSES.iter().map(of).sum::<u32>();
        let missing = self.entries.unwrap_or(0).saturating_sub(sum(&|c| c.entries(self.users)));
        let lists = sum(&|class| class.listing(self.users)).max(1);
        let hundredths = u64::from(missing) * 100 / u64::from(lists);
        Share::new(
            u32::try_from(hundredths).expect("four billion entries are 100 times too many"),
            0,
        )
    }

    fn users(&self, count: u32, plan: &Plan, dice: &mut Dice) -> Vec<Guid> {
        let fit = |user| plan.takes(self.line_of_user(user));
        let chosen = dice.choose(count as usize, self.users, fit);
        chosen.into_iter().map(|user| self.user(user)).collect()
    }

    fn teams(&self, count: u32, plan: &Plan, dice: &mut Dice) -> Vec<Guid> {
        let fit = |team| plan.takes(self.line_of_team(team));
        let chosen = dice.choose(count as usize, Kind::Team.count(self.users), fit);
        chosen.into_iter().map(|team| self.group(Kind::Team, team)).collect()
    }
}

fn category_of(class: &Class, dice: &mut Dice) -> usize {
    let all = match class.group {
        Kind::Team => PLANS.len(),
        Kind::Project => 2,
        _ => 1,
    };
    let mut place = dice.below(PLANS[..all].iter().map(|plan| plan.tenths).sum());
    for (index, plan) in PLANS[..all].iter().enumerate() {
        match place.checked_sub(plan.tenths) {
            Some(rest) => place = rest,
            None => return index,
        }
    }
    unreachable!("the number is below the sum")
}

fn push_entries(changes: &mut Vec<Change>, node: Guid, role: Role, add: Vec<Guid>) {
    if !add.is_empty() {
        changes.push(Change::Entries { node, role, add, remove: vec![] });
    }
}

fn audit(by: &str) -> Audit {
    let by = by.to_owned();
    Audit { created_by: by.clone(), created_on: MADE, updated_by: by, updated_on: MADE }
}

fn topic(dice: &mut Dice) -> String {
    const ABOUT: [&str; 12] = [
        "harbour", "crane", "rail", "cargo", "pilot", "customs", "energy", "metals", "grain",
        "freight", "storage", "dredging",
    ];
    const WHAT: [&str; 10] = [
        "desk",
        "alerts",
        "planning",
        "prices",
        "support",
        "incidents",
        "contracts",
        "safety",
        "news",
        "shift",
    ];
    let mut pick = |words: &[&'static str]| words[dice.below(words.len() as u32) as usize];
    format!("{} {}", pick(&ABOUT), pick(&WHAT))
}
