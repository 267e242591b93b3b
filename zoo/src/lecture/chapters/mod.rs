//! The chapters, in the lecture's order.

mod autoregressive;
mod change_of_variables;
mod gaussianization;
mod iaf;
mod mint_net;
mod nice;
mod parallel_wave_net;
mod planar;
mod real_nvp;
mod recap;
mod results;

use super::{Block, Chapter};

/// A formula's MathML.
macro_rules! formula {
    ($name:literal) => {
        $crate::lecture::Block::Formula(include_str!(concat!("../../../../flows/formulas/", $name, ".html")))
    };
}
use formula;

const fn picture(file: &'static str, command: &'static str, alt: &'static str, caption: &'static str) -> Block {
    Block::Picture { file, command, alt, caption }
}

/// All chapters.
pub const CHAPTERS: [&Chapter; 11] = [
    &recap::CHAPTER,
    &change_of_variables::CHAPTER,
    &planar::CHAPTER,
    &nice::CHAPTER,
    &real_nvp::CHAPTER,
    &autoregressive::CHAPTER,
    &iaf::CHAPTER,
    &parallel_wave_net::CHAPTER,
    &mint_net::CHAPTER,
    &gaussianization::CHAPTER,
    &results::CHAPTER,
];
