//! Every univariate map of the library, in a coupling and in autoregressive layers that read data or latents.

use super::rows::{coupling_structure, in_order, masked, partition};
use super::{Domain, Entry, Events, Made, Sizes};
use autograd::Real;
use flows::layers::{Autoregressive, Coupling, Reads};
use flows::nn::Mlp;
use flows::univariate::{Univariate, examples};
use rand::Rng;
use std::sync::Arc;

pub(super) fn bijections() -> Vec<Entry> {
    let rows = Events::Rows { least: 1 };
    let entries = examples::<f64>(1).into_iter().enumerate().flat_map(|(i, (name, _))| {
        let (wide, narrow) = (Arc::new(coupling::<f64>(i)), Arc::new(coupling::<f32>(i)));
        let coupling = Entry::new(format!("coupling, {name}"), rows, coupling_structure, wide, narrow);
        let coupling = coupling.scaling(|_| 2).cases(64);
        let autoregressive = |reads, what| {
            let (wide, narrow) = (Arc::new(autoregressive::<f64>(i, reads)), Arc::new(autoregressive::<f32>(i, reads)));
            let name = format!("autoregressive, {name}, reads {what}");
            Entry::new(name, rows, in_order, wide, narrow).scaling(Sizes::dims)
        };
        let latents = autoregressive(Reads::Latent, "latents").between(Domain::Image, Domain::Line);
        [coupling, autoregressive(Reads::Data, "data"), latents]
    });
    entries.map(Entry::classes).collect()
}

fn example<T: Real>(i: usize, s: &Sizes) -> Box<dyn Univariate<T>> {
    examples(s.layers).swap_remove(i).1
}

fn coupling<T: Real>(i: usize) -> impl Fn(&Sizes, &mut dyn Rng) -> Made<T> {
    move |s, rng| {
        let (map, partition) = (example::<T>(i, s), partition(s));
        let (read, changed) = partition.sizes(s.dims());
        let outputs = map.parameters() * changed;
        let net = Mlp::new(read + s.classes, &vec![s.hidden; s.depth], outputs, s.activation(), rng);
        // Far from the start, components of a mixture lie so far apart that no f64 can follow the map between them.
        Made::Map(Box::new(Coupling::new(partition, map, net.zero_initialized())))
    }
}

fn autoregressive<T: Real>(i: usize, reads: Reads) -> impl Fn(&Sizes, &mut dyn Rng) -> Made<T> {
    move |s, rng| {
        let map = example::<T>(i, s);
        let net = masked(map.parameters(), s, rng).starting_at(&map.start());
        Made::Map(Box::new(Autoregressive::new(net, map, reads)))
    }
}
