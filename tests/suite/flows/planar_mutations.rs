//! The planar layer written once more from the paper's formulas, with a mistake each that is easily made in
//! it, and the properties that must see it.

use super::mutations::{Suspect, entry};
use autograd::check::max_error;
use autograd::{Param, Real, Tensor, Var};
use flows::check::Property::{self, InputGradient, LogDetByDifferences, LogDetByTape, ParameterGradient, RoundTrip};
use flows::check::{self, Case, Structure, copy_params};
use flows::layers::Planar;
use flows::{Bijection, Context, Mapped, Module, Visitor};

const DIMS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// u as it is, with `w·u` below −1.
    Unconstrained,
    /// u is moved along w, but not divided by ‖w‖².
    NotNormalized,
    /// The slope of tanh is left out of the determinant.
    SlopeForgotten,
    /// The determinant has wᵀu instead of wᵀû.
    UnconstrainedDeterminant,
    /// The root is looked for by one step of Newton's.
    RootNotFound,
    /// The root has no derivative.
    DetachedRoot,
}

#[derive(Debug)]
struct Layer<T: Real> {
    w: Param<T>,
    u: Param<T>,
    b: Param<T>,
    flaw: Flaw,
}

impl<T: Real> Layer<T> {
    fn new(flaw: Flaw) -> Self {
        let drawn = |from: usize| Tensor::from_fn([DIMS], |i| T::from_f64(entry(from + i)));
        let w = drawn(0);
        // w·u = −1.6·‖w‖², and something across.
        let u = Tensor::from_fn([DIMS], |i| {
            T::from_f64(-1.6 * w.as_slice()[i].to_f64() + if i < 2 { [1.0, -1.0][i] * entry(1 - i) } else { 0.0 })
        });
        Self { w: Param::new(w), u: Param::new(u), b: Param::new(Tensor::full([1], T::from_f64(0.3))), flaw }
    }

    /// w, û and w·û as the determinant has it.
    fn parameters(&self, x: &Var<T>) -> [Var<T>; 3] {
        let (w, u) = (self.w.on(x), self.u.on(x));
        let along = (&w * &u).sum_all();
        let square =
            if self.flaw == Flaw::NotNormalized { along.zeros_like().shift(1.0) } else { w.square().sum_all() };
        let wanted = along.softplus().shift(-1.0);
        let constrained = match self.flaw {
            Flaw::Unconstrained => u,
            _ => u + (&wanted - &along) / square * &w,
        };
        let product = match self.flaw {
            Flaw::Unconstrained | Flaw::UnconstrainedDeterminant => along,
            _ => wanted,
        };
        [w, constrained, product]
    }

    fn log_det(&self, tanh: &Var<T>, product: &Var<T>) -> Var<T> {
        let slope = if self.flaw == Flaw::SlopeForgotten {
            tanh.zeros_like().shift(1.0)
        } else {
            tanh.square().affine(-1.0, 1.0)
        };
        (slope * product).shift(1.0).abs().ln()
    }
}

impl<T: Real> Bijection<T> for Layer<T> {
    /// Newton's method, all of it recorded.
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let [w, constrained, product] = self.parameters(x);
        let c = (x * &w).sum_per_sample() + self.b.on(x);
        let mut a = c.clone();
        for _ in 0..if self.flaw == Flaw::RootNotFound { 1 } else { 60 } {
            let tanh = a.tanh();
            let slope = (tanh.square().affine(-1.0, 1.0) * &product).shift(1.0);
            // Half a step: whole ones may oscillate around the bend.
            a = &a - ((&a + &product * tanh - &c) / slope).scale(0.5).clamp(-1.0, 1.0);
        }
        if self.flaw == Flaw::DetachedRoot {
            a = a.detach();
        }
        let tanh = a.tanh();
        let value = x - tanh.reshape([x.extent(0), 1]) * constrained;
        Mapped { value, log_det: -self.log_det(&tanh, &product) }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let [w, constrained, product] = self.parameters(z);
        let tanh = ((z * &w).sum_per_sample() + self.b.on(z)).tanh();
        let value = z + tanh.reshape([z.extent(0), 1]) * constrained;
        Mapped { value, log_det: self.log_det(&tanh, &product) }
    }
}

impl<T: Real> Module<T> for Layer<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("w", &self.w);
        visitor.param("u", &self.u);
        visitor.param("b", &self.b);
    }
}

fn data() -> Tensor<f64> {
    Tensor::from_fn([3, DIMS], |i| 1.5 * entry(300 + i))
}

fn found_by(flaw: Flaw) -> Vec<Property> {
    let (map, narrow) = (Layer::new(flaw), Layer::new(flaw));
    Suspect { map: &map, narrow: &narrow, data: data(), promised: Structure::Dense }.found_by()
}

#[track_caller]
fn sees(flaw: Flaw, expected: &[Property]) {
    let found = found_by(flaw);
    assert!(expected.iter().all(|property| found.contains(property)), "{flaw:?}: {found:?}");
}

#[test]
fn the_librarys_layer_is_the_papers_formula() {
    let (plain, layer) = (Layer::<f64>::new(Flaw::None), Planar::<f64>::new(DIMS, 0, &mut super::rng(0)));
    copy_params(&plain, &layer).unwrap();
    let x = Var::from(data());
    let cx = Context::default();
    for [expected, found] in
        [[plain.to_latent(&x, cx), layer.to_latent(&x, cx)], [plain.to_data(&x, cx), layer.to_data(&x, cx)]]
    {
        assert!(max_error(found.value.value(), expected.value.value()) < 1e-12);
        assert!(max_error(found.log_det.value(), expected.log_det.value()) < 1e-12);
    }
}

#[test]
fn the_right_layer_passes_everything() {
    assert_eq!(found_by(Flaw::None), []);
}

#[test]
fn without_the_constraint_there_is_no_way_back() {
    // Three points have the same image, and the inverse finds the middle one: not these.
    let near = Tensor::from_fn([3, DIMS], |i| 0.1 * entry(300 + i) + entry(i % DIMS));
    let of = |flaw| {
        let layer = Layer::new(flaw);
        check::round_trip(&Case::new(&layer, data()).with_latents(near.clone()), 1e-9).map(drop)
    };
    assert!(of(Flaw::None).is_ok() && of(Flaw::Unconstrained).is_err());
    sees(Flaw::NotNormalized, &[RoundTrip, LogDetByDifferences, LogDetByTape]);
}

#[test]
fn wrong_determinants_show_though_the_directions_cancel() {
    assert_eq!(found_by(Flaw::SlopeForgotten), [LogDetByDifferences, LogDetByTape]);
    sees(Flaw::UnconstrainedDeterminant, &[LogDetByDifferences, LogDetByTape]);
}

#[test]
fn a_root_that_is_none_shows_in_round_trips_and_without_derivatives_in_gradients() {
    sees(Flaw::RootNotFound, &[RoundTrip]);
    sees(Flaw::DetachedRoot, &[LogDetByTape, InputGradient, ParameterGradient]);
}
