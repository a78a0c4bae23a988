//! Who belongs to what in a real OpenLDAP decides who may enter which room here.

// The package that reads other directories has a server of its own for its tests.
#[path = "../../../server/src/people/tests/slapd.rs"]
#[expect(dead_code, reason = "TLS is tried there")]
mod slapd;

use crate::http::Api;
use crate::join;
use ldap3::Mod;
use parlance_tests::peer::Dialog;
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::tool::tool;
use serde_json::json;
use slapd::{READER, Slapd, group_entry, user_entry};
use std::collections::HashSet;

fn user_dn(name: &str) -> String {
    format!("uid={name},dc=example,dc=com")
}

fn group_dn(name: &str) -> String {
    format!("cn={name},dc=example,dc=com")
}

fn user(name: &str) -> String {
    user_entry(&user_dn(name), name, &format!("mail: {name}@example.test\n"))
}

fn group(name: &str, members: &[String]) -> String {
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    group_entry(&group_dn(name), name, &members)
}

/// A server that follows this directory; by itself not while a test lasts.
fn follow(slapd: &Slapd) -> Server {
    let ldap = vec![
        format!("url = {:?}", slapd.url()),
        format!("bind_dn = {READER:?}"),
        format!("password_file = {:?}", slapd.password_file()),
        "base = \"dc=example,dc=com\"".to_owned(),
        "schema = \"inetorgperson\"".to_owned(),
        "interval_s = 86400".to_owned(),
    ];
    Server::start(&Options { ldap, ..Options::default() })
}

#[test]
fn a_change_in_openldap_is_a_change_of_access() {
    let users = ["ann", "bob", "cyd", "dan"];
    let ldif = [
        users.map(user).concat(),
        group("staff", &[user_dn("ann"), user_dn("dan"), group_dn("night")]),
        group("night", &[user_dn("cyd")]),
    ];
    let Some(slapd) = Slapd::start(&ldif.concat()) else { return };
    let server = follow(&slapd);
    server.until_said("people read (Full): 4 users, 2 groups");
    let api = Api::of(&server);
    let found = api.get("/people?kind=group&search=staff").body;
    let staff = found["items"][0]["uri"].as_str().expect("the group is here").to_owned();
    let allowed = json!({"allowed": {"add": [staff]}});
    assert_eq!(api.patch("/categories/General", &allowed).status, 200);
    let closed = json!({"privacy": "closed", "members": {"add": [staff]}});
    let room = format!("/rooms/{}", Room::numbered(1).id);
    assert_eq!(api.patch(&room, &closed).status, 200);
    // Cyd by a group in the group.
    assert_eq!(users.map(|user| join(&server, user)), [200, 403, 200, 200]);

    // One leaves the group while in the room, one comes into it by the inner one, one is deleted.
    let mut ann = Dialog::open(server.sip, "ann");
    assert_eq!(ann.join(&Room::numbered(1).id), 200);
    let mut admin = slapd.admin();
    let one = |user| HashSet::from([user_dn(user)]);
    let changes = [
        ("staff", Mod::Delete("member".to_owned(), one("ann"))),
        ("night", Mod::Add("member".to_owned(), one("bob"))),
    ];
    for (group, change) in changes {
        let done = admin.modify(&group_dn(group), vec![change]).expect("it answers");
        assert_eq!(done.rc, 0, "{done:?}");
    }
    assert_eq!(admin.delete(&user_dn("dan")).expect("it answers").rc, 0);
    let done = tool(server.folder(), &["admin", "sync"]).done();
    for line in ["kind      sweep", "changed   3", "departed  1"] {
        assert!(done.contains(line), "{done}");
    }
    // Others who left their links are told of, too.
    let is_hers = |told: &str| told.contains("ntc:kick") && told.contains("sip:ann@example.test");
    while !is_hers(&String::from_utf8(ann.told()).expect("UTF-8")) {}
    assert_eq!(["ann", "bob", "cyd"].map(|user| join(&server, user)), [403, 200, 200]);
    assert_eq!(api.get("/people/sip:dan@example.test").body["state"], "deleted");

    // It goes away: nobody loses anything, and who asks is told why.
    drop(slapd);
    let auditor = api.with_role("looks", "auditor");
    assert_eq!(auditor.post("/sync", &json!({})).problem(), "error-permission");
    let away = api.post("/sync", &json!({}));
    assert_eq!((away.status, away.problem()), (502, "people-not-read"));
    assert_eq!(server.metric("parlance_people_runs_total", ""), 2.0);
    assert_eq!(server.metric("parlance_people_runs_failed_total", ""), 1.0);
    assert_eq!(["ann", "bob", "cyd"].map(|user| join(&server, user)), [403, 200, 200]);
}

#[test]
fn a_server_that_follows_nobody_says_so() {
    let server = Server::start(&Options::default());
    let tried = Api::of(&server).post("/sync?dry_run=true", &json!({}));
    assert_eq!((tried.status, tried.problem()), (400, "invalid-argument"));
    let refused = Api::of(&server).post("/sync", &json!({}));
    assert_eq!((refused.status, refused.problem()), (409, "no-directory-followed"));
    let said = tool(server.folder(), &["admin", "sync"]).failed();
    assert!(said.contains("[people.ldap]"), "{said}");
}
