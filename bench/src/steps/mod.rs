//! What is measured: one step of a hot path each, with everything it needs made beforehand.
//!
//! The same steps run under criterion (`bench/benches`), where they take time, and under callgrind
//! ([`super::budgets`]), where they take instructions.

mod broker;
mod directory;
// The broker's own test harness: shards without a machine.
#[path = "../../../core/tests/harness/mod.rs"]
mod harness;
mod log;
mod wire;

/// Measures the work it is given, by doing it once.
pub type Meter<'m> = dyn FnMut(&mut dyn FnMut()) + 'm;

/// A step that can be repeated for ever in the same way.
pub trait Step {
    /// How many units of work one run does; what is measured is divided by it.
    fn units(&self) -> u64;

    /// Does the work once, within `meter`; what must be made anew each time is made outside of it.
    fn run(&mut self, meter: &mut Meter<'_>);
}

/// A step and what it is.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// Short and stable: it stands in `bench/budgets.toml`.
    pub name: &'static str,
    /// What one unit is.
    pub unit: &'static str,
    /// Makes the step ready to run.
    pub make: fn() -> Box<dyn Step>,
}

/// All steps, in the order of a message's way.
pub const ALL: [Named; 13] = [
    Named { name: "frame", unit: "message", make: wire::frame },
    Named { name: "parse-head", unit: "message", make: wire::parse_head },
    Named { name: "parse-post", unit: "post", make: wire::parse_post },
    Named { name: "render", unit: "delivery", make: wire::render },
    Named { name: "stamp", unit: "delivery", make: wire::stamp },
    Named { name: "recognise-answer", unit: "answer", make: wire::recognise_answer },
    Named { name: "parse-answer", unit: "answer", make: wire::parse_answer },
    Named { name: "decide", unit: "decision", make: directory::decide },
    Named { name: "post", unit: "post", make: broker::post },
    Named { name: "fan-out-direct", unit: "delivery", make: broker::fan_out_direct },
    Named { name: "fan-out-front-end", unit: "delivery", make: broker::fan_out_front_end },
    Named { name: "log-commit", unit: "record", make: log::commit },
    Named { name: "log-read", unit: "record", make: log::read },
];

/// The step of that name.
pub fn find(name: &str) -> Option<Named> {
    ALL.into_iter().find(|step| step.name == name)
}

/// Bytes of text in each message: what people type, rather generously.
const TEXT_BYTES: usize = 256;

/// Words with blanks between.
fn text() -> String {
    let words = "pier level high water gate open closed at noon today again ";
    words.chars().cycle().take(TEXT_BYTES).collect()
}

/// Work that leaves nothing behind.
struct Repeated<F> {
    units: u64,
    work: F,
}

impl<F: FnMut()> Step for Repeated<F> {
    fn units(&self) -> u64 {
        self.units
    }

    fn run(&mut self, meter: &mut Meter<'_>) {
        meter(&mut self.work);
    }
}

fn repeated(units: u64, work: impl FnMut() + 'static) -> Box<dyn Step> {
    Box::new(Repeated { units, work })
}

#[cfg(test)]
mod tests {
    use super::ALL;

    /// Each checks by assertions of its own that it does what it says.
    #[test]
    fn every_step_runs_again_and_again() {
        for named in ALL {
            let mut step = (named.make)();
            let mut times = 0;
            for _ in 0..10 {
                step.run(&mut |work| {
                    work();
                    times += 1;
                });
            }
            assert!(times == 10 && step.units() > 0, "{}", named.name);
        }
    }
}
