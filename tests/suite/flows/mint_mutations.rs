//! `MintNet`'s layer written again, unit by unit from the paper's formula, to compare the library's with; and with one
//! easily made mistake each, which the properties must catch.

use super::mutations::{Suspect, entry};
use autograd::check::max_error;
use autograd::{ConvSpec, Param, Real, Tensor, Var};
use flows::check::Property::{self, LogDetByDifferences, LogDetByTape, Zeros};
use flows::check::{Structure, copy_params};
use flows::layers::{Inversion, Mint};
use flows::nn::{ConvMask, Init};
use flows::{Bijection, Context, Mapped, Module, Visitor};

/// Channels, height, width; branches.
const IMAGE: [usize; 3] = [2, 2, 3];
const K: usize = 2;
const DIMS: usize = 12;

/// A mistake in a layer under mask A.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// All convolutions have the other mask.
    MaskFlipped,
    /// One convolution has the other mask.
    OneMaskFlipped,
    /// One convolution has none.
    OneUnmasked,
    /// The second weight keeps its own signs.
    SignsLeftOut,
    /// The diagonal has the first of the second layer's units alone.
    SumOverLastMissing,
    /// The diagonal has the first of the first layer's units alone.
    SumOverFirstMissing,
    /// The diagonal has the paths alone, without t.
    ScaleForgotten,
    /// The ELU's derivative is taken at its result instead of its argument.
    SlopeAtResult,
}

#[derive(Debug)]
struct Layer<T: Real> {
    weights: [Param<T>; 3],
    biases: [Param<T>; 3],
    scale: Param<T>,
    flaw: Flaw,
}

/// Units of the image, of the two hidden layers, and of the image again.
const UNITS: [usize; 4] = [IMAGE[0], K * IMAGE[0], K * IMAGE[0], IMAGE[0]];

impl<T: Real> Layer<T> {
    fn new(flaw: Flaw) -> Self {
        // With small weights, t + d is positive whatever the signs.
        let size = if flaw == Flaw::SignsLeftOut { 2.0 } else { 0.4 };
        let drawn = |shape: &[usize], size: f64, from: usize| {
            Param::new(Tensor::from_fn(shape, |i| T::from_f64(size * entry(from + i))))
        };
        Self {
            weights: std::array::from_fn(|l| drawn(&[UNITS[l + 1], UNITS[l], 3, 3], size, 1000 * l)),
            biases: std::array::from_fn(|l| drawn(&[UNITS[l + 1]], 0.3, 5000 + 100 * l)),
            scale: drawn(&IMAGE, 0.5, 7000),
            flaw,
        }
    }

    /// Weight l under its mask.
    fn masked(&self, x: &Var<T>, l: usize) -> Var<T> {
        let flaw = self.flaw;
        let flipped = flaw == Flaw::MaskFlipped || (flaw == Flaw::OneMaskFlipped && l == 1);
        let alive = |i: usize| {
            let (output, input, tap) = (i / 9 / UNITS[l], i / 9 % UNITS[l], i % 9);
            let (to, from) = (output * IMAGE[0] / UNITS[l + 1], input * IMAGE[0] / UNITS[l]);
            let sees = if flipped { from > to || from == to && tap >= 4 } else { from < to || from == to && tap <= 4 };
            sees || (flaw == Flaw::OneUnmasked && l == 0)
        };
        let mask = Tensor::from_fn([UNITS[l + 1], UNITS[l], 3, 3], |i| if alive(i) { T::ONE } else { T::ZERO });
        self.weights[l].on(x) * x.constant_like(mask)
    }

    /// The weight at the center from a unit of the layer before to one of layer l.
    fn center(weight: &Var<T>, output: usize, input: usize) -> Var<T> {
        weight
            .slice(0, output..output + 1)
            .slice(1, input..input + 1)
            .slice(2, 1..2)
            .slice(3, 1..2)
            .reshape([1, 1, 1, 1])
    }

    /// z and the diagonal of ∂z/∂x.
    fn apply(&self, x: &Var<T>) -> [Var<T>; 2] {
        let [w1, mut w2, w3] = [0, 1, 2].map(|l| self.masked(x, l));
        let paths = || (0..IMAGE[0]).flat_map(|c| (0..K * K).map(move |i| (c, c * K + i / K, c * K + i % K)));
        if self.flaw != Flaw::SignsLeftOut {
            let positive = |w: Var<T>| w.item() >= T::ZERO;
            for (c, last, first) in paths() {
                let own = Self::center(&w2, last, first);
                let wanted = positive(Self::center(&w1, first, c)) == positive(Self::center(&w3, c, last));
                if positive(own.clone()) != wanted {
                    // w − 2w at the one place.
                    let at = own.scale(-2.0).embed(0, last, 1, UNITS[2]).embed(1, first, 1, UNITS[1]);
                    w2 = w2 + at.embed(2, 1, 1, 3).embed(3, 1, 1, 3);
                }
            }
        }
        let conv = |x: &Var<T>, w: &Var<T>, l: usize| {
            x.conv2d(w, ConvSpec::padded(1)) + self.biases[l].on(x).reshape([UNITS[l + 1], 1, 1])
        };
        let a1 = conv(x, &w1, 0);
        let a2 = conv(&a1.elu(), &w2, 1);
        let t = self.scale.on(x).softplus();
        let value = &t * x + conv(&a2.elu(), &w3, 2);
        let slope = |a: &Var<T>, unit: usize| {
            let a = if self.flaw == Flaw::SlopeAtResult { a.elu() } else { a.clone() };
            a.slice(1, unit..unit + 1).clamp(f64::NEG_INFINITY, 0.0).exp()
        };
        let mut diagonal = if self.flaw == Flaw::ScaleForgotten { x.zeros_like() } else { t + x.zeros_like() };
        for (c, last, first) in paths() {
            let left_out = match self.flaw {
                Flaw::SumOverLastMissing => last != c * K,
                Flaw::SumOverFirstMissing => first != c * K,
                _ => false,
            };
            if left_out {
                continue;
            }
            let weights = Self::center(&w3, c, last) * Self::center(&w2, last, first) * Self::center(&w1, first, c);
            let term = slope(&a2, last) * slope(&a1, first) * weights;
            diagonal = diagonal + term.embed(1, c, 1, IMAGE[0]);
        }
        [value, diagonal]
    }
}

impl<T: Real> Bijection<T> for Layer<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let [value, diagonal] = self.apply(x);
        Mapped { value, log_det: diagonal.ln().sum_per_sample() }
    }

    /// Newton's method with the diagonal alone, all of it recorded.
    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let mut x = z.clone();
        for _ in 0..24 {
            let [value, diagonal] = self.apply(&x);
            x = &x - (value - z) / diagonal;
        }
        let log_det = -self.apply(&x)[1].ln().sum_per_sample();
        Mapped { value: x, log_det }
    }
}

impl<T: Real> Module<T> for Layer<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        for (l, (weight, bias)) in self.weights.iter().zip(&self.biases).enumerate() {
            visitor.param(&format!("{l}.weight"), weight);
            visitor.param(&format!("{l}.bias"), bias);
        }
        visitor.param("scale", &self.scale);
    }
}

fn data() -> Tensor<f64> {
    Tensor::from_fn([2, IMAGE[0], IMAGE[1], IMAGE[2]], |i| 1.5 * entry(9000 + i))
}

fn found_by(flaw: Flaw) -> Vec<Property> {
    let (map, narrow) = (Layer::new(flaw), Layer::new(flaw));
    let promised = Structure::Triangular { order: (0..DIMS).collect() };
    Suspect { map: &map, narrow: &narrow, data: data(), promised }.found_by()
}

#[test]
fn the_librarys_layer_is_the_papers_formula() {
    for (mask, flaw) in [(ConvMask::A, Flaw::None), (ConvMask::B, Flaw::MaskFlipped)] {
        let (plain, layer) =
            (Layer::<f64>::new(flaw), Mint::<f64>::new(mask, IMAGE, K, Init::Zeros, &mut super::rng(0)));
        copy_params(&plain, &layer).unwrap();
        let x = Var::from(data());
        let [z, diagonal] = plain.apply(&x);
        let found = layer.to_latent(&x, Context::default());
        assert!(max_error(found.value.value(), z.value()) < 1e-12, "{mask:?}");
        assert!(max_error(layer.diagonal(&x).value(), diagonal.value()) < 1e-12, "{mask:?}");
        assert!(max_error(&layer.solve(z.value(), Inversion::default()).value, x.value()) < 1e-12, "{mask:?}");
    }
}

#[test]
fn the_right_layer_passes_everything() {
    assert_eq!(found_by(Flaw::None), []);
}

#[test]
fn the_other_mask_is_a_right_map_of_another_order() {
    assert_eq!(found_by(Flaw::MaskFlipped), [Zeros]);
}

#[test]
fn one_convolution_without_its_mask_shows_in_log_dets_and_zeros() {
    for flaw in [Flaw::OneMaskFlipped, Flaw::OneUnmasked] {
        let found = found_by(flaw);
        for property in [LogDetByDifferences, LogDetByTape, Zeros] {
            assert!(found.contains(&property), "{flaw:?}: {found:?}");
        }
    }
}

#[test]
fn signs_left_out_show_where_the_diagonal_is_not_positive() {
    let found = found_by(Flaw::SignsLeftOut);
    assert!(found.contains(&LogDetByDifferences) && found.contains(&LogDetByTape), "{found:?}");
}

#[test]
fn a_diagonal_with_terms_left_out_shows_in_log_dets_alone() {
    for flaw in [Flaw::SumOverLastMissing, Flaw::SumOverFirstMissing, Flaw::SlopeAtResult] {
        assert_eq!(found_by(flaw), [LogDetByDifferences, LogDetByTape], "{flaw:?}");
    }
    // Without t the steps of the inverse are too long as well.
    let found = found_by(Flaw::ScaleForgotten);
    assert!(found.contains(&LogDetByDifferences) && found.contains(&LogDetByTape), "{found:?}");
}
