//! Profiles: organisations of users, endpoints and rooms as the product's capacity pages describe
//! them (`product.md` §4.2, §4.4, §4.5), at any scale.

use crate::cli::{ConfigArgs, ProfileName, SizeArgs};
use parlance_loadgen::rooms;

/// Users of the whole organisation, four servers.
const USERS_WHOLE: f64 = 80_000.0;
/// Seconds of a working day, over which the product counts messages.
const DAY_S: f64 = 28_800.0;
/// Most users, endpoints, links or rooms in a run; beyond it numbers are surely a slip.
pub const COUNT_MAX: u32 = 1_000_000;
/// Most servers of a pool, those on standby included (`product.md` §4.1).
pub const SERVERS_MAX: i64 = 8;
/// Most endpoints of one user.
const ENDPOINTS_PER_USER_MAX: f64 = 10.0;

/// Rooms of one size.
#[derive(Debug)]
pub struct RoomSize {
    /// Name of the class in reports.
    pub name: &'static str,
    /// Users in a room.
    pub users_max: u32,
    /// Rooms of this size each user is in.
    pub rooms_per_user: u32,
    /// Posts of a user in them in a day, by the product's two models of message rates.
    posts_per_user_day: [f64; 2],
}

impl RoomSize {
    /// How many rooms seat all users of the organisation, and how many users a full one has: as
    /// many as there are, where that is fewer.
    pub fn rooms(&self, users: u32) -> (u32, u32) {
        let size = self.users_max.min(users);
        ((users * self.rooms_per_user).div_ceil(size), size)
    }

    /// Posts per second in all rooms of this size, of the whole organisation.
    pub fn posts_per_second(&self, users: u32, model: usize) -> f64 {
        f64::from(users) * self.posts_per_user_day[model] / DAY_S
    }
}

/// Model 1 is told per room and day (50, 500 and 100 messages); a user's part of it follows.
const SMALL: RoomSize = RoomSize {
    name: "small",
    users_max: 30,
    rooms_per_user: 12,
    posts_per_user_day: [50.0 * 12.0 / 30.0, 15.0],
};
const MEDIUM: RoomSize = RoomSize {
    name: "medium",
    users_max: 150,
    rooms_per_user: 2,
    posts_per_user_day: [500.0 * 2.0 / 150.0, 5.0],
};
const LARGE: RoomSize = RoomSize {
    name: "large",
    users_max: 16_000,
    rooms_per_user: 2,
    posts_per_user_day: [100.0 * 2.0 / 16_000.0, 0.1],
};
/// One room with everybody and a post a second.
const LARGEST: RoomSize = RoomSize {
    name: "large",
    users_max: 16_000,
    rooms_per_user: 1,
    posts_per_user_day: [DAY_S / 16_000.0; 2],
};

/// What a profile says where the command line says nothing.
#[derive(Debug)]
pub struct Profile {
    /// Part of the organisation of 80,000 users; `None` for a run that is told its numbers.
    scale: Option<f64>,
    endpoints_per_user: f64,
    /// Empty: rooms of one size, which the command line tells.
    pub sizes: &'static [RoomSize],
    pub duration_s: u64,
    /// Sign-ins per second before the load.
    pub sign_in_rate: f64,
    /// Part of the endpoints that sign in as a storm during the load.
    pub storm_part: f64,
    /// Endpoints that sign out, per user and second.
    pub sign_outs_per_user_s: f64,
}

const STEADY: Profile = Profile {
    scale: None,
    endpoints_per_user: 1.0,
    sizes: &[],
    duration_s: 60,
    sign_in_rate: 500.0,
    storm_part: 0.0,
    sign_outs_per_user_s: 0.0,
};
const POOL: Profile = Profile {
    scale: Some(1.0),
    endpoints_per_user: 1.5,
    sizes: &[SMALL, MEDIUM, LARGE],
    duration_s: 300,
    // The product's peak is 10; at that rate 80,000 users take hours.
    sign_in_rate: 100.0,
    ..STEADY
};
/// Half of the organisation is there when the other half comes.
const STORM: Profile = Profile { storm_part: 0.5, ..POOL };
/// Ten sign in a second of 80,000 users, and as many sign out.
const SOAK: Profile =
    Profile { duration_s: 4 * 3_600, sign_outs_per_user_s: 10.0 / USERS_WHOLE, ..POOL };
const LARGE_ROOM: Profile = Profile { scale: Some(0.2), sizes: &[SMALL, LARGEST], ..STEADY };

impl From<ProfileName> for &'static Profile {
    fn from(name: ProfileName) -> &'static Profile {
        match name {
            ProfileName::Steady => &STEADY,
            ProfileName::Pool80k => &POOL,
            ProfileName::Storm => &STORM,
            ProfileName::LargeRoom => &LARGE_ROOM,
            ProfileName::Soak => &SOAK,
        }
    }
}

/// A profile at its size.
#[derive(Debug)]
pub struct Organisation {
    pub profile: &'static Profile,
    /// Servers that share it.
    pub servers: u32,
    /// Users of one server: those of the run.
    pub users: u32,
    /// Their endpoints.
    pub endpoints: u32,
}

impl Organisation {
    /// Reads the arguments; what is wrong with them otherwise.
    pub fn new(args: &SizeArgs) -> Result<Organisation, String> {
        let profile: &'static Profile = args.profile.into();
        let servers = args.servers;
        if servers > 1 && profile.sizes.is_empty() {
            return Err("--servers is for a profile of an organisation; this run is told its \
                        rooms by --rooms"
                .to_owned());
        }
        let users = match (args.users, args.scale, profile.scale) {
            (Some(users), None, _) => f64::from(users),
            (None, scale, Some(usual)) => {
                (scale.unwrap_or(usual) * USERS_WHOLE / f64::from(servers)).round()
            }
            (None, None, None) => 100.0,
            (_, Some(_), _) => {
                return Err("--scale is for a profile of an organisation; this run is told its \
                            size by --users"
                    .to_owned());
            }
        };
        if !(1.0..=f64::from(COUNT_MAX / servers)).contains(&users) {
            return Err(format!(
                "{users} users on one of {servers} servers: at least one, at most {COUNT_MAX} on \
                 all of them"
            ));
        }
        let per_user = args.endpoints_per_user.unwrap_or(profile.endpoints_per_user);
        let endpoints = (users * per_user).round();
        if !(1.0..=ENDPOINTS_PER_USER_MAX).contains(&per_user) || endpoints > f64::from(COUNT_MAX) {
            return Err(format!(
                "{per_user} endpoints per user: from 1 to {ENDPOINTS_PER_USER_MAX}, and at most \
                 {COUNT_MAX} in all"
            ));
        }
        Ok(Organisation { profile, servers, users: users as u32, endpoints: endpoints as u32 })
    }

    /// Users on all servers.
    pub fn users_whole(&self) -> u32 {
        self.users * self.servers
    }

    /// Rooms of all sizes; 0 when the command line tells them.
    fn rooms(&self) -> u32 {
        self.profile.sizes.iter().map(|size| size.rooms(self.users_whole()).0).sum()
    }

    /// Bounds of a server's shard that are too narrow for the run even if one shard has all of it,
    /// with what they are to be.
    fn limits(&self) -> Vec<(&'static str, u64)> {
        // The server's defaults are for 20,000 links and 45,000 dialogs on each shard.
        let usual = [("links_max", 20_000), ("sessions_max", 45_000)];
        let wanted = u64::from(self.endpoints) * 11 / 10;
        let is_organisation = !self.profile.sizes.is_empty();
        let raised = usual.into_iter().filter(|(_, most)| is_organisation && wanted > *most);
        raised.map(|(name, _)| (name, wanted)).collect()
    }
}

/// The server configuration for a run; what is wrong with the arguments otherwise.
pub fn server_config(args: &ConfigArgs) -> Result<String, String> {
    let organisation = Organisation::new(&args.size)?;
    let rooms = match (args.rooms, organisation.rooms()) {
        (Some(_), 1..) => return Err("the profile says how many rooms there are".to_owned()),
        (told, 0) => told.unwrap_or(1),
        (None, rooms) => rooms,
    };
    let limits = organisation.limits();
    Ok(rooms::server_config(&args.room_domain, &args.listen, &args.http, rooms, &limits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rooms of each size at a scale.
    fn rooms(profile: &Profile, scale: f64) -> Vec<u32> {
        let users = (USERS_WHOLE * scale) as u32;
        profile.sizes.iter().map(|size| size.rooms(users).0).collect()
    }

    #[test]
    fn rooms_are_as_many_as_the_product_says() {
        assert_eq!(rooms(&POOL, 1.0), [32_000, 1_067, 10]);
        assert_eq!(rooms(&POOL, 0.25), [8_000, 267, 3]);
        // Where a large room would have more users than there are, it has all of them.
        assert_eq!(rooms(&POOL, 0.01), [320, 11, 2]);
        assert_eq!(rooms(&LARGE_ROOM, 0.2), [6_400, 1]);
    }

    #[test]
    fn rates_are_those_of_the_products_models() {
        let rates = |model, users| {
            let rate = |size: &RoomSize| size.posts_per_second(users, model);
            POOL.sizes.iter().map(|size| format!("{:.2}", rate(size))).collect::<Vec<String>>()
        };
        assert_eq!(rates(0, 80_000), ["55.56", "18.52", "0.03"]);
        assert_eq!(rates(1, 80_000), ["41.67", "13.89", "0.28"]);
        assert_eq!(rates(0, 20_000), ["13.89", "4.63", "0.01"]);
    }
}
