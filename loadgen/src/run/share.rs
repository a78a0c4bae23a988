//! Which links there are, whose they are, and which process has them.

use super::process;
use crate::cli::LinkArgs;
use std::str::FromStr;

/// Links from one source address by default: the kernel's range of ports holds about 28,000.
pub const LINKS_PER_ADDRESS: u32 = 16_000;
/// Processes of a run; a machine has no use for more.
const WORKERS_MAX: u32 = 65;

/// Direct links come first, each with one endpoint; the endpoints that have none share the links
/// of the front ends. Both kinds are spread evenly over the endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Links {
    pub direct: u32,
    pub front_ends: u32,
}

impl Links {
    /// Reads the arguments; what is wrong with them otherwise.
    pub fn new(args: &LinkArgs, endpoints: u32) -> Result<Links, String> {
        let (direct, front_ends) = match (args.links, args.direct, args.front_ends) {
            (Some(links), _, _) if links == endpoints => (links, 0),
            (Some(links), _, _) => (0, links),
            (None, None, None | Some(0)) => (endpoints, 0),
            (None, direct, front_ends) => (direct.unwrap_or(0), front_ends.unwrap_or(0)),
        };
        let rest = endpoints.checked_sub(direct).ok_or_else(|| {
            format!("{direct} direct links need as many endpoints; there are {endpoints}")
        })?;
        match (rest, front_ends) {
            (1.., 0) => Err(format!(
                "{rest} of {endpoints} endpoints have no link: add --front-ends to carry them"
            )),
            (rest, links) if links > rest => Err(format!(
                "{links} links of front ends are more than the {rest} endpoints they carry"
            )),
            _ => Ok(Links { direct, front_ends }),
        }
    }

    /// All links.
    pub fn count(self) -> u32 {
        self.direct + self.front_ends
    }

    /// The link of an endpoint.
    pub fn of(self, endpoint: u32, endpoints: u32) -> u32 {
        let before = |endpoint: u32| part(endpoint, self.direct, endpoints);
        let rank = before(endpoint);
        match before(endpoint + 1) > rank {
            true => rank,
            false => self.direct + (endpoint - rank) % self.front_ends,
        }
    }
}

/// `count * of / whole`, rounded down: how many of `of` things fall to the first `count`.
pub fn part(count: u32, of: u32, whole: u32) -> u32 {
    (u64::from(count) * u64::from(of) / u64::from(whole)) as u32
}

/// Which part of the endpoints a process has: those whose links are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub index: u32,
    /// Processes of the run.
    pub count: u32,
    /// When the run began, by the clock they share.
    pub start_ns: u64,
}

impl FromStr for Share {
    type Err = String;

    /// As the parent of the run writes it.
    fn from_str(text: &str) -> Result<Share, String> {
        let numbers: Option<Vec<u64>> = text.split('/').map(|part| part.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[index, count, start_ns]) if index < count && count <= WORKERS_MAX.into() => {
                Ok(Share { index: index as u32, count: count as u32, start_ns })
            }
            _ => Err("which process of how many, and when they began".to_owned()),
        }
    }
}

/// As many as were asked for, or as the links need.
pub fn workers(told: Option<u32>, links: Links) -> Result<u32, String> {
    let links = links.count();
    let workers = told.unwrap_or_else(|| links.div_ceil(process::links_max()));
    match workers {
        0 | WORKERS_MAX.. => Err(format!("{workers} workers: at least one, below {WORKERS_MAX}")),
        workers if workers > links => {
            Err(format!("{workers} workers have no use for {links} links: each needs one"))
        }
        workers => Ok(workers),
    }
}
