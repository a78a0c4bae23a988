use super::*;
use crate::limits::{
    XCCOS_REQUEST_BYTES_MAX, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_NAME_BYTES_MAX,
    XML_VALUE_BYTES_MAX,
};

fn parse(document: &[u8]) -> Result<Element<'_>, XmlError> {
    Element::parse(document, XCCOS_REQUEST_BYTES_MAX)
}

/// An element in a short form: `name[a=1,b=2]{text}(children)`.
fn shape(element: &Element<'_>) -> String {
    let mut out = element.name.to_owned();
    if !element.attributes.is_empty() {
        let pairs: Vec<_> = element.attributes.iter().map(|(n, v)| format!("{n}={v}")).collect();
        out += &format!("[{}]", pairs.join(","));
    }
    if !element.text.is_empty() {
        out += &format!("{{{}}}", element.text);
    }
    if !element.children.is_empty() {
        let children: Vec<_> = element.children.iter().map(shape).collect();
        out += &format!("({})", children.join(" "));
    }
    out
}

#[track_caller]
fn check(document: impl AsRef<[u8]>, expect: &str) {
    let actual = match parse(document.as_ref()) {
        Ok(root) => shape(&root),
        Err(error) => format!("error {error}"),
    };
    assert_eq!(actual, expect, "{}", String::from_utf8_lossy(document.as_ref()));
}

#[test]
fn structure() {
    check("<a/>", "a");
    check("<a />", "a");
    check("<a></a >", "a");
    check("<a><b/><c>x</c><b></b></a>", "a(b c{x} b)");
    check("<a>1<b>2</b>3</a>", "a{13}(b{2})");
    check("\r\n <a/>\n<!-- end -->\n", "a");
    check("<a>1<!-- <b> &x; <?x?> <!DOCTYPE a> -->2</a>", "a{12}");
    check("<!----><a/>", "a");
}

#[test]
fn declarations() {
    check("<?xml version=\"1.0\"?><a/>", "a");
    check("<?xml version='1.0' encoding='utf-16'?>\r\n<a/>", "a");
    check("<?xml version=\"1.0\"><a/>", "error malformed");
    check(" <?xml version=\"1.0\"?><a/>", "error forbidden");
    check("<a><?xml version=\"1.0\"?></a>", "error forbidden");
    check("<?xml version=\"1.0\"?><?xml version=\"1.0\"?><a/>", "error forbidden");
    check("<?xml-stylesheet href='x'?><a/>", "error forbidden");
}

#[test]
fn prefixes() {
    check("<p:a xmlns:p='u' p:b='1'><q:c/></p:a>", "a[xmlns:p=u,b=1](c)");
    check("<a xmlns='u' xmlns:xsd='s'/>", "a[xmlns=u,xmlns:xsd=s]");
    check("<p:q:a/>", "error malformed");
    check("<:a/>", "error malformed");
    check("<a:/>", "error malformed");
    check("<a :b='1'/>", "error malformed");
}

#[test]
fn attributes() {
    check("<a b='1' c=\"2\"/>", "a[b=1,c=2]");
    check("<a\tb\r\n=\n' x '\n/>", "a[b= x ]");
    check("<a b='\"' c=\"'\"/>", "a[b=\",c=']");
    check("<a b='>' c=''/>", "a[b=>,c=]");
    check("<a b='x\ty\nz\r\nw\r.'/>", "a[b=x y z w .]");
    check("<a b='x&#9;y&#10;z&#xD;&#xa;w'/>", "a[b=x\ty\nz\nw]");
    check("<a b='&lt;&amp;&#65;&#x1;&quot;'/>", "a[b=<&A\"]");
    check("<a b='\u{1}x\u{ffff}'/>", "a[b=x]");
    check("<a b='1' b='2'/>", "error attribute_twice");
    check("<a b='1' B='2'/>", "error attribute_twice");
    check("<a b='1' p:b='2'/>", "error attribute_twice");
    check("<a b='1'c='2'/>", "error malformed");
    check("<a b/>", "error malformed");
    check("<a b=/>", "error malformed");
    check("<a b=1/>", "error malformed");
    check("<a ='1'/>", "error malformed");
    check("<a b='1'", "error malformed");
    check("<a b='1/>", "error malformed");
    check("<a b='<'/>", "error malformed");
    check("<a b='&'/>", "error malformed");
    check("<a b='&x;'/>", "error unknown_entity");
    check("<a 1='x'/>", "error malformed");
}

#[test]
fn names_are_found_ignoring_case() {
    let root = parse(b"<a chanUri='1'/>").unwrap();
    assert_eq!(root.attribute("chanuri"), Some("1"));
    assert_eq!(root.attribute("CHANURI"), Some("1"));
    assert_eq!(root.attribute("chan"), None);
}

#[test]
fn text() {
    check("<a> x </a>", "a{ x }");
    check("<a>1\r\n2\r3\n4\r\r\n5</a>", "a{1\n2\n3\n4\n\n5}");
    check("<a>1&#13;\n2&#xD;&#xA;3&#13;4</a>", "a{1\n2\n3\n4}");
    check("<a>1\r<!-- x -->\n2</a>", "a{1\n2}");
    check("<a>&lt;&gt;&amp;&quot;&apos;</a>", "a{<>&\"'}");
    check("<a>&#72;&#x69;&#128512;</a>", "a{Hi😀}");
    check("<a>1&#x1;2&#0;3&#xD800;4&#xFFFE;5&#x110000;6&#99999999999999999999;7</a>", "a{1234567}");
    check("<a>1\u{8}2\u{ffff}3\u{feff}4\u{85}</a>", "a{123\u{feff}4\u{85}}");
    check("<a>]]></a>", "a{]]>}");
    check("<a>1<![CDATA[<b>&amp;</b>]]]]><![CDATA[>]]>2</a>", "a{1<b>&amp;</b>]]>2}");
    check("<a><![CDATA[<!DOCTYPE a><?x?>\r\n]]></a>", "a{<!DOCTYPE a><?x?>\n}");
}

#[test]
fn bad_references() {
    check("<a>&nbsp;</a>", "error unknown_entity");
    check("<a>&AMP;</a>", "error unknown_entity");
    check("<a>&;</a>", "error malformed");
    check("<a>&#;</a>", "error malformed");
    check("<a>&#x;</a>", "error malformed");
    check("<a>&#X41;</a>", "error malformed");
    check("<a>&#-1;</a>", "error malformed");
    check("<a>&#12a;</a>", "error malformed");
    check("<a>1 & 2</a>", "error malformed");
    check("<a>&amp</a>", "error malformed");
    check("<a/>&amp;", "error malformed");
}

#[test]
fn forbidden() {
    let bomb = "<!DOCTYPE a [<!ENTITY x \"ha\"><!ENTITY y \"&x;&x;&x;\">]><a>&y;</a>";
    check(bomb, "error forbidden");
    check("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "error forbidden");
    check("<!doctype a><a/>", "error forbidden");
    check("<a><!ENTITY x 'y'></a>", "error forbidden");
    check("<a><![cdata[x]]></a>", "error forbidden");
    check("<a><!></a>", "error forbidden");
    check("<a><?php x?></a>", "error forbidden");
    check("<a><??></a>", "error forbidden");
    check("<a>\0</a>", "error forbidden");
    check("\u{feff}<a/>", "error forbidden");
    // A quote or a comment in a place where it is none must not hide the rest from the prescan.
    check("<a b='<!--'/><!DOCTYPE a>-->", "error malformed");
    check("<a '><!DOCTYPE a>'/>", "error malformed");
    check("<!--'--><!DOCTYPE a><a/>", "error forbidden");
}

#[test]
fn encodings() {
    let utf16 = |text: &str, to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    };
    check(utf16("\u{feff}<a/>", u16::to_le_bytes), "error not_utf8");
    check(utf16("\u{feff}<a/>", u16::to_be_bytes), "error not_utf8");
    check(utf16("<a/>", u16::to_le_bytes), "error forbidden");
    check(utf16("<a/>", u16::to_be_bytes), "error forbidden");
    check(b"<a>\xc0\xbc</a>", "error not_utf8");
    check(b"\xe0\x80\xbca/>", "error not_utf8");
    check(b"<a>\xed\xa0\x80</a>", "error not_utf8");
    check(b"<a>\xff</a>", "error not_utf8");
    check(b"<a>\xc3", "error not_utf8");
    check("<a>ü 你好 😀</a>", "a{ü 你好 😀}");
}

#[test]
fn malformed() {
    for document in [
        "",
        " ",
        "x",
        "<",
        "<a",
        "<a>",
        "</a>",
        "<a></b>",
        "<a></a></a>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a><b></a></b>",
        "< a/>",
        "<>",
        "</>",
        "<a/ >",
        "<1/>",
        "<a&/>",
        "<!-- x",
        "<!-- a -- b --><a/>",
        "<a><![CDATA[x</a>",
        "<![CDATA[ ]]><a/>",
        "<a/><![CDATA[]]>",
        "<a></a b='1'>",
        "<a/b/>",
        "<a!--x--></a>",
    ] {
        assert_eq!(parse(document.as_bytes()), Err(XmlError::Malformed), "{document}");
    }
}

#[test]
fn limits() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(parse(nested(XML_DEPTH_MAX).as_bytes()).is_ok());
    check(nested(XML_DEPTH_MAX + 1), "error too_deep");
    check("<a>".repeat(80_000), "error too_deep");
    let inner = format!("{}<b/>{}", "<a>".repeat(XML_DEPTH_MAX), "</a>".repeat(XML_DEPTH_MAX));
    check(inner, "error too_deep");

    let siblings = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
    assert!(parse(siblings(XML_ELEMENTS_MAX).as_bytes()).is_ok());
    check(siblings(XML_ELEMENTS_MAX + 1), "error too_many_elements");

    let attributes = |count: usize| {
        let list: String = (0..count).map(|i| format!(" a{i}=''")).collect();
        format!("<a{list}/>")
    };
    assert!(parse(attributes(XML_ATTRIBUTES_MAX).as_bytes()).is_ok());
    check(attributes(XML_ATTRIBUTES_MAX + 1), "error too_many_attributes");
    check(attributes(20_000), "error too_many_attributes");

    let name = |len: usize| "n".repeat(len);
    assert!(parse(format!("<{}/>", name(XML_NAME_BYTES_MAX)).as_bytes()).is_ok());
    check(format!("<{}/>", name(XML_NAME_BYTES_MAX + 1)), "error name_too_long");
    check(format!("<a {}='1'/>", name(XML_NAME_BYTES_MAX + 1)), "error name_too_long");
    check(format!("<a xmlns:{}='1'/>", name(XML_NAME_BYTES_MAX)), "error name_too_long");

    let value = |len: usize| format!("<a b='{}'/>", "v".repeat(len));
    assert!(parse(value(XML_VALUE_BYTES_MAX).as_bytes()).is_ok());
    check(value(XML_VALUE_BYTES_MAX + 1), "error value_too_long");

    assert_eq!(Element::parse(b"<a/>", 4).map(|root| root.name), Ok("a"));
    assert_eq!(Element::parse(b"<a />", 4), Err(XmlError::TooLong));
}

#[test]
fn errors_have_names_of_their_own() {
    let all = [
        XmlError::TooLong,
        XmlError::NotUtf8,
        XmlError::Forbidden,
        XmlError::Malformed,
        XmlError::TooDeep,
        XmlError::TooManyElements,
        XmlError::TooManyAttributes,
        XmlError::NameTooLong,
        XmlError::ValueTooLong,
        XmlError::AttributeTwice,
        XmlError::UnknownEntity,
    ];
    let names: std::collections::HashSet<_> = all.iter().map(|error| error.as_str()).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn text_is_borrowed_where_it_stands_for_itself() {
    let root = parse("<a b='ü'>你好\n\t</a>".as_bytes()).unwrap();
    assert!(matches!(root.text, Cow::Borrowed(_)));
    assert!(matches!(root.attributes[0].1, Cow::Borrowed(_)));
}

#[track_caller]
fn check_escape(text: &str, in_text: &str, in_value: &str) {
    let (mut a, mut b) = (b"[".to_vec(), b"[".to_vec());
    escape_into(&mut a, text);
    escape_attribute_into(&mut b, text);
    assert_eq!(String::from_utf8(a).unwrap(), format!("[{in_text}"));
    assert_eq!(String::from_utf8(b).unwrap(), format!("[{in_value}"));
}

#[test]
fn escapes() {
    check_escape("", "", "");
    check_escape("a<b>&\"'c]]>", "a&lt;b&gt;&amp;&quot;'c]]&gt;", "a&lt;b&gt;&amp;&quot;'c]]&gt;");
    check_escape("1\r\n2\t3\r", "1\n2\t3", "1&#10;2&#9;3");
    check_escape("\0\u{1}a\u{1f}", "a", "a");
    check_escape("a\u{fffe}b\u{ffff}", "ab", "ab");
    check_escape(
        "\u{fffd}，\u{ef}😀\u{7f}",
        "\u{fffd}，\u{ef}😀\u{7f}",
        "\u{fffd}，\u{ef}😀\u{7f}",
    );
}
