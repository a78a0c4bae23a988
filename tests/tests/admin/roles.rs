//! Who may do what by the API, and what they see.

use crate::http::Api;
use parlance_tests::server::{Options, Server};
use serde_json::{Value, json};

/// A server with a secret room of Ann's, a closed one, and Bob beside.
fn organisation() -> (Server, Api) {
    let server = Server::start(&Options::default());
    let api = Api::of(&server);
    for name in ["ann", "bob"] {
        let body = json!({"uri": format!("sip:{name}@example.test"), "display_name": name});
        assert_eq!(api.post("/people", &body).status, 201);
    }
    let ann = "sip:ann@example.test";
    for (name, privacy) in [("Vault", "secret"), ("Club", "closed")] {
        let body = json!({
            "name": name, "category": "General", "privacy": privacy,
            "members": [ann], "managers": [ann],
        });
        let made = api.post("/rooms", &body);
        assert_eq!(made.status, 201, "{made:?}");
    }
    (server, api)
}

#[test]
fn without_a_token_nothing_is_told() {
    let (server, api) = organisation();
    let denied = server.metric("parlance_api_denied_total", "");
    for token in ["", "parlance_0", "Basic x"] {
        let stranger = Api { token: token.into(), ..api.clone() };
        for path in ["/rooms", "/rooms/Vault", "/tokens", "/records"] {
            let answer = stranger.get(path);
            assert_eq!((answer.status, answer.problem()), (401, "no-token"), "{token:?} {path}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"parlance\""));
        }
        assert_eq!(stranger.post("/rooms", &json!({"nonsense": 1})).status, 401);
    }
    assert_eq!(server.metric("parlance_api_denied_total", ""), denied + 15.0);
}

#[test]
fn an_auditor_reads_everything_and_changes_nothing() {
    let (_server, api) = organisation();
    let auditor = api.with_role("auditor", "auditor");
    for path in ["/rooms/Vault", "/policies", "/configurations", "/records", "/tokens", "/pool"] {
        assert_eq!(auditor.get(path).status, 200, "{path}");
    }
    let acts = [
        auditor.post("/rooms", &json!({"name": "New", "category": "General"})),
        auditor.patch("/rooms/Club", &json!({"description": "x"})),
        auditor.ask("DELETE", "/rooms/Club", &[], None),
        auditor.post("/rooms/Club/clear", &json!({"until": "2024-01-01"})),
        auditor.post("/tokens", &json!({"name": "more", "role": "administrator"})),
        auditor.ask("DELETE", "/tokens/local", &[], None),
        auditor.post("/people", &json!({"uri": "sip:eve@example.test"})),
    ];
    for answer in acts {
        assert_eq!((answer.status, answer.problem()), (403, "error-permission"), "{answer:?}");
    }
}

#[test]
fn a_user_sees_and_does_what_that_user_may() {
    let (_server, api) = organisation();
    let user = |name: &str| api.with_role(name, &format!("user:sip:{name}@example.test"));
    let (ann, bob) = (user("ann"), user("bob"));
    let names = |api: &Api| -> Vec<Value> {
        let page = api.get("/rooms").body;
        page["items"].as_array().expect("a list").iter().map(|room| room["name"].clone()).collect()
    };
    assert_eq!(names(&ann), ["Club", "Room 1", "Vault"]);
    assert_eq!(names(&bob), ["Club", "Room 1"]);

    // What Bob may not see is for him as if it were not there.
    let (hidden, missing) = (bob.get("/rooms/Vault"), bob.get("/rooms/Nowhere"));
    assert_eq!((hidden.status, missing.status), (404, 404));
    let detail = |answer: &Value| answer["detail"].as_str().unwrap_or_default().to_owned();
    assert_eq!(detail(&hidden.body).replace("Vault", "Nowhere"), detail(&missing.body));
    assert_eq!(bob.patch("/rooms/Vault", &json!({"description": "x"})).status, 404);
    assert_eq!(bob.get("/explain?user=sip:bob@example.test&room=Vault").status, 404);

    assert_eq!(ann.patch("/rooms/Vault", &json!({"description": "mine"})).status, 200);
    let refused = bob.patch("/rooms/Club", &json!({"description": "x"}));
    assert_eq!((refused.status, refused.problem()), (403, "error-permission"), "{refused:?}");
    assert_eq!(ann.ask("DELETE", "/rooms/Vault", &[], None).status, 403);
    let everybodys = ["/policies", "/configurations", "/records", "/tokens", "/endpoints", "/pool"];
    for path in everybodys {
        assert_eq!(ann.get(path).status, 403, "{path}");
    }
    let own = "/people/sip:ann@example.test/invitations";
    assert_eq!((ann.get(own).status, bob.get(own).status), (200, 403));
    let explained = ann.get("/explain?user=sip:ann@example.test&room=Vault");
    assert_eq!(explained.body["rights"]["manage"], true, "{explained:?}");
    assert_eq!(ann.get("/explain?user=sip:bob@example.test&room=Club").status, 403);
    assert_eq!(ann.get("/eligible?room=Vault").status, 200);
    assert_eq!(bob.get("/eligible?room=Club").status, 403);
    let found = bob.get("/people/sip:ann@example.test").body;
    assert_eq!((&found["display_name"], &found["account"]), (&json!("ann"), &json!("")));
}

#[test]
fn a_revoked_token_is_of_no_use() {
    let (mut server, api) = organisation();
    let other = api.with_role("other", "administrator");
    assert_eq!(other.get("/tokens").body["items"][1]["name"], "other");
    let twice = api.post("/tokens", &json!({"name": "other", "role": "auditor"}));
    assert_eq!((twice.status, twice.problem()), (409, "duplicate-token-name"));
    let role = api.post("/tokens", &json!({"name": "x", "role": "root"}));
    assert_eq!((role.status, role.problem()), (400, "invalid-argument"));

    server.kill_and_restart();
    let (api, other) = (Api::of(&server), Api { token: other.token, ..Api::of(&server) });
    let tried = api.ask("DELETE", "/tokens/other?dry_run=true", &[], None);
    assert_eq!((tried.status, tried.problem()), (400, "invalid-argument"), "it cannot be tried");
    assert_eq!(other.get("/pool").status, 200, "it outlives a restart");
    assert_eq!(api.ask("DELETE", "/tokens/other", &[], None).status, 200);
    assert_eq!(other.get("/pool").status, 401);
    assert_eq!(api.ask("DELETE", "/tokens/other", &[], None).status, 404);
}

#[test]
fn invitations_are_told_to_their_receiver() {
    let (_server, api) = organisation();
    assert_eq!(
        api.post(
            "/categories",
            &json!({
                "name": "Inviting", "invites": true, "allowed": ["ma-dom:example.test"],
            })
        )
        .status,
        201
    );
    let bob = "sip:bob@example.test";
    let made =
        api.post("/rooms", &json!({"name": "Party", "category": "Inviting", "members": [bob]}));
    assert_eq!(made.status, 201, "{made:?}");
    let path = "/people/sip:bob@example.test/invitations";
    let invitations = api.get(path).body;
    assert_eq!(invitations["items"][0]["room"]["name"], "Party", "{invitations}");
    let number = invitations["items"][0]["number"].as_u64().expect("a number");
    assert_eq!(api.get(&format!("{path}?since={number}")).body["items"], json!([]));
}
