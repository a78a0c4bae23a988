//! The walk through all segments, record by record.

use super::*;

/// Where the walk stands.
pub(super) struct Walk {
    window: Window,
    segments: Vec<Segment>,
    seed: u32,
    /// The position that comes next.
    next: Position,
    /// What the records of the current commit say was durable.
    durable: Position,
    /// Was the last record the last of its commit?
    is_end_of_batch: bool,
    is_sealed: bool,
    is_marked: bool,
    last_crc: u32,
    /// Of the segment's records so far.
    digest: u32,
    kept_from: Position,
    doubt: Option<(Position, Range<u64>)>,
    recovered: Recovered,
}

/// What lies behind damage.
#[derive(Default)]
struct Witnesses {
    records: u64,
    /// The most that one of them says was durable.
    durable: Position,
}

impl Walk {
    /// Of a log whose oldest segment begins with `oldest`.
    pub fn new(oldest: Position) -> Walk {
        let before = oldest.previous();
        Walk {
            window: Window::new(CHUNK_BYTES),
            segments: Vec::new(),
            seed: 0,
            next: oldest,
            durable: before,
            is_end_of_batch: true,
            is_sealed: false,
            is_marked: false,
            last_crc: 0,
            digest: 0,
            kept_from: Position(1),
            doubt: None,
            recovered: Recovered::default(),
        }
    }

    /// Walks through a segment. Only the one without successor may end badly.
    pub fn segment<D: Disk>(
        &mut self,
        disk: &mut D,
        first: Position,
        successor: Option<Position>,
    ) -> Result<(), OpenError> {
        self.enter(disk, first)?;
        let name = segment::name(first);
        let bytes = disk.length(&name)?;
        let mut offset = HEADER_BYTES as u64;
        // Lent out here, so that a record can be looked at while the walk notes what it says.
        let mut window = std::mem::replace(&mut self.window, Window::new(CHUNK_BYTES));
        let fault = loop {
            let extent = match window.record(disk, offset, self.seed)? {
                Ok(None) => break self.fault_at_end(successor.is_some()),
                Ok(Some(_)) if self.is_sealed => break Some(Fault::AfterSeal),
                Ok(Some(raw)) => {
                    self.record(&raw, Place { segment: name.clone(), offset })?;
                    raw.extent() as u64
                }
                Err(fault) => break Some(fault),
            };
            self.extend_doubt(first, offset, extent);
            offset += extent;
        };
        self.window = window;
        if let Some(fault) = fault {
            self.damage(disk, Place { segment: name, offset }, bytes, fault, successor)?;
        }
        assert!(offset <= bytes, "a segment is not longer than its file");
        self.segments.push(Segment { first, bytes: offset });
        Ok(())
    }

    /// Checks that this segment comes here, and its header.
    fn enter<D: Disk>(&mut self, disk: &mut D, first: Position) -> Result<(), OpenError> {
        let segment = segment::name(first);
        if first > self.next {
            let next = Some(segment);
            return Err(OpenError::Missing { segment: segment::name(self.next), next });
        }
        if first < self.next {
            let place = Place { segment, offset: 0 };
            return Err(OpenError::Order { place, expected: self.next, found: first });
        }
        self.window.turn_to(&segment);
        let bytes = self.window.at(disk, 0, HEADER_BYTES)?;
        let decoded = Header::decode(bytes, first);
        let (header, seed) =
            decoded.map_err(|fault| OpenError::Header { segment: segment.clone(), fault })?;
        if let Some(previous) = self.segments.last() {
            let expected = (header.previous_bytes, header.previous_crc);
            let found = (previous.bytes, self.last_crc);
            if expected != found {
                let fault = HeaderFault::Previous { expected, found };
                return Err(OpenError::Header { segment, fault });
            }
        }
        self.seed = seed;
        self.is_sealed = false;
        self.digest = 0;
        Ok(())
    }

    /// Takes a good record in, if it is the one that comes here.
    fn record(&mut self, raw: &Raw<'_>, place: Place) -> Result<(), OpenError> {
        let head = match raw.head() {
            Ok(head) => head,
            Err(unknown) => {
                let (kind, flags) = (unknown.kind, unknown.flags);
                return Err(OpenError::Unknown { place, kind, flags });
            }
        };
        if head.position != self.next {
            return Err(OpenError::Order { place, expected: self.next, found: head.position });
        }
        self.watermark(&head, &place)?;
        match head.kind {
            Kind::Message if raw.message(&head).is_none() => {
                return Err(OpenError::Payload { place, position: head.position });
            }
            Kind::Message => self.recovered.messages += 1,
            Kind::Seal => self.seal(&head, place)?,
            // It would keep what did not exist yet.
            Kind::Trim if head.number > head.position.0 => {
                return Err(OpenError::Payload { place, position: head.position });
            }
            Kind::Trim => self.kept_from = self.kept_from.max(Position(head.number)),
            Kind::Mark => {}
        }
        self.is_marked = head.kind.leaves_marked(self.is_marked);
        self.is_end_of_batch = head.is_end_of_batch;
        self.last_crc = raw.checksum();
        self.digest = record::digest(self.digest, self.last_crc);
        self.next = head.position.next();
        Ok(())
    }

    fn seal(&mut self, head: &Head, place: Place) -> Result<(), OpenError> {
        let (expected, found) = (head.number, u64::from(self.digest));
        if expected != found {
            let fault = Fault::Digest { expected, found };
            let (position, known_durable) = (head.position, head.durable);
            return Err(OpenError::Damaged { place, position, fault, known_durable });
        }
        self.is_sealed = true;
        Ok(())
    }

    /// A commit begins when everything before it is durable; its records all say so. One that was
    /// cut short is followed by the next one all the same.
    fn watermark(&mut self, head: &Head, place: &Place) -> Result<(), OpenError> {
        let last = self.next.previous();
        let is_next_batch = head.durable == last;
        let is_same_batch = !self.is_end_of_batch && head.durable == self.durable;
        if !is_next_batch && !is_same_batch {
            let (place, expected, found) = (place.clone(), last, head.durable);
            return Err(OpenError::Watermark { place, expected, found });
        }
        if is_next_batch {
            self.doubt = None;
            self.durable = head.durable;
        }
        Ok(())
    }

    /// A commit lies in one segment.
    fn extend_doubt(&mut self, first: Position, offset: u64, extent: u64) {
        let start = self.doubt.take().map_or(offset, |(of, range)| {
            assert_eq!(of, first, "a commit ends with its segment");
            range.start
        });
        self.doubt = Some((first, start..offset + extent));
    }

    /// Is there anything wrong with a segment that ends with a whole record?
    fn fault_at_end(&self, has_successor: bool) -> Option<Fault> {
        if has_successor && !self.is_sealed {
            return Some(Fault::NoSeal);
        }
        (!self.is_end_of_batch).then_some(Fault::BatchCut)
    }

    /// Judges damage: refuses what was durable, notes what is torn.
    fn damage<D: Disk>(
        &mut self,
        disk: &mut D,
        place: Place,
        bytes: u64,
        fault: Fault,
        successor: Option<Position>,
    ) -> Result<(), OpenError> {
        let position = self.next;
        let witnesses = self.witnesses(disk, place.offset)?;
        // What is in later segments was written when all before it was durable.
        let by_successor = successor.map_or(Position(0), Position::previous);
        let known_durable = witnesses.durable.max(by_successor).max(self.durable);
        if known_durable >= position || successor.is_some() || fault == Fault::AfterSeal {
            return Err(OpenError::Damaged { place, position, fault, known_durable });
        }
        let first_bytes = self.window.at(disk, place.offset, FIRST_BYTES_MAX)?;
        let first_bytes = first_bytes[..first_bytes.len().min(FIRST_BYTES_MAX)].to_vec();
        assert!(bytes >= place.offset, "what was read is in the file");
        self.recovered.torn = Some(TornTail {
            segment: place.segment,
            offset: place.offset,
            position,
            fault,
            bytes_cut: bytes - place.offset,
            records_cut: witnesses.records,
            first_bytes,
        });
        Ok(())
    }

    /// Searches the rest of the segment for good records.
    fn witnesses<D: Disk>(&mut self, disk: &mut D, from: u64) -> Result<Witnesses, DiskError> {
        let mut witnesses = Witnesses::default();
        let mut offset = from;
        loop {
            let bytes = self.window.at(disk, offset, HEAD_BYTES)?;
            if bytes.len() < HEAD_BYTES {
                return Ok(witnesses);
            }
            if let Some(skip) = skip_to_magic(bytes) {
                offset += skip;
                continue;
            }
            offset += match self.window.record(disk, offset, self.seed)? {
                Ok(Some(raw)) => {
                    witnesses.records += 1;
                    witnesses.durable = witnesses.durable.max(raw.durable());
                    raw.extent() as u64
                }
                _ => record::ALIGNMENT as u64,
            };
        }
    }

    /// Takes in a last segment that has no records.
    pub fn bare<D: Disk>(&mut self, disk: &mut D, first: Position) -> Result<(), OpenError> {
        if self.segments.is_empty() && first > Position(1) {
            let (segment, next) = (segment::name(Position(1)), Some(segment::name(first)));
            return Err(OpenError::Missing { segment, next });
        }
        if self.is_sealed {
            self.enter(disk, first)?;
            self.segments.push(Segment { first, bytes: HEADER_BYTES as u64 });
        } else {
            self.recovered.abandoned = Some(segment::name(first));
        }
        Ok(())
    }

    /// The result, if no segment is missing at either end.
    pub fn end(mut self) -> Result<Survey, OpenError> {
        if self.is_sealed {
            return Err(OpenError::Missing { segment: segment::name(self.next), next: None });
        }
        if let Some(oldest) = self.segments.first().map(|segment| segment.first)
            && oldest > self.kept_from
        {
            let (segment, next) = (segment::name(self.kept_from), Some(segment::name(oldest)));
            return Err(OpenError::Missing { segment, next });
        }
        assert!(self.kept_from <= self.next, "a trim keeps what comes after it");
        assert!(self.recovered.messages < self.next.0, "each message has a position");
        self.recovered.last = self.next.previous();
        self.recovered.oldest = self.segments.first().map_or(self.next, |segment| segment.first);
        self.recovered.segments = self.segments.len();
        self.recovered.bytes = self.segments.iter().map(|segment| segment.bytes).sum();
        Ok(Survey {
            segments: self.segments,
            seed: self.seed,
            digest: self.digest,
            is_marked: self.is_marked,
            kept_from: self.kept_from,
            doubt: self.doubt,
            recovered: self.recovered,
        })
    }
}

/// How far it is to the next thing that may be a record; `None` if it is here.
fn skip_to_magic(bytes: &[u8]) -> Option<u64> {
    let mut places = bytes.chunks(record::ALIGNMENT);
    let skip = match places.position(record::may_start) {
        Some(0) => return None,
        Some(places) => places * record::ALIGNMENT,
        None => bytes.len().next_multiple_of(record::ALIGNMENT),
    };
    Some(skip as u64)
}
