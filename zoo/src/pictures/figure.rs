//! A picture with its file name and caption.

use super::Raster;

/// A picture for a folder of pictures.
#[derive(Debug)]
pub struct Figure {
    /// The name of its file.
    pub name: &'static str,
    /// The picture.
    pub picture: Raster,
    /// What it shows, in one line.
    pub caption: String,
}
