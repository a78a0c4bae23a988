//! The tables of the original's database, as an export of them looks, brought in and lived with.

use parlance_tests::peer::{Dialog, post};
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::tool::tool;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// `tblPrincipal`: the server's own; ann, bob, cat (disabled), dora (gone), and another entry of
/// ann's address; a group, a folder, a domain; somebody without an address; another domain.
const PRINCIPALS: &str = "\
prinID,prinGuid,prinUri,prinName,prinDisplayName,prinCompanyName,prinEmail,prinADPath,\
prinADUserPrincipalName,prinDisabled,prinTypeID,prinAddedOn
1,00000000-0000-0000-0000-000000000001,ma-sys:system,System,,,,,,0,4,0
5,A0000000-0000-0000-0000-000000000005,sip:Ann@Example.Test,ann,Ann Archer,Acme,ann@example.test,\
\"CN=Ann,OU=Desk,DC=example,DC=test\",ann@example.test,0,5,0
6,a0000000-0000-0000-0000-000000000006,sip:bob@example.test,bob,\"Bob \"\"B\"\" Byrne\"\
,,,,,False,5,0
7,a0000000-0000-0000-0000-000000000007,sip:cat@example.test,cat,Cat,,,,,1,5,0
8,a0000000-0000-0000-0000-000000000008,sip:dora@other.test,dora,Dora,,,,,2,5,0
9,a0000000-0000-0000-0000-000000000009,sip:ann@example.test,ann,Ann of old,,,,,2,5,0
10,b0000000-0000-0000-0000-000000000010,ma-grp:b,Traders,Traders,,,\
\"CN=Traders,OU=Desk,DC=example,DC=test\",,0,9,0
11,b0000000-0000-0000-0000-000000000011,ma-grp:f,,,,,\"OU=Desk,DC=example,DC=test\",,0,10,0
12,b0000000-0000-0000-0000-000000000012,ma-grp:d,,,,,\"DC=example,DC=test\",,0,8,0
13,b0000000-0000-0000-0000-000000000013,nobody,,No Address,,,,,0,5,0
14,b0000000-0000-0000-0000-000000000014,ma-grp:c,,,,,\"DC=corp,DC=example,DC=test\",,0,8,0
";
const ROLE_TYPES: &str = "\
rtypeID,rtypeDesc,rtypeAllowedPermSet
1,Member,1
2,Manager,2
3,Voiced,3
4,Creator,4
";
/// The root, a category that walls bob off, and rooms of every kind; one has the name of a room
/// that is here already, one names somebody who was left out.
const NODES: &str = "\
nodeID,nodeGuid,parentID,nodeType,nodeName,nodeDesc,invite,logged,filePost,disabled,behavior,\
visibility,siopID,nodeAddedBy,nodeAddedOn,nodeUpdatedBy,nodeUpdatedOn,purgedOn
1,c0000000-0000-0000-0000-000000000001,1,True,Root,,False,True,False,False,4,3,,1,\
630822816000000000,1,630822816000000000,
2,c0000000-0000-0000-0000-000000000002,1,True,Trading,The desk,True,True,True,False,4,3,,5,\
635930181652500000,5,635930181652500000,
3,c0000000-0000-0000-0000-000000000003,2,False,FX,\"Rates, \"\"spot\"\"\",,,,False,5,3,\
d0000000-0000-0000-0000-000000000001,5,635930181652500000,6,635930181652500000,
4,c0000000-0000-0000-0000-000000000004,2,False,room 1,,False,,,False,4,6,\
d0000000-0000-0000-0000-000000000002,5,635930181652500000,5,635930181652500000,
5,c0000000-0000-0000-0000-000000000005,2,False,Vault,,,,,True,4,2,,5,635930181652500000,5,\
635930181652500000,
";
const ROLES: &str = "\
prinRoleNodeID,prinRolePrinID,prinRoleTypeID,prinRoleUpdatedBy
3,10,1,1
3,6,1,1
3,5,2,1
3,5,3,1
5,7,1,1
5,13,1,1
5,9,1,1
5,5,3,1
2,5,4,1
";
const SCOPES: &str = "\
scopeNodeID,scopePrinID,scopeIsDenied,scopeUpdatedBy
2,12,False,1
2,6,True,1
";
const ADDINS: &str = "\
siopID,siopName,siopUrl
d0000000-0000-0000-0000-000000000001,Rates,https://rates.example.test/
d0000000-0000-0000-0000-000000000002,Files,file:///etc/passwd
";
const AFFILIATIONS: &str = "\
principalID,affiliationID,index,updatedBy
5,5,-1,1
5,10,1,1
5,11,2,1
5,12,3,1
10,11,1,1
11,12,1,1
";
const INVITES: &str = "\
prinID,invID,nodeID,createdOn
5,1,3,2016-03-08 07:16:05.250
7,1,5,2016-03-09 07:16:05.250
";
/// The second message's clock is behind the first one's; the third is the server's own; the last
/// belongs to no room.
const CHAT: &str = "\
channelId,chatId,chatDate,userId,isAlert,content,rtf
3,1,635930181652500000,5,False,\"[STORY]Buy \"\"now\"\",
before noon\",
3,4,635930181652400000,8,True,grüße \u{7}🦀,{\\rtf1 x}
3,5,635930181652600000,1,False,announcement,
4,1,635930181652500000,6,False,hello,
9,1,635930181652500000,6,False,lost,
";

/// Writes the tables; a BOM before one of them, as some programs do.
fn write(folder: &Path) {
    let tables = [
        ("tblPrincipal", PRINCIPALS),
        ("tblRoleType", ROLE_TYPES),
        ("tblNode", NODES),
        ("tblPrincipalRole", ROLES),
        ("tblScopePrincipal", SCOPES),
        ("tblSiopWhiteList", ADDINS),
        ("tblPrincipalAffiliations", AFFILIATIONS),
        ("tblPrincipalInvites", INVITES),
        ("tblChat", CHAT),
    ];
    fs::create_dir_all(folder).expect("a folder for the tables");
    for (name, text) in tables {
        let bom = if name == "tblNode" { "\u{feff}" } else { "" };
        put(folder, name, &format!("{bom}{text}"));
    }
}

fn put(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(format!("{name}.csv")), text).expect("a table is written");
}

fn admin(folder: &Path, words: &[&str]) -> Value {
    let words = [&["admin"], words, &["--json"]].concat();
    serde_json::from_str(&tool(folder, &words).done()).expect("an answer in JSON")
}

fn uris(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list").iter();
    list.map(|item| item["uri"].as_str().expect("a URI")).collect()
}

/// A data directory where a server ran once, with a room called Room 1, and the tables beside it.
fn stopped() -> Server {
    let rooms = vec![Room::numbered(1)];
    let mut server = Server::start(&Options { rooms, ..Options::default() });
    assert!(server.stop().success());
    write(&server.folder().join("tables"));
    server
}

const FX: &str = "c0000000-0000-0000-0000-000000000003";

#[test]
fn everything_of_the_original_is_here_and_goes_on() {
    let mut server = stopped();
    let folder = server.folder().to_owned();
    let told = "8 principals, 1 categories, 3 rooms,\n1 add-ins, 8 entries of lists, 2 invitations";
    let messages = "messages in the tables: 4; there already: 0; left out: 1\n";
    let dry = tool(&folder, &["import", "tables", "--dry-run", "--report", "report.csv"]);
    let findings = dry.err.clone();
    assert_eq!(dry.done(), format!("would be made or changed: {told}\n{messages}"));
    assert!(tool(&folder, &["admin", "room", "get", "FX"]).failed().contains("FX"));
    let report = fs::read_to_string(folder.join("report.csv")).expect("the report");
    for part in [
        "no SIP address",
        "principal 9 (sip:ann@example.test),\"sip:ann@example.test is somebody else's address",
        "[people] unknown,\"is \"\"admit\"\"",
        "ma-dom:example.test,\"is in lists, and 2 users belong to it by their address alone",
        "\"\"room 1\"\"\",\"is called \"\"room 1 (2)\"\" here",
        "\"\"file:///etc/passwd\"\" is no web address",
        "the list Member loses principal 13",
        "the list Member loses principal 9",
        "has presenters, but is no auditorium",
        "its time is before that of the message before",
        "characters that XML does not allow",
        "from sip:principal-1@example.test",
        "node 9,\"is no room here",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert_eq!(report.lines().count(), 1 + 13, "{report}");
    assert!(findings.contains("principal 13 (nobody)"), "{findings}");

    let made = tool(&folder, &["import", "tables"]).done();
    let messages = "messages imported: 4; there already: 0; left out: 1\n";
    assert_eq!(made, format!("made or changed: {told}\n{messages}"));
    let room = admin(&folder, &["room", "get", "FX"]);
    assert_eq!(room["id"], FX);
    let kind = [&room["privacy"], &room["type"], &room["invitations"], &room["disabled"]];
    assert_eq!(kind, [&json!("closed"), &json!("auditorium"), &json!("inherit"), &json!(false)]);
    assert_eq!(room["description"], "Rates, \"spot\"");
    let traders = "ma-grp:b0000000-0000-0000-0000-000000000010@u.g";
    assert_eq!(uris(&room["members"]), ["sip:bob@example.test", traders]);
    assert_eq!(uris(&room["managers"]), ["sip:ann@example.test"]);
    assert_eq!(uris(&room["presenters"]), ["sip:ann@example.test"]);
    assert_eq!(room["addin"]["name"], "Rates", "{room}");
    let (created, updated) = (&room["audit"]["created_by"], &room["audit"]["updated_by"]);
    assert_eq!([created, updated], ["sip:ann@example.test", "sip:bob@example.test"], "{room}");
    assert_eq!(room["audit"]["created_on"], "2016-03-08T07:16:05.2500000Z", "{room}");
    let category = admin(&folder, &["category", "get", "Trading"]);
    assert_eq!(uris(&category["allowed"]), ["ma-dom:example.test"], "the domain that was here");
    assert_eq!(uris(&category["denied"]), ["sip:bob@example.test"]);
    assert_eq!(uris(&category["creators"]), ["sip:ann@example.test"]);
    assert_eq!([&category["invites"], &category["file_upload"]], [true, true]);
    let vault = admin(&folder, &["room", "get", "Vault"]);
    assert_eq!([&vault["privacy"], &vault["disabled"]], [&json!("secret"), &json!(true)]);
    assert_eq!(uris(&vault["members"]), ["sip:cat@example.test"], "and not today's ann");
    assert_eq!(admin(&folder, &["room", "get", "room 1 (2)"])["addin"], Value::Null);
    let cat = admin(&folder, &["user", "get", "sip:cat@example.test"]);
    assert_eq!(cat["state"], "disabled");

    // The walls stand, the numbers go on, and who was there finds what was said.
    let shown = tool(&folder, &["history", "FX"]).done();
    let story = "  1  Ann Archer <sip:ann@example.test>: [STORY]Buy \"now\",\n    before noon\n";
    assert!(shown.contains(story), "{shown}");
    assert!(shown.contains("Dora <sip:dora@other.test>: [alert] grüße 🦀"), "{shown}");
    assert!(shown.contains("<sip:principal-1@example.test>: announcement"), "{shown}");
    server.restart();
    let mut ann = Dialog::open(server.sip, "ann");
    assert_eq!(ann.join(FX), 200);
    assert_eq!(Dialog::open(server.sip, "bob").join(FX), 404, "denied, so it is not there");
    let uri = format!("ma-chan://example.test/{FX}");
    assert_eq!(ann.info(&post(&uri, "sip:ann@example.test", "we go on")), 200);
    server.until_stored();
    let last = tool(&folder, &["history", "FX", "--last", "1"]).done();
    assert!(last.ends_with("  6  ann <sip:ann@example.test>: we go on\n"), "{last}");
    assert!(server.stop().success());
}

#[test]
fn an_import_can_be_repeated_and_brings_what_is_new() {
    let mut server = stopped();
    let (folder, tables) = (server.folder().to_owned(), server.folder().join("tables"));
    let import = |words: &[&str]| tool(&folder, &[&["import", "tables"], words].concat());
    import(&["--level", "room-directory"]).done();
    let content = import(&["--level", "content", "--since", "2016-03-08T07:16:05.255Z"]).done();
    assert!(content.contains("messages imported: 1; there already: 0; left out: 4"), "{content}");
    let rest = import(&[]).done();
    let nothing = "made or changed: 0 principals, 0 categories, 0 rooms,\n0 add-ins, 0 entries of \
                   lists, 0 invitations\n";
    assert!(rest.starts_with(nothing), "{rest}");
    assert!(rest.ends_with("messages imported: 3; there already: 1; left out: 1\n"), "{rest}");
    let version = admin(&folder, &["room", "get", "FX"])["version"].clone();

    // Meanwhile, here: a message is replaced.
    admin(&folder, &["message", "replace", "FX", "--filter", "grüße", "--text", "gone"]);

    // Meanwhile, there: ann marries, bob is disabled, cat has an address in a domain that is new
    // and is denied by a new group, FX gets another member, a room takes a name that another gives
    // up, one is gone, a message is replaced and another one new.
    let people = PRINCIPALS.replace("Ann Archer", "Ann Baker").replace("sip:Ann@", "sip:ann.b@");
    let people =
        people.replace(",,,,,False,5,0", ",,,,,1,5,0").replace("sip:cat@example", "sip:cat@new");
    let group = "15,b0000000-0000-0000-0000-000000000015,ma-grp:n,Denied,Denied,,,,,0,9,0\n";
    put(&tables, "tblPrincipal", &format!("{people}{group}"));
    put(&tables, "tblPrincipalAffiliations", &format!("{AFFILIATIONS}7,15,1,1\n"));
    put(&tables, "tblScopePrincipal", &format!("{SCOPES}2,15,True,1\n"));
    put(&tables, "tblPrincipalRole", &ROLES.replace("3,6,1,1\n", "3,7,1,1\n"));
    let nodes: Vec<&str> = NODES.lines().filter(|line| !line.contains("Vault")).collect();
    let nodes = nodes.join("\n").replace(",FX,", ",Forex,").replace(",room 1,", ",FX,");
    put(&tables, "tblNode", &nodes);
    let chat = CHAT.replace("announcement", "taken back").replace("9,1,", "4,2,");
    put(&tables, "tblChat", &chat);
    let said = import(&[]);
    for part in
        ["\"Vault\": is here and in no table", "had another text; it has that of the tables"]
    {
        assert!(said.err.contains(part), "{part}: {said:?}");
    }
    let changed = said.done();
    assert!(
        changed.starts_with("made or changed: 5 principals, 1 categories, 2 rooms"),
        "{changed}"
    );
    assert!(
        changed.ends_with("messages imported: 1; there already: 4; left out: 0\n"),
        "{changed}"
    );
    let room = admin(&folder, &["room", "get", "Forex"]);
    assert_eq!(room["version"].as_u64(), version.as_u64().map(|version| version + 1));
    assert!(uris(&room["members"]).contains(&"sip:cat@new.test"), "{room}");
    assert_eq!(admin(&folder, &["room", "get", "FX"])["id"], FX.replace("003", "004"));
    let bob = admin(&folder, &["user", "get", "sip:bob@example.test"]);
    assert_eq!(bob["state"], "disabled", "{bob}");
    let cat = admin(&folder, &["explain", "sip:cat@new.test", "Forex"]);
    assert_eq!(cat["rights"]["join"], false, "{cat}");
    let shown = tool(&folder, &["history", "Forex"]).done();
    assert!(shown.contains("Ann Archer <sip:ann@example.test>"), "as when it was said: {shown}");
    assert!(shown.contains("taken back") && !shown.contains("announcement"), "{shown}");

    assert!(shown.contains("gone") && !shown.contains("grüße"), "replaced here: {shown}");

    // Here: somebody has posted before the last import; the other rooms get theirs all the same.
    server.restart();
    let uri = format!("ma-chan://example.test/{FX}");
    let mut ann = Dialog::open(server.sip, "ann.b");
    assert_eq!(ann.join(FX), 200);
    assert_eq!(ann.info(&post(&uri, "sip:ann.b@example.test", "too early")), 200);
    server.until_stored();
    assert!(server.stop().success());
    let late = "3,6,635930181652700000,5,0,late,\n4,3,635930181652700000,6,0,in time,\n";
    put(&tables, "tblChat", &format!("{chat}{late}"));
    let said = import(&[]);
    assert!(said.err.contains("something else was said here under number 6"), "{said:?}");
    assert!(said.done().ends_with("messages imported: 1; there already: 5; left out: 1\n"));

    // What comes from elsewhere later finds who was imported.
    let csv = "kind,uri,id\ndomain,ma-dom:corp.example.test,\n\
               user,sip:ann.c@example.test,a0000000-0000-0000-0000-000000000005\n";
    fs::write(folder.join("people.csv"), csv).expect("a file of people");
    admin(&folder, &["user", "import", "people.csv"]);
    assert_eq!(
        uris(&admin(&folder, &["room", "get", "Forex"])["managers"]),
        ["sip:ann.c@example.test"]
    );
}

#[test]
fn who_is_known_by_the_address_alone_is_the_one_in_use() {
    let server = stopped();
    let folder = server.folder().to_owned();
    admin(&folder, &["user", "new", "sip:ann@example.test"]);
    let said = tool(&folder, &["import", "tables"]);
    assert!(said.err.contains("principal 9 (sip:ann@example.test): sip:ann"), "{said:?}");
    said.done();
    let ann = admin(&folder, &["user", "get", "sip:ann@example.test"]);
    assert_eq!([&ann["display_name"], &ann["state"]], ["Ann Archer", "active"], "{ann}");
    let room = admin(&folder, &["room", "get", "FX"]);
    assert_eq!(uris(&room["managers"]), ["sip:ann@example.test"]);
}

#[test]
fn no_wall_is_opened_by_what_is_missing() {
    let server = stopped();
    let (folder, tables) = (server.folder().to_owned(), server.folder().join("tables"));
    // A denied principal that is in no table: nobody is allowed, rather than everybody.
    put(&tables, "tblScopePrincipal", &SCOPES.replace("2,6,True", "2,99,True"));
    let said = tool(&folder, &["import", "tables"]);
    assert!(said.err.contains("denies principal 99"), "{said:?}");
    said.done();
    assert!(uris(&admin(&folder, &["category", "get", "Trading"])["allowed"]).is_empty());
    // A room whose kind nobody knows: nobody posts who was not named.
    put(&tables, "tblNode", &NODES.replace("False,4,6", "False,,6"));
    tool(&folder, &["import", "tables"]).done();
    assert_eq!(admin(&folder, &["room", "get", "room 1 (2)"])["type"], "auditorium");
    let refused = |name: &str, text: &str, part: &str| {
        write(&tables);
        put(&tables, name, text);
        let said = tool(&folder, &["import", "tables"]).failed();
        assert!(said.contains(part), "{said}");
    };
    let scopes = "scopeNodeID,scopePrinID\n2,12\n2,6\n";
    refused("tblScopePrincipal", scopes, "line 1: there is no column scopeIsDenied");
    refused("tblScopePrincipal", &SCOPES.replace("True", ""), "line 3: scopeIsDenied is empty");
    refused("tblPrincipalRole", "", "line 1: there is no column prinRoleNodeID");
    refused("tblRoleType", "rtypeID,rtypeDesc\n2,Manager\n", "has no role Member");
    fs::write(tables.join("Node.csv"), NODES).expect("another table of nodes");
    let said = tool(&folder, &["import", "tables"]).failed();
    assert!(said.contains("are one table"), "{said}");
}

#[test]
fn what_group_chat_2010_had_is_flattened() {
    let server = stopped();
    let (folder, tables) = (server.folder().to_owned(), server.folder().join("tables"));
    let head = "nodeID,nodeGuid,parentID,nodeType,nodeName,nodeDesc,topic,overrideMember,invite,\
                logged,filePost,disabled,behavior,visibility,siopID,nodeAddedBy,nodeAddedOn,\
                nodeUpdatedBy,nodeUpdatedOn";
    let node = |number: u32, parent: u32, kind: &str, name: &str, topic: &str, overrides: u8| {
        format!(
            "{number},e0000000-0000-0000-0000-{number:012},{parent},{kind},{name},,{topic},\
             {overrides},,,,0,4,3,,5,635930181652500000,5,635930181652500000\n"
        )
    };
    let nodes = [
        node(1, 1, "1", "Root", "", 0),
        node(2, 1, "1", "Bank", "", 0),
        node(3, 2, "1", "Desk", "", 0),
        node(4, 3, "0", "FX", "spot", 0),
        node(5, 3, "0", "Bonds", "", 1),
    ];
    put(&tables, "tblNode", &format!("{head}\n{}", nodes.concat()));
    let scope = "scopeNodeID,scopePrinID,scopeUpdatedBy\n2,10,1\n1,12,1\n";
    put(&tables, "tblScopePrincipal", scope);
    let roles = "prinRoleNodeID,prinRolePrinID,prinRoleTypeID\n1,5,2\n2,7,1\n5,6,1\n";
    put(&tables, "tblPrincipalRole", roles);
    let federated = "20,a0000000-0000-0000-0000-000000000020,sip:zoe@partner.test,,Zoe,,,,,0,7,0\n";
    put(&tables, "tblPrincipal", &format!("{PRINCIPALS}{federated}"));
    let said = tool(&folder, &["import", "tables"]);
    assert!(said.err.contains("\"Desk\": is called \"Bank - Desk\" here"), "{said:?}");
    assert!(said.err.contains("room \"FX\": has a topic"), "{said:?}");
    said.done();
    let desk = admin(&folder, &["category", "get", "Bank - Desk"]);
    let traders = "ma-grp:b0000000-0000-0000-0000-000000000010@u.g";
    assert_eq!(uris(&desk["allowed"]), [traders], "from Bank, and not from the root");
    let (fx, bonds) =
        (admin(&folder, &["room", "get", "FX"]), admin(&folder, &["room", "get", "Bonds"]));
    assert_eq!(uris(&fx["managers"]), ["sip:ann@example.test"], "of the root, so of every room");
    assert_eq!(uris(&bonds["managers"]), ["sip:ann@example.test"]);
    assert_eq!(uris(&fx["members"]), ["sip:cat@example.test"], "handed down");
    assert_eq!(uris(&bonds["members"]), ["sip:bob@example.test"], "its own only");
    let zoe = admin(&folder, &["user", "get", "sip:zoe@partner.test"]);
    assert_eq!(zoe["state"], "disabled");
}

#[test]
fn bad_tables_are_refused_by_line_and_nothing_is_half_done() {
    let mut server = stopped();
    let (folder, tables) = (server.folder().to_owned(), server.folder().join("tables"));
    let refused = |name: &str, text: &str| {
        write(&tables);
        put(&tables, name, text);
        tool(&folder, &["import", "tables"]).failed()
    };
    let said = refused("tblNode", &NODES.replace("c0000000-0000-0000-0000-000000000003", "FX"));
    assert!(said.contains("tblNode.csv, line 4: nodeGuid \"FX\" is no GUID"), "{said}");
    let said = refused("tblNode", &NODES.replace("nodeType", "kind"));
    assert!(said.contains("line 1: there is no column nodeType"), "{said}");
    let said = refused("tblRoleType", "rtypeID,rtypeDesc\n1\n");
    assert!(said.contains("tblRoleType.csv, line 2: 1 fields where"), "{said}");
    let said = refused("tblPrincipal", &PRINCIPALS.replace("Archer", &"x".repeat(9 << 20)));
    assert!(said.contains("is a quotation mark missing?"), "{said}");
    assert!(admin(&folder, &["room", "get"]).as_array().is_some_and(|rooms| rooms.len() == 1));

    // Messages come last, and what came before them is kept.
    let said = refused("tblChat", &CHAT.replace("3,5,", "3,3,"));
    assert!(said.contains("line 5: message 3 of channel 3 comes after 4"), "{said}");
    let said = refused("tblChat", &CHAT.replace("635930181652600000", "7"));
    assert!(said.contains("line 5: chatDate \"7\" is no time"), "{said}");
    fs::remove_file(tables.join("tblScopePrincipal.csv")).expect("a table is removed");
    let said = tool(&folder, &["import", "tables"]).failed();
    assert!(said.contains("no tblScopePrincipal.csv, without which nobody can tell"), "{said}");
    fs::write(folder.join("archive.zip"), b"PK\x03\x04").expect("an archive");
    let said = tool(&folder, &["import", "archive.zip"]).failed();
    assert!(said.contains("Export-CsPersistentChatData"), "{said}");
    let said = tool(&folder, &["import", "archive.zip", "--dry-run"]).failed();
    assert!(said.contains("the options are for a folder"), "{said}");
    write(&tables);
    server.restart();
    let said = tool(&folder, &["import", "tables"]).failed();
    assert!(said.contains("a server runs on"), "{said}");
}
