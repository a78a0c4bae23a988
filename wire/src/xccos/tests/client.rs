use super::*;
use crate::limits::{XCCOS_SEARCH_AUTHORS_MAX, XCCOS_SEARCH_TEXT_BYTES_MAX};

/// `data` inside SIPE's frame.
pub(super) fn command_document(name: &str, data: &str) -> String {
    format!(
        "<xccos ver=\"1\" envid=\"4294967295\" xmlns=\"urn:parlano:xml:ns:xccos\">\
         <cmd id=\"cmd:{name}\" seqid=\"1\">{data}</cmd></xccos>"
    )
}

#[track_caller]
pub(super) fn check(name: &str, data: &str, expect: Command) {
    let document = command_document(name, data);
    let id = CommandId { envid: EnvId::from(4294967295), seqid: 1 };
    let expect = Ok(FromClient::Commands(vec![(id, expect)]));
    assert_eq!(decode_client(document.as_bytes()), expect, "{document}");
}

/// The same, and that we write the very same document.
#[track_caller]
pub(super) fn check_both(data: &str, expect: Command) {
    let mut written = Vec::new();
    encode_command(&mut written, 4294967295, &expect);
    let name = expect.name().to_owned();
    assert_eq!(String::from_utf8(written).unwrap(), command_document(&name, data));
    check(&name, data, expect);
}

#[track_caller]
pub(super) fn check_malformed(name: &str, data: &[&str]) {
    for data in data {
        check(name, data, Command::Malformed { name: name.to_owned() });
    }
}

#[track_caller]
pub(super) fn check_too_many(name: &str, data: &str) {
    let document = command_document(name, data);
    assert_eq!(decode_client(document.as_bytes()), Err(DocumentError::TooMany), "{document}");
}

#[test]
fn what_sipe_sends() {
    check_both("<data/>", Command::ReqUri);
    let chanid = |key: u32, value: &str| {
        format!("<chanid key=\"{key}\" domain=\"harbour.example\" value=\"{value}\"/>")
    };
    let two = format!("<data>{}{}</data>", chanid(0, "a"), chanid(1, "b c"));
    check_both(&two, Command::BJoin(vec![room("a"), room("b c")]));
    check_both(&format!("<data>{}</data>", chanid(0, "a")), Command::Join(room("a")));
    check_both(
        "<data><inv inviteId=\"1\" domain=\"harbour.example\"/></data>",
        Command::GetInv { after: 1, domain: "harbour.example".to_owned() },
    );
    check_both(
        &format!("<data><chanib uri=\"{TIDE}\"/><bcq><last cnt=\"25\"/></bcq></data>"),
        Command::BcContext { room: tide(), count: 25 },
    );
    check_both(
        "<data><qib qtype=\"BYNAME\" criteria=\"\" extended=\"false\"/></data>",
        Command::ChanSrch(RoomSearch::default()),
    );
    check_both(&format!("<data><chanib uri=\"{TIDE}\"/></data>"), Command::Part(tide()));
}

#[test]
fn what_others_send() {
    check_both("<data/>", Command::NodesPermCreateChild);
    check_both(
        "<data><sib infoType=\"7\"/></data>",
        Command::GetServerInfo { info_type: "7".to_owned() },
    );
    let results_max = Some(500);
    check_both(
        "<data><association type=\"MEMBER\" maxResults=\"500\"/></data>",
        Command::GetAssociations { kind: AssociationKind::Member, results_max },
    );
    check_both(
        "<data><association type=\"MANAGER\"/></data>",
        Command::GetAssociations { kind: AssociationKind::Manager, results_max: None },
    );
    check_both(
        "<data><qib qtype=\"BYNAME\" criteria=\"a &quot;b&quot;\" extended=\"true\" \
         maxResults=\"9\"/></data>",
        Command::ChanSrch(RoomSearch {
            criteria: "a \"b\"".to_owned(),
            extended: true,
            results_max: Some(9),
            ..RoomSearch::default()
        }),
    );
    let file = "plan &1.pdf".to_owned();
    let ftdb = format!("<data><ftdb channelUri=\"{TIDE}\" fileUrl=\"plan &amp;1.pdf\"/></data>");
    check_both(&ftdb, Command::GetFuTok { room: tide(), file: file.clone() });
    check_both(&ftdb, Command::GetFdTok { room: tide(), file });
}

#[test]
fn searches_in_history() {
    let all = HistorySearch {
        rooms: vec![tide(), room("5B0C")],
        text: "pier <4>".to_owned(),
        is_phrase: true,
        is_case_sensitive: true,
        authors: vec!["sip:mara@harbour.example".to_owned(), "sip:lee@harbour.example".to_owned()],
        from: Timestamp::parse("2024-03-01T00:00:00Z"),
        to: Timestamp::parse("2024-03-08T00:00:00Z"),
        start: Some(400),
        count_max: Some(100),
        is_backwards: true,
        is_sorted_backwards: true,
    };
    check_both(
        &format!(
            "<data><chanib uri=\"{TIDE}\"/><chanib uri=\"ma-chan://harbour.example/5B0C\"/><bcq>\
             <date from=\"2024-03-01T00:00:00.0000000Z\" to=\"2024-03-08T00:00:00.0000000Z\"/>\
             <text matchcase=\"true\" matchexactphrase=\"true\">pier &lt;4&gt;</text>\
             <author uri=\"sip:mara@harbour.example\"/><author uri=\"sip:lee@harbour.example\"/>\
             <msgid start=\"400\"/><limit cnt=\"100\"/>\
             <sort searchbkwds=\"true\" sortbkwds=\"true\"/></bcq></data>"
        ),
        Command::BcByDate(Box::new(all)),
    );
    let everything = HistorySearch { rooms: vec![tide()], ..HistorySearch::default() };
    let least = format!("<data><chanib uri='{TIDE}'/><bcq/></data>");
    check("BCByDate", &least, Command::BcByDate(Box::new(everything)));
}

#[test]
fn preferences() {
    let preference = |create_default, content: Option<&str>| Preference {
        label: "mara.GroupChannels".to_owned(),
        seqid: 3,
        create_default,
        content: content.map(str::to_owned),
    };
    check_both(
        "<data><pref label=\"mara.GroupChannels\" seqid=\"3\" createdefault=\"true\"/></data>",
        Command::GetPref(preference(true, None)),
    );
    let set = "<data><pref label=\"mara.GroupChannels\" seqid=\"3\" createdefault=\"false\" \
               content=\"Zm9v\"/></data>";
    check_both(set, Command::SetPref(preference(false, Some("Zm9v"))));
    // A client that asks has nothing to say.
    check("getpref", set, Command::GetPref(preference(false, None)));
}

#[test]
fn other_clients_spellings() {
    let upper = "<data><chanib URI=\"MA-CHAN://harbour.example/{5B0C}\" x=\"1\"/><y/></data>";
    check("PART", upper, Command::Part(room("{5B0C}")));
    check("join", upper, Command::Join(room("{5B0C}")));
    let chanid = "<data ><chanid value='5B0C' key='9' domain='harbour.example' /></data >";
    check("Part", chanid, Command::Part(room("5B0C")));
    check("bjoin", upper, Command::BJoin(vec![room("{5B0C}")]));
    let context = "<data><chanid domain='harbour.example' value='5B0C'/>\n<bcq>\n<last cnt='1'/>\
                   </bcq></data>";
    check("bccontext", context, Command::BcContext { room: room("5B0C"), count: 1 });
    check("requri", "", Command::ReqUri);
    check("requri", "<data><anything/></data>", Command::ReqUri);
    let info_type = "123".to_owned();
    check("getserverinfo", "<data/>", Command::GetServerInfo { info_type });
    let search = RoomSearch { extended: true, ..RoomSearch::default() };
    check("chansrch", "<data><qib extended='True'/></data>", Command::ChanSrch(search));
    let domain = String::new();
    check("getinv", "<data><inv inviteId='7'/></data>", Command::GetInv { after: 7, domain });
    // One bookmark without identifier does not spoil the others.
    let bookmarks = "<data><chanid domain='harbour.example' value=''/>\
                     <chanid domain='harbour.example' value='5B0C'/></data>";
    check("bjoin", bookmarks, Command::BJoin(vec![room(""), room("5B0C")]));
    let ftdb = format!("<data><ftdb channelUri='{TIDE}' fileUrl='x'/></data>");
    check("join", &ftdb, Command::Join(tide()));
}

#[test]
fn bad_values() {
    for name in ["join", "bjoin", "part"] {
        check_malformed(
            name,
            &[
                "",
                "<data/>",
                "<data>ma-chan://d/x</data>",
                "<data><chanib/></data>",
                "<data><chanib uri='sip:a@b'/></data>",
                "<data><chanid domain='d'/></data>",
                "<data><chanid value='x'/></data>",
                "<data><Chanid domain='d' value='x'/></data>",
            ],
        );
    }
    let uri = format!("<data><chanib uri='{TIDE}'/>");
    let contexts = ["", "<bcq/>", "<bcq><last/></bcq>", "<bcq><last cnt='-1'/></bcq>"]
        .map(|bcq| format!("{uri}{bcq}</data>"));
    check_malformed("bccontext", &contexts.each_ref().map(String::as_str));
    check_malformed("bccontext", &["<data><bcq><last cnt='1'/></bcq></data>"]);
    let search = |bcq: &str| format!("{uri}<bcq>{bcq}</bcq></data>");
    for bcq in [
        "<date from='yesterday'/>",
        "<text matchcase='perhaps'/>",
        "<author/>",
        "<msgid start='-1'/>",
        "<limit cnt='many'/>",
        "<sort sortbkwds='x'/>",
    ] {
        check_malformed("bcbydate", &[&search(bcq)]);
    }
    let authors = "<author uri='sip:a@b'/>".repeat(XCCOS_SEARCH_AUTHORS_MAX + 1);
    let text = format!("<text>{}</text>", "x".repeat(XCCOS_SEARCH_TEXT_BYTES_MAX + 1));
    check_malformed("bcbydate", &[&search(&authors), &search(&text), &format!("{uri}</data>")]);
    check_malformed("bcbydate", &["<data><bcq/></data>", "<data><chanib/><bcq/></data>"]);
    check_malformed("getassociations", &["<data/>", "<data><association type='OWNER'/></data>"]);
    check_malformed(
        "getassociations",
        &["<data><association type='MEMBER' maxResults='x'/></data>"],
    );
    let searches = ["<data/>", "<data><qib qtype='BYGUID'/></data>"];
    check_malformed("chansrch", &searches);
    check_malformed("chansrch", &["<data><qib extended='maybe'/></data>"]);
    check_malformed("getinv", &["<data/>", "<data><inv inviteId='+1'/></data>"]);
    let long = format!("<data><pref label='{}' seqid='0' content=''/></data>", "x".repeat(256));
    for name in ["getpref", "setpref"] {
        check_malformed(name, &["<data/>", "<data><pref seqid='0' content=''/></data>", &long]);
        check_malformed(name, &["<data><pref label='x' seqid='' content=''/></data>"]);
    }
    check_malformed("setpref", &["<data><pref label='x' seqid='0'/></data>"]);
    for name in ["getfutok", "getfdtok"] {
        let no_file = format!("<data><ftdb channelUri='{TIDE}' fileUrl=''/></data>");
        check_malformed(name, &["<data/>", "<data><ftdb fileUrl='x'/></data>", &no_file]);
    }
}

#[test]
fn unknown_commands() {
    let check_name = |name: &str, expect: &str| {
        check(name, "<data/>", Command::Unknown { name: expect.to_owned() });
    };
    check_name("frobnicate", "frobnicate");
    check_name("BCByNight", "bcbynight");
    check_name("x-1_y", "x-1_y");
    check_name("jo!in", "jo_in");
    check_name("é &lt;b&gt;", "___b_");
    check_name(&"x".repeat(200), &"x".repeat(128));
}

#[test]
fn several_commands() {
    let document = "<xccos xmlns='urn:parlano:xml:ns:xccos' ver='1' envid='77'>\n\
        <cmd seqid='1' id='cmd:requri'><data/></cmd>\n<other/>\n\
        <cmd seqid='2' id='cmd:join'><data/></cmd></xccos>";
    let id = |seqid| CommandId { envid: EnvId::from(77), seqid };
    let expect =
        vec![(id(1), Command::ReqUri), (id(2), Command::Malformed { name: "join".to_owned() })];
    assert_eq!(decode_client(document.as_bytes()), Ok(FromClient::Commands(expect)));
}

#[test]
fn namespace_prefixes() {
    let document = "<?xml version='1.0'?><x:xccos xmlns:x='urn:parlano:xml:ns:xccos' envid='77'>\
        <x:cmd seqid='1' id='cmd:requri'/></x:xccos>";
    let id = CommandId { envid: EnvId::from(77), seqid: 1 };
    let expect = Ok(FromClient::Commands(vec![(id, Command::ReqUri)]));
    assert_eq!(decode_client(document.as_bytes()), expect);
}

fn post(chat: &str) -> Post {
    Post {
        room: tide(),
        author: "sip:mara@harbour.example".to_owned(),
        ts: Some("2025-05-06T07:08:09Z".to_owned()),
        alert: false,
        chat: chat.to_owned(),
        rtf: None,
    }
}

#[track_caller]
fn check_post(grpchat: &str, expect: Post) {
    let document = format!("<xccos xmlns='urn:parlano:xml:ns:xccos' envid='5'>{grpchat}</xccos>");
    assert_eq!(decode_client(document.as_bytes()), Ok(FromClient::Post(expect)), "{document}");
}

#[test]
fn posts() {
    let attributes = format!(
        "id=\"grpchat\" seqid=\"1\" chanUri=\"{TIDE}\" author=\"sip:mara@harbour.example\" \
         ts=\"2025-05-06T07:08:09Z\""
    );
    check_post(
        &format!(
            "<grpchat {attributes}><chat>1 &lt; 2\r\n&quot;x&quot;&#39;&#x1;</chat></grpchat>"
        ),
        post("1 < 2\n\"x\"'"),
    );
    check_post(&format!("<grpchat {attributes}><chat/></grpchat>"), post(""));
    check_post(&format!("<grpchat {attributes}/>"), post(""));
    let rich = Post { alert: true, rtf: Some("{\\rtf1 x}".to_owned()), ..post("x") };
    let texts = "<rtf>{\\rtf1 x}</rtf><chat>x</chat>";
    check_post(&format!("<grpchat alert='True' {attributes}>{texts}</grpchat>"), rich);
    let bare = format!(
        "<grpchat author='sip:mara@harbour.example' chanUri='{TIDE}'><chat>x</chat></grpchat>"
    );
    check_post(&bare, Post { ts: None, ..post("x") });
}

#[test]
fn posts_are_written_as_sipe_does() {
    let mut written = Vec::new();
    encode_post(&mut written, 5, &post("1 < 2\n& so on"));
    let expect = format!(
        "<xccos ver=\"1\" envid=\"5\" xmlns=\"urn:parlano:xml:ns:xccos\"><grpchat id=\"grpchat\" \
         seqid=\"1\" chanUri=\"{TIDE}\" author=\"sip:mara@harbour.example\" \
         ts=\"2025-05-06T07:08:09Z\"><chat>1 &lt; 2\n&amp; so on</chat></grpchat></xccos>"
    );
    assert_eq!(String::from_utf8(written).unwrap(), expect);
}
