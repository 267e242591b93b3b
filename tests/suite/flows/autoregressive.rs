//! The sequential direction: each unit once, on a tape, and by D whole passes, which must agree.

use super::{rng, uniform};
use autograd::check::{self, max_error};
use autograd::{Tape, Tensor, Var, diff, parallel};
use flows::check::randomize;
use flows::layers::{Autoregressive, Reads, Reference, with_reference};
use flows::nn::{Activation, Causal, Made, MadeConfig, Network};
use flows::univariate::{Affine, Gated, Kind, Mixture};
use flows::{Bijection, Context, Mapped, Module};
use proptest::prelude::*;

/// A layer away from its start, with targets and a condition.
pub(super) struct Subject {
    layer: Box<dyn Bijection<f64>>,
    reads: Reads,
    target: Tensor<f64>,
    condition: Option<Tensor<f64>>,
}

impl Subject {
    /// One of four layers, given a network with this number of outputs for each dimension. `scale` is how far parameters are moved:
    /// errors grow from dimension to dimension where the map stretches. Targets are `[batch, dims]`, the condition has
    /// `features`.
    pub(super) fn new<N: Causal<f64> + 'static>(
        which: usize,
        net: impl FnOnce(usize) -> N,
        scale: f64,
        [batch, dims, features]: [usize; 3],
        seed: u64,
    ) -> Self {
        let reads = if matches!(which, 1 | 2) { Reads::Latent } else { Reads::Data };
        let layer: Box<dyn Bijection<f64>> = match which {
            0 | 1 => Box::new(Autoregressive::new(net(2), Affine::default(), reads)),
            2 => Box::new(Autoregressive::new(net(2), Gated, reads)),
            _ => Box::new(Autoregressive::new(net(6), Mixture::new(2, Kind::Logistic), reads)),
        };
        let mut rng = rng(seed);
        randomize(&layer, scale, &mut rng);
        let target = uniform(&[batch, dims], -2.0, 2.0, &mut rng);
        let condition = (features > 0).then(|| uniform(&[batch, features], -1.0, 1.0, &mut rng));
        Self { layer, reads, target, condition }
    }

    /// The sequential direction on plain values.
    fn plain(&self) -> [Tensor<f64>; 2] {
        let condition = self.condition.clone().map(Var::from);
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        let Mapped { value, log_det } = self.sequential(&Var::from(self.target.clone()), cx);
        [value.into_value(), log_det.into_value()]
    }

    fn sequential(&self, target: &Var<f64>, cx: Context<'_, f64>) -> Mapped<f64> {
        match self.reads {
            Reads::Data => self.layer.to_data(target, cx),
            Reads::Latent => self.layer.to_latent(target, cx),
        }
    }

    /// Each unit once, on one thread and on two, against D whole passes.
    pub(super) fn agrees_with_passes(&self) -> Result<(), TestCaseError> {
        let slow = with_reference(&self.layer, Reference::WholePasses, || self.plain());
        for threads in [1, 2] {
            let fast = parallel::with_threads(threads, || self.plain());
            prop_assert!(fast.iter().zip(&slow).all(|(fast, slow)| max_error(fast, slow) < 1e-10));
        }
        Ok(())
    }

    /// A loss of the solution and its log-determinant on a tape, and its gradients: by the targets, by the condition if
    /// there is one, and by every parameter.
    fn loss_and_gradients(&self, reference: Option<Reference>) -> Vec<Tensor<f64>> {
        let run = || {
            let tape = Tape::new();
            let target = tape.variable(self.target.clone());
            let condition = self.condition.as_ref().map(|c| tape.variable(c.clone()));
            let loss = self.loss(&target, condition.as_ref());
            let gradients = tape.backward(&loss);
            let inputs = [Some(&target), condition.as_ref()];
            let mut found = vec![loss.into_value()];
            found.extend(
                inputs
                    .into_iter()
                    .flatten()
                    .map(|x| gradients.wrt(x).cloned().unwrap_or_else(|| Tensor::zeros(x.shape()))),
            );
            found.extend(
                self.layer
                    .params()
                    .into_iter()
                    .map(|(_, param)| gradients.of(&param).cloned().unwrap_or_else(|| Tensor::zeros(param.shape()))),
            );
            found
        };
        match reference {
            Some(reference) => with_reference(&self.layer, reference, run),
            None => run(),
        }
    }

    fn loss(&self, target: &Var<f64>, condition: Option<&Var<f64>>) -> Var<f64> {
        let cx = Context { condition, ..Context::default() };
        let Mapped { value, log_det } = self.sequential(target, cx);
        let weights = |shape: &autograd::Shape| Tensor::from_fn(shape, |i| ((i * 37 % 23) as f64 - 9.0) / 11.0);
        let (of_value, of_log_det) = (weights(value.shape()), weights(log_det.shape()));
        (value.tanh() * Var::from(of_value)).sum_all() + (log_det * Var::from(of_log_det)).sum_all()
    }

    /// The derivative with each unit visited once, against both references and on two threads.
    pub(super) fn gradients_agree(&self) -> Result<(), TestCaseError> {
        let [one, two] = [1, 2].map(|threads| parallel::with_threads(threads, || self.loss_and_gradients(None)));
        // Groups of rows differ with the number of threads, but every row has its own sums; only the sums over rows may
        // be in another order.
        prop_assert!(one.iter().zip(&two).all(|(one, two)| max_error(one, two) < 1e-12 * (1.0 + size(one))));
        for reference in [Reference::WholePasses, Reference::RecordedUnits] {
            let slow = self.loss_and_gradients(Some(reference));
            for (i, (fast, slow)) in one.iter().zip(&slow).enumerate() {
                let error = max_error(fast, slow);
                prop_assert!(error < 1e-9 * (1.0 + size(slow)), "{reference:?}: gradient {i} is off by {error}");
            }
        }
        Ok(())
    }

    /// Against finite differences: gradients by the targets and the condition, and second derivatives by the targets.
    pub(super) fn derivatives_agree_with_differences(&self) {
        let condition = self.condition.clone();
        let plain = |c: &Option<Tensor<f64>>, t: &Tensor<f64>| {
            let c = c.clone().map(Var::from);
            self.loss(&Var::from(t.clone()), c.as_ref()).into_value()
        };
        let found = self.loss_and_gradients(None);
        let row = |t: &Tensor<f64>| Tensor::from_slice([1, t.shape().elements()], t.as_slice());
        let differences = check::jacobian(|t| plain(&condition, t), &self.target);
        check::assert_close("by the targets", &row(&found[1]), &differences, 1e-6);
        if let Some(c) = &condition {
            let differences = check::jacobian(|c| plain(&Some(c.clone()), &self.target), c);
            check::assert_close("by the condition", &row(&found[2]), &differences, 1e-6);
        }
        let on_tape = |t: &Var<f64>| self.loss(t, condition.as_ref().map(|c| t.constant_like(c.clone())).as_ref());
        let u = Tensor::from_fn(self.target.shape(), |i| (i as f64).sin());
        let hessian_u = with_reference(&self.layer, Reference::RecordedUnits, || diff::hvp(on_tape, &self.target, &u));
        let differences = check::directional(|t| diff::gradient(on_tape, t), &self.target, &u);
        check::assert_close("second derivatives", &hessian_u, &differences, 1e-5);
    }

    /// On a tape, against plain values.
    pub(super) fn agrees_on_the_tape(&self) -> Result<(), TestCaseError> {
        let tape = Tape::new();
        let condition = self.condition.as_ref().map(|c| tape.constant(c.clone()));
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        let recorded = self.sequential(&tape.variable(self.target.clone()), cx);
        let [value, log_det] = self.plain();
        prop_assert!(max_error(recorded.value.value(), &value) < 1e-10);
        prop_assert!(max_error(recorded.log_det.value(), &log_det) < 1e-10);
        Ok(())
    }
}

/// The largest magnitude.
fn size(values: &Tensor<f64>) -> f64 {
    values.as_slice().iter().fold(0.0, |most: f64, x| most.max(x.abs()))
}

#[derive(Clone, Debug)]
struct Sizes {
    made: MadeConfig,
    batch: usize,
    kind: usize,
    seed: u64,
}

impl Sizes {
    fn subject(&self) -> Subject {
        let net = |outputs| Made::new(&MadeConfig { outputs, ..self.made.clone() }, &mut rng(self.seed));
        let MadeConfig { dims, condition, .. } = self.made;
        Subject::new(self.kind, net, 0.5 / dims as f64, [self.batch, dims, condition], self.seed ^ 1)
    }
}

/// Dimensions beyond one block, batches beyond one group of rows, and layers narrower and wider than the input.
fn sizes() -> impl Strategy<Value = Sizes> {
    let made = (1..70usize, prop::collection::vec(1..90usize, 0..4), 0..3usize, any::<u8>()).prop_map(
        |(dims, hidden, condition, choice)| {
            let activation = [Activation::Relu, Activation::Tanh, Activation::Elu][usize::from(choice % 3)];
            MadeConfig { dims, hidden, outputs: 2, condition, activation, symlog: choice % 2 == 1 }
        },
    );
    let sizes = (made, 1..150usize, 0..3usize, any::<u64>());
    sizes.prop_map(|(made, batch, kind, seed)| Sizes { made, batch, kind, seed })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_unit_once_agrees_with_d_passes(s in sizes()) {
        s.subject().agrees_with_passes()?;
    }

    #[test]
    fn on_the_tape_it_is_the_same(s in sizes()) {
        s.subject().agrees_on_the_tape()?;
    }

    #[test]
    fn each_unit_once_has_the_gradients_of_d_passes(s in sizes()) {
        let batch = s.batch.min(70);
        Sizes { batch, ..s }.subject().gradients_agree()?;
    }

    #[test]
    fn outputs_depend_on_all_earlier_dimensions_and_no_others(s in sizes()) {
        let made = Made::<f64>::new(&MadeConfig { condition: 0, ..s.made.clone() }, &mut rng(s.seed));
        // With positive weights no path is lost to a sign.
        for (_, param) in made.params() {
            param.update(|p| p.iter_mut().for_each(|p| *p = 0.1 + p.abs()));
        }
        let x = Tensor::from_fn([1, s.made.dims], |i| 0.01 + 0.001 * i as f64);
        let jacobian = diff::jacobian(|x| made.apply(x, None), &x);
        let dims = s.made.dims;
        // A layer narrower than D − 1 may lose some inputs.
        let narrow = s.made.hidden.iter().any(|&units| units < dims - 1);
        for (o, row) in jacobian.as_slice().chunks_exact(dims).enumerate() {
            for (input, &slope) in row.iter().enumerate() {
                let earlier = input < o / 2;
                prop_assert!(earlier || slope == 0.0, "output {o} sees input {input}");
                let lost = narrow || s.made.activation == Activation::Tanh;
                prop_assert!(!earlier || lost || slope > 0.0, "output {o} does not see input {input}");
            }
        }
    }
}

/// One subject of each kind; ReLU has no second derivatives, and kinks where differences are wrong.
#[test]
fn derivatives_agree_with_finite_differences() {
    for (kind, hidden) in [(0, vec![]), (0, vec![7]), (1, vec![6, 9]), (2, vec![5]), (3, vec![8])] {
        let (condition, activation, symlog) = (kind % 3, Activation::Tanh, kind != 1);
        let made = MadeConfig { dims: 5, hidden, outputs: 2, condition, activation, symlog };
        Sizes { made, batch: 2, kind, seed: 5 }.subject().derivatives_agree_with_differences();
    }
}
