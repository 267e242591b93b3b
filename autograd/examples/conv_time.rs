//! Temporary: times of convolutions.
use autograd::{ConvSpec, Tape, Tensor, Var, parallel::with_threads};
use std::hint::black_box;
use std::time::Instant;

fn numbers(shape: [usize; 4], seed: u64) -> Tensor<f32> {
    let mut s = seed * 7919 + 1;
    Tensor::from_fn(shape, |_| {
        s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((s >> 40) as f32) / (1u64 << 24) as f32 - 0.5
    })
}

fn time(mut f: impl FnMut()) -> (f64, f64) {
    for _ in 0..3 {
        f();
    }
    let mut t: Vec<f64> = Vec::new();
    let begin = Instant::now();
    while t.len() < 5 || (t.len() < 60 && begin.elapsed().as_secs_f64() < 0.25) {
        let start = Instant::now();
        f();
        t.push(start.elapsed().as_secs_f64() * 1e3);
    }
    t.sort_by(f64::total_cmp);
    (t[0], t[t.len() / 2])
}

fn main() {
    if let Some(what) = std::env::args().nth(2) {
        let x = Var::from(numbers([8, 64, 28, 28], 1));
        let w = Var::from(numbers([64, 64, 3, 3], 2));
        let begin = Instant::now();
        while begin.elapsed().as_secs_f64() < 3.0 {
            if what == "f" {
                drop(black_box(x.conv2d(&w, ConvSpec::padded(1))));
            } else {
                let tape = Tape::new();
                let w = tape.variable(w.value().clone());
                let y = tape.constant(x.value().clone()).conv2d(&w, ConvSpec::padded(1));
                black_box(tape.vjp(&y, &x, &[&w]));
            }
        }
        return;
    }
    let quick = std::env::args().nth(1).is_some();
    let mut cases = vec![(2, 32, 64, 64, 28), (1, 8, 64, 64, 28), (1, 8, 64, 64, 14), (1, 8, 64, 64, 7)];
    if !quick {
        cases.extend([
            (1, 8, 32, 32, 28),
            (1, 8, 128, 128, 14),
            (1, 8, 16, 16, 28),
            (1, 8, 8, 64, 28),
            (1, 8, 64, 8, 28),
            (1, 8, 4, 64, 14),
            (1, 8, 16, 64, 14),
            (1, 8, 45, 45, 28),
            (1, 1, 64, 64, 28),
            (1, 8, 64, 64, 5),
            (1, 32, 32, 32, 7),
            (1, 8, 24, 24, 14),
        ]);
    }
    println!("thr batch in out side | fwd, input, weight, fwd+bias+bwd: min (median) ms");
    for (threads, batch, ins, outs, side) in cases {
        with_threads(threads, || {
            let spec = ConvSpec::padded(1);
            let x = Var::from(numbers([batch, ins, side, side], 1));
            let w = Var::from(numbers([outs, ins, 3, 3], 2));
            let dy = Var::from(numbers([batch, outs, side, side], 3));
            let fwd = time(|| drop(black_box(x.conv2d(&w, spec))));
            let input = time(|| drop(black_box(dy.conv2d_transposed(&w, spec, [side, side]))));
            // y is computed too: subtract.
            let weight = time(|| {
                let tape = Tape::new();
                let w = tape.variable(w.value().clone());
                let y = tape.constant(x.value().clone()).conv2d(&w, spec);
                black_box(tape.vjp(&y, &dy, &[&w]));
            });
            let bias = numbers([outs, 1, 1, 1], 5);
            let bias = Var::from(bias).reshape([outs, 1, 1]).into_value();
            let both = time(|| {
                let tape = Tape::new();
                let [x, w, b] = [x.value(), w.value(), &bias].map(|v| tape.variable(v.clone()));
                let y = x.conv2d(&w, spec) + &b;
                black_box(tape.vjp(&y, &dy, &[&x, &w, &b]));
            });
            println!(
                "{threads} {batch:>3} {ins:>3} {outs:>3} {side:>3} | {:.3} ({:.3})  {:.3} ({:.3})  {:.3} ({:.3})  {:.3} ({:.3})",
                fwd.0,
                fwd.1,
                input.0,
                input.1,
                weight.0 - fwd.0,
                weight.1 - fwd.1,
                both.0,
                both.1
            );
        });
    }
}
