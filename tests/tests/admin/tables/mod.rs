//! The decision tables of `product.md` §2, asked of a real server by each of its surfaces: the API,
//! the commands, and XCCOS in a dialog. The core is held to the same tables by
//! `core/tests/policy.rs`, so that all four decide alike.
//!
//! | module | subject |
//! |---|---|
//! | `organisation` | a server, its people, and everybody's way to it |
//! | `chat` | a dialog, asked as a chat client asks |
//! | `facts` | what each way of asking tells of somebody's rights |
//! | `scopes` | §2.0: who is in the scope of a category |
//! | `rights` | §2.1 to §2.5: what somebody may do with a room |
//! | `rooms` | §2.6, §2.7: rooms made, changed and removed |
//! | `settings` | §2.8: what administrators alone may |
//!
//! What a surface has no means for it does not tell; the tables say where that is so.

mod chat;
#[path = "../../../../core/tests/decisions/mod.rs"]
mod decisions;
mod facts;
mod organisation;
mod rights;
mod rooms;
mod scopes;
mod settings;

use std::collections::BTreeSet;

/// The verdict that lets somebody do what they want; any other is the name of a cause.
const YES: &str = "yes";

/// What was heard, held against the tables: all of it, for a contradiction rarely comes alone.
#[derive(Debug, Default)]
struct Verdicts {
    surfaces: BTreeSet<&'static str>,
    count: usize,
    wrong: Vec<String>,
}

impl Verdicts {
    /// A surface has said `is` where the row says `says` of the user.
    fn check(&mut self, row: &str, user: &str, surface: &'static str, is: &str, says: &str) {
        self.surfaces.insert(surface);
        self.count += 1;
        if is != says {
            self.wrong.push(format!("{row:?}, {user}: {surface} says {is}, the table {says}"));
        }
    }

    /// # Panics
    /// If a surface contradicts a table, or not so many surfaces were heard.
    fn conclude(self, surfaces: usize) {
        let wrong = self.wrong.join("\n");
        assert!(self.wrong.is_empty(), "{} of {}:\n{wrong}", self.wrong.len(), self.count);
        assert_eq!(self.surfaces.len(), surfaces, "{:?}", self.surfaces);
    }
}
