//! What administration has for the shards: the newest directory, and rooms whose stored messages
//! were changed.
//!
//! Each shard has a place of its own for it. A directory that is not taken yet is replaced by a
//! newer one, and whom the two touch is added up, so that the place holds one directory whatever
//! happens; of each room it holds one number.

use super::doorbell::Doorbell;
use parlance_core::Directory;
use parlance_core::directory::Touched;
use parlance_wire::xccos::Guid;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What lies in a shard's place.
#[derive(Debug, Default)]
pub struct Contents {
    /// A directory, and whom the changes since the one before touch.
    pub directory: Option<(Arc<Directory>, Touched)>,
    /// Rooms whose messages up to a number are others in the database now.
    pub revised: BTreeMap<Guid, u64>,
}

/// One shard's place.
#[derive(Debug, Clone)]
pub struct Edition {
    place: Arc<Mutex<Contents>>,
    /// Rung when a directory has been taken, under the place's lock.
    taken: Arc<Condvar>,
    bell: Arc<Doorbell>,
}

impl Edition {
    /// An empty place, of the shard with this bell.
    pub fn new(bell: Arc<Doorbell>) -> Edition {
        Edition { place: Arc::default(), taken: Arc::default(), bell }
    }

    /// What has been put there since the last time. Whoever waits for it goes on: the shard must
    /// take it over before anything else comes in.
    pub fn take(&self) -> Contents {
        let contents =
            std::mem::take(&mut *self.place.lock().unwrap_or_else(PoisonError::into_inner));
        if contents.directory.is_some() {
            self.taken.notify_all();
        }
        contents
    }

    fn await_taken(&self, deadline: Instant) {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = deadline.saturating_duration_since(Instant::now());
        let waits = |place: &mut Contents| place.directory.is_some();
        drop(self.taken.wait_timeout_while(place, patience, waits));
    }

    fn put(&self, put: impl FnOnce(&mut Contents)) {
        put(&mut self.place.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.ring();
    }
}

/// All shards' places.
#[derive(Debug, Clone, Default)]
pub struct Editions(Arc<[Edition]>);

impl Editions {
    /// Those of all shards.
    pub fn new(editions: Vec<Edition>) -> Editions {
        Editions(editions.into())
    }

    /// Puts a directory in force: each shard takes it over in its next turn.
    pub fn publish(&self, directory: &Arc<Directory>, touched: &Touched) {
        for edition in &*self.0 {
            edition.put(|place| {
                let before = place.directory.take().map(|(_, touched)| touched);
                let mut sum = before.unwrap_or_default();
                sum.extend(touched.clone());
                place.directory = Some((directory.clone(), sum));
            });
        }
    }

    /// Waits until all shards have taken what was put there, so that whoever is answered then finds
    /// it in force; no longer than `patience`, for a shard that is busy takes it by itself.
    pub fn await_taken(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.0.iter().for_each(|edition| edition.await_taken(deadline));
    }

    /// Has the shards forget the messages of a room up to a number.
    pub fn revise(&self, room: Guid, through: u64) {
        for edition in &*self.0 {
            edition.put(|place| {
                let known = place.revised.entry(room).or_default();
                *known = through.max(*known);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_added_up() {
        let edition = Edition::new(Arc::default());
        let editions = Editions::new(vec![edition.clone()]);
        let first = Arc::new(Directory::new("example.test", Vec::new()).unwrap());
        let (second, _) = first.apply(&[]).unwrap();
        let touch = |room| {
            let mut touched = Touched::default();
            touched.rooms.insert(Guid(room));
            touched
        };
        editions.publish(&first, &touch(1));
        editions.publish(&Arc::new(second), &touch(2));
        editions.revise(Guid(1), 7);
        editions.revise(Guid(1), 5);
        let Contents { directory, revised } = edition.take();
        let (directory, touched) = directory.unwrap();
        assert_eq!(directory.revision.0, first.revision.0 + 1);
        assert_eq!(touched.rooms.len(), 2);
        assert_eq!(revised, BTreeMap::from([(Guid(1), 7)]));
        let empty = edition.take();
        assert!(empty.directory.is_none() && empty.revised.is_empty());
    }

    #[test]
    fn who_waits_goes_on_when_all_have_taken_it() {
        let places = [(); 2].map(|()| Edition::new(Arc::default()));
        let editions = Editions::new(places.to_vec());
        let directory = Arc::new(Directory::new("example.test", Vec::new()).unwrap());
        editions.await_taken(Duration::from_secs(3_600));
        editions.publish(&directory, &Touched::default());
        // A shard that does not come is not waited for.
        editions.await_taken(Duration::ZERO);
        let shards = std::thread::spawn({
            let places = places.clone();
            move || places.iter().filter(|place| place.take().directory.is_some()).count()
        });
        // A wake-up that is lost hangs the test.
        editions.await_taken(Duration::from_secs(3_600));
        assert!(places.iter().all(|place| place.take().directory.is_none()));
        assert_eq!(shards.join().unwrap(), 2);
    }
}
