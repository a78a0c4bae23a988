//! What acts on people, policies and everything else but rooms and categories come to.

mod organisation;

use organisation::acts::{check_all, outcome, record, room, ship, standing_in};
use organisation::{DOMAIN, admin, id, uri, user};
use parlance_core::admin::{Act, ConfigurationEdit, PersonRecord, PolicyEdit};
use parlance_core::directory::Change;
use parlance_core::directory::model::{Addin, Pool, PrincipalState, Role, Room, Scope};
use parlance_wire::xccos::Guid;

#[test]
fn addins() {
    let mut org = ship();
    let made = |name: &str, url: &str| Act::NewAddin { name: name.into(), url: url.into() };
    let set = |name: Option<&str>, url: Option<&str>| {
        let (name, url) = (name.map(str::to_owned), url.map(str::to_owned));
        Act::SetAddin { addin: "Chart".to_owned(), version: None, name, url }
    };
    let addin = format!("{DOMAIN}\\chart");
    let gone = |force| Act::RemoveAddin { addin: addin.clone(), version: None, force };
    let long = format!("http://{}", "x".repeat(249));
    org.act(&admin(), &made("Chart", "https://chart.test/?a=b")).unwrap();
    org.act(&admin(), &made("Log", "http://log")).unwrap();
    check_all(
        &org,
        &admin(),
        vec![
            (made("chart ", "http://x"), "DuplicateAddinName name"),
            (made(&"x".repeat(51), "http://x"), "InvalidArgument name"),
            (made(&"x".repeat(50), "HTTPS://x"), "addin v1"),
            (made("", "http://x"), "InvalidArgument name"),
            (made("New", &long), "InvalidArgument url"),
            (made("New", &long[..255]), "addin v1"),
            (made("New", "ftp://x"), "InvalidArgument url"),
            (made("New", "javascript:alert(1)"), "InvalidArgument url"),
            (made("New", "http://"), "InvalidArgument url"),
            (made("New", "http:///path"), "InvalidArgument url"),
            (made("New", "http://a b"), "InvalidArgument url"),
            (set(None, None), ""),
            (set(Some("CHART"), None), "addin v2"),
            (set(Some("log"), None), "DuplicateAddinName name"),
            (set(None, Some("x")), "InvalidArgument url"),
            (gone(false), "AddinRemoved"),
            (room("Mess", |with| with.addin = Some(Some("none".into()))), "NoSuchNode addin"),
        ],
    );
    let chart = room("Mess", |with| with.addin = Some(Some("chart".into())));
    org.act(&user("ann"), &chart).unwrap();
    check_all(
        &org,
        &admin(),
        vec![
            (chart, ""),
            (gone(false), "InUse addin"),
            (gone(true), "room v3, AddinRemoved; noted"),
            (room("Mess", |with| with.addin = Some(None)), "room v3"),
        ],
    );
    org.act(&admin(), &gone(true)).unwrap();
    assert_eq!(org.room_named("Mess").addin, None);
}

#[test]
fn policies() {
    let mut org = ship();
    let tag = || Scope::Tag("pilots".to_owned());
    let edit = |on| PolicyEdit { is_enabled: Some(on), description: None };
    let made = |scope, on| Act::NewPolicy { scope, edit: edit(on) };
    let set = |scope, on| Act::SetPolicy { scope, edit: edit(on) };
    let gone = |scope, force| Act::RemovePolicy { scope, force };
    let grant = |who: &str, policy: Option<&str>| Act::GrantPolicy {
        user: uri(who),
        policy: policy.map(str::to_owned),
    };
    let unset = PolicyEdit::default();
    org.act(&admin(), &made(tag(), false)).unwrap();
    check_all(
        &org,
        &admin(),
        vec![
            (made(Scope::Global, true), "InvalidArgument identity"),
            (made(tag(), true), "InvalidArgument identity"),
            (made(Scope::Tag(" ".into()), true), "InvalidArgument identity"),
            (Act::NewPolicy { scope: Scope::Site("x".into()), edit: unset }, "policy site:x false"),
            (made(Scope::Service("p".into()), true), "policy service:p true"),
            (set(Scope::Site("x".into()), true), "NoSuchNode identity"),
            (set(tag(), true), "policy tag:pilots true"),
            (set(tag(), false), ""),
            (grant("ann", Some("none")), "NoSuchNode policy"),
            (grant("ann", Some("pilots")), "person ann"),
            (grant("ann", Some("tag:pilots")), "person ann"),
            (grant("ann", None), ""),
            (grant("g:crew", Some("pilots")), "InvalidArgument user"),
            (grant("zoe", Some("pilots")), "NoSuchPrincipal user"),
            (gone(Scope::Site("x".into()), true), "NoSuchNode identity"),
            (gone(tag(), false), "PolicyRemoved"),
        ],
    );
    org.act(&admin(), &grant("ann", Some("pilots"))).unwrap();
    assert!(!org.rights("ann", "Mess").manage, "the policy of one's own comes first");
    check_all(
        &org,
        &admin(),
        vec![
            (gone(tag(), false), "InUse policy"),
            (gone(tag(), true), "person ann, PolicyRemoved; noted"),
            (gone(Scope::Global, false), "PolicyRemoved"),
        ],
    );
    org.act(&admin(), &gone(tag(), true)).unwrap();
    assert!(org.rights("ann", "Mess").manage);
    org.act(&admin(), &gone(Scope::Global, false)).unwrap();
    assert!(!org.rights("ann", "Mess").manage, "by default chat is off");
    check_all(
        &org,
        &admin(),
        vec![
            (gone(Scope::Global, false), ""),
            (set(Scope::Global, false), ""),
            (set(Scope::Global, true), "policy global true"),
        ],
    );
}

#[test]
fn configurations() {
    let mut org = ship();
    let depth = |n| ConfigurationEdit { default_chat_history: Some(n), ..Default::default() };
    let url = |url: &str| ConfigurationEdit {
        room_management_url: Some(url.to_owned()),
        ..ConfigurationEdit::default()
    };
    let set = |edit| Act::SetConfiguration { scope: Scope::Global, edit };
    let site = || Scope::Site("default".to_owned());
    let made = |scope| Act::NewConfiguration { scope, edit: depth(7) };
    let gone = |scope| Act::RemoveConfiguration { scope };
    let bad_url = "InvalidArgument room management url";
    check_all(
        &org,
        &admin(),
        vec![
            (set(depth(0)), "InvalidArgument default chat history"),
            (set(depth(501)), "InvalidArgument default chat history"),
            (set(depth(500)), "Configuration"),
            (set(depth(1)), "Configuration"),
            (set(depth(30)), ""),
            (set(url("")), ""),
            (set(url("https://rooms.test/")), "Configuration"),
            (set(url("file:///etc")), bad_url),
            (made(Scope::Global), "InvalidArgument identity"),
            (made(Scope::Tag("x".into())), "InvalidArgument identity"),
            (made(Scope::Service("p".into())), "Configuration"),
            (Act::SetConfiguration { scope: site(), edit: depth(7) }, "NoSuchNode identity"),
            (
                Act::SetConfiguration { scope: Scope::Tag("x".into()), edit: depth(7) },
                "InvalidArgument identity",
            ),
            (gone(Scope::Global), ""),
            (gone(site()), "NoSuchNode identity"),
        ],
    );
    org.act(&admin(), &set(depth(9))).unwrap();
    org.act(&admin(), &made(site())).unwrap();
    assert_eq!(org.directory.configuration().default_chat_history, 7);
    assert_eq!(outcome(&org, &admin(), &made(site())), "InvalidArgument identity");
    org.act(&admin(), &gone(site())).unwrap();
    assert_eq!(org.directory.configuration().default_chat_history, 9);
    org.act(&admin(), &gone(Scope::Global)).unwrap();
    assert_eq!(org.directory.configuration().default_chat_history, 30);
}

#[test]
fn endpoints_and_the_pool() {
    let mut org = ship();
    let made =
        |uri: &str| Act::NewEndpoint { uri: uri.to_owned(), display_name: "Old chat".to_owned() };
    let gone = |uri: &str| Act::RemoveEndpoint { uri: uri.to_owned() };
    let service = org.directory.service_uri.clone();
    org.act(&admin(), &made("sip:Chat@D.test")).unwrap();
    check_all(
        &org,
        &admin(),
        vec![
            (made("sip:chat@d.test"), "InUse uri"),
            (made(&uri("ann")), "InUse uri"),
            (made(&service), "InUse uri"),
            (made("sip:chat@other.test"), "InvalidArgument uri"),
            (made("chat@d.test"), "InvalidArgument uri"),
            (made("sip:d.test"), "InvalidArgument uri"),
            (made("sip:other@d.test"), "Endpoint"),
            (gone("sip:CHAT@d.test"), "EndpointRemoved"),
            (gone("sip:none@d.test"), "NoSuchNode uri"),
        ],
    );
    let pool = |edit: fn(&mut Pool)| {
        let mut pool = org.directory.pool.clone();
        edit(&mut pool);
        Act::SetPool(pool)
    };
    check_all(
        &org,
        &admin(),
        vec![
            (pool(|_| {}), ""),
            (pool(|pool| pool.fqdn = "Pool.D.test".into()), "Pool"),
            (pool(|pool| pool.site = "north".into()), "Pool"),
            (pool(|pool| pool.fqdn = String::new()), "InvalidArgument fqdn"),
            (pool(|pool| pool.fqdn = "a\\b".into()), "InvalidArgument fqdn"),
            (pool(|pool| pool.display_name = "\n".into()), "InvalidArgument display name"),
            (pool(|pool| pool.last_invitation = 9), "InvalidArgument pool"),
            (pool(|pool| pool.db_version = Guid(1)), "InvalidArgument pool"),
            (pool(|pool| pool.root_category = Guid(1)), "InvalidArgument pool"),
        ],
    );
}
#[test]
fn another_directory_tells_of_people() {
    let mut org = ship();
    let sync = |records: Vec<PersonRecord>| Act::SyncPeople(records);
    let called = |name: &str, uri: &str| PersonRecord { uri: uri.to_owned(), ..record(name) };
    let stranger = PersonRecord { parents: Some(vec![Guid(7)]), ..record("ann") };
    let gone = PersonRecord { state: PrincipalState::Deleted, ..record("ann") };
    let long = PersonRecord { path: "x".repeat(385), ..record("ann") };
    let kind = PersonRecord { kind: record("g:crew").kind, uri: uri("g:ann"), ..record("ann") };
    let other = PersonRecord { id: Guid(7), ..record("ann") };
    check_all(
        &org,
        &admin(),
        vec![
            (sync(vec![]), ""),
            (sync(vec![record("ann"), standing_in("eve", &["d:", "g:crew"])]), ""),
            (sync(vec![standing_in("g:crew", &["g:all", "g:all", "g:crew"])]), ""),
            // Everybody of the batch may stand in everything of it, before or after.
            (
                sync(vec![standing_in("zoe", &["g:new"]), standing_in("g:new", &["g:crew"])]),
                "person zoe, person g:new, parents zoe in g:new, parents g:new in g:crew",
            ),
            (sync(vec![standing_in("ann", &[])]), "parents ann in"),
            (sync(vec![gone]), "person ann"),
            (sync(vec![called("ann", "SIP:Ann@D.test;x=y")]), ""),
            (sync(vec![called("ann", "sip:anna@d.test")]), "person anna"),
            (sync(vec![called("ann", "ann@d.test")]), "InvalidArgument uri"),
            (sync(vec![called("g:crew", "sip:crew@d.test")]), "InvalidArgument uri"),
            (sync(vec![called("ann", &uri("bob"))]), "InvalidArgument uri"),
            (sync(vec![other.clone()]), "InvalidArgument uri"),
            (sync(vec![record("ann"), other]), "InvalidArgument uri"),
            (sync(vec![record("ann"), called("ann", "sip:x@d.test")]), "InvalidArgument id"),
            (sync(vec![kind]), "InvalidArgument kind"),
            (sync(vec![long]), "InvalidArgument path"),
            (sync(vec![stranger]), "NoSuchPrincipal parents"),
            (sync(vec![standing_in("ann", &["bob"])]), "InvalidArgument parents"),
        ],
    );
    // Names pass from one to the next, and round in a circle.
    let next = [("ann", "bob"), ("bob", "cat"), ("cat", "dan"), ("dan", "new")];
    for last in ["new", "ann"] {
        let names = next.map(|(name, to)| (name, if to == "new" { last } else { to }));
        let records: Vec<_> = names.iter().map(|(name, to)| called(name, &uri(to))).collect();
        let plan = org.plan(&admin(), &sync(records)).unwrap();
        let (after, _) = org.directory.apply(&plan.changes).unwrap();
        for (name, to) in names {
            let person = after.people().get(after.people().find(id(name)).unwrap()).unwrap();
            assert_eq!(person.principal.uri, uri(to));
        }
    }
    // What was granted here is not taken away there.
    let (scope, edit) = (Scope::Tag("t".into()), PolicyEdit::default());
    org.act(&admin(), &Act::NewPolicy { scope, edit }).unwrap();
    let policy = Some("t".to_owned());
    org.act(&admin(), &Act::GrantPolicy { user: uri("ann"), policy }).unwrap();
    assert_eq!(outcome(&org, &admin(), &sync(vec![record("ann")])), "");
}

#[test]
fn who_is_in_no_list_can_be_forgotten() {
    let org = ship();
    let forget = |name: &str| Act::RemovePerson { person: uri(name) };
    check_all(
        &org,
        &admin(),
        vec![
            (forget("ann"), "InUse person"),
            (forget("g:crew"), "InUse person"),
            (forget("d:"), "InUse person"),
            (forget("dan"), "PrincipalRemoved"),
            (forget("zoe"), "NoSuchPrincipal person"),
        ],
    );
    assert_eq!(outcome(&org, &user("ann"), &forget("dan")), "ErrorPermission");
    let mut org = org;
    org.person("dan", &["g:idle", "d:"]);
    assert_eq!(outcome(&org, &admin(), &forget("g:idle")), "parents dan in d:, PrincipalRemoved");
}

#[test]
fn what_was_planned_elsewhere_is_loaded_if_it_fits() {
    let org = ship();
    let mess = org.room_named("Mess");
    let change = |edit: fn(&mut Room)| {
        let mut room = mess.clone();
        edit(&mut room);
        Act::Load(vec![Change::Room(room)])
    };
    let entries = |node, ids: Vec<Guid>| {
        Act::Load(vec![Change::Entries { node, role: Role::Member, add: ids, remove: vec![] }])
    };
    let addin = |name: &str, url: &str| {
        let (name, url) = (name.to_owned(), url.to_owned());
        Act::Load(vec![Change::Addin(Addin { id: Guid(8), name, url, version: 1 })])
    };
    check_all(
        &org,
        &admin(),
        vec![
            (Act::Load(vec![]), ""),
            (addin("Log", "https://ship.example/log"), "addin v1"),
            (addin("Log", "http://"), "InvalidArgument url"),
            (addin("Log", "file:///log"), "InvalidArgument url"),
            (addin(" ", "https://ship.example/log"), "InvalidArgument name"),
            (change(|room| room.version = 9), "room v9"),
            (change(|room| room.name = "Hold".into()), "DuplicateRoomName changes"),
            (change(|room| room.name = "x".repeat(257)), "InvalidArgument name"),
            (change(|room| room.category = Guid(7)), "NoSuchNode changes"),
            (entries(mess.id, vec![id("zoe")]), "NoSuchPrincipal changes"),
            (entries(org.node("Deck"), vec![id("ann")]), "InvalidArgument changes"),
            (
                Act::Load(vec![Change::CategoryRemoved(mess.category)]),
                "NodeHierarchyViolation changes",
            ),
        ],
    );
}
