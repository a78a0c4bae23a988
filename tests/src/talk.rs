//! One author who posts without waiting, and what the room says afterwards.

use crate::peer::{Dialog, command, post};
use crate::server::{Room, Server};
use parlance_wire::xccos::{self, Delivery, FromServer, ReplyData};
use std::collections::BTreeSet;

/// Enters a room.
pub fn join(dialog: &mut Dialog, room: &Room) {
    let data = format!("<chanid key=\"0\" domain=\"example.test\" value=\"{}\"/>", room.id);
    assert_eq!(dialog.info(&command("join", &data)), 200);
    let reply = String::from_utf8(dialog.told()).expect("UTF-8");
    assert!(reply.contains("SUCCESS_OK"), "{reply}");
}

/// Most messages that [`history`] asks for; a server must be configured to give as many.
pub const HISTORY_MAX: usize = 500;

/// What a room shows of what was said in it.
pub fn history(server: &Server, room: &Room) -> Vec<Delivery> {
    let mut reader = Dialog::open(server.sip, "reader");
    let uri = room.uri();
    let data = format!("<chanib uri=\"{uri}\"/><bcq><last cnt=\"{HISTORY_MAX}\"/></bcq>");
    assert_eq!(reader.info(&command("bccontext", &data)), 200);
    match xccos::decode_server(&reader.told()) {
        Ok(FromServer::Replies(mut replies)) => match replies.remove(0).data {
            ReplyData::History { messages, .. } => messages,
            other => panic!("no history: {other:?}"),
        },
        other => panic!("no reply: {other:?}"),
    }
}

/// Posts on their way: their texts, in order.
#[derive(Debug)]
pub struct Burst {
    texts: Vec<String>,
    /// CSeq of the first.
    first: u32,
}

impl Burst {
    /// Sends `count` posts at once: `<name>:0`, `<name>:1` and so on.
    pub fn send(dialog: &mut Dialog, room: &Room, name: &str, count: usize) -> Burst {
        let author = dialog.names.uri();
        let first = dialog.cseq + 1;
        let texts: Vec<String> = (0..count).map(|n| format!("{name}:{n}")).collect();
        for text in &texts {
            dialog.cseq += 1;
            let body = post(&room.uri(), &author, text);
            let request = dialog.names.request("INFO", dialog.cseq, &[], &body);
            dialog.peer.send(&request);
        }
        Burst { texts, first }
    }

    /// Waits until `enough` of them are answered, or the server closes the link. Returns which, and
    /// with what.
    pub fn answers(&self, dialog: &mut Dialog, enough: usize) -> Vec<(String, u16)> {
        let take = |_| {
            let (number, status) = dialog.last_answer()?;
            Some((self.texts[(number - self.first) as usize].clone(), status))
        };
        (0..enough).map_while(take).collect()
    }

    /// The same where all of these must be answered with 200.
    pub fn acknowledged(&self, dialog: &mut Dialog, enough: usize) -> Vec<String> {
        let answers = self.answers(dialog, enough);
        assert_eq!(answers.len(), enough, "the link stays");
        let accepted = answers.into_iter().map(|(text, status)| (status == 200).then_some(text));
        accepted.collect::<Option<_>>().expect("posts are accepted")
    }
}

/// Checks a whole history against what was acknowledged: numbered from one on without a hole,
/// nothing twice, and all that was acknowledged in its order.
///
/// # Panics
/// If that is not so; with `when` in the message.
pub fn assert_kept(history: &[Delivery], acknowledged: &[String], when: &str) {
    let numbers: Vec<u64> = history.iter().map(|message| message.chat_id).collect();
    assert_eq!(numbers, (1..=history.len() as u64).collect::<Vec<_>>(), "{when}");
    let texts: Vec<&str> = history.iter().map(|message| &*message.chat).collect();
    let once: BTreeSet<&str> = texts.iter().copied().collect();
    assert_eq!(once.len(), texts.len(), "something is there twice {when}");
    let kept: Vec<&str> =
        texts.iter().copied().filter(|t| acknowledged.iter().any(|a| a == t)).collect();
    assert_eq!(kept, acknowledged, "all that was acknowledged, in order, {when}");
}
