use super::*;
use crate::limits::{
    XCCOS_BJOIN_ROOMS_MAX, XCCOS_COMMANDS_MAX, XCCOS_REPLY_BYTES_MAX, XCCOS_REQUEST_BYTES_MAX,
    XML_ELEMENTS_MAX, XML_REPLY_ELEMENTS_MAX,
};

const ROOT: &str = "<xccos xmlns='urn:parlano:xml:ns:xccos' ver='1' envid='5'>";
const CMD: &str = "<cmd id='cmd:requri' seqid='1'/>";
const POST: &str = "<grpchat id='grpchat' seqid='1' chanUri='ma-chan://d/x' author='a'/>";
const NTC: &str = "<ntc id='ntc:x' seqid='1'/>";
const RPL: &str = "<rpl id='rpl:x' seqid='1'><commandid seqid='1' envid='1'/></rpl>";

fn rooted(content: &str) -> String {
    format!("{ROOT}{content}</xccos>")
}

#[track_caller]
fn check_client(document: &str, expect: DocumentError) {
    assert_eq!(decode_client(document.as_bytes()), Err(expect), "{document}");
}

#[track_caller]
fn check_server(document: &str, expect: DocumentError) {
    assert_eq!(decode_server(document.as_bytes()), Err(expect), "{document}");
}

#[test]
fn xml() {
    check_client("", DocumentError::Xml(XmlError::Malformed));
    check_client("<!DOCTYPE x><x/>", DocumentError::Xml(XmlError::Forbidden));
    let blanks = " ".repeat(XCCOS_REQUEST_BYTES_MAX);
    check_client(&rooted(&blanks), DocumentError::Xml(XmlError::TooLong));
    // What is too long from a client is not from a server.
    check_server(&rooted(&blanks), DocumentError::Content);
    let crowd = rooted(&"<x/>".repeat(XML_ELEMENTS_MAX));
    check_client(&crowd, DocumentError::Xml(XmlError::TooManyElements));
    check_server(&crowd, DocumentError::Content);
    let crowd = rooted(&"<x/>".repeat(XML_REPLY_ELEMENTS_MAX));
    check_server(&crowd, DocumentError::Xml(XmlError::TooManyElements));
    let blanks = " ".repeat(XCCOS_REPLY_BYTES_MAX);
    check_server(&blanks, DocumentError::Xml(XmlError::Malformed));
    check_server(&rooted(&blanks), DocumentError::Xml(XmlError::TooLong));
}

#[test]
fn root() {
    let roots = [
        "<x xmlns='urn:parlano:xml:ns:xccos' envid='5'/>",
        "<XCCOS xmlns='urn:parlano:xml:ns:xccos' envid='5'/>",
        "<xccos envid='5'/>",
        "<xccos xmlns='urn:parlano:xml:ns:xccos2' envid='5'/>",
        "<xccos ns='urn:parlano:xml:ns:xccos' envid='5'/>",
    ];
    for root in roots {
        check_client(root, DocumentError::Root);
        check_server(root, DocumentError::Root);
    }
}

#[test]
fn envid() {
    for envid in ["", "envid=''", "envid='x'", "envid='-1'", "envid='100000000000000000000'"] {
        let root = format!("<xccos xmlns='urn:parlano:xml:ns:xccos' {envid}>{CMD}</xccos>");
        check_client(&root, DocumentError::EnvId);
        check_server(&root, DocumentError::EnvId);
    }
}

#[test]
fn element_id() {
    for cmd in [
        "<cmd seqid='1'/>",
        "<cmd id='requri' seqid='1'/>",
        "<cmd id='cmd:' seqid='1'/>",
        "<cmd id='rpl:requri' seqid='1'/>",
        "<cmd id='cmd:requri'/>",
        "<cmd id='cmd:requri' seqid=''/>",
        "<cmd id='cmd:requri' seqid='x'/>",
        "<cmd id='cmd:requri' seqid='4294967296'/>",
        "<grpchat id='chat' chanUri='ma-chan://d/x' author='a'/>",
        "<grpchat seqid='x' chanUri='ma-chan://d/x' author='a'/>",
    ] {
        check_client(&rooted(cmd), DocumentError::ElementId);
    }
    check_server(&rooted("<rpl id='rpl:x'/>"), DocumentError::ElementId);
    check_server(&rooted("<rpl id='rpl:x'><commandid/></rpl>"), DocumentError::ElementId);
    check_server(&rooted("<ntc/>"), DocumentError::ElementId);
}

#[test]
fn content() {
    for content in ["", "x", "<other/>"] {
        check_client(&rooted(content), DocumentError::Content);
        check_server(&rooted(content), DocumentError::Content);
    }
    for content in [[CMD, POST], [POST, CMD], [POST, POST], [NTC, RPL], [CMD, RPL]] {
        check_client(&rooted(&content.concat()), DocumentError::Content);
        check_server(&rooted(&content.concat()), DocumentError::Content);
    }
    check_client(&rooted(RPL), DocumentError::Content);
    check_client(&rooted(NTC), DocumentError::Content);
    check_server(&rooted(CMD), DocumentError::Content);
}

#[test]
fn too_many() {
    assert!(decode_client(rooted(&CMD.repeat(XCCOS_COMMANDS_MAX)).as_bytes()).is_ok());
    check_client(&rooted(&CMD.repeat(XCCOS_COMMANDS_MAX + 1)), DocumentError::TooMany);
    let bjoin = |count: usize| {
        let rooms = "<chanid domain='d' value='x'/>".repeat(count);
        rooted(&format!("<cmd id='cmd:bjoin' seqid='1'><data>{rooms}</data></cmd>"))
    };
    assert!(decode_client(bjoin(XCCOS_BJOIN_ROOMS_MAX).as_bytes()).is_ok());
    check_client(&bjoin(XCCOS_BJOIN_ROOMS_MAX + 1), DocumentError::TooMany);
}

#[test]
fn value() {
    for post in [
        "<grpchat author='a'/>",
        "<grpchat chanUri='d/x' author='a'/>",
        "<grpchat chanUri='ma-chan://d/x'/>",
        "<grpchat chanUri='ma-chan://d/x' author=''/>",
        "<grpchat chanUri='ma-chan://d/x' author='a' alert='loud'/>",
    ] {
        check_client(&rooted(post), DocumentError::Value);
        check_server(&rooted(post), DocumentError::Value);
    }
    let reply = |name: &str, data: &str| {
        let head = "<commandid seqid='1' envid='1'/><resp code='200'/>";
        rooted(&format!("<rpl id='rpl:{name}' seqid='1'>{head}<data>{data}</data></rpl>"))
    };
    for (name, data) in [
        ("requri", "<uib/>"),
        ("getserverinfo", "<sib/>"),
        ("join", "<uib id='0'/>"),
        ("join", "<chanib uri='u' name='n'><aib key='3984' value='0'/></chanib>"),
        ("join", "<chanib name='n'/>"),
        ("bjoin", "<fib/>"),
        ("part", "<chanib/>"),
        ("bccontext", "<chanib uri='u'><msg/></chanib>"),
        ("bcbydate", "<chanib uri='u'/>"),
        ("bcbydate", "<chanib uri='u'/><limit exceeded='x'/>"),
        ("chansrch", "<chanib uri='u'/>"),
        ("getpref", "<pref/>"),
        ("getftok", "<token/>"),
        ("chaninfo", "<chanib/>"),
        ("chaninfo", "<chanib uri='u'/>"),
        ("chancreate", "<other/>"),
        ("chanmodify", "<chanib uri='u' name='n' parent='ma-cat://d/x'/>"),
        ("chanmodify", "<chanib uri='u' name='n' behavior='LOUD'/>"),
        ("chanmodify", "<chanib uri='u' name='n' disabled='maybe'/>"),
        ("chanmodify", "<chanib uri='u' name='n' siopid='x'/>"),
        ("chanmodify", "<chanib uri='u' name='n'><audit createdon='x'/></chanib>"),
        ("chanmodify", "<chanib uri='u' name='n'><role/></chanib>"),
        ("chanmodify", "<chanib uri='u' name='n'><role name='owner'/></chanib>"),
        ("chanmodify", "<chanib uri='u' name='n'><role name='member'><uib/></role></chanib>"),
        ("chandelete", "<chanib/>"),
        ("getpermissions", "<chanib uri='u'/>"),
        ("getpermissions", "<chanib uri='u'><aib/></chanib>"),
        ("getpermissions", "<chanib><aib key='1'/></chanib>"),
        ("getparticipants", "<chanib name='n'/>"),
        ("usersearch", "<uib/>"),
        ("usersearch", "<uib uri='u' type='4'/>"),
        ("usersearch", "<uib uri='u' type='x'/>"),
        ("usersearch", "<uib uri='u' disabled='x'/>"),
        ("usersearch", "<more available='x'/>"),
        ("getaddin", "<addin siopname='n'/>"),
        ("getaddin", "<addin siopid='x'/>"),
        ("nodespermcreatechild", "<catib uri='u'/>"),
        ("nodespermcreatechild", "<catib name='n'/>"),
        ("getinv", "<inv/>"),
        ("getinv", "<inv inviteId='1' createdon='1970-01-01T00:00:00Z'/>"),
        ("getinv", "<inv inviteId='1' createdon='x'><chanib uri='u' name='n'/></inv>"),
        ("getinv", "<inv createdon='1970-01-01T00:00:00Z'><chanib uri='u' name='n'/></inv>"),
    ] {
        check_server(&reply(name, data), DocumentError::Value);
    }
    check_server(&rooted(&RPL.replace("/></", "/><resp code='x'/></")), DocumentError::Value);
    for (name, data) in [
        ("join", "<uib/>"),
        ("join", "<uib uri='u'><aib key='1' domain='d' value='x'/></uib>"),
        ("part", "<chanib/>"),
        ("permmodify", "<uib/>"),
        ("permmodify", "<uib uri='u'><aib key='1'/></uib>"),
        ("kick", "<chanib/>"),
        ("kick", "<chanib uri='u'><uib/></chanib>"),
        ("invite", "<inv/>"),
        ("chanmodify", "<chanib uri='u'/>"),
    ] {
        let notice = format!("<ntc id='ntc:{name}'><data>{data}</data></ntc>");
        check_server(&rooted(&notice), DocumentError::Value);
    }
}

#[test]
fn names() {
    let all = [
        DocumentError::Xml(XmlError::TooLong),
        DocumentError::Root,
        DocumentError::EnvId,
        DocumentError::ElementId,
        DocumentError::Content,
        DocumentError::TooMany,
        DocumentError::Value,
    ];
    let names: std::collections::HashSet<_> = all.iter().map(|error| error.as_str()).collect();
    assert_eq!(names.len(), all.len());
    assert_eq!(DocumentError::from(XmlError::TooDeep).to_string(), "too_deep");
}
