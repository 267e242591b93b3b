//! What MADE, MAF and IAF share: they differ in the number of layers and in what their networks read.

use super::prelude::*;

/// The margin λ of the logit before images, that of MAF's paper.
pub(super) const MARGIN: f64 = 1e-6;

/// Changes the order of the dimensions. A random one is drawn from the run's seed.
pub(super) fn set_order(config: &mut AutoregressiveConfig, asked: Option<Order>, seed: u64) {
    config.order = match asked {
        Some(Order::Random(_)) => Order::Random(seed),
        asked => asked.unwrap_or(config.order),
    };
}

/// Changes the hidden layers of all networks.
pub(super) fn set_hidden(config: &mut AutoregressiveConfig, asked: Option<&[usize]>) {
    if let Some(hidden) = asked {
        config.hidden = hidden.to_vec();
    }
}

/// The sizes of a MAF of Gaussian conditionals.
pub(super) fn config(preset: Preset, space: Space, condition: usize) -> AutoregressiveConfig {
    let (hidden, norm) = match space {
        Space::Images { .. } => (vec![1024], Norm::Batch),
        _ => preset.pick([(vec![64; 2], Norm::Act), (vec![128; 2], Norm::Act), (vec![100], Norm::Batch)]),
    };
    let plain = AutoregressiveConfig { norm, condition, ..AutoregressiveConfig::new(space.dims(), 5, hidden) };
    match space {
        // A pixel unlike those seen in training must not make the next layer's input far larger. Ten layers make latents of
        // 200 of it all the same.
        Space::Images { .. } => AutoregressiveConfig { symlog: true, log_scales: [1.5, 5.0], outliers: true, ..plain },
        _ => plain,
    }
}

pub(super) fn recipe(preset: Preset, space: Space) -> Recipe {
    let images = matches!(space, Space::Images { .. });
    let paper = preset == Preset::Paper;
    // The paper stops after 30 epochs without improvement; here the best weights are kept.
    let until = Budget::Epochs(200.0);
    let (budget, batch, lr) = if images {
        preset.pick([(Budget::Epochs(5.0), 200, 1e-3), (Budget::Epochs(30.0), 200, 1e-3), (until, 100, 1e-4)])
    } else {
        preset.pick([(Budget::Steps(5_000), 256, 2e-3), (Budget::Steps(20_000), 256, 2e-3), (until, 100, 1e-4)])
    };
    // Large weights make the scales of unusual images extreme.
    let weight_decay = if images && !paper { 0.3 } else { 0.0 };
    Recipe {
        adam: AdamConfig { weight_decay, ..AdamConfig::default() },
        clip: Some(1000.0),
        // Weights outweigh activations, and batch normalization must see the whole batch.
        shards: (images || paper).then_some(1),
        ..Recipe::new(budget, batch, lr).constant_in_paper(preset)
    }
}

/// As [`ModelSpec::check`](super::ModelSpec::check).
pub(super) fn check(model: &str, config: &AutoregressiveConfig) -> Result<[usize; 2]> {
    let AutoregressiveConfig { dims, layers, hidden, components, condition, .. } = config;
    check_positive(model, &[&[*dims, *layers, *components], &**hidden].concat())?;
    Ok([*dims, *condition])
}
