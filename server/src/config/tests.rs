//! Every refusal names file, line and key, and says what to do.

use super::*;

fn refused(text: &str, line: Option<usize>, key: &str, says: &str) {
    let error = Config::parse(Some(Path::new("p.toml")), text).expect_err(text);
    assert_eq!((error.line, error.key.as_str()), (line, key), "{error}");
    assert!(error.message.contains(says), "{error}\n  does not say {says:?}");
    assert!(error.to_string().starts_with("p.toml:"), "{error}");
}

fn accepted(text: &str) -> Config {
    Config::parse(None, text).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

#[test]
fn defaults_are_a_loopback_server_with_a_lobby() {
    let config = accepted("");
    assert_eq!(config.listen.sip, ["127.0.0.1:5060".parse::<SocketAddr>().unwrap()]);
    assert_eq!(config.listen.sips, ["127.0.0.1:5061".parse::<SocketAddr>().unwrap()]);
    assert_eq!(config.listen.http, Some("127.0.0.1:8080".parse().unwrap()));
    assert_eq!(config.data, Path::new("parlance-data"));
    assert_eq!(config.directory.domain, "example.test");
    assert_eq!(config.cores.shards, ShardSpec::Auto);
    assert!(config.cores.pin);
    let rooms: Vec<_> = config.directory.rooms().collect();
    assert_eq!(rooms.len(), 1);
    assert_eq!(rooms[0].uri, format!("ma-chan://example.test/{LOBBY_ID}"));
}

#[test]
fn a_full_file_is_read() {
    let config = accepted(
        r#"
        [server]
        domain = "Chat.Example.COM"
        data = "/var/lib/parlance"
        [cores]
        shards = "2-3"
        pin = false
        background = "0-1"
        io = "uring"
        [listen]
        sip = ["127.0.0.1:0", "[::1]:0"]
        sips = []
        http = ""
        peer = ""
        [tls]
        certificate = "a.pem"
        key = "a.key"
        trust = ""
        front_ends = []
        [limits]
        participants_max = 10
        history_max = 5
        [[room]]
        name = "Ops"
        id = "7F6A1F0E-5A3E-4A53-9D1C-2F6F0C8F4B12"
        description = "Operations"
        managers = ["sip:Ann@Example.com"]
        "#,
    );
    assert_eq!(config.directory.domain, "chat.example.com");
    assert_eq!(config.cores.io, Io::Uring);
    assert_eq!(config.cores.background, Some(parse_cpu_list("0-1").unwrap()));
    assert_eq!(config.listen.http, None);
    assert_eq!(config.listen.sip.len(), 2);
    assert_eq!(config.certificate.unwrap().key, Path::new("a.key"));
    assert_eq!(config.directory.configuration().participant_update_limit, 10);
    assert_eq!(config.directory.configuration().default_chat_history, 5);
    let room = config.directory.rooms().next().unwrap();
    let directory = &config.directory;
    let managers = room.managers().iter().filter_map(|id| directory.people().get(id));
    let managers: Vec<&str> = managers.map(|person| &*person.principal.uri).collect();
    assert_eq!(managers, ["sip:ann@example.com"]);
}

#[test]
fn the_log_has_a_size() {
    let quota = |text: &str| accepted(text).log.quota_bytes;
    assert_eq!(quota(""), 20 << 30);
    assert_eq!(quota("[log]\nquota = \"300 MiB\""), 300 << 20);
    assert_eq!(quota("[log]\nquota = \"2GiB\""), 2 << 30);
    for wrong in ["20", "0GiB", "255MiB", "-1GiB", "1.5GiB", "99999999999999999999GiB", "20GB"] {
        let text = format!("[log]\nquota = \"{wrong}\"");
        refused(&text, Some(2), "log.quota", "is no size of a log");
    }
}

#[test]
fn a_post_is_answered_when_the_log_or_the_database_has_it() {
    let ack = |text: &str| accepted(text).log.ack;
    assert_eq!(ack(""), Ack::Log);
    assert_eq!(ack("[log]\nack = \"log\""), Ack::Log);
    assert_eq!(ack("[log]\nack = \"sql\""), Ack::Sql);
    refused("[log]\nack = \"none\"", Some(2), "log.ack", "write \"log\"");
}

#[test]
fn the_log_has_an_engine_that_is_built_in() {
    let log = |text: &str| accepted(text).log;
    assert_eq!(log("").engine, Engine::Segment);
    assert_eq!(log("[log]\nengine = \"segment\"").engine, Engine::Segment);
    let memory = log("[log]\nengine = \"memory\"");
    assert_eq!((memory.engine, memory.quota_bytes), (Engine::Memory, 512 << 20), "of memory");
    refused("[log]\nengine = \"rocks\"", Some(2), "log.engine", "write \"segment\"");
    let sled = "[log]\nengine = \"sled\"";
    match cfg!(feature = "sled") {
        true => assert_eq!(log(sled).engine, Engine::Sled),
        false => refused(sled, Some(2), "log.engine", "--features sled"),
    }
}

#[test]
fn what_is_no_configuration_is_refused_with_its_line() {
    refused("[server]\ndomain = 3", Some(2), "", "invalid type");
    refused("[server]\nnmae = \"a\"", Some(2), "", "unknown field `nmae`");
    refused("[log]\nsync = \"off\"", Some(2), "", "unknown field `sync`");
    refused("[store]\nsql = \"mysql://root:secret@db\"", Some(2), "store.sql", "neither");
    refused("[store]\nmode = 1", Some(2), "", "unknown field `mode`");
    refused("[limits]\n\nwindows = 1", Some(3), "", "unknown field `windows`");
    refused("[[room]]\nname = \"a\"", Some(1), "", "missing field `id`");
    refused("[server\n", Some(1), "", "unclosed table");
}

#[test]
fn a_domain_must_be_one() {
    for bad in ["", "a b", "-a.test", "a..b", "sip:a", "a/b", "ä.test"] {
        let text = format!("[server]\ndomain = \"{bad}\"");
        refused(&text, Some(2), "server.domain", "no domain name");
    }
}

#[test]
fn addresses_must_be_loopback_until_somebody_authenticates() {
    let not_yet = "not authenticated yet";
    refused("[listen]\nsip = [\"0.0.0.0:5060\"]", Some(2), "listen.sip", not_yet);
    refused("[listen]\nsip = [\n\"127.0.0.1:1\",\n\"[::]:1\"]", Some(4), "listen.sip", not_yet);
    refused("[listen]\nsips = [\"192.0.2.1:5061\"]", Some(2), "listen.sips", not_yet);
    refused("[listen]\nhttp = \"0.0.0.0:80\"", Some(2), "listen.http", not_yet);
    refused("[listen]\nsip = [\"localhost\"]", Some(2), "listen.sip", "is no address");
    refused("[listen]\nsip = []\nsips = []", None, "listen", "no client could connect");
    refused("[listen]\npeer = \"127.0.0.1:8011\"", Some(2), "listen.peer", "pools");
    let many = format!("[listen]\nsip = [{}]", "\"127.0.0.1:0\",".repeat(17));
    refused(&many, Some(2), "listen.sip", "more than 16");
    accepted("[listen]\nsip = [\"[::ffff:127.0.0.1]:0\"]");
}

#[test]
fn tls_says_what_it_cannot_do_yet() {
    refused("[tls]\ntrust = \"ca.pem\"", Some(2), "tls.trust", "not supported yet");
    refused("[tls]\nfront_ends = [\"fe\"]", Some(2), "tls.front_ends", "not supported yet");
    refused("[tls]\ncertificate = \"a\"", Some(2), "tls.certificate", "without tls.key");
    refused("[tls]\nkey = \"a\"", Some(2), "tls.key", "without tls.certificate");
}

#[test]
fn cores_must_make_sense() {
    refused("[cores]\nshards = 0", Some(2), "cores.shards", "from 1 to 256");
    refused("[cores]\nshards = \"3-1\"", Some(2), "cores.shards", "runs backwards");
    refused("[cores]\nshards = true", Some(2), "", "expected \"auto\"");
    refused("[cores]\nbackground = \"x\"", Some(2), "cores.background", "no core number");
    refused("[cores]\nio = \"kqueue\"", Some(2), "cores.io", "is unknown");
    assert_eq!(accepted("[cores]\nshards = \"auto\"").cores.shards, ShardSpec::Auto);
    assert_eq!(accepted("[cores]\nshards = 3").cores.shards, ShardSpec::Count(3));
}

#[test]
fn limits_have_ranges() {
    refused("[limits]\nwindow = 0", Some(2), "limits.window", "outside 1 to");
    refused("[limits]\nsession_expires_s = 10", Some(2), "limits.session_expires_s", "90");
    refused("[limits]\nhistory_max = 501", Some(2), "limits.history_max", "1 to 500");
    refused("[limits]\nmessage_bytes_max = -1", Some(2), "", "invalid value");
    assert_eq!(accepted("[limits]\nrecent_max = 10").limits.history_max, 10);
}

#[test]
fn rooms_must_be_addressable() {
    let room = |name: &str, id: &str| format!("[[room]]\nname = \"{name}\"\nid = \"{id}\"\n");
    let other = "7f6a1f0e-5a3e-4a53-9d1c-2f6f0c8f4b12";
    refused(&room("a", "12"), Some(3), "room.id", "is no GUID");
    refused(&room("", LOBBY_ID), Some(2), "room.name", "empty or longer");
    let twice = room("a", LOBBY_ID) + &room("b", LOBBY_ID);
    refused(&twice, Some(6), "room.id", "two rooms have the id");
    let twice = room("a", LOBBY_ID) + &room("A", other);
    refused(&twice, Some(5), "room.name", "two rooms are called");
    let long = room("a", LOBBY_ID) + &format!("description = \"{}\"", "x".repeat(257));
    refused(&long, Some(2), "room.description", "longer than 256");
    let stranger = room("a", LOBBY_ID) + "managers = [\"ann\"]";
    refused(&stranger, Some(4), "room.managers", "is no user");
}

#[test]
fn a_missing_file_is_told() {
    let error = Config::load(Some(Path::new("/nonexistent/p.toml"))).unwrap_err();
    assert!(error.to_string().contains("--config"), "{error}");
}
