//! A client whose front end hides that the server was started anew learns it by a 481, opens a new
//! dialog and believes to be in its rooms still: then it is.

use parlance_tests::peer::{Dialog, Names, Peer, command, post};
use parlance_tests::server::{Options, Room, Server};

/// A client in `room`, with an endpoint identifier.
fn member(server: &Server, room: &Room) -> Dialog {
    let names = Names { epid: "0123456789".into(), ..Names::fresh("kay") };
    let mut dialog = Dialog::open_as(server.sip, names);
    let data = format!("<chanid key=\"0\" domain=\"example.test\" value=\"{}\"/>", room.id);
    assert_eq!(dialog.info(&command("join", &data)), 200);
    dialog.told();
    dialog
}

/// Its next request on a new link, and what it does then, as pidgin-sipe does. Status of a post in
/// the new dialog.
fn come_back(server: &Server, mut dialog: Dialog, room: &Room) -> u16 {
    dialog.peer = Peer::connect(server.sip);
    assert_eq!(dialog.ask("UPDATE", &[], b""), 481);
    let names = Names { epid: dialog.names.epid.clone(), ..Names::fresh("kay") };
    let mut again = Dialog::open_as(server.sip, names);
    let data = "<inv inviteId=\"1\" domain=\"example.test\"/>";
    assert_eq!(again.info(&command("getinv", data)), 200);
    again.told();
    let author = again.names.uri();
    again.info(&post(&room.uri(), &author, "still here"))
}

/// The next run of the server knows what the database was told every second.
fn remembers(end: fn(&mut Server)) {
    let room = Room::numbered(1);
    let mut server = Server::start(&Options::default());
    let dialog = member(&server, &room);
    let database = server.folder().join("data/parlance.sqlite");
    while !knows_an_endpoint(&database) {}
    end(&mut server);
    server.kill_and_restart();
    assert_eq!(come_back(&server, dialog, &room), 200);
}

fn knows_an_endpoint(database: &std::path::Path) -> bool {
    use parlance_storage::sql::{SqliteStore, Store};
    let mut store = SqliteStore::open(database).expect("a second reader");
    !store.endpoints().expect("the tables are there").is_empty()
}

#[test]
fn after_a_kill() {
    remembers(|_| ());
}

#[test]
fn after_an_orderly_end() {
    remembers(|server| assert!(server.stop().success()));
}
