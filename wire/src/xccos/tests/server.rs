use super::*;

/// `content` inside the server's frame.
fn document(content: &str) -> String {
    format!(
        "<xccos xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ver=\"1\" \
         envid=\"18446744073709551615\" xmlns=\"urn:parlano:xml:ns:xccos\">{content}</xccos>"
    )
}

#[track_caller]
fn check(write: impl FnOnce(&mut Vec<u8>, u64), content: &str, expect: FromServer) {
    let mut written = Vec::new();
    write(&mut written, u64::MAX);
    assert_eq!(String::from_utf8(written).unwrap(), document(content));
    assert_eq!(decode_server(document(content).as_bytes()), Ok(expect));
}

#[track_caller]
fn check_reply(name: &str, code: ResponseCode, data: ReplyData, expect: &str) {
    let to = CommandId { envid: EnvId::parse("007").unwrap(), seqid: 2 };
    let replies = vec![Reply { name: name.to_owned(), to, code, data }];
    let (number, text) = (code.code(), code.text());
    let content = format!(
        "<rpl id=\"rpl:{name}\" seqid=\"1\"><commandid seqid=\"2\" envid=\"007\" />\
         <resp code=\"{number}\">{text}</resp>{expect}</rpl>"
    );
    let write = |out: &mut Vec<u8>, envid| encode_replies(out, envid, &replies);
    check(write, &content, FromServer::Replies(replies.clone()));
}

#[track_caller]
fn check_success(name: &str, data: ReplyData, expect: &str) {
    check_reply(name, ResponseCode::Success, data, expect);
}

#[track_caller]
fn check_notice(notice: Notice, expect: &str) {
    let notices = vec![notice];
    let write = |out: &mut Vec<u8>, envid| encode_notices(out, envid, &notices);
    check(write, expect, FromServer::Notices(notices.clone()));
}

fn user(account: &str, name: &str, is_operator: bool) -> Participant {
    let uri = format!("sip:{account}@harbour.example");
    Participant { uri, name: name.to_owned(), is_operator, is_presenter: false }
}

fn presenter(user: Participant) -> Participant {
    Participant { is_presenter: true, ..user }
}

fn info(name: &str, privacy: Privacy) -> RoomInfo {
    RoomInfo {
        participants: Some(3),
        privacy,
        file_post: true,
        logged: true,
        ..RoomInfo::new(TIDE.to_owned(), name.to_owned())
    }
}

/// What `info` writes inside `chanib`.
fn properties(lower: &str, upper: &str) -> String {
    format!(
        "<info id=\"urn:parlano:ma:info:ucnt\">3</info>\
         <info id=\"urn:parlano:ma:info:visibilty\">{lower}</info>\
         <info id=\"urn:parlano:ma:info:visibility\">{upper}</info>\
         <prop id=\"urn:parlano:ma:prop:filepost\">true</prop>\
         <prop id=\"urn:parlano:ma:prop:invite\">false</prop>\
         <prop id=\"urn:parlano:ma:prop:logged\">true</prop>"
    )
}

#[test]
fn requri() {
    let uri = "sip:chat-1@harbour.example".to_owned();
    let expect = "<data><uib uri=\"sip:chat-1@harbour.example\" /></data>";
    check_success("requri", ReplyData::ReqUri { uri }, expect);
}

#[test]
fn failures() {
    check_reply("join", ResponseCode::NoSuchNode, ReplyData::Empty, "<data />");
    check_reply("chansrch", ResponseCode::LimitExceeded, ReplyData::Empty, "<data />");
    check_reply("frobnicate", ResponseCode::MsgNotSupported, ReplyData::Empty, "<data />");
    check_reply("requri", ResponseCode::Other(299), ReplyData::Empty, "<data />");
    check_reply("nodespermcreatechild", ResponseCode::ServerError, ReplyData::Empty, "<data />");
    check_success("frobnicate", ReplyData::Empty, "<data />");
}

#[test]
fn codes() {
    for code in &ResponseCode::NAMED[1..] {
        check_reply("chancreate", *code, ReplyData::Empty, "<data />");
    }
}

#[test]
fn server_info() {
    let info = ServerInfo {
        info_type: "123".to_owned(),
        server_time: time(),
        search_limit: 400,
        message_bytes_max: 8000,
        story_bytes_max: 64000,
        root_uri: "ma-cat://harbour.example/0".to_owned(),
        db_version: "77aa5b10-3f0c-4f3f-a4b7-2b6a5e90ab03".to_owned(),
        domain: "harbour.example".to_owned(),
        display_name: "Harbour & Co".to_owned(),
        room_management_url: String::new(),
    };
    let expect = "<data><sib infoType=\"123\" serverTime=\"2025-05-06T07:08:09.0123456Z\" \
         searchLimit=\"400\" messageSizeLimit=\"8000\" storySizeLimit=\"64000\" \
         rootUri=\"ma-cat://harbour.example/0\" \
         dbVersion=\"77aa5b10-3f0c-4f3f-a4b7-2b6a5e90ab03\" domain=\"harbour.example\" \
         displayName=\"Harbour &amp; Co\" /></data>";
    check_success("getserverinfo", ReplyData::ServerInfo(info.clone()), expect);
    let room_management_url = "https://chat.harbour.example/rooms?a&b".to_owned();
    let info = ServerInfo { room_management_url, ..info };
    let url = " roomManagementUrl=\"https://chat.harbour.example/rooms?a&amp;b\" /></data>";
    let expect = expect.replace(" /></data>", url);
    check_success("getserverinfo", ReplyData::ServerInfo(info), &expect);
}

#[test]
fn joined() {
    let users = vec![user("mara", "Mara Ito", false), user("lee", "Lee \"L\"", true)];
    let users = [users, vec![user("noor", "", false)]].concat();
    let users = [users, vec![presenter(user("ada", "", true)), presenter(user("bo", "", false))]];
    let users = users.concat();
    let failed = Failure { domain: "harbour.example".to_owned(), value: "no&pe".to_owned() };
    let mut quiet = info("Night watch", Privacy::Secret);
    quiet.participants = None;
    let rooms = vec![(info("Tide", Privacy::Closed), vec![0, 1, 2, 3, 4]), (quiet, vec![])];
    let room = |name: &str, inside: &str| {
        format!(
            "<chanib name=\"{name}\" description=\"\" uri=\"{TIDE}\" behavior=\"NORMAL\" \
             disabled=\"false\">{inside}</chanib>"
        )
    };
    let keys = "<aib key=\"3984\" value=\"0,2\" /><aib key=\"8080\" value=\"4\" />\
                <aib key=\"12276\" value=\"1\" /><aib key=\"16372\" value=\"3\" />";
    let secret = properties("private", "PRIVATE");
    let (_, without_count) = secret.split_once("</info>").unwrap();
    let expect = format!(
        "<data><uib id=\"0\" uri=\"sip:mara@harbour.example\" type=\"5\" uname=\"mara\" \
         dispname=\"Mara Ito\" /><uib id=\"1\" uri=\"sip:lee@harbour.example\" type=\"5\" \
         uname=\"lee\" dispname=\"Lee &quot;L&quot;\" /><uib id=\"2\" \
         uri=\"sip:noor@harbour.example\" type=\"5\" uname=\"noor\" dispname=\"\" />\
         <uib id=\"3\" uri=\"sip:ada@harbour.example\" type=\"5\" uname=\"ada\" dispname=\"\" />\
         <uib id=\"4\" uri=\"sip:bo@harbour.example\" type=\"5\" uname=\"bo\" dispname=\"\" />{}{}\
         <fib key=\"OPERATION_FAILED\" value=\"no&amp;pe\" domain=\"harbour.example\" /></data>",
        room("Tide", &format!("{keys}{}", properties("scoped", "SCOPED"))),
        room("Night watch", without_count),
    );
    check_success("bjoin", ReplyData::Joined { users, rooms, failed: vec![failed] }, &expect);
}

#[test]
fn parted() {
    let expect = format!("<data><chanib uri=\"{TIDE}\" /></data>");
    check_success("part", ReplyData::Parted { room_uri: TIDE.to_owned() }, &expect);
}

#[test]
fn rooms() {
    let expect = format!(
        "<data><chanib name=\"Tide\" description=\"\" uri=\"{TIDE}\" behavior=\"NORMAL\" \
         disabled=\"false\">{}</chanib></data>",
        properties("open", "OPEN")
    );
    for name in ["chansrch", "getassociations"] {
        check_success(name, ReplyData::Rooms(vec![info("Tide", Privacy::Open)]), &expect);
        check_success(name, ReplyData::Rooms(vec![]), "<data />");
    }
}

fn lee() -> PrincipalInfo {
    PrincipalInfo {
        uri: "sip:lee@harbour.example".to_owned(),
        kind: PrincipalKind::User,
        account: "lee".to_owned(),
        name: "Lee <L>".to_owned(),
        email: "lee@harbour.example".to_owned(),
        company: "Harbour & Co".to_owned(),
        disabled: true,
    }
}

fn pilots() -> PrincipalInfo {
    let uri = "ma-grp:3c77d1b2-51aa-4c60-9a31-6f2f1e80ab04@u.g".to_owned();
    PrincipalInfo { uri, kind: PrincipalKind::Group, ..PrincipalInfo::default() }
}

/// What `lee` and `pilots` write.
const LEE_AND_PILOTS: &str = "<uib uri=\"sip:lee@harbour.example\" type=\"5\" uname=\"lee\" \
    dispname=\"Lee &lt;L&gt;\" email=\"lee@harbour.example\" company=\"Harbour &amp; Co\" \
    disabled=\"true\" /><uib uri=\"ma-grp:3c77d1b2-51aa-4c60-9a31-6f2f1e80ab04@u.g\" type=\"9\" \
    uname=\"\" dispname=\"\" disabled=\"false\" />";

fn chart() -> AddinInfo {
    let id = Guid::parse("aa11bb22-cc33-4d44-8e55-6677889900ab").unwrap();
    let url = "https://tide.harbour.example/?a&b".to_owned();
    AddinInfo { id, name: "Tide \"chart\"".to_owned(), url }
}

/// What `chart` writes.
const CHART: &str = "siopid=\"aa11bb22-cc33-4d44-8e55-6677889900ab\" \
    siopname=\"Tide &quot;chart&quot;\" siopurl=\"https://tide.harbour.example/?a&amp;b\"";

/// A room with all there is to tell.
fn full() -> RoomInfo {
    let role = |role, principals| RoleList { role, principals };
    RoomInfo {
        category: Some(guid(1)),
        behavior: Behavior::Auditorium,
        disabled: true,
        addin: Some(chart()),
        audit: Some(Audit {
            created_by: "sip:mara@harbour.example".to_owned(),
            created_on: Timestamp(0),
            updated_by: "sip:lee@harbour.example".to_owned(),
            updated_on: time(),
        }),
        roles: vec![
            role(RoomRole::Member, vec![lee(), pilots()]),
            role(RoomRole::Manager, vec![]),
            role(RoomRole::Presenter, vec![]),
        ],
        ..info("Tide", Privacy::Open)
    }
}

/// What `full` writes.
fn full_chanib() -> String {
    format!(
        "<chanib name=\"Tide\" description=\"\" uri=\"{TIDE}\" \
         parent=\"ma-cat://harbour.example/{}\" behavior=\"AUDITORIUM\" disabled=\"true\" {CHART}>\
         {}<audit createdby=\"sip:mara@harbour.example\" \
         createdon=\"1970-01-01T00:00:00.0000000Z\" updatedby=\"sip:lee@harbour.example\" \
         updatedon=\"2025-05-06T07:08:09.0123456Z\" />\
         <role name=\"member\">{LEE_AND_PILOTS}</role><role name=\"manager\" />\
         <role name=\"presenter\" /></chanib>",
        guid(1),
        properties("open", "OPEN"),
    )
}

#[test]
fn rooms_with_all_there_is_to_tell() {
    let expect = format!("<data>{}</data>", full_chanib());
    check_success("chansrch", ReplyData::Rooms(vec![full()]), &expect);
}

#[test]
fn one_room() {
    let expect = format!("<data>{}</data>", full_chanib());
    for name in ["chaninfo", "chancreate", "chanmodify"] {
        check_success(name, ReplyData::Room(Box::new(full())), &expect);
    }
    let expect = format!("<data><chanib uri=\"{TIDE}\" /></data>");
    check_success("chandelete", ReplyData::Deleted { room_uri: TIDE.to_owned() }, &expect);
    let permissions = ReplyData::Permissions { room_uri: TIDE.to_owned(), key: 3984 };
    let expect = format!("<data><chanib uri=\"{TIDE}\"><aib key=\"3984\" /></chanib></data>");
    check_success("getpermissions", permissions, &expect);
}

#[test]
fn a_bare_room_is_open_and_can_do_nothing() {
    let content = format!(
        "<rpl id='rpl:chaninfo' seqid='1'><commandid seqid='1' envid='1'/><resp code='200'/>\
         <data><chanib uri='{TIDE}' name='Tide' parent='' siopid='' behavior=''/></data></rpl>"
    );
    let reply = Reply {
        name: "chaninfo".to_owned(),
        to: CommandId { envid: EnvId::from(1), seqid: 1 },
        code: ResponseCode::Success,
        data: ReplyData::Room(Box::new(RoomInfo::new(TIDE.to_owned(), "Tide".to_owned()))),
    };
    let actual = decode_server(document(&content).as_bytes());
    assert_eq!(actual, Ok(FromServer::Replies(vec![reply])));
}

#[test]
fn participants() {
    let users = vec![user("mara", "Mara", false)];
    let data = ReplyData::Joined {
        users,
        rooms: vec![(info("Tide", Privacy::Open), vec![0])],
        failed: vec![],
    };
    let expect = format!(
        "<data><uib id=\"0\" uri=\"sip:mara@harbour.example\" type=\"5\" uname=\"mara\" \
         dispname=\"Mara\" /><chanib name=\"Tide\" description=\"\" uri=\"{TIDE}\" \
         behavior=\"NORMAL\" disabled=\"false\"><aib key=\"3984\" value=\"0\" />{}</chanib></data>",
        properties("open", "OPEN"),
    );
    check_success("getparticipants", data, &expect);
}

#[test]
fn principals() {
    let principals = vec![lee(), pilots()];
    let expect = format!("<data>{LEE_AND_PILOTS}<more available=\"true\" /></data>");
    check_success("usersearch", ReplyData::Principals { principals, more: true }, &expect);
    let nobody = ReplyData::Principals { principals: vec![], more: false };
    check_success("usersearch", nobody, "<data><more available=\"false\" /></data>");
    for (kind, number) in [(PrincipalKind::Domain, 8), (PrincipalKind::Folder, 10)] {
        let expect = format!(
            "<data><uib uri=\"harbour.example\" type=\"{number}\" uname=\"\" dispname=\"\" \
             disabled=\"false\" /><more available=\"false\" /></data>"
        );
        let uri = "harbour.example".to_owned();
        let principals = vec![PrincipalInfo { uri, kind, ..PrincipalInfo::default() }];
        check_success("usersearch", ReplyData::Principals { principals, more: false }, &expect);
    }
}

#[test]
fn addins() {
    let expect = format!("<data><addin {CHART} /></data>");
    check_success("getaddin", ReplyData::Addins(vec![chart()]), &expect);
    check_success("getaddin", ReplyData::Addins(vec![]), "<data />");
}

#[test]
fn categories() {
    let category = CategoryInfo {
        uri: category_uri("Harbour.example", guid(1)),
        name: "Harbour".to_owned(),
        description: "Water & quay".to_owned(),
        invite: true,
        file_post: false,
        logged: true,
    };
    let expect = format!(
        "<data><catib name=\"Harbour\" description=\"Water &amp; quay\" \
         uri=\"ma-cat://harbour.example/{}\"><prop id=\"urn:parlano:ma:prop:filepost\">false</prop>\
         <prop id=\"urn:parlano:ma:prop:invite\">true</prop>\
         <prop id=\"urn:parlano:ma:prop:logged\">true</prop></catib></data>",
        guid(1),
    );
    check_success("nodespermcreatechild", ReplyData::Categories(vec![category]), &expect);
    check_success("nodespermcreatechild", ReplyData::Categories(vec![]), "<data />");
}

fn invitation() -> Invitation {
    Invitation { number: 7, domain: "harbour.example".to_owned(), created_on: time(), room: full() }
}

/// What `invitation` writes.
fn inv() -> String {
    format!(
        "<inv inviteId=\"7\" domain=\"harbour.example\" \
         createdon=\"2025-05-06T07:08:09.0123456Z\">{}</inv>",
        full_chanib()
    )
}

#[test]
fn invitations() {
    let expect = format!("<data>{}{}</data>", inv(), inv());
    let all = vec![invitation(), invitation()];
    check_success("getinv", ReplyData::Invitations(all), &expect);
    check_success("getinv", ReplyData::Invitations(vec![]), "<data />");
    let expect = format!("<ntc id=\"ntc:invite\" seqid=\"1\"><data>{}</data></ntc>", inv());
    check_notice(Notice::Invite(Box::new(invitation())), &expect);
}

#[test]
fn a_room_without_name_is_called_by_its_uri() {
    let mut written = Vec::new();
    let to = CommandId { envid: EnvId::from(1), seqid: 1 };
    let data = ReplyData::Rooms(vec![info("", Privacy::Open)]);
    let reply = Reply { name: "chansrch".to_owned(), to, code: ResponseCode::Success, data };
    encode_replies(&mut written, 1, &[reply]);
    let written = String::from_utf8(written).unwrap();
    assert!(written.contains(&format!("<chanib name=\"{TIDE}\"")), "{written}");
}

fn delivery(chat_id: u64, chat: &str) -> Delivery {
    Delivery {
        room_uri: TIDE.to_owned(),
        author: "sip:mara@harbour.example".to_owned(),
        author_name: "Mara <Ito>".to_owned(),
        ts: time(),
        alert: false,
        chat_id,
        chat: chat.to_owned(),
        rtf: None,
    }
}

/// What `delivery` writes behind the first two attributes.
fn message(chat_id: u64, alert: bool, texts: &str) -> String {
    format!(
        "chanUri=\"{TIDE}\" author=\"sip:mara@harbour.example\" \
         authdisp=\"Mara &lt;Ito&gt;\" alert=\"{alert}\" chatId=\"{chat_id}\" \
         ts=\"2025-05-06T07:08:09.0123456Z\">{texts}"
    )
}

#[test]
fn history() {
    let room_uri = TIDE.to_owned();
    let messages = vec![delivery(418, "one"), delivery(419, "two\nlines")];
    let expect = format!(
        "<data><chanib uri=\"{TIDE}\"><msg id=\"grpchat\" seqid=\"1\" {}</msg>\
         <msg id=\"grpchat\" seqid=\"2\" {}</msg></chanib></data>",
        message(418, false, "<chat>one</chat>"),
        message(419, false, "<chat>two\nlines</chat>"),
    );
    let data = ReplyData::History { room_uri: room_uri.clone(), messages };
    check_success("bccontext", data, &expect);
    let expect = format!("<data><chanib uri=\"{TIDE}\" /></data>");
    check_success("bccontext", ReplyData::History { room_uri, messages: vec![] }, &expect);
}

#[test]
fn found_in_history() {
    let room = |messages| FoundInRoom { room_uri: TIDE.to_owned(), messages };
    let found =
        Found { rooms: vec![room(vec![delivery(7, "one")]), room(vec![])], is_exceeded: true };
    let expect = format!(
        "<data><chanib uri=\"{TIDE}\"><msg id=\"grpchat\" seqid=\"1\" {}</msg></chanib>\
         <chanib uri=\"{TIDE}\" /><limit exceeded=\"true\" cnt=\"1\" /></data>",
        message(7, false, "<chat>one</chat>"),
    );
    check_success("bcbydate", ReplyData::Found(found), &expect);
}

#[test]
fn deliveries() {
    let check_delivery = |delivery: Delivery, expect: String| {
        let content = format!("<grpchat id=\"grpchat\" seqid=\"1\" {expect}</grpchat>");
        let write = |out: &mut Vec<u8>, envid| encode_delivery(out, envid, &delivery);
        check(write, &content, FromServer::Delivery(delivery.clone()));
    };
    let chat = "<chat>1 &lt; 2\n&amp; \tso on ]]&gt;</chat>";
    check_delivery(delivery(420, "1 < 2\n& \tso on ]]>"), message(420, false, chat));
    let rich = Delivery { alert: true, rtf: Some("{\\rtf1 <}".to_owned()), ..delivery(1, "x") };
    let texts = "<chat>x</chat><rtf>{\\rtf1 &lt;}</rtf>";
    check_delivery(rich, message(1, true, texts));
}

#[test]
fn preferences() {
    let preference = |content: Option<&str>| {
        ReplyData::Preference(Preference {
            label: "mara.GroupChannels".to_owned(),
            seqid: 4,
            create_default: false,
            content: content.map(str::to_owned),
        })
    };
    let head = "<pref label=\"mara.GroupChannels\" seqid=\"4\" createdefault=\"false\"";
    check_success("setpref", preference(None), &format!("<data>{head} /></data>"));
    let expect = format!("<data>{head} content=\"Zm9v\" /></data>");
    check_success("getpref", preference(Some("Zm9v")), &expect);
}

#[test]
fn file_token() {
    let token = ReplyData::FileToken {
        token: "4f7d2f61".to_owned(),
        server_uri: "https://chat.harbour.example/x?a&b".to_owned(),
    };
    let expect = "<data><token token=\"4f7d2f61\" \
                  serveruri=\"https://chat.harbour.example/x?a&amp;b\" /></data>";
    check_success("getftok", token, expect);
}

#[test]
fn merged_replies_are_numbered() {
    let reply = |envid: u64| Reply {
        name: "bccontext".to_owned(),
        to: CommandId { envid: EnvId::from(envid), seqid: 1 },
        code: ResponseCode::ErrorPermission,
        data: ReplyData::Empty,
    };
    let replies = vec![reply(8), reply(9)];
    let one = |seqid: u32, envid: u32| {
        format!(
            "<rpl id=\"rpl:bccontext\" seqid=\"{seqid}\"><commandid seqid=\"1\" \
             envid=\"{envid}\" /><resp code=\"403\">ERROR_PERMISSION</resp><data /></rpl>"
        )
    };
    let content = one(1, 8) + &one(2, 9);
    let write = |out: &mut Vec<u8>, envid| encode_replies(out, envid, &replies);
    check(write, &content, FromServer::Replies(replies.clone()));
}

#[test]
fn a_reply_without_resp_is_a_server_error() {
    let content = "<rpl id='RPL:Odd.One' seqid='1'><commandid seqid='1' envid='1'/></rpl>";
    let reply = Reply {
        name: "odd_one".to_owned(),
        to: CommandId { envid: EnvId::from(1), seqid: 1 },
        code: ResponseCode::ServerError,
        data: ReplyData::Empty,
    };
    let expect = Ok(FromServer::Replies(vec![reply]));
    assert_eq!(decode_server(document(content).as_bytes()), expect);
}

fn guid(last: u128) -> Guid {
    Guid(0x5b0c7a52_3d1e_4f7c_9a44_0e6f2b91c800 + last)
}

#[test]
fn join_notices() {
    let users = vec![user("noor", "Noor Vance", false), user("lee", "Lee", true)];
    let notice = Notice::Join { domain: "harbour.example".to_owned(), room: guid(0xd7), users };
    let room = "domain=\"harbour.example\" value=\"5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7\"";
    let expect = format!(
        "<ntc id=\"ntc:join\" seqid=\"1\"><data><uib uri=\"sip:noor@harbour.example\" type=\"5\" \
         uname=\"noor\" dispname=\"Noor Vance\"><aib key=\"3984\" {room} /></uib>\
         <uib uri=\"sip:lee@harbour.example\" type=\"5\" uname=\"lee\" dispname=\"Lee\">\
         <aib key=\"12276\" {room} /></uib></data></ntc>"
    );
    check_notice(notice, &expect);
}

#[test]
fn a_join_of_several_rooms_is_a_notice_for_each() {
    let aib = |key: &str, room: u128| {
        format!("<aib key='{key}' domain='Harbour.example' value='{{{}}}'/>", guid(room))
    };
    let uib = |account: &str, inside: String| {
        format!("<uib uri='sip:{account}@harbour.example' disp='{account}'>{inside}</uib>")
    };
    let content = format!(
        "<ntc id='ntc:bjoin' seqid='1'><data>{}{}</data></ntc>",
        uib("mara", aib("3984", 1) + &aib("12276", 2)),
        uib("lee", aib("1", 2)),
    );
    let join = |room, users| Notice::Join { domain: "harbour.example".to_owned(), room, users };
    let expect = vec![
        join(guid(1), vec![user("mara", "mara", false)]),
        join(guid(2), vec![user("mara", "mara", true), user("lee", "lee", false)]),
    ];
    let actual = decode_server(document(&content).as_bytes());
    assert_eq!(actual, Ok(FromServer::Notices(expect)));
}

#[test]
fn part_notices() {
    let users = ["mara", "lee"].map(|account| format!("sip:{account}@harbour.example"));
    let expect = format!(
        "<ntc id=\"ntc:part\" seqid=\"1\"><data><chanib uri=\"{TIDE}\"><uib uri=\"{}\" />\
         <uib uri=\"{}\" /></chanib></data></ntc>",
        users[0], users[1],
    );
    check_notice(Notice::Part { room_uri: TIDE.to_owned(), users: users.to_vec() }, &expect);
}

#[test]
fn notices_of_changes() {
    let expect =
        format!("<ntc id=\"ntc:chanmodify\" seqid=\"1\"><data>{}</data></ntc>", full_chanib());
    check_notice(Notice::RoomChanged(Box::new(full())), &expect);
    let users = ["mara", "lee"].map(|account| format!("sip:{account}@harbour.example"));
    let expect = format!(
        "<ntc id=\"ntc:kick\" seqid=\"1\"><data><chanib uri=\"{TIDE}\"><uib uri=\"{}\" />\
         <uib uri=\"{}\" /></chanib></data></ntc>",
        users[0], users[1],
    );
    check_notice(Notice::Kick { room_uri: TIDE.to_owned(), users: users.to_vec() }, &expect);
    let users = vec![presenter(user("noor", "Noor", false)), presenter(user("lee", "Lee", true))];
    let room = "domain=\"harbour.example\" value=\"5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7\"";
    let expect = format!(
        "<ntc id=\"ntc:permmodify\" seqid=\"1\"><data><uib uri=\"sip:noor@harbour.example\" \
         type=\"5\" uname=\"noor\" dispname=\"Noor\"><aib key=\"8080\" {room} /></uib>\
         <uib uri=\"sip:lee@harbour.example\" type=\"5\" uname=\"lee\" dispname=\"Lee\">\
         <aib key=\"16372\" {room} /></uib></data></ntc>"
    );
    let domain = "harbour.example".to_owned();
    check_notice(Notice::Permissions { domain, room: guid(0xd7), users }, &expect);
}

#[test]
fn a_notice_of_several_rooms_is_one_for_each() {
    let chanib = |name: &str| format!("<chanib uri='{TIDE}' name='{name}'/>");
    let content = format!(
        "<ntc id='ntc:chanmodify' seqid='1'><data>{}{}</data></ntc>",
        chanib("Tide"),
        chanib("Ebb"),
    );
    let changed =
        |name: &str| Notice::RoomChanged(Box::new(RoomInfo::new(TIDE.to_owned(), name.to_owned())));
    let actual = decode_server(document(&content).as_bytes());
    assert_eq!(actual, Ok(FromServer::Notices(vec![changed("Tide"), changed("Ebb")])));
}

#[test]
fn other_notices() {
    let expect = "<ntc id=\"ntc:quit\" seqid=\"1\"><data /></ntc>";
    check_notice(Notice::Other { name: "quit".to_owned() }, expect);
}
