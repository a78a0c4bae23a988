//! History, searches and preferences by the real binary, from both databases: what was said before
//! the last start, what was said just now, and what a user is told while the database is away.

use parlance_tests::peer::{Dialog, command, post};
use parlance_tests::postgres;
use parlance_tests::server::{Options, Room, Server, binary};
use parlance_wire::xccos::{
    self, Command, Found, FromServer, HistorySearch, Preference, Reply, ReplyData, ResponseCode,
    RoomRef,
};
use std::fmt::Write as _;

fn reference(room: &Room) -> RoomRef {
    RoomRef::parse(&room.uri()).expect("a room's URI")
}

fn join(dialog: &mut Dialog, room: &Room) {
    let data = format!("<chanid key=\"0\" domain=\"example.test\" value=\"{}\"/>", room.id);
    assert_eq!(dialog.info(&command("join", &data)), 200);
    dialog.told();
}

/// Says texts in a room, one after the other.
fn say(server: &Server, user: &str, room: &Room, texts: &[String]) {
    let mut dialog = Dialog::open(server.sip, user);
    join(&mut dialog, room);
    let author = dialog.names.uri();
    for text in texts {
        assert_eq!(dialog.info(&post(&room.uri(), &author, text)), 200);
    }
}

/// A command's reply.
fn ask(dialog: &mut Dialog, command: &Command) -> Reply {
    let mut body = Vec::new();
    xccos::encode_command(&mut body, 1, command);
    assert_eq!(dialog.info(&body), 200);
    match xccos::decode_server(&dialog.told()) {
        Ok(FromServer::Replies(mut replies)) => replies.remove(0),
        other => panic!("no reply: {other:?}"),
    }
}

fn search(dialog: &mut Dialog, room: &Room, change: impl FnOnce(&mut HistorySearch)) -> Found {
    let mut search = HistorySearch { rooms: vec![reference(room)], ..HistorySearch::default() };
    change(&mut search);
    match ask(dialog, &Command::BcByDate(Box::new(search))) {
        Reply { code: ResponseCode::Success, data: ReplyData::Found(found), .. } => found,
        other => panic!("nothing found: {other:?}"),
    }
}

fn texts(found: &Found) -> Vec<&str> {
    found.rooms[0].messages.iter().map(|message| &*message.chat).collect()
}

fn preference(label: &str, seqid: u64, content: Option<&str>) -> Preference {
    let content = content.map(str::to_owned);
    Preference { label: label.to_owned(), seqid, create_default: false, content }
}

fn kept(reply: Reply) -> Preference {
    match reply.data {
        ReplyData::Preference(preference) => preference,
        other => panic!("no preference: {other:?}"),
    }
}

/// What a user searches for and writes down is there at once, and after the server was killed.
fn is_found_and_kept(options: &Options) {
    let mut server = Server::start(options);
    let (one, two) = (Room::numbered(1), Room::numbered(2));
    let said: Vec<String> = (1..=40).map(|n| format!("pier {n} reads {} m", n % 7)).collect();
    say(&server, "kay", &one, &said);
    say(&server, "lee", &one, &["Pier 41 is closed".into()]);

    let mut reader = Dialog::open(server.sip, "reader");
    for round in ["before", "after"] {
        // Nobody waits for the database: what was acknowledged is found.
        let newest = search(&mut reader, &one, |s| {
            (s.is_backwards, s.count_max) = (true, Some(2));
        });
        assert_eq!(texts(&newest), ["pier 40 reads 5 m", "Pier 41 is closed"], "{round}");
        assert!(newest.is_exceeded);
        let phrase = search(&mut reader, &one, |s| {
            (s.text, s.is_phrase) = ("pier 4".into(), true);
        });
        assert_eq!(texts(&phrase), ["pier 4 reads 4 m"]);
        let of_lee = search(&mut reader, &one, |s| {
            (s.text, s.authors) = ("pier".into(), vec!["sip:lee@example.test".into()]);
        });
        assert_eq!(texts(&of_lee), ["Pier 41 is closed"]);
        assert_eq!(texts(&search(&mut reader, &two, |_| ())), [""; 0]);

        // Page by page, as who wants everything does.
        let (mut numbers, mut start) = (Vec::new(), 1);
        loop {
            let page = search(&mut reader, &one, |s| {
                (s.start, s.count_max) = (Some(start), Some(7));
            });
            numbers.extend(page.rooms[0].messages.iter().map(|message| message.chat_id));
            start = numbers.last().copied().unwrap_or(0) + 1;
            if !page.is_exceeded {
                break;
            }
        }
        assert_eq!(numbers, (1..=41).collect::<Vec<u64>>(), "{round}");

        let known = if round == "before" { 0 } else { 2 };
        let set = |known| Command::SetPref(preference("reader.Rooms", known, Some("b25l")));
        let written = kept(ask(&mut reader, &set(known)));
        assert_eq!(written.seqid, known + 1);
        assert_eq!(kept(ask(&mut reader, &set(known + 1))).seqid, known + 2);
        let get = Command::GetPref(preference("reader.Rooms", 0, None));
        let read = kept(ask(&mut reader, &get));
        assert_eq!((read.seqid, read.content.as_deref()), (known + 2, Some("b25l")));
        let stale = ask(&mut reader, &set(0));
        assert_eq!(stale.code, ResponseCode::DataCollision);

        if round == "before" {
            server.kill_and_restart();
            reader = Dialog::open(server.sip, "reader");
        }
    }
    // Shards publish their numbers now and then.
    while server.metric("parlance_queries_failed_total", "") == 0.0 {}
    assert_eq!(server.metric("parlance_queries_failed_total", ""), 1.0, "the stale write");
}

fn options() -> Options {
    Options { rooms: vec![Room::numbered(1), Room::numbered(2)], ..Options::default() }
}

#[test]
fn searches_and_preferences_in_sqlite() {
    is_found_and_kept(&options());
}

#[test]
fn searches_and_preferences_in_postgresql() {
    match postgres::Cluster::start() {
        Ok(cluster) => {
            cluster.execute("postgres", "CREATE DATABASE chat");
            is_found_and_kept(&Options { sql: cluster.url("chat"), ..options() });
        }
        Err(why) => println!("SKIPPED searches in PostgreSQL: {why}"),
    }
}

#[test]
fn a_database_that_is_away_costs_readers_their_history_and_nobody_their_chat() {
    let mut cluster = match postgres::Cluster::start() {
        Ok(cluster) => cluster,
        Err(why) => return println!("SKIPPED readers without PostgreSQL: {why}"),
    };
    cluster.execute("postgres", "CREATE DATABASE chat");
    let server = Server::start(&Options { sql: cluster.url("chat"), ..options() });
    let room = Room::numbered(1);
    say(&server, "kay", &room, &["before".into()]);
    server.until_stored();
    cluster.kill();
    let mut reader = Dialog::open(server.sip, "reader");
    let everything = HistorySearch { rooms: vec![reference(&room)], ..HistorySearch::default() };
    let everything = Command::BcByDate(Box::new(everything));
    assert_eq!(ask(&mut reader, &everything).code, ResponseCode::DatabaseConnection);
    let get = Command::GetPref(preference("l", 0, None));
    assert_eq!(ask(&mut reader, &get).code, ResponseCode::DatabaseConnection);
    say(&server, "kay", &room, &["meanwhile".into()]);
    let context = Command::BcContext { room: reference(&room), count: 9 };
    match ask(&mut reader, &context) {
        Reply {
            code: ResponseCode::Success, data: ReplyData::History { messages, .. }, ..
        } => {
            assert_eq!(messages.len(), 2, "the room itself keeps the newest");
        }
        other => panic!("no history: {other:?}"),
    }
    server.until_said("the database does not answer questions");
    cluster.run();
    server.until_stored();
    assert_eq!(texts(&search(&mut reader, &room, |_| ())), ["before", "meanwhile"]);
}

/// With so many rooms a start reads the last message of each only.
#[test]
fn history_of_one_room_among_many_comes_from_the_database() {
    const ROOMS: u32 = 450;
    let limits = vec!["history_max = 500".into(), "recent_max = 500".into()];
    let rooms: Vec<Room> = (1..=ROOMS).map(Room::numbered).collect();
    let options = Options { rooms: rooms.clone(), limits, ..Options::default() };
    let mut server = Server::start(&options);
    assert!(server.stop().success());
    let mut lines =
        String::from("{\"parlance_export\":1,\"domain\":\"example.test\",\"rooms\":[]}\n");
    for room in &rooms {
        let last = if room.id == rooms[0].id { 60 } else { 1 };
        for number in 1..=last {
            let _ = writeln!(
                lines,
                "{{\"room\":\"{}\",\"term\":0,\"number\":{number},\
                 \"ts\":\"2024-01-01T00:00:{:02}Z\",\"author\":\"sip:kay@example.test\",\
                 \"author_name\":\"kay\",\"alert\":false,\"chat\":\"said {number}\",\"rtf\":null}}",
                room.id,
                number - 1
            );
        }
    }
    let file = server.folder().join("rooms.jsonl");
    std::fs::write(&file, lines).expect("the export is written");
    let mut import = std::process::Command::new(binary("parlance"));
    import.arg("import").arg(&file).arg("--config").arg("parlance.toml");
    let said = import.current_dir(server.folder()).output().expect("the program runs");
    assert!(said.status.success(), "{said:?}");

    server.kill_and_restart();
    let mut reader = Dialog::open(server.sip, "reader");
    let context = Command::BcContext { room: reference(&rooms[0]), count: 50 };
    for asked in [1.0, 1.0] {
        let ReplyData::History { messages, .. } = ask(&mut reader, &context).data else {
            panic!("no history")
        };
        let numbers: Vec<u64> = messages.iter().map(|message| message.chat_id).collect();
        assert_eq!(numbers, (11..=60).collect::<Vec<u64>>());
        // What was read once, the room keeps.
        while server.metric("parlance_queries_total", "") < asked {}
        assert_eq!(server.metric("parlance_queries_total", ""), asked);
    }
    say(&server, "kay", &rooms[0], &["and on".into()]);
    let ReplyData::History { messages, .. } = ask(&mut reader, &context).data else {
        panic!("no history")
    };
    assert_eq!(messages.last().map(|message| message.chat_id), Some(61));
}
