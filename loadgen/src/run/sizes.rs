//! How long posts are.

use std::str::FromStr;

/// Longest text, bytes: what a server takes unless its `message_bytes_max` says otherwise.
const BYTES_MAX: usize = 8_000;
/// The mix: parts of all posts that are no longer than so many bytes. In between, lengths rise
/// evenly by factors.
const MIX: [(f64, f64); 6] =
    [(0.0, 20.0), (0.25, 60.0), (0.5, 120.0), (0.9, 500.0), (0.99, 2_000.0), (1.0, 8_000.0)];

/// Bytes of text in a post, mark included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageBytes {
    /// From the first to the last, each as often.
    Between(usize, usize),
    /// As people write: mostly short, see [`MIX`].
    Mix,
}

impl MessageBytes {
    /// The length at `part` of all posts, ordered by length: 0 to below 1.
    pub fn at(self, part: f64) -> usize {
        match self {
            MessageBytes::Between(least, most) => {
                least + ((most - least + 1) as f64 * part) as usize
            }
            MessageBytes::Mix => {
                let above = MIX.iter().position(|(upto, _)| *upto > part);
                let above = above.unwrap_or(MIX.len() - 1).max(1);
                let ((from, short), (upto, long)) = (MIX[above - 1], MIX[above]);
                (short * (long / short).powf((part - from) / (upto - from))) as usize
            }
        }
    }

    /// The mean.
    pub fn mean(self) -> f64 {
        const STEPS: u32 = 10_000;
        let part = |step: u32| (f64::from(step) + 0.5) / f64::from(STEPS);
        (0..STEPS).map(|step| self.at(part(step)) as f64).sum::<f64>() / f64::from(STEPS)
    }
}

impl FromStr for MessageBytes {
    type Err = String;

    /// `mix`, a number, or two with a dash between.
    fn from_str(text: &str) -> Result<MessageBytes, String> {
        if text == "mix" {
            return Ok(MessageBytes::Mix);
        }
        let (least, most) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| {
            text.parse::<usize>()
                .map_err(|_| format!("{text:?} is no number of bytes; write 256, 20-500 or mix"))
        };
        let (least, most) = (number(least)?, number(most)?);
        if least > most || most > BYTES_MAX {
            return Err(format!("from the lesser to the greater, and at most {BYTES_MAX}"));
        }
        Ok(MessageBytes::Between(least, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_told() {
        let at = |text: &str, part| text.parse::<MessageBytes>().expect(text).at(part);
        assert_eq!((at("256", 0.0), at("256", 0.999)), (256, 256));
        assert_eq!((at("10-19", 0.0), at("10-19", 0.55), at("10-19", 0.999)), (10, 15, 19));
        let mix: Vec<usize> = [0.0, 0.25, 0.5, 0.9, 0.99].map(|part| at("mix", part)).into();
        assert_eq!(mix, [20, 60, 120, 500, 2_000]);
        assert!((7_000..=8_000).contains(&at("mix", 0.999_9)));
        let mean = MessageBytes::Mix.mean();
        assert!((200.0..300.0).contains(&mean), "{mean}");
        for text in ["", "many", "20-", "30-20", "1-9000"] {
            assert!(text.parse::<MessageBytes>().is_err(), "{text}");
        }
    }
}
