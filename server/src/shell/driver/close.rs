//! How links end.

use super::link::{LinkKey, Stage, Stream};
use super::{CLOSING_MS, Driver, write};
use parlance_core::{Close, Input, LinkId};

impl<S: Stream> Driver<S> {
    /// The core wants a link closed.
    pub(super) fn close(&mut self, id: LinkId, flush: bool, reason: Close) {
        let Some(key) = self.links.key(id) else { return };
        let now = self.parts.clock.now().instant;
        let link = self.links.find(key).expect("a named link is in the table");
        self.parts.reporter.closed(now, link.info.peer, reason);
        if flush {
            link.stage = Stage::Flushing(id);
            self.links.closings.push_back((now.plus_ms(CLOSING_MS), key));
            self.links.mark_dirty(key);
        } else {
            self.lost(key);
        }
    }

    /// Nothing more is to be written: shuts our half and waits for the peer's.
    pub(super) fn linger(&mut self, key: LinkKey) {
        let now = self.parts.clock.now().instant;
        let Some(link) = self.links.find(key) else { return };
        if let Some(tls) = &mut link.tls {
            tls.close();
            // Best effort: a peer that does not read its goodbye does not need it.
            let _ = tls.write(&mut write::Direct(&link.stream));
        }
        let _ = rustix::net::shutdown(&link.stream, rustix::net::Shutdown::Write);
        link.is_blocked = false;
        match std::mem::replace(&mut link.stage, Stage::Lingering) {
            Stage::Handshake => self.end_handshake(),
            Stage::Up(id) => self.forget(id),
            Stage::Flushing(id) => return self.forget(id),
            Stage::Lingering => return,
        }
        self.links.closings.push_back((now.plus_ms(CLOSING_MS), key));
    }

    /// The link is over, now.
    pub(super) fn lost(&mut self, key: LinkKey) {
        let Some(link) = self.links.remove(key) else { return };
        match link.stage {
            Stage::Handshake => self.end_handshake(),
            Stage::Up(id) | Stage::Flushing(id) => self.forget(id),
            Stage::Lingering => (),
        }
    }

    /// Tells the core that a link is gone.
    fn forget(&mut self, id: LinkId) {
        self.links.unname(id);
        // What follows is collected at the end of the turn: this may be called while outputs are
        // being collected already.
        self.shard.handle(self.parts.clock.now(), Input::LinkDown { link: id });
        self.schedule_turn();
    }

    /// TLS cannot go on: the alert goes out if the socket takes it, and the link is closed.
    pub(super) fn failed_tls(&mut self, key: LinkKey, error: &rustls::Error) {
        let Some(link) = self.links.find(key) else { return };
        let (peer, stage) = (link.info.peer, link.stage);
        if stage == Stage::Handshake {
            self.counters.handshakes_failed += 1;
        }
        let now = self.parts.clock.now().instant;
        self.parts.reporter.tls_failed(now, peer, error);
        self.linger(key);
    }
}
