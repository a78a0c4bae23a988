//! Walls stand, too, when a server starts while its database is away.

use crate::http::Api;
use crate::join;
use parlance_tests::postgres::Cluster;
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::tool::tool;
use serde_json::json;
use std::time::{Duration, Instant};

fn whole(server: &Server) {
    server.until_metric("parlance_replica_whole", |is_whole| is_whole == 1.0);
}

/// Until an act is taken again.
fn until_back(api: &Api, room: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while api.patch(room, &json!({"description": "back"})).status != 200 {
        assert!(Instant::now() < deadline, "the database is back");
    }
}

#[test]
fn who_was_shut_out_stays_out_while_the_database_is_away() {
    let mut cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(why) => return println!("SKIPPED a start without PostgreSQL: {why}"),
    };
    cluster.execute("postgres", "CREATE DATABASE chat");
    let options = Options { sql: cluster.url("chat"), ..Options::default() };
    let mut server = Server::start(&options);
    let (folder, room) = (server.folder().to_owned(), format!("/rooms/{}", Room::numbered(1).id));
    let api = Api::of(&server);
    let uris = ["ann", "bob", "eve"].map(|name| format!("sip:{name}@example.test"));
    for uri in &uris {
        assert_eq!(api.post("/people", &json!({"uri": uri})).status, 201);
    }
    let closed = json!({"privacy": "closed", "members": {"add": uris}});
    assert_eq!(api.patch(&room, &closed).status, 200);
    whole(&server);
    let out = json!({"members": {"remove": [uris[1]]}});
    assert_eq!(api.patch(&room, &out).status, 200);

    // Killed at once: what was answered is in force.
    cluster.stop();
    server.kill_and_restart();
    server.until_said("the database is away");
    assert_eq!(["ann", "bob", "eve"].map(|user| join(&server, user)), [200, 403, 200]);
    let refused = Api::of(&server).patch(&room, &json!({"members": {"remove": [uris[2]]}}));
    assert_eq!(refused.status, 503, "{refused:?}");

    // It is back: acts are taken again, by the server and by a command without one.
    cluster.run();
    let api = Api::of(&server);
    until_back(&api, &room);
    whole(&server);
    assert!(server.stop().success());
    tool(&folder, &["admin", "room", "set", "Room 1", "--remove-members", &uris[2]]).done();
    cluster.stop();
    server.restart();
    server.until_said("the database is away");
    assert_eq!(["ann", "bob", "eve"].map(|user| join(&server, user)), [200, 403, 403]);

    // Somebody else has changed the database meanwhile: this is noticed when it is there.
    cluster.run();
    let api = Api::of(&server);
    until_back(&api, &room);
    assert!(server.stop().success());
    cluster.execute("chat", "UPDATE directory SET revision = revision + 1");
    server.restart();
    whole(&server);
    server.until_said("the server can start without its database now");
}
