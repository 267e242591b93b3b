//! The sequential direction: each unit once, on the tape, and by D whole passes, which must agree.

use super::rng;
use autograd::check::max_error;
use autograd::{Tape, Tensor, Var, parallel};
use flows::check::randomize;
use flows::layers::{Affine, Autoregressive, Gate, Reads, with_whole_passes};
use flows::nn::{Activation, Made, MadeConfig, Network};
use flows::{Bijection, Context};
use proptest::prelude::*;
use rand::RngExt;

#[derive(Clone, Debug)]
struct Sizes {
    made: MadeConfig,
    batch: usize,
    reads: Reads,
    gate: Gate,
    seed: u64,
}

/// Dimensions beyond one block of the fast way, batches beyond one group of rows, and layers
/// that are narrower and wider than the input.
fn sizes() -> impl Strategy<Value = Sizes> {
    let made = (1..70usize, prop::collection::vec(1..90usize, 0..4), 0..3usize, any::<u8>()).prop_map(
        |(dims, hidden, condition, choice)| {
            let activation = [Activation::Relu, Activation::Tanh, Activation::Elu][usize::from(choice % 3)];
            MadeConfig { dims, hidden, outputs: 2, condition, activation }
        },
    );
    let kind = prop_oneof![
        Just((Reads::Data, Gate::None)),
        Just((Reads::Latent, Gate::None)),
        Just((Reads::Latent, Gate::Sigmoid))
    ];
    (made, 1..150usize, kind, any::<u64>()).prop_map(|(made, batch, (reads, gate), seed)| Sizes {
        made,
        batch,
        reads,
        gate,
        seed,
    })
}

struct Subject {
    layer: Autoregressive<Made<f64>, Affine>,
    target: Tensor<f64>,
    condition: Option<Var<f64>>,
}

impl Subject {
    fn new(s: &Sizes) -> Self {
        let mut rng = rng(s.seed);
        let layer = Autoregressive::new(Made::new(&s.made, &mut rng), Affine { gate: s.gate }, s.reads);
        // Errors double from dimension to dimension where the map stretches, so far it must not.
        randomize(&layer, 0.5 / s.made.dims as f64, &mut rng);
        let mut draw = |columns: usize| Tensor::from_fn([s.batch, columns], |_| rng.random_range(-2.0..2.0));
        let target = draw(s.made.dims);
        let condition = (s.made.condition > 0).then(|| Var::from(draw(s.made.condition)));
        Self { layer, target, condition }
    }

    fn cx(&self) -> Context<'_, f64> {
        Context { condition: self.condition.as_ref(), ..Context::default() }
    }

    /// The direction that goes through the dimensions in order.
    fn sequential(&self, s: &Sizes, target: &Var<f64>, cx: Context<'_, f64>) -> flows::Mapped<f64> {
        match s.reads {
            Reads::Data => self.layer.to_data(target, cx),
            Reads::Latent => self.layer.to_latent(target, cx),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_unit_once_is_as_good_as_d_passes(s in sizes()) {
        let subject = Subject::new(&s);
        let target = Var::from(subject.target.clone());
        let slow = with_whole_passes(&subject.layer, || subject.sequential(&s, &target, subject.cx()));
        for threads in [1, 2] {
            let (value, log_det) = parallel::with_threads(threads, || {
                let subject = Subject::new(&s);
                let fast = subject.sequential(&s, &Var::from(subject.target.clone()), subject.cx());
                (fast.value.into_value(), fast.log_det.into_value())
            });
            prop_assert!(max_error(&value, slow.value.value()) < 1e-10);
            prop_assert!(max_error(&log_det, slow.log_det.value()) < 1e-10);
        }
    }

    #[test]
    fn on_the_tape_it_is_the_same(s in sizes()) {
        let subject = Subject::new(&s);
        let plain = subject.sequential(&s, &Var::from(subject.target.clone()), subject.cx());
        let tape = Tape::new();
        let target = tape.variable(subject.target.clone());
        let condition = subject.condition.as_ref().map(|c| tape.constant(c.value().clone()));
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        let recorded = subject.sequential(&s, &target, cx);
        prop_assert!(max_error(recorded.value.value(), plain.value.value()) < 1e-10);
        prop_assert!(max_error(recorded.log_det.value(), plain.log_det.value()) < 1e-10);
    }

    #[test]
    fn outputs_depend_on_earlier_dimensions_alone_and_on_all_of_those(s in sizes()) {
        let made = Made::<f64>::new(&MadeConfig { condition: 0, ..s.made.clone() }, &mut rng(s.seed));
        // With positive weights and a smooth activation no path is lost to a sign.
        for (_, param) in flows::Module::params(&made) {
            param.update(|p| p.iter_mut().for_each(|p| *p = 0.1 + p.abs()));
        }
        let x = Tensor::from_fn([1, s.made.dims], |i| 0.01 + 0.001 * i as f64);
        let jacobian = autograd::diff::jacobian(|x| made.apply(x, None), &x);
        let dims = s.made.dims;
        // The largest degree that reaches the last layer decides which inputs it can know of.
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
