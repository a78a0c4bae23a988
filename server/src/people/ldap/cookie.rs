//! How far a run got, so that the next asks only for what has changed since.

use parlance_wire::xccos::Guid;
use std::fmt;

/// What the numbers of a cookie are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clock {
    /// `uSNChanged` of the server with this `invocationId`: another server, or one that was
    /// restored, counts differently ([MS-ADTS] §3.1.1.1.9).
    Usn(Guid),
    /// `entryCSN`.
    Csn,
    /// `modifyTimestamp`.
    Time,
}

/// How far a run got.
///
/// It holds the marks of two runs, and a run asks for what has changed since the older one: each
/// change is looked for twice. A write that was under way when a run looked, with a smaller stamp
/// than one that was done, is not missed this way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Which settings and which base it is of: with others everything is read again.
    pub source: Guid,
    /// What is counted.
    pub clock: Clock,
    /// From here on the next run asks.
    pub before: String,
    /// Newest that is known.
    pub mark: String,
}

impl Cookie {
    /// After a run that knows of nothing newer than `mark`.
    pub fn moved_to(&self, mark: &str) -> Cookie {
        Cookie { before: self.mark.clone(), mark: mark.to_owned(), ..self.clone() }
    }

    /// What an entry must be to have changed, as a filter.
    pub fn filter(&self) -> String {
        let attribute = match self.clock {
            Clock::Usn(_) => "uSNChanged",
            Clock::Csn => "entryCSN",
            Clock::Time => "modifyTimestamp",
        };
        format!("({attribute}>={})", self.before)
    }

    /// Reads what [`Display`](fmt::Display) writes; `None` for anything else.
    pub fn parse(text: &str) -> Option<Cookie> {
        let mut parts = text.split('|');
        let source = Guid::parse(parts.next()?)?;
        let clock = match parts.next()? {
            "csn" => Clock::Csn,
            "time" => Clock::Time,
            usn => Clock::Usn(Guid::parse(usn.strip_prefix("usn:")?)?),
        };
        // They go into a filter.
        let is_mark = |text: &&str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".#".contains(&b))
        };
        let before = parts.next().filter(is_mark)?.to_owned();
        let mark = parts.next().filter(is_mark)?.to_owned();
        parts.next().is_none().then_some(Cookie { source, clock, before, mark })
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = match self.clock {
            Clock::Usn(server) => format!("usn:{server}"),
            Clock::Csn => "csn".into(),
            Clock::Time => "time".into(),
        };
        write!(f, "{}|{clock}|{}|{}", self.source, self.before, self.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let id = "00112233-4455-6677-8899-aabbccddeeff";
        let texts = [
            format!("{id}|csn|20261128133100.123456Z#000000#000#000000|20261128133101Z#0"),
            format!("{id}|usn:{id}|100|200"),
            format!("{id}|time|20261128133100Z|20261128133100Z"),
        ];
        for text in &texts {
            assert_eq!(Cookie::parse(text).expect(text).to_string(), *text);
        }
        for bad in ["", "x|csn|1|2", &format!("{id}|csn|1)(x=*|2"), &format!("{id}|csn|1|2|3")] {
            assert_eq!(Cookie::parse(bad), None, "{bad:?}");
        }
        let next = Cookie::parse(&texts[1]).expect("read above").moved_to("300");
        assert_eq!(next.filter(), "(uSNChanged>=200)");
    }
}
