//! The links of this process: opened when the first of their endpoints signs in, which nobody waits
//! for.

use super::link::Link;
use super::plan::Plan;
use super::world::World;
use parlance_loadgen::{Client, ClientConfig};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

/// Links that are being opened at once; further ones wait, and their time is counted.
pub const OPENING_MAX: u32 = 256;

enum Slot {
    Absent,
    /// These sign in when it is up.
    Opening(Vec<u32>),
    Up(Rc<Link>),
}

/// See the module's text.
pub struct Links {
    plan: Rc<Plan>,
    world: Rc<RefCell<World>>,
    /// By number.
    slots: RefCell<Vec<Slot>>,
    opening: Cell<u32>,
    fault: RefCell<Option<String>>,
}

impl Links {
    pub fn new(plan: &Rc<Plan>, world: &Rc<RefCell<World>>) -> Rc<Links> {
        let slots = (0..plan.links.count()).map(|_| Slot::Absent).collect();
        Rc::new(Links {
            plan: Rc::clone(plan),
            world: Rc::clone(world),
            slots: RefCell::new(slots),
            opening: Cell::new(0),
            fault: RefCell::default(),
        })
    }

    /// An endpoint signs in, which it should have begun at `due`.
    pub fn sign_in(self: &Rc<Links>, endpoint: u32, due: Instant) {
        let index = self.plan.link_of(endpoint);
        self.world.borrow_mut().begin(endpoint, index, due);
        let slot = &mut self.slots.borrow_mut()[index as usize];
        match slot {
            Slot::Up(link) => link.add(self.client(endpoint, link)),
            Slot::Opening(waiting) => waiting.push(endpoint),
            Slot::Absent => {
                *slot = Slot::Opening(vec![endpoint]);
                self.opening.set(self.opening.get() + 1);
                tokio_uring::spawn(Rc::clone(self).open(index));
            }
        }
    }

    async fn open(self: Rc<Links>, index: u32) {
        let opened = Link::open(index, &self.plan, &self.world).await;
        self.opening.set(self.opening.get() - 1);
        let slot = &mut self.slots.borrow_mut()[index as usize];
        let Slot::Opening(waiting) = std::mem::replace(slot, Slot::Absent) else { return };
        match opened {
            Ok(link) => {
                for endpoint in waiting {
                    link.add(self.client(endpoint, &link));
                }
                *slot = Slot::Up(link);
            }
            Err(error) => {
                self.world.borrow_mut().never_came(&waiting, &error);
                self.fault.borrow_mut().get_or_insert(error);
            }
        }
    }

    fn client(&self, endpoint: u32, link: &Link) -> Client {
        let plan = &self.plan;
        let mut config = ClientConfig::numbered(endpoint, &plan.domain, &link.sent_by(), plan.seed);
        config.user = format!("u{}", plan.user_of(endpoint));
        config.sign_in = plan.sign_in;
        Client::new(config)
    }

    /// Too many are being opened to begin with another one.
    pub fn is_busy(&self) -> bool {
        self.opening.get() >= OPENING_MAX
    }

    /// Why the first link that could not be opened could not.
    pub fn fault(&self) -> Option<String> {
        self.fault.borrow().clone()
    }

    /// A link that is up, or was.
    pub fn get(&self, index: u32) -> Option<Rc<Link>> {
        match &self.slots.borrow()[index as usize] {
            Slot::Up(link) => Some(Rc::clone(link)),
            Slot::Absent | Slot::Opening(_) => None,
        }
    }

    pub fn close(&self) {
        let slots = self.slots.borrow();
        for slot in slots.iter() {
            if let Slot::Up(link) = slot {
                link.close();
            }
        }
    }
}
