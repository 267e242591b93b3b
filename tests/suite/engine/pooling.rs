//! After its first step a training loop takes every buffer from the pool.

use super::draw::noise;
use autograd::{ConvSpec, Param, Tape, Tensor, Var, parallel, pool, sharded};
use std::env;
use std::ops::Range;
use std::process::Command;

/// Marks this process as the child, which runs nothing else.
const CHILD: &str = "ENGINE_POOL_TEST_CHILD";

/// The pool is the whole process's, and other tests use it at the same time: so the loop runs in
/// a process of its own, this same program with a filter.
#[test]
fn a_settled_training_loop_allocates_no_tensors() {
    if env::var_os(CHILD).is_some() {
        one_tape();
        two_shards();
        return;
    }
    let name = format!("{}::a_settled_training_loop_allocates_no_tensors", module_path!().split_once("::").unwrap().1);
    let program = env::current_exe().expect("a running test has a program");
    let output = Command::new(program)
        .args(["--exact", &name, "--test-threads=1", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("the test program can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "the child ran no test: {text}");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn loss(images: &Tensor<f32>, params: &[Param<f32>; 3], tape: &Tape<f32>, rows: Range<usize>) -> Var<f32> {
    let x = tape.constant(images.rows(rows));
    let [kernel, weight, bias] = params.each_ref().map(|param| param.on(&x));
    let hidden = x.conv2d(&kernel, ConvSpec::padded(1)).relu().flatten();
    (hidden.matmul_t(&weight) + bias).softplus().logsumexp(&[1]).mean_all()
}

fn step(images: &Tensor<f32>, params: &[Param<f32>; 3], shards: usize) -> f64 {
    let found = sharded(images.shape()[0], shards, |tape, rows| loss(images, params, tape, rows));
    for param in params {
        let slope = found.gradients.of(param).expect("every parameter is used").as_slice();
        param.update(|w| w.iter_mut().zip(slope).for_each(|(w, slope)| *w -= 0.01 * slope));
    }
    found.loss
}

fn start() -> (Tensor<f32>, [Param<f32>; 3]) {
    let param = |shape: &[usize], seed| Param::new(noise(shape, seed).cast());
    (noise([64, 1, 12, 12], 1).cast(), [param(&[4, 1, 3, 3], 2), param(&[50, 576], 3), param(&[50], 4)])
}

fn one_tape() {
    let (images, params) = start();
    let first = step(&images, &params, 1);
    let settled = pool::fresh_buffers::<f32>();
    assert!(settled > 0);
    let mut last = first;
    for _ in 0..20 {
        last = step(&images, &params, 1);
    }
    assert_eq!(pool::fresh_buffers::<f32>(), settled, "a later step took a fresh buffer");
    assert!(last < first, "the loop learns: {first} to {last}");

    // Idle buffers can be freed, and are then allocated again.
    pool::release::<f32>();
    step(&images, &params, 1);
    assert!(pool::fresh_buffers::<f32>() > settled);
}

/// How far shards overlap differs from step to step, so the first step need not reach the most
/// buffers ever held at once; but that is never more than each shard's own most.
fn two_shards() {
    pool::release::<f32>();
    let (images, params) = start();
    let before = pool::fresh_buffers::<f32>();
    let taken = || pool::fresh_buffers::<f32>() - before;
    parallel::with_threads(2, || step(&images, &params, 2));
    let first = taken();
    for _ in 0..200 {
        parallel::with_threads(2, || step(&images, &params, 2));
    }
    assert!(taken() <= 2 * first, "{first} buffers after one step, {} after 201", taken());
}
