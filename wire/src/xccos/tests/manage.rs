//! Commands that look for rooms and people, and that make and change rooms.

use super::client::{check, check_both, check_malformed, check_too_many};
use super::*;
use crate::limits::XCCOS_PRINCIPALS_MAX;

const HARBOUR: Guid = Guid(0x1f6a3c84_02d7_4e3b_9c6f_5a1b7d20ab02);
const CHART: Guid = Guid(0xaa11bb22_cc33_4d44_8e55_6677889900ab);
const MARA: &str = "sip:mara@harbour.example";
const PILOTS: &str = "ma-grp:3c77d1b2-51aa-4c60-9a31-6f2f1e80ab04@u.g";

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn uibs(uris: &[&str]) -> String {
    uris.iter().map(|uri| format!("<uib uri=\"{uri}\"/>")).collect()
}

#[test]
fn of_one_room() {
    let data = format!("<data><chanib uri=\"{TIDE}\"/></data>");
    check_both(&data, Command::ChanDelete(tide()));
    check_both(&data, Command::GetPermissions(tide()));
    check_both(&data, Command::GetParticipants(tide()));
    check_both(&data, Command::ChanInfo { room: Some(tide()), name: None });
    let chanid = "<data><chanid domain='harbour.example' value='5B0C'/></data>";
    check("chandelete", chanid, Command::ChanDelete(room("5B0C")));
    check("GetPermissions", chanid, Command::GetPermissions(room("5B0C")));
    check("getparticipants", chanid, Command::GetParticipants(room("5B0C")));
    check("chaninfo", chanid, Command::ChanInfo { room: Some(room("5B0C")), name: None });
    for name in ["chandelete", "getpermissions", "getparticipants"] {
        check_malformed(name, &["", "<data/>", "<data><chanib/></data>"]);
        check_malformed(
            name,
            &["<data><chanib uri='x'/></data>", "<data><chanib name='x'/></data>"],
        );
    }
}

#[test]
fn look_up_by_name() {
    let name = Some("Fog & <signals>".to_owned());
    check_both(
        "<data><chanib name=\"Fog &amp; &lt;signals&gt;\"/></data>",
        Command::ChanInfo { room: None, name: name.clone() },
    );
    check_both(
        &format!("<data><chanib uri=\"{TIDE}\" name=\"Fog &amp; &lt;signals&gt;\"/></data>"),
        Command::ChanInfo { room: Some(tide()), name },
    );
    let other = "<data><other/><chanib uri='' name='Fog'/></data>";
    check("chaninfo", other, Command::ChanInfo { room: None, name: Some("Fog".to_owned()) });
    let bad = [
        "",
        "<data/>",
        "<data><chanib/></data>",
        "<data><chanib name=''/></data>",
        "<data><chanib uri='x' name='Fog'/></data>",
    ];
    check_malformed("chaninfo", &bad);
}

#[test]
fn rooms_without_uri_are_named_by_parts() {
    let nowhere = RoomRef { domain: "a/b".into(), value: "".into() };
    let chanid = "<chanid key=\"0\" domain=\"a/b\" value=\"\"/>";
    let data = format!("<data>{chanid}</data>");
    check_both(&data, Command::Part(nowhere.clone()));
    check_both(&data, Command::ChanDelete(nowhere.clone()));
    check_both(&data, Command::ChanInfo { room: Some(nowhere.clone()), name: None });
    let data = format!("<data>{chanid}<chanib name=\"Fog\"/></data>");
    let name = Some("Fog".to_owned());
    check_both(&data, Command::ChanInfo { room: Some(nowhere), name });
}

#[test]
fn create() {
    let draft = RoomDraft {
        description: "Horn & bell".to_owned(),
        category: Some(HARBOUR),
        privacy: Privacy::Secret,
        behavior: Behavior::Auditorium,
        invite_inherits: false,
        addin: Some(CHART),
        members: strings(&[MARA, PILOTS]),
        managers: strings(&[MARA]),
        ..RoomDraft::new("Fog \"signals\"".to_owned())
    };
    check_both(
        &format!(
            "<data><chanib name=\"Fog &quot;signals&quot;\" description=\"Horn &amp; bell\" \
             parent=\"{HARBOUR}\" behavior=\"AUDITORIUM\" siopid=\"{CHART}\">\
             <info id=\"urn:parlano:ma:info:visibility\">PRIVATE</info>\
             <prop id=\"urn:parlano:ma:prop:invite\">false</prop>\
             <role name=\"member\">{}</role><role name=\"manager\">{}</role>\
             <role name=\"presenter\"/></chanib></data>",
            uibs(&[MARA, PILOTS]),
            uibs(&[MARA]),
        ),
        Command::ChanCreate(Box::new(draft)),
    );
    check_both(
        "<data><chanib name=\"Fog\" description=\"\" behavior=\"NORMAL\">\
         <info id=\"urn:parlano:ma:info:visibility\">SCOPED</info>\
         <prop id=\"urn:parlano:ma:prop:invite\">inherit</prop>\
         <role name=\"member\"/><role name=\"manager\"/><role name=\"presenter\"/></chanib></data>",
        Command::ChanCreate(Box::new(RoomDraft::new("Fog".to_owned()))),
    );
}

#[test]
fn create_in_other_spellings() {
    let fog = || RoomDraft::new("Fog".to_owned());
    let check_draft = |attributes: &str, inside: &str, expect: RoomDraft| {
        let data = format!("<data><chanib name='Fog' {attributes}>{inside}</chanib></data>");
        check("ChanCreate", &data, Command::ChanCreate(Box::new(expect)));
    };
    check_draft("parent='' behavior='' siopid=''", "", fog());
    check_draft(
        &format!("parent='MA-CAT://Other.example/{{{HARBOUR}}}' behavior='auditorium' x='y'"),
        "",
        RoomDraft { category: Some(HARBOUR), behavior: Behavior::Auditorium, ..fog() },
    );
    check_draft(
        "",
        "<info id='urn:parlano:ma:info:visibilty'> Open </info>",
        RoomDraft { privacy: Privacy::Open, ..fog() },
    );
    for (word, invite_inherits) in [("Inherit", true), ("true", true), ("False", false)] {
        let prop = format!("<prop id='urn:parlano:ma:prop:invite'>{word}</prop>");
        check_draft("", &prop, RoomDraft { invite_inherits, ..fog() });
    }
    check_draft(
        "",
        "<role name='PRESENTER' op='add'><uib uri='a'/></role><x/>\
         <role name='presenter' op='replace'><y/><uib uri='b'/></role>",
        RoomDraft { presenters: strings(&["a", "b"]), ..fog() },
    );
}

#[test]
fn create_malformed() {
    check_malformed("chancreate", &["", "<data/>", "<data><chanib/></data>"]);
    check_malformed("chancreate", &["<data><chanib name=''/></data>"]);
    for attribute in [
        "parent='x'",
        "parent='ma-cat://d/x'",
        "parent='ma-cat:///1f6a3c84-02d7-4e3b-9c6f-5a1b7d20ab02'",
        "parent='ma-chan://d/1f6a3c84-02d7-4e3b-9c6f-5a1b7d20ab02'",
        "behavior='LOUD'",
        "siopid='x'",
    ] {
        check_malformed("chancreate", &[&format!("<data><chanib name='x' {attribute}/></data>")]);
    }
    for inside in [
        "<info id='urn:parlano:ma:info:visibility'>PUBLIC</info>",
        "<prop id='urn:parlano:ma:prop:invite'>perhaps</prop>",
        "<role/>",
        "<role name='owner'/>",
        "<role name='member'><uib/></role>",
        "<role name='member'><uib uri=''/></role>",
        "<role name='member' op='x'/>",
        "<role name='member' op='remove'/>",
    ] {
        let data = format!("<data><chanib name='x'>{inside}</chanib></data>");
        check_malformed("chancreate", &[&data]);
    }
}

#[test]
fn change() {
    let role = |role, op, principals| RoleChange { role, op, principals };
    check_both(
        &format!("<data><chanib uri=\"{TIDE}\"/></data>"),
        Command::ChanModify(Box::new(RoomChange::new(tide()))),
    );
    check_both(
        &format!("<data><chanib uri=\"{TIDE}\" disabled=\"true\" siopid=\"\"/></data>"),
        Command::ChanModify(Box::new(RoomChange {
            disabled: Some(true),
            addin: Some(None),
            ..RoomChange::new(tide())
        })),
    );
    let change = RoomChange {
        room: tide(),
        name: Some("Fog & bell".to_owned()),
        description: Some(String::new()),
        privacy: Some(Privacy::Open),
        behavior: Some(Behavior::Normal),
        invite_inherits: Some(true),
        disabled: Some(false),
        category: Some(HARBOUR),
        addin: Some(Some(CHART)),
        seen_on: Some(time()),
        roles: vec![
            role(RoomRole::Member, RoleOp::Remove, strings(&[MARA, PILOTS])),
            role(RoomRole::Manager, RoleOp::Add, strings(&[MARA])),
            role(RoomRole::Presenter, RoleOp::Replace, vec![]),
        ],
    };
    check_both(
        &format!(
            "<data><chanib uri=\"{TIDE}\" name=\"Fog &amp; bell\" description=\"\" \
             parent=\"ma-cat://harbour.example/{HARBOUR}\" behavior=\"NORMAL\" disabled=\"false\" \
             siopid=\"{CHART}\"><info id=\"urn:parlano:ma:info:visibility\">OPEN</info>\
             <prop id=\"urn:parlano:ma:prop:invite\">inherit</prop>\
             <audit updatedon=\"2025-05-06T07:08:09.0123456Z\"/>\
             <role name=\"member\" op=\"remove\">{}</role>\
             <role name=\"manager\" op=\"add\">{}</role>\
             <role name=\"presenter\" op=\"replace\"/></chanib></data>",
            uibs(&[MARA, PILOTS]),
            uibs(&[MARA]),
        ),
        Command::ChanModify(Box::new(change)),
    );
    let others = "<data><x/><chanib uri='ma-chan://harbour.example/5B0C' parent='' behavior='' \
                  disabled=''><audit/><role name='Manager'><uib uri='a'/></role></chanib></data>";
    let roles = vec![role(RoomRole::Manager, RoleOp::Add, strings(&["a"]))];
    let change = RoomChange { roles, ..RoomChange::new(room("5B0C")) };
    check("chanmodify", others, Command::ChanModify(Box::new(change)));
}

#[test]
fn change_malformed() {
    let no_room = ["", "<data/>", "<data><chanib name='x'/></data>"];
    check_malformed("chanmodify", &no_room);
    check_malformed("chanmodify", &["<data><chanid domain='d' value='x'/></data>"]);
    for attribute in ["parent='x'", "behavior='LOUD'", "siopid='x'", "disabled='x'"] {
        check_malformed(
            "chanmodify",
            &[&format!("<data><chanib uri='{TIDE}' {attribute}/></data>")],
        );
    }
    for inside in [
        "<info id='urn:parlano:ma:info:visibility'></info>",
        "<prop id='urn:parlano:ma:prop:invite'></prop>",
        "<audit updatedon='yesterday'/>",
        "<role op='add'/>",
        "<role name='member' op='swap'/>",
        "<role name='member' op='add'><uib/></role>",
    ] {
        let data = format!("<data><chanib uri='{TIDE}'>{inside}</chanib></data>");
        check_malformed("chanmodify", &[&data]);
    }
}

#[test]
fn principals_are_bounded() {
    let half = XCCOS_PRINCIPALS_MAX / 2;
    let role = |name: &str, count: usize| {
        format!("<role name='{name}'>{}</role>", "<uib uri='a'/>".repeat(count))
    };
    let roles = |more: usize| role("member", half) + &role("manager", half + more);
    let create = |more| format!("<data><chanib name='Fog'>{}</chanib></data>", roles(more));
    let change = |more| format!("<data><chanib uri='{TIDE}'>{}</chanib></data>", roles(more));
    let list = || vec!["a".to_owned(); half];
    let draft = RoomDraft { members: list(), managers: list(), ..RoomDraft::new("Fog".to_owned()) };
    check("chancreate", &create(0), Command::ChanCreate(Box::new(draft)));
    check_too_many("chancreate", &create(1));
    let add = |role| RoleChange { role, op: RoleOp::Add, principals: list() };
    let roles = vec![add(RoomRole::Member), add(RoomRole::Manager)];
    let changed = RoomChange { roles, ..RoomChange::new(tide()) };
    check("chanmodify", &change(0), Command::ChanModify(Box::new(changed)));
    check_too_many("ChanModify", &change(1));
    // What is beyond the bound is not looked at, whatever else is wrong with it.
    check_too_many("chancreate", &create(1).replace("name='Fog'", "").replace("uri='a'", ""));
}

#[test]
fn search_for_rooms() {
    let search = RoomSearch {
        criteria: "tide".to_owned(),
        extended: false,
        results_max: Some(9),
        all_words: true,
        exact_phrase: true,
        category: Some(HARBOUR),
        member: Some(MARA.to_owned()),
        manager: Some(PILOTS.to_owned()),
        joined: Some("sip:a&b@harbour.example".to_owned()),
        addin: Some(CHART),
        disabled: Some(false),
        privacy: Some(Privacy::Closed),
        behavior: Some(Behavior::Auditorium),
        invite: Some(true),
    };
    check_both(
        &format!(
            "<data><qib qtype=\"BYNAME\" criteria=\"tide\" extended=\"false\" maxResults=\"9\" \
             matchAll=\"true\" matchExactPhrase=\"true\" categoryUri=\"{HARBOUR}\" \
             memberUri=\"{MARA}\" managerUri=\"{PILOTS}\" \
             joinedUri=\"sip:a&amp;b@harbour.example\" addinGuid=\"{CHART}\" disabled=\"false\" \
             visibility=\"SCOPED\" behavior=\"AUDITORIUM\" invite=\"true\"/></data>"
        ),
        Command::ChanSrch(search),
    );
    let unused = "<data><qib criteria='' extended='' searchDescription='TRUE' matchAll='false' \
                  categoryUri='' memberUri='' managerUri='' joinedUri='' addinGuid='' disabled='' \
                  visibility='' behavior='' invite='' other='x'/></data>";
    let extended = RoomSearch { extended: true, ..RoomSearch::default() };
    check("chansrch", &unused.replace(" extended=''", ""), Command::ChanSrch(extended));
    let category = RoomSearch { category: Some(HARBOUR), ..RoomSearch::default() };
    let data = format!("<data><qib categoryUri='ma-cat://harbour.example/{HARBOUR}'/></data>");
    check("chansrch", &data, Command::ChanSrch(category));
    for filter in [
        "searchDescription='x'",
        "matchAll='x'",
        "matchExactPhrase='x'",
        "categoryUri='x'",
        "addinGuid='x'",
        "disabled='x'",
        "visibility='x'",
        "behavior='x'",
        "invite='inherit'",
    ] {
        check_malformed("chansrch", &[&format!("<data><qib {filter}/></data>")]);
    }
}

#[test]
fn search_for_principals() {
    let search = PrincipalSearch {
        last_name: "O'Bra".to_owned(),
        first_name: "L&".to_owned(),
        email: "lee@".to_owned(),
        role: Some(RoomRole::Presenter),
        category: Some(HARBOUR),
        results_max: Some(50),
    };
    check_both(
        &format!(
            "<data><uqb lastname=\"O'Bra\" firstname=\"L&amp;\" email=\"lee@\" \
             role=\"presenter\" parent=\"{HARBOUR}\" maxResults=\"50\"/></data>"
        ),
        Command::UserSearch(Box::new(search)),
    );
    check_both(
        "<data><uqb lastname=\"\" firstname=\"\" email=\"\"/></data>",
        Command::UserSearch(Box::default()),
    );
    let empty = "<data><uqb role='' parent=''/></data>";
    check("usersearch", empty, Command::UserSearch(Box::default()));
    check_malformed("usersearch", &["", "<data/>", "<data><uqb role='owner'/></data>"]);
    check_malformed("usersearch", &["<data><uqb parent='x'/></data>"]);
    check_malformed("usersearch", &["<data><uqb maxResults='x'/></data>"]);
}

#[test]
fn list_addins() {
    check_both("<data/>", Command::GetAddin);
    check("GetAddin", "<data><x/></data>", Command::GetAddin);
}
