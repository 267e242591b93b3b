//! The maps and models over signals.

use super::Domain::{Image, Line};
use super::rows::in_order;
use super::{Entry, Events, Sizes, entry};
use autograd::Real;
use flows::layers::{Autoregressive, Reads};
use flows::models::{ParallelWaveNet, ParallelWaveNetConfig, WaveNetFlow, WaveNetFlowConfig};
use flows::nn::{WaveNet, WaveNetConfig};
use flows::univariate::{Affine, Kind, Mixture, Univariate};
use rand::Rng;
use std::sync::Arc;

const SIGNALS: Events = Events::Rows { least: 1 };

pub(super) fn bijections() -> Vec<Entry> {
    let entries = [
        entry!(Map "WaveNet, reads data", SIGNALS, in_order, |s, rng| {
            Autoregressive::new(net::<T>(2, s, rng), Affine::default(), Reads::Data)
        }),
        entry!(Map "WaveNet, reads latents", SIGNALS, in_order, |s, rng| {
            Autoregressive::new(net::<T>(2, s, rng), Affine::default(), Reads::Latent)
        })
        .between(Image, Line),
        entry!(Map "WaveNet, mixtures", SIGNALS, in_order, |s, rng| {
            let mixture = Mixture::new(1 + s.layers % 3, Kind::Logistic);
            let start = Univariate::<T>::start(&mixture);
            Autoregressive::new(net::<T>(start.len(), s, rng).starting_at(&start), mixture, Reads::Data)
        }),
    ];
    entries.map(|entry| entry.classes().tracks().scaling(Sizes::dims)).into()
}

pub(super) fn models() -> Vec<Entry> {
    vec![
        entry!(Model "WaveNet", SIGNALS, in_order, |s, rng| {
            let (length, components, cycles) = (s.dims(), 1 + s.layers % 3, 1);
            let WaveNetConfig { channels, skip, layers, condition, track, .. } = sizes(0, s);
            let config = WaveNetFlowConfig { length, channels, skip, layers, cycles, components, condition, track };
            WaveNetFlow::build(&config, rng)
        })
        .classes()
        .tracks()
        .scaling(Sizes::dims),
        entry!(Model "Parallel WaveNet", SIGNALS, in_order, |s, rng| {
            let WaveNetConfig { channels, skip, layers, condition, track, .. } = sizes(0, s);
            let cycles = if s.layers > 2 { vec![1, 2] } else { vec![1] };
            let config = ParallelWaveNetConfig { channels, skip, layers, cycles, condition, track };
            Arc::new(ParallelWaveNet::new(&config, rng)).flow(s.dims(), condition)
        })
        .classes()
        .tracks()
        .between(Image, Line)
        .scaling(|s| 8 * s.dims()),
    ]
}

/// Receptive fields shorter and longer than the signals, which have up to 7 steps.
fn sizes(outputs: usize, s: &Sizes) -> WaveNetConfig {
    let (channels, skip) = (1 + s.hidden / 2, 1 + s.hidden % 4);
    let (layers, cycles) = (1 + s.depth, 1 + s.layers % 2);
    WaveNetConfig { channels, skip, layers, cycles, outputs, condition: s.classes, track: s.track }
}

fn net<T: Real>(outputs: usize, s: &Sizes, rng: &mut dyn Rng) -> WaveNet<T> {
    WaveNet::new(&sizes(outputs, s), rng)
}
