//! The maps and models over signals.

use super::{Entry, Events, Sizes, entry};
use autograd::Real;
use flows::check::Structure;
use flows::layers::{Affine, Autoregressive, Kind, Mixture, Reads};
use flows::models::{ParallelWaveNet, ParallelWaveNetConfig, WaveNetFlow, WaveNetFlowConfig};
use flows::nn::{WaveNet, WaveNetConfig};
use flows::{Bijection, Flow};
use rand::Rng;
use std::sync::Arc;

/// In the order of time, in both directions.
fn in_order(s: &Sizes) -> Structure {
    Structure::Triangular { order: (0..s.dims()).collect() }
}

pub(super) fn bijections() -> Vec<Entry> {
    let signals = Events::Rows { least: 1 };
    #[rustfmt::skip]
    let entries = vec![
        entry!(Map "WaveNet, reads data", reads_data, signals, classes true, Line -> Line, in_order).scaling(Sizes::dims),
        entry!(Map "WaveNet, reads latents", reads_latents, signals, classes true, Image -> Line, in_order).scaling(Sizes::dims),
        entry!(Map "WaveNet, mixtures", mixtures, signals, classes true, Line -> Line, in_order).scaling(Sizes::dims),
    ];
    entries
}

pub(super) fn models() -> Vec<Entry> {
    let signals = Events::Rows { least: 1 };
    #[rustfmt::skip]
    let entries = vec![
        entry!(Model "WaveNet", wave_net, signals, classes true, Line -> Line, in_order).scaling(Sizes::dims),
        entry!(Model "Parallel WaveNet", parallel_wave_net, signals, classes true, Image -> Line, in_order).scaling(|s| 8 * s.dims()),
    ];
    entries
}

/// Receptive fields shorter and longer than the signals, which have up to 7 steps.
fn net<T: Real>(outputs: usize, s: &Sizes, rng: &mut dyn Rng) -> WaveNet<T> {
    let (channels, skip) = (1 + s.hidden / 2, 1 + s.hidden % 4);
    let (layers, cycles) = (1 + s.depth, 1 + s.layers % 2);
    WaveNet::new(&WaveNetConfig { channels, skip, layers, cycles, outputs, condition: s.classes }, rng)
}

fn reads_data<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Autoregressive::new(net(2, s, rng), Affine::default(), Reads::Data))
}

fn reads_latents<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    Box::new(Autoregressive::new(net(2, s, rng), Affine::default(), Reads::Latent))
}

fn mixtures<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Box<dyn Bijection<T>> {
    let mixture = Mixture::new(1 + s.layers % 3, Kind::Logistic);
    let net = net(3 * (1 + s.layers % 3), s, rng).starting_at(&mixture.start());
    Box::new(Autoregressive::new(net, mixture, Reads::Data))
}

fn wave_net<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let (channels, skip, layers, condition) = (1 + s.hidden / 2, 1 + s.hidden % 4, 1 + s.depth, s.classes);
    let (cycles, components) = (1, 1 + s.layers % 3);
    let length = s.dims();
    WaveNetFlow::build(&WaveNetFlowConfig { length, channels, skip, layers, cycles, components, condition }, rng)
}

fn parallel_wave_net<T: Real>(s: &Sizes, rng: &mut dyn Rng) -> Flow<T> {
    let (channels, skip, layers, condition) = (1 + s.hidden / 2, 1 + s.hidden % 4, 1 + s.depth, s.classes);
    let cycles = if s.layers > 2 { vec![1, 2] } else { vec![1] };
    let student = ParallelWaveNet::new(&ParallelWaveNetConfig { channels, skip, layers, cycles, condition }, rng);
    Arc::new(student).flow(s.dims(), condition)
}
