//! From a run's results to what is printed and written.

use super::phases::cpu_between;
use super::plan::Plan;
use super::process::{Sample, sample};
use parlance_loadgen::page;
use parlance_loadgen::results::{About, Document, Measured, Setup, Spans, Summary, Usage};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The time of load with what the processes used in it.
pub struct LoadWindow {
    pub start: Instant,
    /// Load and drain.
    pub elapsed: Duration,
    /// From the start to the last delivery.
    pub delivering: Duration,
    pub server_pid: Option<u32>,
    pub server_before: Option<Sample>,
    pub server_after: Option<Sample>,
    pub own_before: Sample,
    pub own_after: Sample,
    pub server_resident_max: u64,
}

impl LoadWindow {
    /// Notes what was used in it, and how long it was.
    pub fn close(&self, signed_in: Duration, measured: &mut Measured) {
        let load_s = self.elapsed.as_secs_f64();
        measured.spans = Spans {
            sign_in_s: signed_in.as_secs_f64(),
            load_s,
            delivering_s: self.delivering.as_secs_f64(),
        };
        // A process that has ended did not do all of it: nobody knows what its successor used.
        let is_there = self.server_pid.and_then(sample).is_some();
        let server = self.server_before.zip(self.server_after).filter(|_| is_there);
        measured.server = server.map(|(before, after)| Usage {
            cpu_s: cpu_between(before, after),
            resident_bytes_max: self.server_resident_max,
        });
        let cpu_s = cpu_between(self.own_before, self.own_after);
        measured.own = Usage { cpu_s, resident_bytes_max: self.own_after.resident_bytes };
        measured.own_load_max = cpu_s / load_s.max(0.001);
    }
}

/// What is published of a run besides its results, and where.
pub struct Publication {
    about: About,
    setup: Setup,
    json: Option<PathBuf>,
    html: Option<PathBuf>,
}

impl Publication {
    /// As the plan says.
    pub fn of(plan: &Plan) -> Publication {
        Publication {
            about: plan.about.clone(),
            setup: setup(plan),
            json: plan.json.clone(),
            html: plan.html.clone(),
        }
    }

    /// Prints the table and writes the files.
    pub fn publish(self, measured: Measured) -> Result<Summary, String> {
        let Publication { about, setup, json, html } = self;
        let document = Document { about, setup, measured };
        let summary = document.summary();
        println!("{summary}");
        let write = |path: &Path, text: String| {
            std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        if let Some(path) = json {
            write(&path, document.to_json())?;
        }
        if let Some(path) = html {
            write(&path, page::report(&document))?;
        }
        Ok(summary)
    }
}

/// What a plan runs.
fn setup(plan: &Plan) -> Setup {
    Setup {
        server: plan.server.to_string(),
        users: plan.users,
        endpoints: plan.endpoints,
        links: plan.links.count(),
        rooms: plan.rooms.len() as u64,
        memberships: plan.memberships(),
        rate: plan.rate(),
        message_bytes: plan.message_bytes.mean().round() as u64,
        seed: plan.seed,
        reconnects: plan.reconnects,
    }
}
