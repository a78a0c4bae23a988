//! What the API promises whatever is done with it.

use crate::http::Api;
use parlance_tests::peer::Dialog;
use parlance_tests::server::{Options, Server};
use serde_json::json;

#[test]
fn things_are_made_changed_and_removed() {
    let server = Server::start(&Options::default());
    let api = Api::of(&server);
    let made = api.post("/categories", &json!({"name": "Research", "invites": true}));
    assert_eq!(made.status, 201, "{made:?}");
    let place = made.header("location").expect("a place").to_owned();
    assert_eq!(made.body["item"]["invites"], true);
    let room = json!({"name": "Lab", "category": "Research", "privacy": "secret"});
    let made = api.post("/rooms", &room);
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")), "{made:?}");
    let edit = json!({"description": "What we measure", "type": "auditorium"});
    let changed = api.patch("/rooms/Lab", &edit);
    assert_eq!(changed.body["item"]["description"], "What we measure", "{changed:?}");
    let one = api.get("/rooms/Lab");
    assert_eq!((one.status, one.header("etag")), (200, Some("\"2\"")), "{one:?}");
    assert_eq!(api.get("/rooms?privacy=secret&filter=l*b").body["items"][0]["name"], "Lab");

    let full = api.ask("DELETE", place.trim_start_matches("/api/v1"), &[], None);
    assert_eq!((full.status, full.problem()), (422, "node-hierarchy-violation"));
    assert_eq!(
        (&full.body["sdk_code"], &full.body["sdk_name"]),
        (&json!(8), &json!("NodeHierarchyViolation"))
    );
    assert_eq!(api.ask("DELETE", "/rooms/Lab", &[], None).status, 200);
    assert_eq!(api.ask("DELETE", "/categories/Research", &[], None).status, 200);
    let gone = api.get("/rooms/Lab");
    assert_eq!((gone.status, gone.problem()), (404, "no-such-node"));
    let records = api.get("/records?limit=3").body;
    let acts = records["items"].as_array().expect("a list").iter().map(|r| r["act"].clone());
    assert_eq!(acts.collect::<Vec<_>>(), ["category.remove", "room.remove", "category.remove"]);
    let refused = &records["items"][2]["outcome"]["refused"]["cause"];
    assert_eq!(refused, "node-hierarchy-violation", "{records}");
    assert!(records["next"].is_string());
}

#[test]
fn what_is_answered_is_in_force() {
    let server = Server::start(&Options::default());
    let api = Api::of(&server);
    let mut dialog = Dialog::open(server.sip, "ada");
    for n in 0..20 {
        let room = json!({"name": format!("Room {n} of many"), "category": "General"});
        let made = api.post("/rooms", &room);
        let id = made.body["item"]["id"].as_str().expect("a new room").to_owned();
        assert_eq!(dialog.join(&id), 403, "{n}: she is no member of a closed room");
        assert_eq!(api.patch(&format!("/rooms/{id}"), &json!({"privacy": "open"})).status, 200);
        assert_eq!(dialog.join(&id), 200, "{n}");
    }
}

#[test]
fn a_stale_version_is_refused() {
    let server = Server::start(&Options::default());
    let api = Api::of(&server);
    let change = |tag: &str, text: &str| {
        let body = json!({"description": text});
        api.ask("PATCH", "/rooms/Room%201", &[("If-Match", tag)], Some(&body))
    };
    assert_eq!(change("\"1\"", "first").status, 200);
    let stale = change("\"1\"", "second");
    assert_eq!((stale.status, stale.problem()), (412, "data-collision"));
    assert_eq!(change("\"2\"", "second").status, 200);
    assert_eq!(change("*", "third").status, 200);
    for tag in ["1", "W/\"1\"", "\"x\"", ""] {
        assert_eq!(change(tag, "never").problem(), "invalid-argument", "{tag:?}");
    }
    let removed = api.ask("DELETE", "/rooms/Room%201", &[("If-Match", "\"1\"")], None);
    assert_eq!(removed.status, 412);
}

#[test]
fn a_key_makes_a_request_one() {
    let server = Server::start(&Options::default());
    let api = Api::of(&server);
    let make = |name: &str| {
        let body = json!({"name": name});
        api.ask("POST", "/categories", &[("Idempotency-Key", "\"k-1\"")], Some(&body))
    };
    let (first, again) = (make("Research"), make("Research"));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!((&first.body["repeated"], &again.body["repeated"]), (&json!(false), &json!(true)));
    assert_eq!(first.body["item"]["id"], again.body["item"]["id"]);
    let other = make("Library");
    assert_eq!((other.status, other.problem()), (422, "request-key-reused"));
    let dry = api.post("/categories?dry_run=true&reason=a%20try", &json!({"name": "Library"}));
    assert_eq!((dry.status, &dry.body["dry_run"]), (200, &json!(true)), "{dry:?}");
    assert_eq!(dry.body["changes"], json!(["category \"Library\" made"]));
    assert_eq!(api.get("/categories/Library").status, 404);
}

#[test]
fn what_is_faulty_is_the_senders_fault() {
    let server = Server::start(&Options::default());
    let api = Api::of(&server);
    let bodies = [
        json!({"name": "A", "nonsense": 1}),
        json!({"nome": "A"}),
        json!({"name": 7}),
        json!({"name": ""}),
        json!({"name": "x".repeat(300)}),
        json!([]),
        json!("text"),
    ];
    for body in bodies {
        let refused = api.post("/categories", &body);
        assert_eq!((refused.status, refused.problem()), (400, "invalid-argument"), "{body}");
    }
    let paths = [
        "/rooms?colour=red",
        "/rooms?disabled=perhaps",
        "/rooms?limit=-1",
        "/rooms?limit=1&limit=2",
        "/rooms?cursor=zz",
        "/rooms?privacy=Open",
        "/records?cursor=00",
        "/policies/site:",
        "/explain?user=sip:a@example.test",
        "/eligible",
        "/rooms/%ff",
    ];
    for path in paths {
        let refused = api.get(path);
        assert_eq!((refused.status, refused.problem()), (400, "invalid-argument"), "{path}");
    }
    let (bearer, of) =
        (format!("Authorization: Bearer {}\r\n", api.token), "HTTP/1.1\r\nHost: t\r\n");
    let send = |method: &str, head: &str, body: &str| {
        let close = "Connection: close\r\n";
        let text = format!("{method} /api/v1/rooms {of}{close}{bearer}{head}\r\n{body}");
        api.send(text.as_bytes())
    };
    let json_of =
        |length: usize| format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    assert_eq!(send("POST", &json_of(5), "{\"a\":").problem(), "invalid-argument");
    assert_eq!(send("POST", "Content-Length: 2\r\n", "{}").problem(), "not-json");
    let long = send("POST", &json_of(5_000_000), "{");
    assert_eq!((long.status, long.problem()), (413, "too-large"));
    let wrong = send("PUT", "", "");
    assert_eq!((wrong.status, wrong.problem()), (405, "method-not-allowed"));
    let allowed = wrong.header("allow").expect("what is allowed");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let nowhere = api.get("/nowhere");
    assert_eq!((nowhere.status, nowhere.problem()), (404, "no-such-resource"));
    let key =
        api.ask("POST", "/categories", &[("Idempotency-Key", "a b")], Some(&json!({"name": "A"})));
    assert_eq!(key.problem(), "invalid-argument");
}

#[test]
fn lists_come_in_pages() {
    let server = Server::start(&Options::default());
    let api = Api::of(&server);
    for n in 0..7 {
        let made = api.post("/rooms", &json!({"name": format!("Page {n}"), "category": "General"}));
        assert_eq!(made.status, 201, "{made:?}");
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/rooms?limit=3&filter=page{cursor}")).body;
        let items = page["items"].as_array().expect("a list");
        names.extend(items.iter().map(|room| room["name"].as_str().expect("a name").to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, (0..7).map(|n| format!("Page {n}")).collect::<Vec<_>>());
    assert_eq!(api.get("/rooms?limit=0").body["items"], json!([]));
}

#[test]
fn the_document_describes_every_route() {
    let server = Server::start(&Options::default());
    let document = Api { token: String::new(), ..Api::of(&server) }.get("/openapi.json");
    assert_eq!(document.status, 200, "{document:?}");
    let document = document.body;
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in item.as_object().expect("an item") {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            let refusal = &operation["responses"]["default"]["content"];
            assert!(refusal.get("application/problem+json").is_some(), "{method} {path}");
            ids.push(id);
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), count > 35), (count, true), "{ids:?}");
    assert!(document["components"]["schemas"]["RoomView"]["properties"]["privacy"].is_object());
}
