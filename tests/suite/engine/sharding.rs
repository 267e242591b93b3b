//! A batch in shards gives the result of the whole batch up to rounding, and the same bits for any number of threads.

use super::draw::noise;
use super::{Outcome, same_bits};
use autograd::{ConvSpec, Evaluated, Gradients, Param, Real, Tape, Tensor, Var, parallel, sharded};
use std::ops::Range;

/// A network with a convolution, a product and a parameter shared by all rows.
struct Model<T: Real> {
    images: Tensor<T>,
    params: Vec<Param<T>>,
}

impl<T: Real> Model<T> {
    fn new(rows: usize, hidden: usize) -> Self {
        let param = |shape: &[usize], seed| Param::new(noise(shape, seed).cast());
        let params = vec![
            param(&[4, 1, 3, 3], 1),
            param(&[1, 4, 1, 1], 2),
            param(&[hidden, 4 * 36], 3),
            param(&[hidden], 4),
            param(&[], 5),
        ];
        Self { images: noise([rows, 1, 6, 6], 6).cast(), params }
    }

    fn loss(&self, tape: &Tape<T>, rows: Range<usize>) -> Var<T> {
        let x = tape.constant(self.images.rows(rows));
        let on = |i: usize| self.params[i].on(&x);
        let hidden = (x.conv2d(&on(0), ConvSpec::padded(1)) + on(1)).tanh().flatten();
        let y = (hidden.matmul_t(&on(2)).scale(0.1) + on(3)).softplus() * on(4).exp();
        y.logsumexp(&[1]).mean_all() + y.square().sum_per_sample().mean_all()
    }

    fn evaluate(&self, shards: usize) -> Evaluated<T> {
        sharded(self.images.shape()[0], shards, |tape, rows| self.loss(tape, rows))
    }

    fn gradients<'a>(&'a self, found: &'a Gradients<T>) -> impl Iterator<Item = &'a Tensor<T>> {
        self.params.iter().map(|param| found.of(param).expect("every parameter is used"))
    }

    fn same(&self, what: &str, a: &Evaluated<T>, b: &Evaluated<T>) -> Outcome {
        same_bits(what, &Tensor::scalar(a.loss), &Tensor::scalar(b.loss))?;
        self.gradients(&a.gradients).zip(self.gradients(&b.gradients)).try_for_each(|(a, b)| same_bits(what, a, b))
    }

    fn close(&self, a: &Evaluated<T>, b: &Evaluated<T>, tolerance: f64) -> Outcome {
        super::close("loss", &Tensor::scalar(a.loss), &Tensor::scalar(b.loss), tolerance)?;
        let mut pairs = self.gradients(&a.gradients).zip(self.gradients(&b.gradients));
        pairs.try_for_each(|(a, b)| super::close("gradient", &a.cast(), &b.cast(), tolerance))
    }
}

fn splits<T: Real>() {
    let model = Model::<T>::new(23, 5);
    let tape = Tape::new();
    let loss = model.loss(&tape, 0..23);
    let unsplit = Evaluated { loss: loss.item().to_f64(), gradients: tape.backward(&loss) };
    model.same("one shard is the whole", &unsplit, &model.evaluate(1)).unwrap();
    for threads in [1, 2, 3] {
        parallel::with_threads(threads, || {
            for shards in [1, 2, 3, 5, 23, 100] {
                let split = model.evaluate(shards);
                let tolerance = if T::NAME == "f32" { 2e-5 } else { 1e-13 };
                model.close(&split, &Model::evaluate(&model, 1), tolerance).unwrap();
                for _ in 0..5 {
                    model.same("the same shards again", &split, &model.evaluate(shards)).unwrap();
                }
            }
        });
    }
    // With fewer or more threads than shards: which worker took which shard makes no difference.
    for shards in [2, 3, 5] {
        let one = parallel::with_threads(1, || model.evaluate(shards));
        for threads in [2, 3] {
            let more = parallel::with_threads(threads, || model.evaluate(shards));
            model.same("another number of threads", &one, &more).unwrap();
        }
    }
}

#[test]
fn shards_equal_the_whole_in_f64() {
    splits::<f64>();
}

#[test]
fn shards_equal_the_whole_in_f32() {
    splits::<f32>();
}

/// One shard large enough that its operations are split over their elements.
#[test]
fn threads_inside_operations_change_no_bit() {
    fn compare<T: Real>() {
        let model = Model::<T>::new(500, 150);
        let one = parallel::with_threads(1, || model.evaluate(1));
        for threads in [2, 3, 4] {
            let more = parallel::with_threads(threads, || model.evaluate(1));
            model.same(&format!("{threads} threads, {}", T::NAME), &one, &more).unwrap();
        }
    }
    compare::<f64>();
    compare::<f32>();
}

/// Every kind of operation that is split over threads, at sizes where it is.
#[test]
fn large_operations_are_the_same_on_any_number_of_threads() {
    type Work = fn(&Var<f32>, &Var<f32>) -> Var<f32>;
    let all: [(&str, Work); 15] = [
        ("exp", |a, _| a.exp()),
        ("in place", |a, b| (a.exp() + b.square()).log_normal_cdf()),
        ("add", |a, b| a + b),
        ("rows", |a, b| a * b.slice(0, 0..1)),
        ("columns", |a, b| a.slice(1, 3..4) - b),
        ("outer", |a, b| a.slice(1, 3..4) / b.slice(0, 2..3)),
        ("select", |a, b| a.select(b, a)),
        ("permute", |a, _| a.transpose()),
        ("permute blocks", |a, _| a.reshape([331, 17, 22]).permute(&[1, 0, 2])),
        ("broadcast", |a, _| a.slice(0, 0..2).reshape([2, 1, 374]).broadcast_to([2, 150, 374])),
        ("sum", |a, _| a.sum(&[1])),
        ("sum of columns", |a, _| a.sum(&[0])),
        ("logsumexp", |a, b| a.logsumexp(&[1]) + b.reshape([331, 187, 2]).max(&[2]).sum(&[1])),
        ("matmul", |a, b| a.matmul_t(b)),
        ("t_matmul", |a, b| a.t_matmul(b)),
    ];
    let (a, b) = (noise([331, 374], 1).cast::<f32>(), noise([331, 374], 2).cast::<f32>());
    for (name, work) in all {
        let run = |threads| {
            parallel::with_threads(threads, || work(&Var::from(a.clone()), &Var::from(b.clone())).into_value())
        };
        let one = run(1);
        for threads in [2, 3] {
            same_bits(&format!("{name} on {threads} threads"), &run(threads), &one).unwrap();
        }
    }
}

/// Products that are split by rows, by columns, or not at all.
#[test]
fn products_of_any_shape_are_exact_and_the_same_on_any_number_of_threads() {
    for (m, k, n) in [(128, 70, 300), (300, 70, 128), (37, 500, 1001), (1001, 300, 37), (64, 128, 64)] {
        let (a, b) = (noise([m, k], 1).cast::<f32>(), noise([k, n], 2).cast::<f32>());
        let exact = Var::from(a.cast::<f64>()).matmul(&Var::from(b.cast())).into_value();
        let (a, b) = (Var::from(a), Var::from(b));
        let (at, bt) = (a.transpose().into_value(), b.transpose().into_value());
        let (a, b) = (a.into_value(), b.into_value());
        let products = || {
            let [a, b, at, bt] = [&a, &b, &at, &bt].map(|x| Var::from(x.clone()));
            [a.matmul(&b), at.t_matmul(&b), a.matmul_t(&bt)].map(Var::into_value)
        };
        for product in parallel::with_threads(1, products) {
            super::close(&format!("{m}×{k}×{n}"), &product.cast(), &exact, 1e-4).unwrap();
        }
        super::same_on_threads(products);
    }
}

#[test]
fn the_budget_of_threads_is_put_back() {
    assert_eq!(parallel::threads(), 1);
    let inner = parallel::with_threads(3, || {
        let nested = parallel::with_threads(2, parallel::threads);
        (parallel::threads(), nested)
    });
    assert_eq!(inner, (3, 2));
    let _ = super::panics::caught(|| parallel::with_threads(1, || panic!("a panic inside")));
    assert_eq!(parallel::threads(), 1);
    let empty = super::panics::caught(|| sharded::<f64>(0, 2, |tape, _| tape.constant(Tensor::scalar(0.0))));
    assert_eq!(empty.message, "sharded: a batch without rows");
}
