//! The space that a density is over.

use serde::{Deserialize, Serialize};

/// The space that a density is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Space {
    /// Images with values in [0, 1], dequantized from 256 levels.
    Images {
        /// 1 for gray, 3 for color.
        channels: usize,
        /// Rows of an image.
        height: usize,
        /// Columns of an image.
        width: usize,
    },
    /// Rows of numbers.
    Table {
        /// Numbers in a row.
        columns: usize,
        /// Whether the flow begins by standardizing them.
        standardized: bool,
    },
    /// Signals: numbers within about ±1, one after another in time.
    Signal {
        /// Numbers in a row.
        samples: usize,
        /// How many of them make a second.
        rate: u32,
    },
}

impl Space {
    /// The number of dimensions D.
    #[must_use]
    pub const fn dims(&self) -> usize {
        match *self {
            // A damaged checkpoint may name any sizes.
            Self::Images { channels, height, width } => channels.saturating_mul(height).saturating_mul(width),
            Self::Table { columns, .. } => columns,
            Self::Signal { samples, .. } => samples,
        }
    }

    /// The levels that data was dequantized from.
    #[must_use]
    pub const fn levels(&self) -> Option<u32> {
        match self {
            Self::Images { .. } => Some(256),
            Self::Table { .. } | Self::Signal { .. } => None,
        }
    }

    /// Whether rows of the other space can be given to a model over this one. A model that standardizes
    /// does so itself, and one that does not takes data in any units.
    #[must_use]
    pub fn takes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Table { columns, .. }, Self::Table { columns: others, .. }) => columns == others,
            _ => self == other,
        }
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Images { channels, height, width } => format!("images of {channels}×{height}×{width} in [0, 1]"),
            Self::Table { columns, .. } => format!("rows of {columns} numbers"),
            Self::Signal { samples, rate } => format!("signals of {samples} samples at {rate} Hz"),
        }
    }
}
