//! The newest directory on its way to the shards.
//!
//! Each shard has a place of its own for it. What is not taken yet is replaced by what is newer,
//! and whom the two touch is added up, so that the place holds one directory whatever happens.

use super::doorbell::Doorbell;
use parlance_core::Directory;
use parlance_core::directory::Touched;
use std::sync::{Arc, Mutex, PoisonError};

/// A directory, and whom the changes since the one before touch.
type News = (Arc<Directory>, Touched);

/// One shard's place.
#[derive(Debug, Clone)]
pub struct Edition {
    place: Arc<Mutex<Option<News>>>,
    bell: Arc<Doorbell>,
}

impl Edition {
    /// An empty place, of the shard with this bell.
    pub fn new(bell: Arc<Doorbell>) -> Edition {
        Edition { place: Arc::default(), bell }
    }

    /// What has been put there since the last time.
    pub fn take(&self) -> Option<News> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, directory: &Arc<Directory>, touched: &Touched) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = place.take().map_or_else(Touched::default, |(_, before)| before);
        sum.extend(touched.clone());
        *place = Some((directory.clone(), sum));
        drop(place);
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

    /// Puts a directory in force: each shard takes it over when it has its next turn.
    pub fn publish(&self, directory: &Arc<Directory>, touched: &Touched) {
        self.0.iter().for_each(|edition| edition.put(directory, touched));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlance_wire::xccos::Guid;

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
        let (directory, touched) = edition.take().unwrap();
        assert_eq!(directory.revision.0, first.revision.0 + 1);
        assert_eq!(touched.rooms.len(), 2);
        assert!(edition.take().is_none());
    }
}
