//! Marginal layers with a mistake each, and the properties that must see it.

use super::super::mutations::Suspect;
use super::{Tensor, Var, marginal};
use autograd::{Param, Real};
use flows::check::Property::{self, Finite, LogDetByDifferences, LogDetByTape, Precision};
use flows::check::Structure;
use flows::{Bijection, Context, Mapped, Module, Visitor};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// The log-determinant is that of F alone, without −log φ(z), in both directions.
    WithoutBase,
    /// z by F in both tails, where 1 − F has no digits left.
    OneTail,
    /// Beyond |z| = 3 z goes on as if the tail were uniform, but the log-determinant does not know.
    OtherTail,
}

#[derive(Debug)]
struct Layer<T: Real> {
    kernels: Param<T>,
    flaw: Flaw,
}

const DIMS: usize = 3;
const COUNT: usize = 4;

impl<T: Real> Layer<T> {
    fn new(flaw: Flaw) -> Self {
        let number = |i: usize| T::from_f64((1.0 + 2.7 * i as f64).sin());
        Self { kernels: Param::new(Tensor::from_fn([3, DIMS, COUNT], number)), flaw }
    }

    fn flawed(&self, z: Var<T>, log_deriv: Var<T>) -> [Var<T>; 2] {
        match self.flaw {
            Flaw::None => [z, log_deriv],
            Flaw::WithoutBase => {
                let log_deriv = log_deriv - z.square().scale(0.5);
                [z, log_deriv]
            }
            Flaw::OneTail => [z.normal_cdf().ln().log_normal_quantile(), log_deriv],
            Flaw::OtherTail => [z.clamp(-3.0, 3.0) + (&z - z.clamp(-3.0, 3.0)).scale(1.01), log_deriv],
        }
    }
}

impl<T: Real> Bijection<T> for Layer<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let [z, log_deriv] = marginal::to_latent(x, &self.kernels.on(x));
        let [value, log_deriv] = self.flawed(z, log_deriv);
        Mapped { value, log_det: log_deriv.sum_per_sample() }
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        // Newton's steps on a record, from the root.
        let mut x = z.constant_like(marginal::to_data(z.value(), &self.kernels.value()));
        for _ in 0..2 {
            let [found, log_deriv] = marginal::to_latent(&x, &self.kernels.on(&x));
            x = &x - (found - z) * (-log_deriv).exp();
        }
        let log_det = -self.to_latent(&x, cx).log_det;
        Mapped { value: x, log_det }
    }
}

impl<T: Real> Module<T> for Layer<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("kernels", &self.kernels);
    }
}

fn found_by(flaw: Flaw, reach: f64) -> Vec<Property> {
    let (map, narrow) = (Layer::new(flaw), Layer::new(flaw));
    let data = Tensor::from_fn([4, DIMS], |i| reach * (1.0 + 1.3 * i as f64).sin());
    Suspect { map: &map, narrow: &narrow, data, promised: Structure::Diagonal }.found_by()
}

#[test]
fn the_right_layer_passes_everything() {
    assert_eq!(found_by(Flaw::None, 3.0), []);
    assert_eq!(found_by(Flaw::None, 20.0), []);
}

#[test]
fn a_log_det_without_the_base_shows() {
    assert_eq!(found_by(Flaw::WithoutBase, 3.0), [LogDetByDifferences, LogDetByTape]);
}

#[test]
fn one_tail_for_both_shows_far_out() {
    let found = found_by(Flaw::OneTail, 20.0);
    assert!(found.contains(&Finite) && found.contains(&Precision), "{found:?}");
}

#[test]
fn another_tail_shows_where_there_are_points() {
    let found = found_by(Flaw::OtherTail, 20.0);
    assert!(found.contains(&LogDetByDifferences) && found.contains(&LogDetByTape), "{found:?}");
}
