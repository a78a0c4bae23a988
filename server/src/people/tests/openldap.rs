//! A real OpenLDAP: everything, changes, who leaves, many, TLS, and what goes wrong.

use super::slapd::{READER, Slapd, group_entry, user_entry};
use super::{Org, finding, settings};
use crate::ldap::{Credentials, LdapError, Preset, Report, RunKind, Security, Settings, Sync};
use crate::runner::{Hooks, Runner, Told, run_and_submit};
use ldap3::Mod;
use parlance_core::directory::model::PrincipalState;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn unit(dn: &str, ou: &str) -> String {
    format!("dn: {dn}\nobjectClass: organizationalUnit\nou: {ou}\n\n")
}

fn group(cn: &str, members: &[&str]) -> String {
    group_entry(&group_dn(cn), cn, members)
}

fn group_dn(cn: &str) -> String {
    format!("cn={cn},ou=Groups,dc=example,dc=com")
}

const ANN: &str = "uid=ann,ou=Ops,dc=example,dc=com";
const BOB: &str = "uid=bob,ou=Ops,dc=example,dc=com";
const CYD: &str = "uid=cyd,ou=Night,ou=Ops,dc=example,dc=com";

fn organisation() -> String {
    [
        unit("ou=Ops,dc=example,dc=com", "Ops"),
        unit("ou=Night,ou=Ops,dc=example,dc=com", "Night"),
        unit("ou=Groups,dc=example,dc=com", "Groups"),
        user_entry(ANN, "ann", "mail: Ann@Example.com\ndisplayName: Ann Lee\n"),
        user_entry(BOB, "bob", ""),
        user_entry(CYD, "cyd", "mail: cyd@example.com\n"),
        user_entry("uid=bob2,ou=Ops,dc=example,dc=com", "bob2", "mail: bob@example.com\n"),
        group("staff", &[&ANN.to_uppercase(), &group_dn("night")]),
        group("night", &[CYD, "uid=gone,dc=example,dc=com"]),
        group("left", &[&group_dn("right")]),
        group("right", &[&group_dn("left")]),
    ]
    .concat()
}

fn settings_for(slapd: &Slapd, preset: Preset) -> Settings {
    let password_file = slapd.password_file();
    let credentials = Some(Credentials { bind_dn: READER.into(), password_file });
    Settings { credentials, ..settings(preset, &slapd.url()) }
}

fn run(sync: &mut Sync, org: &mut Org) -> Report {
    let outcome = sync.run_once(&org.directory, org.cookie.as_ref());
    org.take(outcome.unwrap_or_else(|error| panic!("{error}")))
}

fn set<'s>(values: &[&'s str]) -> HashSet<&'s str> {
    values.iter().copied().collect()
}

#[test]
fn everything_then_changes_then_who_is_gone() {
    let Some(slapd) = Slapd::start(&organisation()) else { return };
    let mut sync =
        Sync::new(Settings { sweep_every: 5, ..settings_for(&slapd, Preset::InetOrgPerson) });
    let mut org = Org::new();
    let report = run(&mut sync, &mut org);
    assert_eq!((report.users, report.groups, report.folders), (4, 4, 3), "{report:?}");
    assert_eq!(org.belongs("ann"), ["Ops", "example.com", "staff"]);
    assert_eq!(org.belongs("bob"), ["Ops", "example.com"]);
    assert_eq!(org.belongs("cyd"), ["Night", "Ops", "example.com", "night", "staff"]);
    assert!(finding(&report, "uid=bob2,").contains("is that of uid=bob,"), "{report:?}");
    assert!(finding(&report, "cn=night,").starts_with("1 of 2 members"), "{report:?}");
    assert!(finding(&report, "cn=left,").contains("circle"), "{report:?}");

    // One from a group, one into it, by the group alone.
    let mut admin = slapd.admin();
    let staff = group_dn("staff");
    let mods = vec![Mod::Delete("member", set(&[ANN])), Mod::Add("member", set(&[BOB]))];
    assert_eq!(admin.modify(&staff, mods).expect("answers").rc, 0);
    let report = run(&mut sync, &mut org);
    assert_eq!((report.kind, report.changed), (RunKind::Changes, 2), "{report:?}");
    assert_eq!(org.belongs("ann"), ["Ops", "example.com"]);
    assert_eq!(org.belongs("bob"), ["Ops", "example.com", "staff"]);

    // Somebody renamed and moved is still the same.
    let moved = admin.modifydn(CYD, "uid=cyd", false, Some("ou=Ops,dc=example,dc=com"));
    assert_eq!(moved.expect("answers").rc, 0);
    let before = org.person("sip:cyd@example.com").principal.id;
    run(&mut sync, &mut org);
    assert_eq!(org.person("sip:cyd@example.com").principal.id, before);
    // The group names the old entry, for this server does not mend what refers to it.
    assert_eq!(org.belongs("cyd"), ["Ops", "example.com"]);

    assert_eq!(admin.delete(BOB).expect("answers").rc, 0);
    let kinds: Vec<RunKind> = (0..3).map(|_| run(&mut sync, &mut org).kind).collect();
    assert_eq!(kinds, [RunKind::Changes, RunKind::Changes, RunKind::Sweep]);
    assert_eq!(org.state("bob"), PrincipalState::Deleted);
    assert_eq!(org.state("cyd"), PrincipalState::Active);
}

#[test]
fn posix_groups_name_accounts() {
    let posix = "dn: cn=shift,ou=Groups,dc=example,dc=com\nobjectClass: posixGroup\ncn: shift\n\
                 gidNumber: 7\nmemberUid: cyd\nmemberUid: nobody\n\n";
    let Some(slapd) = Slapd::start(&(organisation() + posix)) else { return };
    let mut sync = Sync::new(settings_for(&slapd, Preset::Rfc2307));
    let mut org = Org::new();
    let report = run(&mut sync, &mut org);
    assert_eq!((report.users, report.groups), (4, 1), "{report:?}");
    assert_eq!(org.belongs("cyd"), ["Night", "Ops", "example.com", "shift"]);
    let mods = vec![Mod::Add("memberUid", set(&["ann"]))];
    let changed = slapd.admin().modify(&group_dn("shift"), mods);
    assert_eq!(changed.expect("answers").rc, 0);
    run(&mut sync, &mut org);
    assert_eq!(org.belongs("ann"), ["Ops", "example.com", "shift"]);
}

#[test]
fn twenty_thousand_come_in_pages() {
    const USERS: usize = 20_000;
    let mut ldif = organisation();
    for n in 0..USERS {
        let dn = format!("uid=u{n},ou=Ops,dc=example,dc=com");
        ldif.push_str(&user_entry(&dn, &format!("u{n}"), &format!("mail: u{n}@example.com\n")));
    }
    for g in 0..200 {
        let members = (0..USERS).filter(|n| n % 200 == g);
        let mut group =
            format!("dn: {}\nobjectClass: groupOfNames\ncn: g{g}\n", group_dn(&format!("g{g}")));
        for n in members {
            writeln!(group, "member: uid=u{n},ou=Ops,dc=example,dc=com").expect("memory");
        }
        ldif.push_str(&group);
        ldif.push('\n');
    }
    let Some(slapd) = Slapd::start(&ldif) else { return };
    let mut sync = Sync::new(settings_for(&slapd, Preset::InetOrgPerson));
    let mut org = Org::new();
    let begin = Instant::now();
    let outcome = sync.run_once(&org.directory, None).unwrap_or_else(|error| panic!("{error}"));
    let took = begin.elapsed();
    let report = org.take(outcome);
    let entries = report.users + report.groups + report.folders;
    println!("{entries} entries in {took:?}: {:.0}/s", entries as f64 / took.as_secs_f64());
    assert_eq!((report.users, report.groups), (USERS + 4, 204), "{}", report.findings.len());
    assert_eq!(org.belongs("u19999"), ["Ops", "example.com", "g199"]);
    // Each change is looked for twice, so what was loaded in the last moment comes once more.
    for _ in 0..2 {
        let begin = Instant::now();
        let report = run(&mut sync, &mut org);
        println!("{} read as changed in {:?}", report.users + report.groups, begin.elapsed());
        assert_eq!((report.kind, report.changed), (RunKind::Changes, 0), "{report:?}");
    }
}

#[test]
fn tls_from_the_start_or_on_request() {
    let Some(slapd) = Slapd::start(&organisation()) else { return };
    let plain = settings_for(&slapd, Preset::InetOrgPerson);
    let ca_file = Some(slapd.folder().join("tls.crt"));
    let tls = format!("ldaps://localhost:{}", slapd.tls_port);
    let start_tls = format!("ldap://localhost:{}", slapd.port);
    for (url, security) in [(&tls, Security::Tls), (&start_tls, Security::StartTls)] {
        let settings =
            Settings { url: url.clone(), security, ca_file: ca_file.clone(), ..plain.clone() };
        let read = Sync::new(settings).run_once(&Org::new().directory, None);
        let report = read.unwrap_or_else(|error| panic!("{url}: {error}")).report;
        assert_eq!(report.users, 4);
    }
    // Without the file nobody vouches for the certificate.
    let settings = Settings { url: tls, security: Security::Tls, ca_file: None, ..plain };
    let refused = Sync::new(settings).run_once(&Org::new().directory, None);
    let error = refused.expect_err("a stranger's certificate").to_string();
    assert!(error.contains("certificate"), "{error}");
}

fn refused(settings: Settings) -> LdapError {
    let outcome = Sync::new(settings).run_once(&Org::new().directory, None);
    outcome.map(|outcome| outcome.report).expect_err("refused")
}

#[test]
fn what_goes_wrong_is_told() {
    let Some(slapd) = Slapd::start(&organisation()) else { return };
    let good = settings_for(&slapd, Preset::InetOrgPerson);
    let with_file = |file: &Path| Settings {
        credentials: Some(Credentials { bind_dn: READER.into(), password_file: file.into() }),
        ..good.clone()
    };
    let file = slapd.folder().join("other");
    let error = refused(with_file(&file));
    assert!(matches!(error, LdapError::File { .. }), "{error}");
    std::fs::write(&file, "\n").expect("writes");
    assert!(refused(with_file(&file)).to_string().contains("the password, is empty"));
    std::fs::write(&file, "wrong\n").expect("writes");
    let error = refused(with_file(&file)).to_string();
    assert!(error.contains("wrong name or password") && error.contains("bind_dn"), "{error}");
    assert!(!error.contains("wrong\n"), "{error}");

    let error = refused(Settings { base: "dc=nowhere".into(), ..good.clone() }).to_string();
    assert!(error.contains("check people.ldap.base"), "{error}");
    let mut bad = good.clone();
    bad.schema.user_filter = "(objectClass=".into();
    assert!(matches!(refused(bad), LdapError::Search { .. }));
    // Nobody at all may read.
    let error = refused(Settings { credentials: None, ..good.clone() }).to_string();
    assert!(error.contains("people.ldap.base") || error.contains("may not read"), "{error}");
}

#[test]
fn a_server_that_is_dead_or_dumb_is_told() {
    let dead = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = dead.local_addr().expect("bound").port();
    let url = format!("ldap://127.0.0.1:{port}");
    // It accepts, and says nothing.
    let timeout = Duration::from_millis(50);
    let dumb = Settings { timeout, ..settings(Preset::InetOrgPerson, &url) };
    let error = refused(dumb.clone()).to_string();
    assert!(error.contains("elapsed"), "{error}");
    drop(dead);
    let error = refused(dumb).to_string();
    assert!(error.contains(&url) && error.contains("check that the server runs"), "{error}");
}

#[test]
fn the_thread_runs_hands_over_and_ends() {
    let Some(slapd) = Slapd::start(&organisation()) else { return };
    let org = Arc::new(Mutex::new(Org::new()));
    let (tell, told) = channel();
    let (at_known, at_submit) = (org.clone(), org.clone());
    let hooks = Hooks {
        known: move || Arc::new(at_known.lock().expect("whole").directory.clone()),
        submit: move |records| {
            at_submit.lock().expect("whole").submit(records);
            Ok(())
        },
        told: move |result: &Told| {
            let _ = tell.send(result.clone());
        },
    };
    let sync = Sync::new(settings_for(&slapd, Preset::InetOrgPerson));
    let runner = Runner::start(sync, None, hooks).expect("a thread");
    let patience = Duration::from_secs(60);
    let first = told.recv_timeout(patience).expect("it runs at once");
    assert!(first.to_string().starts_with("people read (Full): 4 users"), "{first}");
    // On request, and who is gone is looked for.
    assert_eq!(slapd.admin().delete(BOB).expect("answers").rc, 0);
    let trigger = runner.trigger();
    let second = trigger.run().expect("it runs");
    assert!(second.to_string().contains("(Sweep)"), "{second}");
    assert!(second.to_string().contains("1 of them gone"), "{second}");
    assert_eq!(told.recv_timeout(patience), Ok(second), "others are told the same");
    runner.finish(patience);
    assert_eq!(trigger.run(), None, "nobody is there to run");
    assert_eq!(org.lock().expect("whole").belongs("ann"), ["Ops", "example.com", "staff"]);

    // Records that are refused are not forgotten.
    let mut sync = Sync::new(settings_for(&slapd, Preset::InetOrgPerson));
    let (known, mut cookie) = (Org::new().directory, None);
    let told = run_and_submit(&mut sync, &known, &mut cookie, &mut |_| Err("no room".into()));
    assert_eq!((told, cookie), (Told::Untaken("no room".into()), None));
}
