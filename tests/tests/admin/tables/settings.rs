//! §2.8: what administrators alone may.

use super::Verdicts;
use super::decisions::{self, Cell, cells};
use super::organisation::{API, Ask, COMMAND, Organisation, uri, uris};
use parlance_tests::server::DOMAIN;
use serde_json::{Value, json};

/// What is administered, by its row in the table; `None` where no surface has it. `fresh` is the
/// name of a category, an add-in and a policy that may go, `new` is nobody's.
fn administration(name: &str, fresh: &str, new: &str) -> Option<Ask> {
    let ask = |method, path: &str, body: Value, words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let body = Some(body).filter(|body| !body.is_null());
        // Chat has no means for any of it.
        Some(Ask { method, path: path.to_owned(), body, words, command: None })
    };
    let url = format!("https://{new}.example.test/");
    let address = format!("sip:{new}@{DOMAIN}");
    let (of_category, of_addin) = (format!("/categories/{fresh}"), format!("/addins/{fresh}"));
    match name {
        "new category" => {
            ask("POST", "/categories", json!({"name": new}), &["category", "new", new])
        }
        "set history" => {
            let words = ["category", "set", fresh, "--chat-history", "false"];
            ask("PATCH", &of_category, json!({"chat_history": false}), &words)
        }
        "set allowed" => {
            let body = json!({"allowed": {"set": uris(&["member"])}});
            let words = ["category", "set", fresh, "--set-allowed", &uri("member")];
            ask("PATCH", &of_category, body, &words)
        }
        "remove category" => {
            ask("DELETE", &of_category, Value::Null, &["category", "remove", fresh])
        }
        "new add-in" => {
            let words = ["addin", "new", new, &url];
            ask("POST", "/addins", json!({"name": new, "url": url}), &words)
        }
        "set add-in" => {
            let words = ["addin", "set", fresh, "--url", &url];
            ask("PATCH", &of_addin, json!({"url": url}), &words)
        }
        "remove add-in" => ask("DELETE", &of_addin, Value::Null, &["addin", "remove", fresh]),
        "set configuration" => {
            let words = ["config", "set", "--default-chat-history", "20"];
            ask("PATCH", "/configurations/global", json!({"default_chat_history": 20}), &words)
        }
        "set policy" => {
            let words = ["policy", "set", "--description", new];
            ask("PATCH", "/policies/global", json!({"description": new}), &words)
        }
        "grant policy" => {
            let (member, body) = (uri("member"), json!({"policy": fresh}));
            let words = ["policy", "grant", &member, fresh];
            ask("PUT", &format!("/people/{member}/policy"), body, &words)
        }
        "remove policy" => {
            let path = format!("/policies/{fresh}");
            ask("DELETE", &path, Value::Null, &["policy", "remove", fresh])
        }
        "new endpoint" => {
            let words = ["endpoint", "new", &address];
            ask("POST", "/endpoints", json!({"uri": address, "display_name": ""}), &words)
        }
        "sync people" => {
            ask("POST", "/people", json!({"uri": address}), &["user", "new", &address])
        }
        "load" => None,
        _ => panic!("{name}"),
    }
}

#[test]
fn administrators_alone_administer() {
    let mut org = Organisation::new();
    org.users(&["creator", "manager", "chief", "nil", "member"]);
    org.holder("nobody");
    let (allowed, creators) = (uris(&["d:"]), uris(&["creator", "chief"]));
    let body = json!({"name": "category", "allowed": allowed, "creators": creators});
    org.make("/categories", &body);
    org.change("/categories/category", &json!({"denied": {"add": uris(&["nil"])}}));
    let managers = uris(&["chief", "manager"]);
    org.room(&json!({"name": "room", "category": "category", "managers": managers}));
    let mut verdicts = Verdicts::default();
    for Cell { row, column: user, says } in cells(decisions::ADMINISTER) {
        for surface in [API, COMMAND] {
            let (fresh, new) = (org.fresh("fresh"), org.fresh("new"));
            let Some(ask) = administration(row, &fresh, &new) else { continue };
            org.make("/categories", &json!({"name": fresh, "allowed": uris(&["d:"])}));
            org.make("/addins", &json!({"name": fresh, "url": "https://web.example.test/"}));
            org.make("/policies", &json!({"identity": fresh, "enabled": true}));
            let is = org.verdict(user, surface, &ask).expect("both have means for all");
            verdicts.check(row, user, surface, &is, says);
        }
    }
    verdicts.conclude(2);
}
