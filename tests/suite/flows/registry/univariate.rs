//! Every univariate map of the library, in a coupling and in autoregressive layers that read data or latents.

use super::rows::{coupling_structure, in_order, masked, partition};
use super::{Domain, Entry, Events, Made, Sizes};
use autograd::Real;
use flows::layers::{Autoregressive, Coupling, Reads};
use flows::nn::Mlp;
use flows::univariate::Univariate;
use rand::Rng;
use std::sync::Arc;

/// Every map by itself, with this number of components or bins.
pub(in crate::flows) fn maps(size: usize) -> Vec<(&'static str, Box<dyn Univariate<f64>>)> {
    macro_rules! boxed {
        ($name:literal, $map:expr) => {{
            let map: fn(usize) -> _ = $map;
            ($name, Box::new(map(size)) as Box<dyn Univariate<f64>>)
        }};
    }
    flows::univariate_maps!(boxed).into()
}

/// Every map in its layers. A map with components or bins has as many as the sizes have layers.
pub(super) fn bijections() -> Vec<Entry> {
    macro_rules! in_layers {
        ($name:literal, $map:expr) => {
            entries($name, $map, $map)
        };
    }
    flows::univariate_maps!(in_layers).into_iter().flatten().map(Entry::classes).collect()
}

/// A map in both element types, in all three layers.
fn entries<W, N>(name: &str, wide: fn(usize) -> W, narrow: fn(usize) -> N) -> [Entry; 3]
where
    W: Univariate<f64> + 'static,
    N: Univariate<f32> + 'static,
{
    let rows = Events::Rows { least: 1 };
    let (of_wide, of_narrow) = (Arc::new(coupling(wide)), Arc::new(coupling(narrow)));
    let coupling = Entry::new(format!("coupling, {name}"), rows, coupling_structure, of_wide, of_narrow);
    let autoregressive = |reads, what| {
        let (wide, narrow) = (Arc::new(autoregressive(wide, reads)), Arc::new(autoregressive(narrow, reads)));
        let name = format!("autoregressive, {name}, reads {what}");
        Entry::new(name, rows, in_order, wide, narrow).scaling(Sizes::dims)
    };
    let latents = autoregressive(Reads::Latent, "latents").between(Domain::Image, Domain::Line);
    [coupling.scaling(|_| 2).cases(64), autoregressive(Reads::Data, "data"), latents]
}

fn coupling<T: Real, U: Univariate<T> + 'static>(map: fn(usize) -> U) -> impl Fn(&Sizes, &mut dyn Rng) -> Made<T> {
    move |s, rng| {
        let (map, partition) = (map(s.layers), partition(s));
        let (read, changed) = partition.sizes(s.dims());
        let outputs = map.parameters() * changed;
        let net = Mlp::new(read + s.classes, &vec![s.hidden; s.depth], outputs, s.activation(), rng);
        // Far from the start, components of a mixture lie so far apart that no f64 can follow the map between them.
        Made::Map(Box::new(Coupling::new(partition, map, net.zero_initialized())))
    }
}

fn autoregressive<T: Real, U: Univariate<T> + 'static>(
    map: fn(usize) -> U,
    reads: Reads,
) -> impl Fn(&Sizes, &mut dyn Rng) -> Made<T> {
    move |s, rng| {
        let map = map(s.layers);
        let net = masked(map.parameters(), s, rng).starting_at(&map.start());
        Made::Map(Box::new(Autoregressive::new(net, map, reads)))
    }
}
