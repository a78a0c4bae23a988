//! One author who posts without waiting, and what the room says afterwards.

use crate::peer::{Dialog, command, post};
use crate::server::{Room, Server};
use parlance_wire::xccos::{self, Delivery, FromServer, ReplyData};

/// Enters a room.
pub fn join(dialog: &mut Dialog, room: &Room) {
    let data = format!("<chanid key=\"0\" domain=\"example.test\" value=\"{}\"/>", room.id);
    assert_eq!(dialog.info(&command("join", &data)), 200);
    let reply = String::from_utf8(dialog.told()).expect("UTF-8");
    assert!(reply.contains("SUCCESS_OK"), "{reply}");
}

/// What a room shows of what was said in it.
pub fn history(server: &Server, room: &Room) -> Vec<Delivery> {
    let mut reader = Dialog::open(server.sip, "reader");
    let uri = room.uri();
    let data = format!("<chanib uri=\"{uri}\"/><bcq><last cnt=\"500\"/></bcq>");
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

    /// Waits until `enough` of them are answered. Returns which, and with what.
    pub fn answers(&self, dialog: &mut Dialog, enough: usize) -> Vec<(String, u16)> {
        let take = |_| {
            let (number, status) = dialog.next_answer();
            (self.texts[(number - self.first) as usize].clone(), status)
        };
        (0..enough).map(take).collect()
    }

    /// The same where all of these must be answered with 200.
    pub fn acknowledged(&self, dialog: &mut Dialog, enough: usize) -> Vec<String> {
        let answers = self.answers(dialog, enough).into_iter();
        let accepted = answers.map(|(text, status)| (status == 200).then_some(text));
        accepted.collect::<Option<_>>().expect("posts are accepted")
    }
}
