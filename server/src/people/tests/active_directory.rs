//! Active Directory as plain data: addresses, states, parents, parts of lists, what has changed.

use super::memory::Memory;
use super::{Org, finding, settings};
use crate::ldap::{Cookie, NEWCOMERS_MAX, Preset, Report, RunKind, Settings, Sync};
use parlance_core::admin::PersonRecord;
use parlance_core::directory::model::{PrincipalKind, PrincipalState};
use parlance_core::directory::{guid_of, user_principal};

const OPS: &str = "OU=Ops,DC=example,DC=com";
const ANN: &str = "CN=Ann,OU=Ops,DC=example,DC=com";
const BOB: &str = "CN=Bob,OU=Ops,DC=example,DC=com";
const STAFF: &str = "CN=Staff,DC=example,DC=com";

struct Bench {
    server: Memory,
    sync: Sync,
    org: Org,
}

impl Bench {
    /// Ann and Bob in Ops, Ann in Staff.
    fn new(adjust: impl FnOnce(&mut Settings)) -> Bench {
        let mut settings = settings(Preset::ActiveDirectory, "ldap://127.0.0.1");
        adjust(&mut settings);
        let mut server = Memory::new();
        server.put(OPS, 1, &[("objectClass", &["organizationalUnit"]), ("ou", &["Ops"])]);
        server.user(ANN, 2, "sip:Ann@Example.com", &[("displayName", &["Ann Lee"])]);
        server.user(BOB, 3, "sip:bob@example.com", &[]);
        server.group(STAFF, 4, "Staff", &["cn=ann, ou=ops, dc=example, dc=com"]);
        Bench { server, sync: Sync::new(settings), org: Org::new() }
    }

    fn run(&mut self) -> Report {
        let (known, cookie) = (&self.org.directory, self.org.cookie.as_ref());
        let outcome = self.sync.run_on(&mut self.server, known, cookie).expect("it answers");
        self.org.take(outcome)
    }
}

#[test]
fn everything_is_read_and_then_only_changes() {
    let mut bench = Bench::new(|_| {});
    let report = bench.run();
    assert_eq!(report.kind, RunKind::Full);
    assert_eq!((report.users, report.groups, report.folders), (2, 1, 1), "{report:?}");
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(bench.org.belongs("ann"), ["Ops", "Staff", "example.com"]);
    assert_eq!(bench.org.belongs("bob"), ["Ops", "example.com"]);
    let ann = &bench.org.person("sip:ann@example.com").principal;
    assert_eq!((&*ann.display_name, &*ann.path), ("Ann Lee", ANN));
    assert_eq!(ann.id.to_string(), "02020202-0202-0202-0202-020202020202");

    let report = bench.run();
    assert_eq!((report.kind, report.changed), (RunKind::Changes, 0), "{report:?}");
    // A list too long for one answer, and somebody who leaves it.
    let strangers: Vec<String> = (0..7).map(|n| format!("CN=Host{n},DC=example,DC=com")).collect();
    let mut members: Vec<&str> = strangers.iter().map(String::as_str).collect();
    members.push(BOB);
    bench.server.group(STAFF, 4, "Staff", &members);
    let report = bench.run();
    assert_eq!((report.kind, report.changed), (RunKind::Changes, 2), "{report:?}");
    assert_eq!(finding(&report, STAFF), "7 of 8 members are no people we read");
    assert_eq!(bench.org.belongs("bob"), ["Ops", "Staff", "example.com"]);
    assert_eq!(bench.org.belongs("ann"), ["Ops", "example.com"]);
}

#[test]
fn somebody_new_gets_the_groups_that_name_them_already() {
    let mut bench = Bench::new(|_| {});
    let cyd = "CN=Cyd (new),OU=Ops,DC=example,DC=com";
    bench.server.group(
        "CN=Early,DC=example,DC=com",
        5,
        "Early",
        &[ANN, "CN=Dee,DC=example,DC=com"],
    );
    bench.run();
    bench.run();
    bench.server.user("CN=Dee,DC=example,DC=com", 6, "sip:dee@example.com", &[]);
    let report = bench.run();
    assert_eq!((report.kind, report.changed), (RunKind::Changes, 1), "{report:?}");
    assert_eq!(bench.org.belongs("dee"), ["Early", "example.com"]);
    // Parentheses in a name are escaped in the filter that looks for its groups.
    bench.server.asked.clear();
    bench.server.user(cyd, 7, "sip:cyd@example.com", &[]);
    bench.run();
    assert!(bench.server.asked.iter().any(|filter| filter.contains("\\28new\\29")));
    for n in 0..=NEWCOMERS_MAX {
        let (dn, id) = (format!("CN=N{n},DC=example,DC=com"), 8 + (n % 200) as u8);
        bench.server.user(&dn, id, &format!("sip:n{n}@example.com"), &[]);
        let own = guid_of(&dn).0.to_be_bytes();
        let last = bench.server.entries.last_mut().expect("just written");
        last.set("objectguid", vec![own.to_vec()]);
    }
    assert_eq!(bench.run().kind, RunKind::Full, "so many are not looked up one by one");
}

#[test]
fn a_folder_that_moves_is_read_with_all_below_it() {
    let mut bench = Bench::new(|_| {});
    bench.run();
    bench
        .server
        .entries
        .iter_mut()
        .for_each(|entry| entry.dn = entry.dn.replace("OU=Ops", "OU=Op"));
    bench.server.put(
        "OU=Op,DC=example,DC=com",
        1,
        &[("objectClass", &["organizationalUnit"]), ("ou", &["Op"])],
    );
    assert_eq!(bench.run().kind, RunKind::Full);
    assert_eq!(bench.org.belongs("bob"), ["Op", "example.com"]);
}

#[test]
fn states_follow_the_account() {
    let mut bench = Bench::new(|settings| settings.sweep_every = 2);
    bench.run();
    bench.server.user(ANN, 2, "sip:ann@example.com", &[("userAccountControl", &["514"])]);
    bench.server.user(BOB, 3, "sip:bob@example.com", &[("msRTCSIP-UserEnabled", &["FALSE"])]);
    bench.run();
    assert_eq!(bench.org.state("ann"), PrincipalState::Disabled);
    assert_eq!(bench.org.state("bob"), PrincipalState::Disabled);
    bench.server.user(ANN, 2, "sip:ann@example.com", &[("userAccountControl", &["512"])]);
    bench.server.entries.retain(|entry| entry.dn != BOB);
    let report = bench.run();
    assert_eq!((report.kind, report.departed), (RunKind::Sweep, 1), "{report:?}");
    assert_eq!(bench.org.state("ann"), PrincipalState::Active);
    assert_eq!(bench.org.state("bob"), PrincipalState::Deleted);
    // Back again, by the same account.
    bench.server.user(BOB, 3, "sip:bob@example.com", &[]);
    bench.run();
    assert_eq!(bench.org.state("bob"), PrincipalState::Active);
}

#[test]
fn many_missing_at_once_are_not_taken_for_gone() {
    let mut bench = Bench::new(|settings| settings.full_every = 1);
    for n in 0..60u8 {
        let dn = format!("CN=U{n},OU=Ops,DC=example,DC=com");
        bench.server.user(&dn, 10 + n, &format!("sip:u{n}@example.com"), &[]);
    }
    bench.run();
    bench.server.entries.retain(|entry| !entry.dn.starts_with("CN=U"));
    let report = bench.run();
    assert_eq!((report.departed, report.changed), (0, 0), "{report:?}");
    assert!(finding(&report, "people.ldap").contains("60 of 64 entries are missing"));
    assert_eq!(bench.org.state("u7"), PrincipalState::Active);
}

#[test]
fn another_server_or_other_settings_start_anew() {
    let mut bench = Bench::new(|_| {});
    bench.run();
    bench.server.invocation = [8; 16];
    assert_eq!(bench.run().kind, RunKind::Full, "numbers of one server mean nothing on another");
    assert_eq!(bench.run().kind, RunKind::Changes);
    let cookie = bench.org.cookie.clone().expect("a cookie");
    let text = cookie.to_string();
    assert_eq!(Cookie::parse(&text).as_ref(), Some(&cookie), "it survives being kept as text");
    let mut other = settings(Preset::ActiveDirectory, "ldap://127.0.0.1");
    other.schema.user_filter = "(objectClass=person)".into();
    bench.sync = Sync::new(other);
    assert_eq!(bench.run().kind, RunKind::Full);
}

#[test]
fn addresses_come_from_where_they_stand() {
    let mut bench = Bench::new(|_| {});
    let proxies: &[&str] = &["SMTP:dee@mail.example.com", "SIP:Dee@example.com"];
    bench.server.put(
        "CN=Dee,DC=example,DC=com",
        5,
        &[
            ("objectClass", &["user"]),
            ("objectCategory", &["person"]),
            // The filter's matching is the server's; this one compares case.
            ("proxyAddresses", &[proxies[0], proxies[1], "sip:"]),
        ],
    );
    bench.server.user("CN=Bad,DC=example,DC=com", 6, "sip:no host@", &[]);
    bench.server.user("CN=Zed,DC=example,DC=com", 7, "sip:bob@example.com", &[]);
    let report = bench.run();
    assert_eq!(bench.org.state("dee"), PrincipalState::Active);
    assert!(finding(&report, "CN=Bad").contains("is no SIP address"));
    assert!(finding(&report, "CN=Zed").contains("is that of CN=Bob"));
    // Whoever has an address keeps it, whatever the other is called.
    bench.server.user("CN=Aaa,DC=example,DC=com", 8, "sip:bob@example.com", &[]);
    let report = bench.run();
    assert!(finding(&report, "CN=Aaa").contains("is still that of CN=Bob"), "{report:?}");
    bench.server.entries.retain(|entry| entry.dn != BOB);
    bench.sync = Sync::new(Settings { full_every: 1, ..bench.sync.settings().clone() });
    bench.run();
    let report = bench.run();
    assert!(finding(&report, "CN=Aaa").contains("whose rights it would get"), "{report:?}");
}

#[test]
fn what_was_made_here_is_taken_up_and_what_stands_elsewhere_stays() {
    let mut bench = Bench::new(|_| {});
    let bare = user_principal("sip:ann@example.com");
    let vip = guid_of("vip");
    let made_here = |id, kind, uri: &str, parents| PersonRecord {
        id,
        kind,
        uri: uri.into(),
        display_name: uri.into(),
        account: String::new(),
        email: String::new(),
        company: String::new(),
        path: String::new(),
        state: PrincipalState::Active,
        parents,
    };
    bench.org.submit(vec![
        made_here(vip, PrincipalKind::Group, "ma-grp:vip@u.g", None),
        made_here(bare.id, PrincipalKind::User, &bare.uri, Some(vec![vip])),
    ]);
    let report = bench.run();
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(bench.org.person(&bare.uri).principal.id, bare.id, "lists name it by this");
    let both = ["Ops", "Staff", "example.com", "ma-grp:vip@u.g"];
    assert_eq!(bench.org.belongs("ann"), both);
    bench.server.user(ANN, 2, "sip:ann@example.com", &[("company", &["Lee & Co"])]);
    let report = bench.run();
    assert!(report.findings.is_empty(), "{report:?}");
    assert_eq!(bench.org.belongs("ann"), both);
    assert_eq!(bench.org.person(&bare.uri).principal.company, "Lee & Co");
    // Renamed, then with another address: still the same, and not gone.
    let (lee, uri) = ("CN=Lee,DC=example,DC=com", "sip:lee@example.com");
    bench.server.user(lee, 2, "sip:ann@example.com", &[]);
    bench.run();
    bench.server.user(lee, 2, uri, &[]);
    bench.sync = Sync::new(Settings { sweep_every: 1, ..bench.sync.settings().clone() });
    let report = bench.run();
    assert_eq!((report.kind, report.departed), (RunKind::Sweep, 0), "{report:?}");
    assert_eq!(bench.org.person(uri).principal.id, bare.id);
}

#[test]
fn who_leaves_leaves_their_groups_in_the_same_run() {
    let mut bench = Bench::new(|settings| settings.sweep_every = 1);
    bench.run();
    bench.server.entries.retain(|entry| entry.dn != ANN);
    bench.server.group(STAFF, 4, "Staff", &[BOB]);
    let report = bench.run();
    assert_eq!((report.kind, report.changed, report.departed), (RunKind::Sweep, 2, 1));
    assert_eq!(bench.org.state("ann"), PrincipalState::Deleted);
    // Made anew in the same place, it is somebody else.
    bench.server.user(ANN, 9, "sip:ann@example.com", &[]);
    let report = bench.run();
    assert!(finding(&report, ANN).contains("whose rights it would get"), "{report:?}");
}

#[test]
fn circles_and_groups_in_groups() {
    let mut bench = Bench::new(|_| {});
    let (a, b) = ("CN=A,DC=example,DC=com", "CN=B,DC=example,DC=com");
    bench.server.group(a, 5, "A", &[b, a]);
    bench.server.group(b, 6, "B", &[a, STAFF]);
    let report = bench.run();
    let of = |dn| report.findings.list.iter().filter(move |f| f.what == dn).count();
    assert_eq!((of(a), of(b), of(STAFF)), (2, 1, 0), "{report:?}");
    assert_eq!(bench.org.belongs("ann"), ["A", "B", "Ops", "Staff", "example.com"]);
}
