//! The sequential direction: each unit once, on a tape, and by D whole passes, which must agree.

use super::{rng, uniform};
use autograd::check::max_error;
use autograd::{Tape, Tensor, Var, parallel};
use flows::check::randomize;
use flows::layers::{Autoregressive, Reads, with_whole_passes};
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
        let slow = with_whole_passes(&self.layer, || self.plain());
        for threads in [1, 2] {
            let fast = parallel::with_threads(threads, || self.plain());
            prop_assert!(fast.iter().zip(&slow).all(|(fast, slow)| max_error(fast, slow) < 1e-10));
        }
        Ok(())
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
            MadeConfig { dims, hidden, outputs: 2, condition, activation }
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
    fn outputs_depend_on_all_earlier_dimensions_and_no_others(s in sizes()) {
        let made = Made::<f64>::new(&MadeConfig { condition: 0, ..s.made.clone() }, &mut rng(s.seed));
        // With positive weights no path is lost to a sign.
        for (_, param) in made.params() {
            param.update(|p| p.iter_mut().for_each(|p| *p = 0.1 + p.abs()));
        }
        let x = Tensor::from_fn([1, s.made.dims], |i| 0.01 + 0.001 * i as f64);
        let jacobian = autograd::diff::jacobian(|x| made.apply(x, None), &x);
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
