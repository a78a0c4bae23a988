//! Watches SIP on one host's link: each request gets one final response, INFOs come in order and
//! never more of them than the window allows.

use parlance_wire::sip::{Frame, Framer, Message, Method, StartLine};
use std::collections::{BTreeMap, BTreeSet};

/// What the server sent in one dialog.
#[derive(Debug, Default)]
struct Incoming {
    last_cseq: u32,
    unanswered: BTreeSet<u32>,
}

/// See the module's text.
#[derive(Debug)]
pub struct Witness {
    window: usize,
    /// Off while messages are tampered with on their way.
    pub checks_order: bool,
    /// Requests without final response: Call-ID, CSeq, method.
    pending: BTreeSet<(String, u32, String)>,
    dialogs: BTreeMap<String, Incoming>,
    /// What was wrong, for the ledger to collect.
    pub violations: Vec<String>,
    /// The window was seen full.
    pub saw_full_window: bool,
}

impl Witness {
    /// Knows nothing yet.
    pub fn new(window: u32) -> Witness {
        Witness {
            window: window as usize,
            checks_order: true,
            pending: BTreeSet::new(),
            dialogs: BTreeMap::new(),
            violations: Vec::new(),
            saw_full_window: false,
        }
    }

    /// The link is gone: nothing is owed on it any more.
    pub fn lost(&mut self) {
        self.pending.clear();
        self.dialogs.clear();
    }

    /// Requests that still wait for their final response.
    pub fn pending(&self) -> impl Iterator<Item = &(String, u32, String)> {
        self.pending.iter()
    }

    /// The client sends whole messages.
    pub fn sent(&mut self, bytes: &[u8]) {
        let (mut framer, mut rest) = (Framer::with_body_bytes_max(usize::MAX / 2), bytes);
        while let Ok(Some(Frame::Message { head_len, len })) = framer.next(rest) {
            let message = Message::parse(&rest[..len], head_len).expect("clients write well");
            let (call_id, cseq) = (message.call_id(), message.cseq());
            match message.start() {
                StartLine::Request { method: Method::Ack, .. } => {}
                StartLine::Request { method, .. } => {
                    let key = (call_id.to_owned(), cseq.number, method.as_str().to_owned());
                    self.pending.insert(key);
                }
                StartLine::Response { .. } => {
                    if let Some(dialog) = self.dialogs.get_mut(call_id) {
                        dialog.unanswered.remove(&cseq.number);
                    }
                }
            }
            rest = &rest[len..];
        }
        let left = String::from_utf8_lossy(rest);
        assert!(rest.is_empty(), "clients send whole messages: {left:.400}");
    }

    /// One whole message of the server arrives.
    pub fn received(&mut self, bytes: &[u8], head_len: usize) {
        let message = match Message::parse(bytes, head_len) {
            Ok(message) => message,
            Err(error) => return self.violations.push(format!("unreadable message: {error}")),
        };
        let (call_id, cseq) = (message.call_id(), message.cseq());
        match message.start() {
            StartLine::Response { status: 100..=199, .. } => {}
            StartLine::Response { status, .. } => {
                let method = cseq.method.as_str().to_owned();
                if !self.pending.remove(&(call_id.to_owned(), cseq.number, method)) {
                    let what = format!("answer {status} to nothing: {call_id} {}", cseq.number);
                    self.violations.push(what);
                }
            }
            StartLine::Request { method: Method::Info, .. } => self.info(call_id, cseq.number),
            StartLine::Request { method, .. } => {
                self.violations.push(format!("the server sent {}", method.as_str()));
            }
        }
    }

    fn info(&mut self, call_id: &str, cseq: u32) {
        let dialog = self.dialogs.entry(call_id.to_owned()).or_default();
        let expected = dialog.last_cseq + 1;
        dialog.last_cseq = cseq;
        dialog.unanswered.insert(cseq);
        let open = dialog.unanswered.len();
        self.saw_full_window |= open == self.window;
        if self.checks_order && cseq != expected {
            self.violations.push(format!("INFO {cseq} after {}: {call_id}", expected - 1));
        }
        if self.checks_order && open > self.window {
            self.violations.push(format!("{open} INFOs unanswered, window {}", self.window));
        }
    }
}
