//! The space of the data: what a density is over.

use serde::{Deserialize, Serialize};

/// The space of the data that a density is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Space {
    /// Images. A pixel is u = (level + noise)/256, of a level from 0 to 255 and noise between 0 and 1.
    Images {
        /// 1 for gray, 3 for color.
        channels: usize,
        /// Pixels down.
        height: usize,
        /// Pixels across.
        width: usize,
    },
    /// Rows of numbers.
    Table {
        columns: usize,
        /// Whether the model standardizes them first.
        standardized: bool,
    },
    /// Signals: samples over time, within about ±1.
    Signal {
        /// Samples in a row.
        samples: usize,
        /// Samples in a second.
        rate: u32,
    },
}

impl Space {
    /// The number of dimensions D.
    pub const fn dims(&self) -> usize {
        match *self {
            // A damaged checkpoint may name any sizes.
            Self::Images { channels, height, width } => channels.saturating_mul(height).saturating_mul(width),
            Self::Table { columns, .. } => columns,
            Self::Signal { samples, .. } => samples,
        }
    }

    /// The levels that the data was dequantized from.
    pub const fn levels(&self) -> Option<u32> {
        match self {
            Self::Images { .. } => Some(256),
            Self::Table { .. } | Self::Signal { .. } => None,
        }
    }

    /// Whether a model over this space accepts rows of another. Tables may differ in whether they are standardized:
    /// that is done by the model.
    pub fn takes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Table { columns, .. }, Self::Table { columns: others, .. }) => columns == others,
            _ => self == other,
        }
    }

    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Images { channels, height, width } => format!("images of {channels}×{height}×{width}"),
            Self::Table { columns, .. } => format!("rows of {columns} numbers"),
            Self::Signal { samples, rate } => format!("signals of {samples} samples at {rate} Hz"),
        }
    }
}
