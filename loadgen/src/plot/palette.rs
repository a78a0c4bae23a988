//! Colours, for paper and for the dark.

use plotters::style::RGBColor;
use std::fmt::Write;

/// A line's colour. Those that follow each other are told apart by people who see fewer colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The one that matters most.
    Blue,
    /// The second.
    Orange,
    /// The third.
    Green,
    /// The fourth.
    Purple,
    /// The fifth, or what is wrong.
    Red,
    /// What is beside the point.
    Grey,
}

impl Tone {
    /// Each, in order.
    pub const ALL: [Tone; 6] =
        [Tone::Blue, Tone::Orange, Tone::Green, Tone::Purple, Tone::Red, Tone::Grey];

    /// On paper, and in the dark.
    fn shades(self) -> [u32; 2] {
        match self {
            Tone::Blue => [0x1F_6FEB, 0x79_B4FF],
            Tone::Orange => [0xC2_5E00, 0xF5_A355],
            Tone::Green => [0x0F_7B55, 0x4F_CE9B],
            Tone::Purple => [0x84_48BD, 0xC9_97F5],
            Tone::Red => [0xC6_2A2F, 0xFF_8A8D],
            Tone::Grey => [0x6F_7782, 0x9C_A5B2],
        }
    }

    pub(super) fn colour(self) -> RGBColor {
        rgb(self.shades()[0])
    }
}

/// Words and axes.
const INK: [u32; 2] = [0x3C_434D, 0xC5_CCD6];
/// Lines behind the others.
const GRID: [u32; 2] = [0xE3_E6EA, 0x2F_3742];

/// Moments.
const TICK: [u32; 2] = [0xA9_B1BB, 0x5A_6573];

pub(super) fn tick() -> RGBColor {
    rgb(TICK[0])
}

pub(super) fn ink() -> RGBColor {
    rgb(INK[0])
}

pub(super) fn grid() -> RGBColor {
    rgb(GRID[0])
}

fn rgb(colour: u32) -> RGBColor {
    let [_, red, green, blue] = colour.to_be_bytes();
    RGBColor(red, green, blue)
}

/// A style sheet that exchanges the colours of all plots where a screen is dark.
pub fn dark_style() -> String {
    let mut css = String::from("@media screen and (prefers-color-scheme:dark){");
    for [paper, dark] in Tone::ALL.map(Tone::shades).into_iter().chain([INK, GRID, TICK]) {
        for what in ["fill", "stroke"] {
            let _ = write!(css, "svg [{what}=\"#{paper:06X}\"]{{{what}:#{dark:06X}}}");
        }
    }
    css.push('}');
    css
}
