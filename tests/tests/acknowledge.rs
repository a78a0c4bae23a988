//! What a post's 200 means, as `[log] ack` says, on the real binary: with "sql" the database itself
//! has what was acknowledged, whatever happens to the server; with "log" no author notices what
//! happens to the database.

use parlance_storage::sql::{AnyStore, Error, Row, export};
use parlance_tests::peer::{Dialog, post};
use parlance_tests::postgres::Cluster;
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::talk::{Burst, history, join};
use parlance_wire::xccos::Guid;
use std::collections::BTreeSet;

/// Times the server is killed, with each database.
const KILLS: usize = 6;
/// Times PostgreSQL is killed.
const CRASHES: usize = 20;
/// Posts on their way at once.
const POSTS: usize = 40;
/// What PostgreSQL is behind before it is let run: more than one transaction takes, so that it is
/// killed in the middle of the next.
const BACKLOG: f64 = 2_000.0;

fn options(ack: &'static str, sql: String) -> Options {
    // The author of the crashes posts faster than anybody types.
    let limits = [
        "history_max = 500",
        "recent_max = 500",
        "session_requests_per_second = 100000",
        "session_requests_burst = 100000",
        "drain_ms = 200",
    ];
    Options { ack, sql, limits: limits.map(str::to_owned).to_vec(), ..Options::default() }
}

fn cluster() -> Option<Cluster> {
    match Cluster::start() {
        Ok(cluster) => {
            cluster.execute("postgres", "CREATE DATABASE chat");
            Some(cluster)
        }
        Err(why) => {
            println!("SKIPPED what is acknowledged with PostgreSQL: {why}");
            None
        }
    }
}

/// What the database itself has of a room, opened beside everybody else: numbers from 1 without a
/// hole, no text twice.
fn stored(url: &str, room: &Room) -> Vec<String> {
    let id = Guid::parse(&room.id).expect("a room has a GUID");
    let mut store = AnyStore::open(url).expect("the database opens");
    let mut rows: Vec<Row> = Vec::new();
    export(&mut store, None, |row| -> Result<(), Error> {
        rows.extend(Some(row).filter(|row| row.room == id));
        Ok(())
    })
    .expect("the database can be read");
    let numbers = rows.iter().map(|row| row.place.number);
    assert!(numbers.eq(1..=rows.len() as u64), "no hole and no duplicate");
    let texts: Vec<String> = rows.into_iter().map(|row| row.chat).collect();
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len(), "no text twice");
    texts
}

fn shown(server: &Server, room: &Room) -> Vec<String> {
    history(server, room).into_iter().map(|message| message.chat).collect()
}

/// Those of `texts` that are `wanted`, in their order.
fn among(texts: &[String], wanted: &[String]) -> Vec<String> {
    texts.iter().filter(|text| wanted.contains(text)).cloned().collect()
}

/// Kills the server over and over, at another place in a burst of posts each time.
fn the_database_has_what_was_acknowledged(mut server: Server, url: &str) {
    let room = Room::numbered(1);
    let mut acknowledged = Vec::new();
    for cycle in 0..KILLS {
        let mut dialog = Dialog::open(server.sip, "author");
        join(&mut dialog, &room);
        let burst = Burst::send(&mut dialog, &room, &cycle.to_string(), POSTS);
        let enough = 1 + cycle * (POSTS - 1) / (KILLS - 1);
        acknowledged.extend(burst.acknowledged(&mut dialog, enough));
        server.kill();
        let stored_at_once = stored(url, &room);
        assert_eq!(among(&stored_at_once, &acknowledged), acknowledged, "cycle {cycle}");
        server.restart();
        let shown = shown(&server, &room);
        assert_eq!(among(&shown, &acknowledged), acknowledged, "cycle {cycle}");
        assert!(shown.starts_with(&stored_at_once), "the rooms go on from there");
        assert_eq!(stored(url, &room), shown, "nothing is shown that the database lacks");
    }
    println!("{} acknowledged posts were in the database after {KILLS} kills", acknowledged.len());
}

#[test]
fn with_sql_sqlite_has_what_was_acknowledged_when_the_server_is_killed() {
    let server = Server::start(&options("sql", "sqlite".into()));
    let url = format!("sqlite:{}", server.folder().join("data/parlance.sqlite").display());
    the_database_has_what_was_acknowledged(server, &url);
}

#[test]
fn with_sql_postgresql_has_what_was_acknowledged_when_the_server_is_killed() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.url("chat");
    the_database_has_what_was_acknowledged(Server::start(&options("sql", url.clone())), &url);
}

#[test]
fn with_sql_the_database_has_it_even_if_the_log_is_in_memory() {
    let options = Options { engine: "memory", ..options("sql", "sqlite".into()) };
    let server = Server::start(&options);
    let url = format!("sqlite:{}", server.folder().join("data/parlance.sqlite").display());
    the_database_has_what_was_acknowledged(server, &url);
}

#[test]
fn with_sql_posts_wait_for_the_database_and_are_told() {
    let Some(mut cluster) = cluster() else { return };
    let url = cluster.url("chat");
    let mut server = Server::start(&options("sql", url.clone()));
    let room = Room::numbered(1);
    let mut dialog = Dialog::open(server.sip, "author");
    join(&mut dialog, &room);
    let mut said =
        Burst::send(&mut dialog, &room, "before", POSTS).acknowledged(&mut dialog, POSTS);

    // Nobody is answered while the database is away; after a while new posts are refused.
    cluster.stop();
    let waiting = Burst::send(&mut dialog, &room, "waiting", POSTS);
    server.until_metric("parlance_ack_waiting", |posts| posts == POSTS as f64);
    server.until_metric("parlance_ack_late", |is_late| is_late == 1.0);
    let author = dialog.names.uri();
    dialog.cseq += 1;
    let body = post(&room.uri(), &author, "too late");
    dialog.peer.send(&dialog.names.request("INFO", dialog.cseq, &[], &body));
    assert_eq!(dialog.next_answer(), (dialog.cseq, 503), "the first answer since");
    assert_eq!(shown(&server, &room), said, "nothing is shown that the database lacks");
    server.until_said("a post has waited too long for the database");

    // The database is back: who waited is answered, and new posts are taken.
    cluster.run();
    said.extend(waiting.acknowledged(&mut dialog, POSTS));
    server.until_metric("parlance_ack_late", |is_late| is_late == 0.0);
    said.extend(Burst::send(&mut dialog, &room, "after", POSTS).acknowledged(&mut dialog, POSTS));
    assert_eq!(stored(&url, &room), said);
    assert_eq!(shown(&server, &room), said);

    // A server that is stopped meanwhile leaves open what it cannot know ...
    cluster.stop();
    Burst::send(&mut dialog, &room, "open", POSTS);
    server.until_metric("parlance_ack_waiting", |posts| posts == POSTS as f64);
    assert!(server.stop().success());
    let answers = dialog.peer.until_closed();
    assert!(!answers.contains(&200), "no answer is given for what the database lacks: {answers:?}");
    // ... and the next start brings it into the database before it serves.
    cluster.run();
    server.restart();
    said.extend((0..POSTS).map(|n| format!("open:{n}")));
    assert_eq!(stored(&url, &room), said);
    assert_eq!(shown(&server, &room), said);
}

/// Kills PostgreSQL over and over while somebody posts. `until` is called with PostgreSQL away and
/// says when it may come back. In the end the database has what was answered with 200, and nothing
/// else. Returns how many were.
fn postgresql_crashes_under_posts(ack: &'static str, until: fn(&Server)) -> usize {
    let Some(mut cluster) = cluster() else { return 0 };
    let url = cluster.url("chat");
    let mut server = Server::start(&options(ack, url.clone()));
    let room = Room::numbered(1);
    let mut dialog = Dialog::open(server.sip, "author");
    join(&mut dialog, &room);
    let (mut said, mut refused) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let (server, cluster) = (&mut server, &mut cluster);
        let crashes = scope.spawn(move || {
            for _ in 0..CRASHES {
                let rows = server.metric("parlance_store_rows_total", "");
                server.until_metric("parlance_store_rows_total", |more| more > rows);
                cluster.kill();
                until(server);
                cluster.run();
            }
        });
        for burst in (0..).take_while(|_| !crashes.is_finished()) {
            let burst = Burst::send(&mut dialog, &room, &format!("burst {burst}"), POSTS);
            for (text, status) in burst.answers(&mut dialog, POSTS) {
                match status {
                    200 => said.push(text),
                    503 => refused += 1,
                    _ => panic!("{text} was answered with {status}"),
                }
            }
        }
    });
    server.until_stored();
    assert_eq!(stored(&url, &room), said);
    let told = server.metric("parlance_store_rows_total", "") as usize;
    println!(
        "ack = {ack}, {CRASHES} crashes: {} posts kept, {} of them in commits whose answer was \
         lost; {refused} refused",
        said.len(),
        said.len() - told
    );
    refused
}

#[test]
fn with_log_no_author_notices_that_postgresql_crashes_again_and_again() {
    // It must be killed in the middle of commits: it comes back to more than one of them.
    let refused = postgresql_crashes_under_posts("log", |server| {
        let stored = server.metric("parlance_log_stored", "");
        server.until_metric("parlance_log_durable", |durable| durable > stored + BACKLOG);
    });
    assert_eq!(refused, 0, "posts are taken all the time");
}

#[test]
fn with_sql_nothing_is_lost_or_doubled_when_postgresql_crashes_again_and_again() {
    postgresql_crashes_under_posts("sql", |server| {
        server.until_metric("parlance_ack_waiting", |posts| posts > 0.0);
    });
}
