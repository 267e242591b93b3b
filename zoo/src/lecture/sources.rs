//! The source files shown on the page, as they were when the program was built.

/// A path from the repository's root, and the text there.
pub(super) type Source = (&'static str, &'static str);

macro_rules! sources {
    ($($path:literal)*) => {
        &[$(($path, include_str!(concat!("../../../", $path)))),*]
    };
}

/// All files, in the lecture's order.
pub(super) const SOURCES: &[Source] = sources![
    "flows/src/bijection.rs" "flows/src/flow.rs" "flows/src/base.rs" "flows/src/models/vae/mod.rs"
    "flows/src/models/vae/posterior.rs" "flows/src/models/vae/importance.rs" "zoo/src/pictures/change_of_variables.rs"
    "flows/src/layers/planar/mod.rs" "flows/src/models/planar.rs" "flows/src/energy.rs" "flows/src/distillation.rs"
    "flows/src/layers/dequantize.rs" "flows/src/layers/logit.rs" "flows/src/layers/coupling.rs"
    "flows/src/univariate/shift.rs" "flows/src/layers/rescaling.rs" "flows/src/models/nice.rs"
    "flows/src/univariate/affine.rs" "flows/src/layers/factor_out.rs" "flows/src/models/real_nvp.rs"
    "zoo/src/pictures/blend.rs" "flows/src/nn/made.rs" "flows/src/layers/autoregressive.rs" "flows/src/models/maf.rs"
    "flows/src/models/iaf.rs" "flows/src/nn/wave_net.rs" "flows/src/models/wave_net.rs"
    "flows/src/models/parallel_wave_net.rs" "flows/src/layers/mint.rs" "flows/src/models/mint_net.rs"
    "flows/src/layers/kernel_marginal.rs" "flows/src/layers/householder.rs" "flows/src/rbig/mod.rs"
    "flows/src/rbig/fit.rs" "flows/src/models/gaussianization.rs"
];
