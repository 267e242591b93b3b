//! Moving parameters away from their initial values, and copying them between element types.

use crate::module::Module;
use autograd::{Param, Real};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Adds normal noise to every trainable parameter, with standard deviation `scale`, or `scale/√fan_in` if it has more
/// than one axis: a unit's output then changes by about `scale`, whatever its number of inputs.
///
/// Layers usually start as the identity, which passes nearly every check.
pub fn randomize<T: Real>(module: &(impl Module<T> + ?Sized), scale: f64, rng: &mut dyn Rng) {
    randomize_with(module, rng, |_| scale);
}

/// The same with a scale for each path; 0 leaves a parameter unchanged.
pub fn randomize_with<T: Real>(module: &(impl Module<T> + ?Sized), rng: &mut dyn Rng, scale: impl Fn(&str) -> f64) {
    for (path, param) in module.params() {
        let scale = scale(&path);
        if !param.is_trainable() || scale == 0.0 {
            continue;
        }
        let fan_in = param.shape().get(1..).map_or(1, |rest| rest.iter().product::<usize>()).max(1);
        let std = scale / (fan_in as f64).sqrt();
        param.update(|p| p.iter_mut().for_each(|p| *p += T::from_f64(std * rng.sample::<f64, _>(StandardNormal))));
    }
}

/// Two models that do not have the same parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// A parameter that only one of them has.
    #[error("only one of the two has a parameter {0}")]
    Missing(String),
    /// Two shapes.
    #[error("parameter {path} has shape {from} in one and {to} in the other")]
    Shape {
        /// The parameter's path.
        path: String,
        /// Its shape in the source.
        from: autograd::Shape,
        /// Its shape in the target.
        to: autograd::Shape,
    },
}

/// Copies the parameters and buffers of `from` to `to`, matched by path and converted to its element type.
///
/// # Errors
/// If the paths or the shapes differ. Then nothing is changed.
pub fn copy_params<S: Real, T: Real>(
    from: &(impl Module<S> + ?Sized),
    to: &(impl Module<T> + ?Sized),
) -> Result<(), CopyError> {
    let (sources, targets) = (from.params(), to.params());
    let mut pairs: Vec<(&Param<S>, &Param<T>)> = Vec::new();
    for (path, target) in &targets {
        let Some((_, source)) = sources.iter().find(|(own, _)| own == path) else {
            return Err(CopyError::Missing(path.clone()));
        };
        let (from, to) = (source.shape(), target.shape());
        if from != to {
            return Err(CopyError::Shape { path: path.clone(), from, to });
        }
        pairs.push((source, target));
    }
    if let Some((path, _)) = sources.iter().find(|(path, _)| targets.iter().all(|(own, _)| own != path)) {
        return Err(CopyError::Missing(path.clone()));
    }
    for (source, target) in pairs {
        target.set(source.value().cast());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CopyError, copy_params, randomize, randomize_with};
    use crate::Module;
    use crate::nn::{Activation, Mlp};
    use autograd::Real;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn net<T: Real>(hidden: &[usize]) -> Mlp<T> {
        Mlp::new(3, hidden, 2, Activation::Tanh, &mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn copies_go_by_path_and_mismatches_are_named() {
        let wide = net::<f64>(&[4]);
        randomize(&wide, 1.0, &mut ChaCha8Rng::seed_from_u64(2));
        let narrow = net::<f32>(&[4]);
        copy_params(&wide, &narrow).unwrap();
        for ((_, from), (_, to)) in wide.params().iter().zip(&narrow.params()) {
            assert_eq!(from.value().cast::<f32>().as_slice(), to.value().as_slice());
        }
        let found = copy_params(&net::<f64>(&[5]), &narrow).unwrap_err();
        assert_eq!(found.to_string(), "parameter 0.weight has shape [5, 3] in one and [4, 3] in the other");
        assert_eq!(
            copy_params(&net::<f64>(&[4, 4]), &net::<f32>(&[])).unwrap_err(),
            CopyError::Shape { path: "0.weight".into(), from: [4, 3].into(), to: [2, 3].into() }
        );
        assert!(matches!(copy_params(&net::<f64>(&[4, 4]), &net::<f64>(&[4])), Err(CopyError::Shape { .. })));
    }

    #[test]
    fn every_parameter_moves_but_those_spared() {
        let (a, b) = (net::<f64>(&[4]), net::<f64>(&[4]));
        randomize_with(&a, &mut ChaCha8Rng::seed_from_u64(3), |path| if path.ends_with("bias") { 0.0 } else { 0.5 });
        for ((path, moved), (_, start)) in a.params().iter().zip(&b.params()) {
            let same = moved.value().as_slice().iter().zip(start.value().as_slice()).filter(|(a, b)| a == b).count();
            assert_eq!(same, if path.ends_with("bias") { start.shape().elements() } else { 0 }, "{path}");
        }
    }
}
