//! Why somebody has the rights they have.

mod organisation;

use organisation::acts::ship;
use organisation::{Organisation, short, uri};
use parlance_core::admin::{Cause, explain};
use parlance_core::directory::model::{Policy, PrincipalState, Privacy, Role, Scope};
use parlance_core::directory::{Change, NotServed};
use parlance_core::policy::Rights;

/// Reasons as `members eve > g:crew`, and what may be done by its first letters.
fn told(org: &Organisation, who: &str, room: &str) -> (String, String) {
    let explanation = explain(&org.directory, &uri(who), room).expect("both are known");
    assert_eq!(explanation.rights, org.rights(who, room), "it says what is");
    let reason = |reason: &parlance_core::admin::Reason| {
        let path: Vec<String> = reason.path.iter().map(|uri| short(uri)).collect();
        format!("{:?}: {}", reason.role, path.join(" > "))
    };
    let reasons: Vec<String> = explanation.reasons.iter().map(reason).collect();
    let Rights { see, join, post, manage, .. } = explanation.rights;
    let rights = [(see, "see"), (join, "join"), (post, "post"), (manage, "manage")];
    let rights = rights.into_iter().filter(|(has, _)| *has).map(|(_, word)| word);
    (reasons.join("; "), rights.collect::<Vec<_>>().join(" "))
}

#[test]
fn each_entry_comes_with_the_way_to_it() {
    let mut org = ship();
    let check = |org: &Organisation, who: &str, room: &str, reasons: &str, rights: &str| {
        assert_eq!(told(org, who, room), (reasons.to_owned(), rights.to_owned()), "{who} {room}");
    };
    check(
        &org,
        "eve",
        "Bridge",
        "Allowed: eve > g:crew > g:all; Member: eve > g:crew; Presenter: eve",
        "see join post",
    );
    check(
        &org,
        "fay",
        "Bridge",
        "Allowed: fay > g:crew > g:all; Denied: fay; Member: fay > g:crew",
        "",
    );
    check(&org, "ann", "Bridge", "Allowed: ann; Creator: ann; Manager: ann", "see manage");
    check(&org, "dan", "Bridge", "", "");
    check(&org, "dan", "Cargo", "Allowed: dan > d:", "see");
    // The shortest of several ways, also where groups stand in each other in a circle.
    org.person("g:all", &["g:crew"]);
    org.person("eve", &["g:crew", "g:all", "d:"]);
    check(&org, "eve", "Mess", "Allowed: eve > g:all", "see");
    // What is out of use leads nowhere.
    org.set_state("g:all", PrincipalState::Disabled);
    check(&org, "eve", "Mess", "", "");
    org.directory.admits_unknown = true;
    org.edit_room("Cargo", |room| room.privacy = Privacy::Open);
    check(&org, "zoe", "Cargo", "Allowed: zoe > d:", "see join post");
    let denied = explain(&org.directory, &uri("fay"), "Bridge").unwrap();
    assert_eq!(denied.denied().count(), 1);
}

#[test]
fn whom_the_service_is_not_for_is_told_why() {
    let mut org = ship();
    org.set_state("cat", PrincipalState::Deleted);
    let tag = Scope::Tag("off".to_owned());
    org.change(Change::Policy(Policy {
        scope: tag.clone(),
        is_enabled: false,
        description: String::new(),
    }));
    org.change(Change::Principal(parlance_core::directory::model::Principal {
        policy: Some("off".to_owned()),
        ..organisation::principal("ann")
    }));
    let check = |who: &str, refused, policy| {
        let explanation = explain(&org.directory, who, "Bridge").unwrap();
        assert_eq!((explanation.refused, explanation.policy), (refused, Some(policy)), "{who}");
        assert!(explanation.rights == Rights::default() || refused.is_none());
    };
    check(&uri("eve"), None, Scope::Global);
    check("SIP:Eve@D.test", None, Scope::Global);
    check(&uri("zoe"), Some(NotServed::NotProvisioned), Scope::Global);
    check(&uri("cat"), Some(NotServed::Disabled), Scope::Global);
    check(&uri("g:crew"), Some(NotServed::NotProvisioned), Scope::Global);
    check(&uri("ann"), Some(NotServed::NotEnabled), tag);
    let cause = |who: &str, room: &str| explain(&org.directory, who, room).unwrap_err().cause;
    assert_eq!(cause("nobody of that name", "Bridge"), Cause::NoSuchPrincipal);
    assert_eq!(cause(&uri("eve"), "Deck"), Cause::NoSuchNode);
    assert_eq!(org.listed("Bridge", Role::Presenter), ["cat", "eve"], "nothing was changed");
}
