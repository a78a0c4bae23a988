//! What one side writes the other reads back unchanged, and no bytes make either fall over.

use parlance_wire::limits::XCCOS_REQUEST_BYTES_MAX;
use parlance_wire::xccos::*;
use parlance_wire::xml::{Element, escape_attribute_into, escape_into};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A character that a document may hold; CR is none, since line ends are LF.
fn character() -> impl Strategy<Value = char> {
    let legal = |c: &char| *c >= ' ' && !matches!(*c, '\u{fffe}' | '\u{ffff}');
    let special = vec!['<', '>', '&', '"', '\'', ']', '\n', '\t', ' ', ';', '#', '/', 'é', '😀'];
    prop_oneof![
        3 => prop::sample::select(special),
        3 => prop::char::range('a', 'z'),
        1 => any::<char>().prop_filter("forbidden in XML", legal),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => character().prop_map(String::from),
        1 => prop::sample::select(vec!["]]>", "&amp;", "&#10;", "<![CDATA[", "<!--", "<?x?>", "--"])
            .prop_map(String::from),
    ];
    vec(part, 0..24).prop_map(|parts| parts.concat())
}

fn filled() -> impl Strategy<Value = String> {
    (character(), text()).prop_map(|(first, rest)| format!("{first}{rest}"))
}

fn room() -> impl Strategy<Value = RoomRef> {
    let domain = filled().prop_map(|domain| domain.replace('/', "."));
    (domain, filled())
        .prop_map(|(domain, value)| RoomRef { domain: domain.into(), value: value.into() })
}

fn name() -> impl Strategy<Value = String> {
    let letters: Vec<char> = "abcdefghijklmnopqrstuvwxyz0123456789_-".chars().collect();
    // The first two letters begin no known name.
    vec(prop::sample::select(letters), 0..12)
        .prop_map(|tail| format!("zz{}", String::from_iter(tail)))
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (0..=2_534_023_007_999_999_999_i64).prop_map(Timestamp)
}

fn preference() -> impl Strategy<Value = Preference> {
    let label = filled().prop_filter("label too long", |label| label.len() <= 255);
    (label, any::<u64>(), any::<bool>(), option::of(text())).prop_map(
        |(label, seqid, create_default, content)| Preference {
            label,
            seqid,
            create_default,
            content,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let kind = prop::sample::select(vec![AssociationKind::Member, AssociationKind::Manager]);
    let get = |preference| Command::GetPref(Preference { content: None, ..preference });
    let set = |(preference, content)| {
        Command::SetPref(Preference { content: Some(content), ..preference })
    };
    prop_oneof![
        history_search().prop_map(|search| Command::BcByDate(Box::new(search))),
        Just(Command::ReqUri),
        Just(Command::NodesPermCreateChild),
        text().prop_map(|info_type| Command::GetServerInfo { info_type }),
        (kind, option::of(any::<u32>()))
            .prop_map(|(kind, results_max)| Command::GetAssociations { kind, results_max }),
        vec(room(), 1..8).prop_map(Command::BJoin),
        room().prop_map(Command::Join),
        room().prop_map(Command::Part),
        (room(), any::<u32>()).prop_map(|(room, count)| Command::BcContext { room, count }),
        room_search().prop_map(Command::ChanSrch),
        (room(), option::of(filled()))
            .prop_map(|(room, name)| Command::ChanInfo { room: Some(room), name }),
        filled().prop_map(|name| Command::ChanInfo { room: None, name: Some(name) }),
        room_draft().prop_map(Box::new).prop_map(Command::ChanCreate),
        room_change().prop_map(Box::new).prop_map(Command::ChanModify),
        room().prop_map(Command::ChanDelete),
        room().prop_map(Command::GetPermissions),
        room().prop_map(Command::GetParticipants),
        principal_search().prop_map(Box::new).prop_map(Command::UserSearch),
        Just(Command::GetAddin),
        (any::<u64>(), text()).prop_map(|(after, domain)| Command::GetInv { after, domain }),
        preference().prop_map(get),
        (preference(), text()).prop_map(set),
        (room(), filled()).prop_map(|(room, file)| Command::GetFuTok { room, file }),
        (room(), filled()).prop_map(|(room, file)| Command::GetFdTok { room, file }),
        name().prop_map(|name| Command::Unknown { name }),
    ]
}

fn room_search() -> impl Strategy<Value = RoomSearch> {
    let words = (text(), [any::<bool>(), any::<bool>(), any::<bool>()], option::of(any::<u32>()));
    let uris = [option::of(filled()), option::of(filled()), option::of(filled())];
    let ids = (option::of(guid()), option::of(guid()));
    let flags = (option::of(any::<bool>()), option::of(any::<bool>()));
    let kind = (option::of(privacy()), option::of(behavior()));
    (words, uris, ids, flags, kind).prop_map(|(words, uris, ids, flags, kind)| {
        let (criteria, [extended, all_words, exact_phrase], results_max) = words;
        let [member, manager, joined] = uris;
        RoomSearch {
            criteria,
            extended,
            results_max,
            all_words,
            exact_phrase,
            category: ids.0,
            member,
            manager,
            joined,
            addin: ids.1,
            disabled: flags.0,
            privacy: kind.0,
            behavior: kind.1,
            invite: flags.1,
        }
    })
}

fn room_draft() -> impl Strategy<Value = RoomDraft> {
    let ids = (option::of(guid()), option::of(guid()));
    let list = || vec(filled(), 0..4);
    let lists = [list(), list(), list()];
    (filled(), text(), ids, (privacy(), behavior()), any::<bool>(), lists).prop_map(
        |(name, description, ids, (privacy, behavior), invite_inherits, lists)| {
            let [members, managers, presenters] = lists;
            RoomDraft {
                name,
                description,
                category: ids.0,
                privacy,
                behavior,
                invite_inherits,
                addin: ids.1,
                members,
                managers,
                presenters,
            }
        },
    )
}

fn room_change() -> impl Strategy<Value = RoomChange> {
    let op = prop::sample::select(vec![RoleOp::Add, RoleOp::Remove, RoleOp::Replace]);
    let role = (role(), op, vec(filled(), 0..4)).prop_map(|(role, op, principals)| RoleChange {
        role,
        op,
        principals,
    });
    let texts = (option::of(text()), option::of(text()));
    let kind = (option::of(privacy()), option::of(behavior()));
    let flags = (option::of(any::<bool>()), option::of(any::<bool>()));
    let ids = (option::of(guid()), option::of(option::of(guid())));
    let last = (option::of(timestamp()), vec(role, 0..4));
    (room(), texts, kind, flags, ids, last).prop_map(
        |(room, texts, kind, flags, (category, addin), (seen_on, roles))| RoomChange {
            room,
            name: texts.0,
            description: texts.1,
            privacy: kind.0,
            behavior: kind.1,
            invite_inherits: flags.0,
            disabled: flags.1,
            category,
            addin,
            seen_on,
            roles,
        },
    )
}

fn principal_search() -> impl Strategy<Value = PrincipalSearch> {
    let more = (option::of(role()), option::of(guid()), option::of(any::<u32>()));
    ([text(), text(), text()], more).prop_map(
        |([last_name, first_name, email], (role, category, results_max))| PrincipalSearch {
            last_name,
            first_name,
            email,
            role,
            category,
            results_max,
        },
    )
}

fn history_search() -> impl Strategy<Value = HistorySearch> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let times = (option::of(timestamp()), option::of(timestamp()));
    let bounds = (option::of(any::<u64>()), option::of(any::<u32>()));
    (vec(room(), 1..4), text(), vec(filled(), 0..3), times, bounds, flags).prop_map(
        |(rooms, text, authors, (from, to), (start, count_max), flags)| HistorySearch {
            rooms,
            text,
            is_phrase: flags.0,
            is_case_sensitive: flags.1,
            authors,
            from,
            to,
            start,
            count_max,
            is_backwards: flags.2,
            is_sorted_backwards: flags.3,
        },
    )
}

fn post() -> impl Strategy<Value = Post> {
    (room(), filled(), option::of(text()), any::<bool>(), text(), option::of(text())).prop_map(
        |(room, author, ts, alert, chat, rtf)| Post { room, author, ts, alert, chat, rtf },
    )
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let head = (filled(), filled(), text(), timestamp());
    (head, any::<bool>(), any::<u64>(), text(), option::of(text())).prop_map(
        |((room_uri, author, author_name, ts), alert, chat_id, chat, rtf)| Delivery {
            room_uri,
            author,
            author_name,
            ts,
            alert,
            chat_id,
            chat,
            rtf,
        },
    )
}

fn participant() -> impl Strategy<Value = Participant> {
    (filled(), text(), any::<bool>(), any::<bool>()).prop_map(
        |(uri, name, is_operator, is_presenter)| Participant {
            uri,
            name,
            is_operator,
            is_presenter,
        },
    )
}

fn guid() -> impl Strategy<Value = Guid> {
    any::<u128>().prop_map(Guid)
}

fn privacy() -> impl Strategy<Value = Privacy> {
    prop::sample::select(vec![Privacy::Open, Privacy::Closed, Privacy::Secret])
}

fn behavior() -> impl Strategy<Value = Behavior> {
    prop::sample::select(vec![Behavior::Normal, Behavior::Auditorium])
}

fn role() -> impl Strategy<Value = RoomRole> {
    prop::sample::select(vec![RoomRole::Member, RoomRole::Manager, RoomRole::Presenter])
}

fn addin() -> impl Strategy<Value = AddinInfo> {
    (guid(), text(), text()).prop_map(|(id, name, url)| AddinInfo { id, name, url })
}

fn principal() -> impl Strategy<Value = PrincipalInfo> {
    use PrincipalKind::{Domain, Folder, Group, User};
    let kind = prop::sample::select(vec![User, Domain, Group, Folder]);
    (filled(), kind, [text(), text(), text(), text()], any::<bool>()).prop_map(
        |(uri, kind, [account, name, email, company], disabled)| PrincipalInfo {
            uri,
            kind,
            account,
            name,
            email,
            company,
            disabled,
        },
    )
}

fn audit() -> impl Strategy<Value = Audit> {
    (text(), timestamp(), text(), timestamp()).prop_map(
        |(created_by, created_on, updated_by, updated_on)| Audit {
            created_by,
            created_on,
            updated_by,
            updated_on,
        },
    )
}

/// Only a room whose URI has a domain has a category.
fn room_info() -> impl Strategy<Value = RoomInfo> {
    let place = prop_oneof![
        (room(), option::of(guid())).prop_map(|(room, category)| (
            format!("ma-chan://{}/{}", room.domain, room.value),
            category
        )),
        filled().prop_map(|uri| (uri, None)),
    ];
    let kind = (privacy(), behavior());
    let flags = [any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()];
    let roles = (role(), vec(principal(), 0..3))
        .prop_map(|(role, principals)| RoleList { role, principals });
    let more = (option::of(addin()), option::of(audit()), vec(roles, 0..3));
    (place, filled(), text(), option::of(any::<u32>()), kind, flags, more).prop_map(
        |((uri, category), name, description, participants, (privacy, behavior), flags, more)| {
            let [file_post, invite, logged, disabled] = flags;
            let (addin, audit, roles) = more;
            RoomInfo {
                uri,
                name,
                description,
                participants,
                privacy,
                file_post,
                invite,
                logged,
                category,
                behavior,
                disabled,
                addin,
                audit,
                roles,
            }
        },
    )
}

/// Users who are in no room are neither operators nor presenters: only a room can tell.
fn joined() -> impl Strategy<Value = ReplyData> {
    let failure = (text(), text()).prop_map(|(domain, value)| Failure { domain, value });
    let rooms = vec((room_info(), any::<u32>()), 0..4);
    (vec(participant(), 0..12), rooms, vec(failure, 0..4)).prop_map(|(mut users, rooms, failed)| {
        let count = users.len() as u32;
        let select = |mask: u32| (0..count).filter(|i| mask >> i & 1 == 1).collect::<Vec<_>>();
        let rooms: Vec<_> = rooms.into_iter().map(|(info, mask)| (info, select(mask))).collect();
        for (index, user) in (0..).zip(&mut users) {
            let is_in_a_room = rooms.iter().any(|(_, present)| present.contains(&index));
            user.is_operator &= is_in_a_room;
            user.is_presenter &= is_in_a_room;
        }
        ReplyData::Joined { users, rooms, failed }
    })
}

fn server_info() -> impl Strategy<Value = ReplyData> {
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>());
    let texts = (text(), text(), text(), text(), text(), text());
    (timestamp(), numbers, texts).prop_map(|(server_time, numbers, texts)| {
        let (search_limit, message_bytes_max, story_bytes_max) = numbers;
        let (info_type, root_uri, db_version, domain, display_name, room_management_url) = texts;
        ReplyData::ServerInfo(ServerInfo {
            info_type,
            server_time,
            search_limit,
            message_bytes_max,
            story_bytes_max,
            root_uri,
            db_version,
            domain,
            display_name,
            room_management_url,
        })
    })
}

fn invitation() -> impl Strategy<Value = Invitation> {
    (any::<u64>(), text(), timestamp(), room_info()).prop_map(
        |(number, domain, created_on, room)| Invitation { number, domain, created_on, room },
    )
}

fn category() -> impl Strategy<Value = CategoryInfo> {
    let flags = [any::<bool>(), any::<bool>(), any::<bool>()];
    (filled(), text(), text(), flags).prop_map(
        |(uri, name, description, [invite, file_post, logged])| CategoryInfo {
            uri,
            name,
            description,
            invite,
            file_post,
            logged,
        },
    )
}

/// Data and the name it goes with.
fn reply_data() -> impl Strategy<Value = (String, ReplyData)> {
    fn named(
        names: &'static [&'static str],
        data: impl Strategy<Value = ReplyData> + 'static,
    ) -> BoxedStrategy<(String, ReplyData)> {
        (prop::sample::select(names).prop_map(String::from), data).boxed()
    }
    let history = (filled(), vec(delivery(), 0..6))
        .prop_map(|(room_uri, messages)| ReplyData::History { room_uri, messages });
    let found_in = (filled(), vec(delivery(), 0..4))
        .prop_map(|(room_uri, messages)| FoundInRoom { room_uri, messages });
    let found = (vec(found_in, 1..4), any::<bool>())
        .prop_map(|(rooms, is_exceeded)| ReplyData::Found(Found { rooms, is_exceeded }));
    let token = (filled(), text())
        .prop_map(|(token, server_uri)| ReplyData::FileToken { token, server_uri });
    let rooms = vec(room_info(), 0..6).prop_map(ReplyData::Rooms);
    let room = room_info().prop_map(Box::new);
    let permissions = (filled(), any::<u32>())
        .prop_map(|(room_uri, key)| ReplyData::Permissions { room_uri, key });
    let principals = (vec(principal(), 0..4), any::<bool>())
        .prop_map(|(principals, more)| ReplyData::Principals { principals, more });
    prop_oneof![
        named(&["getinv"], vec(invitation(), 0..3).prop_map(ReplyData::Invitations)),
        named(&["nodespermcreatechild"], vec(category(), 0..3).prop_map(ReplyData::Categories)),
        named(&["getaddin"], vec(addin(), 0..3).prop_map(ReplyData::Addins)),
        named(&["chaninfo", "chancreate", "chanmodify"], room.prop_map(ReplyData::Room)),
        named(&["chandelete"], filled().prop_map(|room_uri| ReplyData::Deleted { room_uri })),
        named(&["getpermissions"], permissions),
        named(&["usersearch"], principals),
        (name(), Just(ReplyData::Empty)),
        named(&["requri"], filled().prop_map(|uri| ReplyData::ReqUri { uri })),
        named(&["getserverinfo"], server_info()),
        named(&["join", "bjoin", "getparticipants"], joined()),
        named(&["part"], filled().prop_map(|room_uri| ReplyData::Parted { room_uri })),
        named(&["bccontext"], history),
        named(&["bcbydate"], found),
        named(&["chansrch", "getassociations"], rooms),
        named(&["getpref", "setpref"], preference().prop_map(ReplyData::Preference)),
        named(&["getftok"], token),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let named = prop::sample::select(&ResponseCode::NAMED[1..]);
    let failure = prop_oneof![(201..=u16::MAX).prop_map(ResponseCode::from_code), named];
    let to = ("[0-9]{1,20}", any::<u32>()).prop_map(|(envid, seqid)| CommandId {
        envid: EnvId::parse(&envid).expect("digits"),
        seqid,
    });
    (to, reply_data(), option::weighted(0.2, failure)).prop_map(|(to, (name, data), failure)| {
        match failure {
            Some(code) => Reply { name, to, code, data: ReplyData::Empty },
            None => Reply { name, to, code: ResponseCode::Success, data },
        }
    })
}

fn notice() -> impl Strategy<Value = Notice> {
    let domain = || filled().prop_map(|domain| domain.to_ascii_lowercase());
    let in_room = || (domain(), guid(), vec(participant(), 1..5));
    let gone = || (filled(), vec(filled(), 0..5));
    prop_oneof![
        in_room().prop_map(|(domain, room, users)| Notice::Join { domain, room, users }),
        in_room().prop_map(|(domain, room, users)| Notice::Permissions { domain, room, users }),
        gone().prop_map(|(room_uri, users)| Notice::Part { room_uri, users }),
        gone().prop_map(|(room_uri, users)| Notice::Kick { room_uri, users }),
        invitation().prop_map(Box::new).prop_map(Notice::Invite),
        room_info().prop_map(Box::new).prop_map(Notice::RoomChanged),
        name().prop_map(|name| Notice::Other { name }),
    ]
}

/// A document of any kind.
fn document() -> impl Strategy<Value = Vec<u8>> {
    fn written<T>(write: fn(&mut Vec<u8>, u64, &T)) -> impl Fn((u64, T)) -> Vec<u8> {
        move |(envid, value)| {
            let mut out = Vec::new();
            write(&mut out, envid, &value);
            out
        }
    }
    let replies = |out: &mut Vec<u8>, envid, replies: &Vec<Reply>| {
        encode_replies(out, envid, replies);
    };
    let notices = |out: &mut Vec<u8>, envid, notices: &Vec<Notice>| {
        encode_notices(out, envid, notices);
    };
    prop_oneof![
        (any::<u64>(), command()).prop_map(written(encode_command)),
        (any::<u64>(), post()).prop_map(written(encode_post)),
        (any::<u64>(), delivery()).prop_map(written(encode_delivery)),
        (any::<u64>(), vec(reply(), 1..3)).prop_map(written(replies)),
        (any::<u64>(), vec(notice(), 1..3)).prop_map(written(notices)),
    ]
}

/// Bytes that look like documents more often than chance would have it.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let tokens: Vec<&[u8]> = vec![
        b"<xccos xmlns='urn:parlano:xml:ns:xccos' envid='1'>",
        b"</xccos>",
        b"<cmd id='cmd:join' seqid='1'>",
        b"</cmd>",
        b"<rpl id='rpl:join' seqid='1'>",
        b"<data>",
        b"</data>",
        b"<chanib uri='ma-chan://d/x'/>",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<!DOCTYPE x>",
        b"<?xml version='1.0'?>",
        b"<",
        b">",
        b"/",
        b"=",
        b"'",
        b"\"",
        b"&",
        b"&amp;",
        b"&#0;",
        b";",
        b" ",
        b"\r\n",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xc0\x80",
        b"\xff\xfe",
        b"a",
    ];
    vec(prop::sample::select(tokens), 0..30).prop_map(|tokens| tokens.concat())
}

/// Runs everything that reads bytes from a peer.
fn read_all(bytes: &[u8]) {
    let _ = decode_client(bytes);
    let _ = decode_server(bytes);
    let _ = Element::parse(bytes, XCCOS_REQUEST_BYTES_MAX);
}

proptest! {
    #[test]
    fn text_survives(text in text()) {
        let mut document = b"<a b=\"".to_vec();
        escape_attribute_into(&mut document, &text);
        document.extend_from_slice(b"\">");
        escape_into(&mut document, &text);
        document.extend_from_slice(b"</a>");
        let root = Element::parse(&document, XCCOS_REQUEST_BYTES_MAX).unwrap();
        prop_assert_eq!(root.attribute("b"), Some(text.as_str()));
        prop_assert_eq!(root.text.as_ref(), text.as_str());
    }

    #[test]
    fn whatever_is_written_is_well_formed(text in any::<String>()) {
        let mut document = b"<a b=\"".to_vec();
        escape_attribute_into(&mut document, &text);
        document.extend_from_slice(b"\">");
        escape_into(&mut document, &text);
        document.extend_from_slice(b"</a>");
        let root = Element::parse(&document, XCCOS_REQUEST_BYTES_MAX).unwrap();
        prop_assert_eq!(root.attribute("b"), Some(root.text.as_ref()));
        let forbidden = ['\r', '\0', '\u{1}', '\u{ffff}'];
        prop_assert!(!root.text.contains(forbidden));
    }

    #[test]
    fn commands(envid: u64, command in command()) {
        let mut document = Vec::new();
        encode_command(&mut document, envid, &command);
        let id = CommandId { envid: EnvId::from(envid), seqid: 1 };
        let expect = Ok(FromClient::Commands(vec![(id, command)]));
        prop_assert_eq!(decode_client(&document), expect);
    }

    #[test]
    fn posts(envid: u64, post in post()) {
        let mut document = Vec::new();
        encode_post(&mut document, envid, &post);
        prop_assert_eq!(decode_client(&document), Ok(FromClient::Post(post)));
    }

    #[test]
    fn replies(envid: u64, replies in vec(reply(), 1..4)) {
        let mut document = Vec::new();
        encode_replies(&mut document, envid, &replies);
        prop_assert_eq!(decode_server(&document), Ok(FromServer::Replies(replies)));
    }

    #[test]
    fn notices(envid: u64, notices in vec(notice(), 1..4)) {
        let mut document = Vec::new();
        encode_notices(&mut document, envid, &notices);
        prop_assert_eq!(decode_server(&document), Ok(FromServer::Notices(notices)));
    }

    #[test]
    fn joined_notices(all in vec((any::<u64>(), vec(notice(), 1..4)), 1..5)) {
        let write = |(envid, notices): &(u64, Vec<Notice>)| {
            let mut document = Vec::new();
            encode_notices(&mut document, *envid, notices);
            document
        };
        let documents: Vec<Vec<u8>> = all.iter().map(write).collect();
        let mut joined = Vec::new();
        join_notices(&mut joined, documents.iter().map(Vec::as_slice));
        let together = all.iter().flat_map(|(_, notices)| notices.clone()).collect();
        prop_assert_eq!(joined, write(&(all[0].0, together)));
    }

    #[test]
    fn deliveries(envid: u64, delivery in delivery()) {
        let mut document = Vec::new();
        encode_delivery(&mut document, envid, &delivery);
        prop_assert_eq!(decode_server(&document), Ok(FromServer::Delivery(delivery)));
    }

    #[test]
    fn documents_are_appended(before in vec(any::<u8>(), 0..9), delivery in delivery()) {
        let (mut document, mut both) = (Vec::new(), before.clone());
        encode_delivery(&mut document, 1, &delivery);
        encode_delivery(&mut both, 1, &delivery);
        prop_assert_eq!(both, [before, document].concat());
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn no_soup_panics(bytes in soup()) {
        read_all(&bytes);
    }

    #[test]
    fn no_damaged_document_panics(document in document(), at: prop::sample::Index, byte: u8) {
        let mut damaged = document;
        let at = at.index(damaged.len());
        damaged[at] = byte;
        read_all(&damaged);
    }

    #[test]
    fn what_is_understood_of_a_damaged_command_can_be_said_again(
        command in command(),
        at: prop::sample::Index,
        byte in prop::sample::select(b"\"'/<>=& a1:".to_vec()),
    ) {
        let mut damaged = Vec::new();
        encode_command(&mut damaged, 1, &command);
        let at = at.index(damaged.len());
        damaged[at] = byte;
        if let Ok(FromClient::Commands(commands)) = decode_client(&damaged) {
            for (_, command) in commands {
                let mut again = Vec::new();
                encode_command(&mut again, 1, &command);
                let Ok(FromClient::Commands(read)) = decode_client(&again) else {
                    panic!("{command:?} became {}", String::from_utf8_lossy(&again));
                };
                prop_assert_eq!(&read[0].1, &command);
            }
        }
    }

    #[test]
    fn no_truncated_document_is_accepted(document in document(), at: prop::sample::Index) {
        let part = &document[..at.index(document.len())];
        prop_assert!(Element::parse(part, XCCOS_REQUEST_BYTES_MAX).is_err());
    }

    #[test]
    fn forbidden_markup_is_refused_wherever_it_stands(
        document in document(),
        at: prop::sample::Index,
        markup in prop::sample::select(vec!["<!DOCTYPE x>", "<?x?>", "<!ENTITY x 'y'>", "\0"]),
    ) {
        let mut spoilt = document;
        let at = at.index(spoilt.len() + 1);
        spoilt.splice(at..at, markup.bytes());
        prop_assert!(Element::parse(&spoilt, XCCOS_REQUEST_BYTES_MAX).is_err());
    }

    #[test]
    fn guids(value: u128) {
        let text = Guid(value).to_string();
        prop_assert_eq!(Guid::parse(&text), Some(Guid(value)));
        let braced = format!("{{{}}}", text.to_ascii_uppercase());
        prop_assert_eq!(Guid::parse(&braced), Some(Guid(value)));
    }

    #[test]
    fn timestamps(time in timestamp()) {
        let text = time.to_string();
        prop_assert_eq!(Timestamp::parse(&text), Some(time));
        // Texts of one length sort as the times do.
        prop_assert_eq!(text.len(), 28);
    }

    #[test]
    fn identifiers_never_panic(text in any::<String>()) {
        let _ = (Guid::parse(&text), RoomRef::parse(&text), EnvId::parse(&text));
        let _ = Timestamp::parse(&text);
    }

    #[test]
    fn rooms_read_their_uris(room in room()) {
        let uri = format!("ma-chan://{}/{}", room.domain, room.value);
        prop_assert_eq!(RoomRef::parse(&uri), Some(room));
    }
}
