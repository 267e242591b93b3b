//! The chapters, in the lecture's order.

mod autoregressive;
mod change_of_variables;
mod gaussianization;
mod inverse_autoregressive;
mod masked_convolutions;
mod nice;
mod parallel_wave_net;
mod planar;
mod real_nvp;
mod recap;
mod results;

use super::Chapter;

/// A formula's MathML.
macro_rules! formula {
    ($name:literal) => {
        $crate::lecture::Block::Formula(include_str!(concat!("../../../../flows/formulas/", $name, ".html")))
    };
}
use formula;

/// All of them.
pub const CHAPTERS: [&Chapter; 11] = [
    &recap::CHAPTER,
    &change_of_variables::CHAPTER,
    &planar::CHAPTER,
    &nice::CHAPTER,
    &real_nvp::CHAPTER,
    &autoregressive::CHAPTER,
    &inverse_autoregressive::CHAPTER,
    &parallel_wave_net::CHAPTER,
    &masked_convolutions::CHAPTER,
    &gaussianization::CHAPTER,
    &results::CHAPTER,
];
