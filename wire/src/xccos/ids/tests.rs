use super::*;

#[test]
fn guids() {
    let check = |text: &str, expect: Option<&str>| {
        let actual = Guid::parse(text).map(|guid| guid.to_string());
        assert_eq!(actual.as_deref(), expect, "{text}");
    };
    let canonical = "5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7";
    check(canonical, Some(canonical));
    check("5B0C7A52-3D1E-4f7c-9A44-0E6F2B91C8D7", Some(canonical));
    check("{5b0c7a52-3d1e-4F7C-9a44-0e6f2b91c8d7}", Some(canonical));
    check("00000000-0000-0000-0000-000000000001", Some("00000000-0000-0000-0000-000000000001"));
    for bad in [
        "",
        "{}",
        "5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d",
        "5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d77",
        "5b0c7a523-d1e-4f7c-9a44-0e6f2b91c8d7",
        "5b0c7a52+3d1e-4f7c-9a44-0e6f2b91c8d7",
        "{5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7",
        "5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7}",
        "gb0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7",
        "é0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7",
        "5b0c7a523d1e4f7c9a440e6f2b91c8d7",
    ] {
        check(bad, None);
    }
}

#[test]
fn room_references() {
    let check = |uri: &str, expect: Option<(&str, &str)>| {
        let actual = RoomRef::parse(uri);
        let actual = actual.as_ref().map(|room| (&*room.domain, &*room.value));
        assert_eq!(actual, expect, "{uri}");
    };
    check("ma-chan://harbour.example/x", Some(("harbour.example", "x")));
    check("MA-Chan://Harbour.example/{X}/y", Some(("Harbour.example", "{X}/y")));
    check("ma-chan:///x", None);
    check("ma-chan://d/", None);
    check("ma-chan://d", None);
    check("ma-cat://d/x", None);
    check("sip:kay@harbour.example", None);
    check("ma-chan:/é/d/x", None);
    check("", None);
}

#[test]
fn canonical_uris() {
    let guid = Guid::parse("{5B0C7A52-3D1E-4F7C-9A44-0E6F2B91C8D7}").unwrap();
    let expect = "harbour.example/5b0c7a52-3d1e-4f7c-9a44-0e6f2b91c8d7";
    assert_eq!(room_uri("Harbour.Example", guid), format!("ma-chan://{expect}"));
    assert_eq!(category_uri("HARBOUR.example", guid), format!("ma-cat://{expect}"));
    assert_eq!(RoomRef::parse(&room_uri("d", guid)).and_then(|room| room.guid()), Some(guid));
}

#[test]
fn envelope_numbers() {
    for good in ["0", "007", "1804289383", "18446744073709551615", "99999999999999999999"] {
        assert_eq!(EnvId::parse(good).map(|id| id.as_str().to_owned()).as_deref(), Some(good));
    }
    for bad in ["", "-1", "+1", " 1", "1 ", "0x1", "١", "100000000000000000000"] {
        assert_eq!(EnvId::parse(bad), None, "{bad}");
    }
    assert_eq!(EnvId::from(u64::MAX), EnvId::parse("18446744073709551615").unwrap());
}
