//! CSV files: what is read, what is refused, and that a file comes back as it went out.

use super::Org;
use crate::csv::{export, import};
use parlance_core::directory::model::PrincipalState;

fn faults(text: &str) -> Vec<String> {
    let refused = import(text, &Org::new().directory).expect_err(text);
    refused.iter().map(ToString::to_string).collect()
}

const FILE: &str = "\
Kind,URI,Display_Name,State,Groups
group,,Night shift,,
group,ma-grp:00112233-4455-6677-8899-aabbccddeeff@u.g,Ops,,night SHIFT
user,sip:Ann@Example.com,\"Lee, Ann\",,Ops
user,bob@example.com,Bob,disabled,ma-dom:example.com; Ops
user,sip:eve@partner.test,Eve,,
";

#[test]
fn people_groups_and_what_they_stand_in() {
    let mut org = Org::new();
    org.submit(import(FILE, &org.directory).expect("a good file"));
    assert_eq!(org.belongs("ann"), ["Night shift", "Ops", "example.com"]);
    assert_eq!(org.person("sip:ann@example.com").principal.display_name, "Lee, Ann");
    assert_eq!(org.state("bob"), PrincipalState::Disabled);
    let eve = org.person("sip:eve@partner.test");
    assert_eq!(eve.affiliations().ids().len(), 1, "the domain of the address, made with her");

    // Written and read again, nothing changes; nor does reading the first file once more.
    let text = export(&org.directory);
    for text in [text.as_str(), FILE] {
        org.submit(import(text, &org.directory).expect("what was written"));
        assert_eq!(export(&org.directory), export(&org.directory.clone()));
    }
    assert_eq!(export(&org.directory), text);
    let mut empty = Org::new();
    empty.submit(import(&text, &empty.directory).expect("what was written"));
    assert_eq!(export(&empty.directory), text);
}

#[test]
fn without_a_column_of_groups_people_stay_where_they_are() {
    let mut org = Org::new();
    org.submit(import(FILE, &org.directory).expect("a good file"));
    let later = "uri,kind,display_name\nsip:ann@example.com,user,Ann Lee\n";
    org.submit(import(later, &org.directory).expect("a good file"));
    assert_eq!(org.belongs("ann"), ["Night shift", "Ops", "example.com"]);
    assert_eq!(org.person("sip:ann@example.com").principal.display_name, "Ann Lee");
}

#[test]
fn all_faults_are_told_with_their_lines() {
    let text = "kind,uri,state,groups,id\n\
                robot,sip:r2@example.com,,,\n\
                user,ann,,,\n\
                user,sip:bob@example.com,away,,\n\
                user,sip:cyd@example.com,,Nobody,\n\
                user,sip:dee@example.com,,,\n\
                user,SIP:DEE@example.com,,,\n\
                user,sip:eve@example.com,,,123\n\
                group,sip:ops@example.com,,,\n\
                user,sip:fay@example.com\n";
    let told = faults(text);
    let expected = [
        "line 2: kind \"robot\" is unknown; write user, group, folder or domain",
        "line 3: uri \"ann\" is no SIP address; write it like sip:ann@example.com",
        "line 4: state \"away\" is unknown; write active, disabled or deleted",
        "line 5: there is no group \"Nobody\", in the file or outside it",
        "line 7: sip:dee@example.com is in line 6 already",
        "line 8: id \"123\" is no GUID",
        "line 9: uri \"sip:ops@example.com\" is none of this kind; it begins with ma-grp:",
        "line 10: 2 fields where the header has 5; put quotes around fields with commas",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_header_must_name_its_columns() {
    for (text, says) in [
        ("", "column kind is missing"),
        ("kind,name\n", "there is no column \"name\""),
        ("kind,kind,uri\n", "column kind is there twice"),
        ("kind,account\n", "column uri is missing"),
    ] {
        let told = faults(text);
        assert!(told[0].starts_with("line 1: ") && told[0].contains(says), "{text:?}: {told:?}");
    }
}
