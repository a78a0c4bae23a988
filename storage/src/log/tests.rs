//! What can only be tested from inside: records that no log of this version writes.

use super::record::{self, Buffer, HEAD_BYTES, Head, Kind};
use super::segment::{self, Header};
use super::*;
use crate::disk::fake::FakeDisk;
use parlance_core::Record;
use parlance_core::time::Timestamp;
use parlance_wire::xccos::Guid;

fn message(chat: &str) -> Record {
    Record {
        ticket: 0,
        room: Guid(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
        number: 3,
        ts: Timestamp(-5),
        author: "sip:a@example.com".into(),
        alert: true,
        chat: chat.into(),
        rtf: Some("{\\rtf1}".into()),
        is_history: true,
    }
}

fn bytes_of(head: &Head, record: Option<&Record>, seed: u32) -> Buffer {
    let mut bytes = Buffer::new();
    record::encode(&mut bytes, head, record);
    record::finish(&mut bytes, seed, true);
    bytes
}

/// A log of one segment with these bytes behind its header.
fn disk_with(bytes: &[u8]) -> FakeDisk {
    let disk = FakeDisk::new();
    let (header, _) = first_header();
    disk.put(&segment_name(Position(1)), &[&header, bytes].concat());
    disk
}

fn first_header() -> ([u8; segment::HEADER_BYTES], u32) {
    Header { first: Position(1), previous_bytes: 0, previous_crc: 0 }.encode()
}

fn place() -> Place {
    Place { segment: segment_name(Position(1)), offset: segment::HEADER_BYTES as u64 }
}

#[test]
fn a_record_is_read_back_in_place() {
    for chat in ["", "x", "größer als ein Byte", &"long ".repeat(4000)] {
        let record = message(chat);
        let head = Head::message(9, &record, Position(7), Position(6));
        let bytes = bytes_of(&head, Some(&record), 5);
        assert_eq!(bytes.len() % record::ALIGNMENT, 0);
        assert!(bytes.len() <= record::bytes_bound(&record));
        let raw = record::parse(&bytes, 5).unwrap();
        assert_eq!(raw.extent(), bytes.len());
        assert_eq!(raw.head(), Ok(Head { is_end_of_batch: true, ..head }));
        let entry = raw.message(&head).unwrap();
        assert_eq!(entry.to_record(0), record);
        let record = Record { is_history: false, ..record };
        let bytes =
            bytes_of(&Head::message(9, &record, Position(7), Position(6)), Some(&record), 5);
        let raw = record::parse(&bytes, 5).unwrap();
        let entry = raw.message(&raw.head().unwrap()).unwrap();
        assert_eq!(entry.to_record(0), record);
        assert_eq!((entry.term, entry.position), (9, Position(7)));
        assert!(record::parse(&bytes, 6).is_err(), "of another segment");
    }
}

#[test]
fn no_text_holds_the_beginning_of_a_record() {
    for start in 0..record::MAGIC.len() {
        let is_text = std::str::from_utf8(&record::MAGIC[start..]).is_ok();
        assert!(!is_text, "whatever a client sends, its text is UTF-8");
    }
}

#[test]
fn what_a_newer_version_wrote_is_refused() {
    let (_, seed) = first_header();
    let head = Head::control(Kind::Mark, 0, Position(1), Position(0));
    for (at, value, kind, flags) in
        [(12, 9, 9, 1), (12, 0, 0, 1), (13, 0x40, 2, 0x41), (14, 1, 2, 1), (79, 1, 2, 1)]
    {
        let mut bytes = bytes_of(&head, None, seed);
        bytes[at] = value;
        record::finish(&mut bytes, seed, true);
        let disk = disk_with(&bytes);
        let error = Log::open(disk.clone(), Options::default()).unwrap_err();
        assert_eq!(error, OpenError::Unknown { place: place(), kind, flags }, "byte {at}");
        assert!(error.to_string().contains("format version 1"), "{error}");
        let read = Reader::new(disk, Position(0)).read(Position(1)).unwrap_err();
        assert!(matches!(read, ReadError::Damaged { .. }), "{read}");
    }
}

#[test]
fn another_format_version_is_named() {
    let (mut header, _) = first_header();
    header[8] = 2;
    let crc = crc32c::crc32c(&header[..60]);
    header[60..].copy_from_slice(&crc.to_le_bytes());
    let disk = FakeDisk::new();
    disk.put(&segment_name(Position(1)), &[&header[..], &[0; 16]].concat());
    let error = Log::open(disk, Options::default()).unwrap_err();
    assert!(error.to_string().contains("reads version 1, found version 2"), "{error}");
    assert!(error.advice().contains("newer"), "{error}");
}

#[test]
fn a_payload_that_is_no_message_is_refused_not_read() {
    let (_, seed) = first_header();
    let record = message("some text");
    let head = Head::message(0, &record, Position(1), Position(0));
    let good = bytes_of(&head, Some(&record), seed);
    let mut refused = 0;
    for at in HEAD_BYTES..good.len() {
        for value in [0x00, 0x7F, 0x80, 0xFF] {
            let mut bytes = good.clone();
            bytes[at] = value;
            record::finish(&mut bytes, seed, true);
            let disk = disk_with(&bytes);
            match Log::open(disk.clone(), Options::default()) {
                Ok((log, _)) => {
                    let mut reader = Reader::new(disk, Position(0));
                    reader.read_all(log.durable(), |_| ()).expect("both read it or none");
                }
                Err(error) => {
                    let (place, position) = (place(), Position(1));
                    assert_eq!(error, OpenError::Payload { place, position });
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn a_watermark_that_does_not_fit_is_refused() {
    let (_, seed) = first_header();
    let mark = |position, durable| {
        bytes_of(&Head::control(Kind::Mark, 0, Position(position), Position(durable)), None, seed)
    };
    let good = disk_with(&[&mark(1, 0)[..], &mark(2, 1)].concat());
    assert!(Log::open(good, Options::default()).is_ok());
    // The first commit was complete, so the second began when it was durable.
    let bad = disk_with(&[&mark(1, 0)[..], &mark(2, 0)].concat());
    let place = Place { offset: place().offset + HEAD_BYTES as u64, ..place() };
    let (expected, found) = (Position(1), Position(0));
    let error = Log::open(bad, Options::default()).unwrap_err();
    assert_eq!(error, OpenError::Watermark { place, expected, found });
}

#[test]
fn a_trim_of_the_future_is_refused() {
    let (_, seed) = first_header();
    let head = Head::control(Kind::Trim, 2, Position(1), Position(0));
    let error = Log::open(disk_with(&bytes_of(&head, None, seed)), Options::default()).unwrap_err();
    let (place, position) = (place(), Position(1));
    assert_eq!(error, OpenError::Payload { place, position });
}

#[test]
fn a_reader_tells_what_is_gone_and_what_is_bad() {
    let disk = FakeDisk::new();
    let options = Options { segment_bytes: 1, ..Options::default() };
    let (mut log, _) = Log::open(disk.clone(), options).unwrap();
    let cursor = log.attach("stored", Position(0)).unwrap();
    for _ in 0..4 {
        log.append(0, &message("x")).unwrap();
        log.commit().unwrap();
    }
    let name = segment_name(Position(5));
    let last = log.durable();
    disk.flip(&name, 100, 1);
    let mut reader = Reader::new(disk.clone(), Position(4));
    let bad = reader.read(last).unwrap_err();
    let place = Place { segment: name, offset: segment::HEADER_BYTES as u64 };
    assert!(matches!(&bad, ReadError::Damaged { place: at, .. } if *at == place), "{bad}");
    assert_eq!(reader.taken(), Position(4), "it stays where it is");
    log.advance(cursor, Position(4));
    log.trim().unwrap();
    reader.seek(Position(2));
    let (wanted, oldest) = (Position(3), Position(5));
    assert_eq!(reader.read(last).unwrap_err(), ReadError::Trimmed { wanted, oldest });
    disk.flip(&place.segment, 100, 1);
    reader.seek(Position(4));
    assert_eq!(reader.read(last).unwrap().entries.len(), 1);
}
