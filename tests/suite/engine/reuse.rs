//! An operation may overwrite an operand that nothing else holds. No value that is still held may change, and a tape
//! may change no bit of any result.

use super::derivatives::over;
use super::draw::{self, REAL, noise, tensor};
use super::expressions::{programs, step};
use super::{Outcome, hold, operations, same_bits};
use autograd::elementwise::Binary;
use autograd::{Real, Tape, Tensor, Var, parallel};
use proptest::prelude::*;

/// The same elements in another buffer.
fn apart<T: Real>(x: &Tensor<T>) -> Tensor<T> {
    Tensor::from_slice(x.shape(), x.as_slice())
}

#[test]
fn operands_stay_and_a_tape_changes_nothing() {
    over(operations::all(), 48, |case| {
        let before: Vec<_> = case.inputs.iter().map(apart).collect();
        let unchanged = |when: &str| -> Outcome {
            let pairs = case.inputs.iter().zip(&before).enumerate();
            pairs.into_iter().try_for_each(|(i, (now, before))| same_bits(&format!("input {i} {when}"), now, before))
        };
        let plain = (case.function)(&case.plain()).into_value();
        unchanged("after the operation")?;

        let tape = Tape::new();
        let constants: Vec<_> = case.inputs.iter().map(|x| tape.constant(x.clone())).collect();
        same_bits("on a tape of constants", (case.function)(&constants).value(), &plain)?;

        let tape = Tape::new();
        let variables: Vec<_> = case.inputs.iter().map(|x| tape.variable(x.clone())).collect();
        let recorded = (case.function)(&variables);
        same_bits("recorded", recorded.value(), &plain)?;
        unchanged("after the recorded operation")?;
        let seed = Var::from(noise(plain.shape(), 1));
        if let Some(tape) = recorded.tape() {
            let _ = tape.vjp_recorded(&recorded, &seed, &variables.iter().collect::<Vec<_>>());
            let _ = tape.backward(&(&recorded * &seed).sum_all());
        }
        unchanged("after the sweeps")?;
        same_bits("the result after the sweeps", recorded.value(), &plain)?;

        // Inputs whose only holder is the call: they may be written over, the result is the same.
        let owned: Vec<_> = before.iter().map(|x| Var::from(apart(x))).collect();
        same_bits("from owned inputs", (case.function)(&owned).value(), &plain)
    });
}

const EVERY: [Binary; 12] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Pow,
    Binary::Maximum,
    Binary::Minimum,
    Binary::Greater,
    Binary::GreaterEqual,
    Binary::StepMul,
    Binary::TanhGrad,
    Binary::SigmoidGrad,
];

/// Each function of two values, with each operand given away or kept: the paths that overwrite the left one, the right
/// one, or neither.
fn given_or_kept<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> Outcome {
    for f in EVERY {
        let expected = Var::from(a.clone()).zip(Var::from(b.clone()), f).into_value();
        for (keep_a, keep_b) in [(true, false), (false, true), (false, false)] {
            let (mine_a, mine_b) = (apart(a), apart(b));
            let kept = (keep_a.then(|| mine_a.clone()), keep_b.then(|| mine_b.clone()));
            let got = Var::from(mine_a).zip(Var::from(mine_b), f).into_value();
            same_bits(&format!("{f:?}, kept {keep_a} {keep_b}"), &got, &expected)?;
            kept.0.map_or(Ok(()), |kept| same_bits("left", &kept, a))?;
            kept.1.map_or(Ok(()), |kept| same_bits("right", &kept, b))?;
        }
    }
    let same = apart(a);
    let twice = Var::from(same.clone()).zip(Var::from(same), Binary::Add).into_value();
    same_bits("x + x", &twice, &Var::from(a.clone()).scale(2.0).into_value())
}

#[test]
fn operands_given_away_or_kept() {
    let pairs = draw::broadcasting(2).prop_flat_map(|shapes| (tensor(&shapes[0], REAL), tensor(&shapes[1], REAL)));
    hold(200, &pairs, |(a, b)| {
        given_or_kept(&a, &b)?;
        given_or_kept(&a.cast::<f32>(), &b.cast())
    })
    .unwrap();
}

#[test]
fn operands_given_away_or_kept_where_the_work_is_split() {
    for (a, b) in [([301, 307], [301, 307]), ([301, 307], [1, 307]), ([301, 307], [301, 1]), ([1, 307], [301, 1])] {
        let (a, b) = (noise(a, 1), noise(b, 2));
        parallel::with_threads(2, || given_or_kept(&a, &b)).unwrap();
        parallel::with_threads(2, || given_or_kept(&a.cast::<f32>(), &b.cast())).unwrap();
    }
}

/// All values of a program are held to its end; each must still equal the result of its step.
#[test]
fn no_step_of_a_program_writes_over_an_earlier_value() {
    hold(128, &programs(), |program| {
        for recorded in [false, true] {
            let tape = Tape::new();
            let x = if recorded { tape.variable(program.x.clone()) } else { Var::from(program.x.clone()) };
            let values = program.trace(&x);
            if recorded {
                let last = values[values.len() - 1].sum_all();
                let _ = tape.vjp_recorded(&last, &Var::from(Tensor::scalar(1.0)), &[&x]);
                let _ = tape.backward(&last);
            }
            for (i, &(kind, a, b)) in program.steps.iter().enumerate() {
                let known = &values[..=i];
                let own = |x: &Var<f64>| Var::from(apart(x.value()));
                let again = step(kind, &own(a.get(known)), &own(b.get(known)));
                same_bits(&format!("value {} of {recorded}", i + 1), values[i + 1].value(), again.value())?;
            }
        }
        Ok(())
    })
    .unwrap();
}

/// The next operation must not overwrite a temporary that a rule will read.
#[test]
fn what_a_record_reads_is_not_written_over() {
    let x = noise([64], 3);
    let tape = Tape::new();
    let v = tape.variable(x.clone());
    // Each temporary is given away to the next operation.
    let y = v.exp() + tape.constant(noise([64], 4));
    let y = (y * v.tanh()) / (v.sigmoid() + v.square());
    let loss = (-y).sum_all();
    let gradient = tape.backward(&loss).wrt(&v).cloned().expect("x is used");
    let c = noise([64], 4);
    for i in 0..64 {
        let (x, c) = (x.as_slice()[i], c.as_slice()[i]);
        let s = 1.0 / (1.0 + (-x).exp());
        let (n, d) = ((x.exp() + c) * x.tanh(), s + x * x);
        let dn = x.exp() * x.tanh() + (x.exp() + c) * (1.0 - x.tanh().powi(2));
        let dd = s * (1.0 - s) + 2.0 * x;
        let exact = -(dn * d - n * dd) / (d * d);
        let got = gradient.as_slice()[i];
        assert!((got - exact).abs() <= 1e-12 * exact.abs().max(1.0), "at {x}: {got}, by hand {exact}");
    }
}

#[test]
fn a_parameter_changed_after_its_use_does_not_change_the_record() {
    let w = autograd::Param::new(Tensor::from_slice([2], &[2.0, 3.0]));
    let tape = Tape::new();
    let x = tape.variable(Tensor::from_slice([2], &[5.0, 7.0]));
    let loss = (&x * w.on(&x)).sum_all();
    w.update(|w| w.fill(100.0));
    let gradients = tape.backward(&loss);
    assert_eq!(gradients.wrt(&x).unwrap().as_slice(), [2.0, 3.0]);
    assert_eq!(w.value().as_slice(), [100.0, 100.0]);
}
