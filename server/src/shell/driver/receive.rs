//! Reading: what came in on a link, through TLS where there is any, to the core.

use super::link::{LinkKey, Stage, Stream};
use super::{Driver, Received};
use parlance_core::{Input, Refusal};

impl<S: Stream> Driver<S> {
    /// `count` bytes of a link are in the read buffer.
    pub(super) fn received(&mut self, key: LinkKey, count: usize) {
        let Some(link) = self.links.find(key) else { return };
        if matches!(link.stage, Stage::Flushing(_) | Stage::Lingering) {
            return;
        }
        let Some(tls) = &mut link.tls else {
            if let Stage::Up(link) = link.stage {
                let bytes = &self.read_buffer[..count];
                let now = self.parts.clock.now();
                self.shard.handle(now, Input::Bytes { link, bytes });
                self.collect();
            }
            return;
        };
        if link.stage == Stage::Handshake {
            self.handshake_steps += 1;
        }
        self.plain.clear();
        let outcome = tls.receive(&mut self.read_buffer[..count], &mut self.plain);
        let is_agreed = !tls.is_handshaking();
        if tls.wants_write() {
            self.links.mark_dirty(key);
            self.schedule_turn();
        }
        if is_agreed && self.up_after_handshake(key).is_err() {
            self.counters.refused += 1;
            return self.lost(key);
        }
        self.received_plain(key);
        match outcome {
            Ok(Received::Open) => (),
            // Our own goodbye is owed (RFC 8446 §6.1): without it the peer must think of an attack.
            Ok(Received::Closed) => self.linger(key),
            Err(error) => self.failed_tls(key, &error),
        }
    }

    /// What TLS gave goes to the core.
    fn received_plain(&mut self, key: LinkKey) {
        let Some(link) = self.links.find(key) else { return };
        if let Stage::Up(link) = link.stage
            && !self.plain.is_empty()
        {
            let now = self.parts.clock.now();
            self.shard.handle(now, Input::Bytes { link, bytes: &self.plain });
            self.collect();
        }
    }

    /// Tells the core of a link whose handshake is complete; nothing if it knows already.
    fn up_after_handshake(&mut self, key: LinkKey) -> Result<(), Refusal> {
        let Some(link) = self.links.find(key) else { return Ok(()) };
        if link.stage == Stage::Handshake {
            let info = link.info.clone();
            let is_resumed = link.tls.as_ref().is_some_and(|tls| tls.is_resumed());
            let id = self.shard.link_up(self.parts.clock.now(), info)?;
            self.end_handshake();
            match is_resumed {
                true => self.counters.handshakes_resumed += 1,
                false => self.counters.handshakes_full += 1,
            }
            self.links.name(key, id);
        }
        Ok(())
    }
}
