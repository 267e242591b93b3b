//! The pictures of a fitted RBIG: the CDF trick, the layers in both directions, and quantiles.

use super::quantiles::Reference;
use super::scatter::quarters;
use super::{Canvas, Figure, Window, quantiles, scatter, steps};
use crate::data::{Space, Standardization};
use crate::train::Fit;
use anyhow::Result;
use autograd::{Tensor, Var, special};
use flows::{Base, Bijection, Context, StandardNormal};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The most panels in a picture of the layers, and how many of them show the first steps.
const PANELS: usize = 12;
const FIRST: usize = 7;
/// The window, size and arrangement of the panels.
const LAYOUT: scatter::Layout = scatter::Layout { window: Window::square(4.0), side: 260, columns: 4 };
/// Points along the curves of the first picture.
const PLACES: usize = 600;
/// The most columns in the plot of quantiles.
const GROUPS: usize = 6;

/// Rows after a step.
struct Stage {
    title: String,
    rows: Tensor<f32>,
}

/// All pictures, of these rows and of as many samples.
pub fn all(fit: &Fit, rows: &Tensor<f32>, seed: u64) -> Result<Vec<Figure>> {
    let (count, columns) = (rows.shape()[0], rows.shape()[1]);
    let encoded = encode(fit, rows);
    let of = if columns > 2 { ", columns 1 and 2" } else { "" };
    let mut all = vec![
        Figure {
            name: "inverse-cdf.png",
            picture: trick(fit, rows)?.raster()?,
            caption: format!(
                "the first column under layer 1: histogram in the data's units, CDF, uniform, normal{}",
                Standardization::of(&fit.flow).map_or_else(String::new, |units| units.plot_note())
            ),
        },
        Figure {
            name: "quantiles.png",
            picture: by_quantiles(&encoded[1].rows, &encoded[encoded.len() - 1].rows)?.raster()?,
            caption: format!("quantiles of {count} test rows, against their ideals"),
        },
    ];
    if columns > 1 {
        let shape = [count, columns].into();
        let z = StandardNormal.sample(shape, 1.0, &mut ChaCha8Rng::seed_from_u64(seed));
        all.push(Figure {
            name: "layers.png",
            picture: panels(&encoded, &chosen(encoded.len()), &in_plane(rows))?.raster()?,
            caption: format!("{count} test rows, layer by layer to a standard normal{of}"),
        });
        let decoded = decode(fit, &z);
        // Most of the change is in the steps next to the data.
        let shown: Vec<usize> = chosen(decoded.len()).into_iter().rev().map(|i| decoded.len() - 1 - i).collect();
        all.push(Figure {
            name: "sampling.png",
            picture: panels(&decoded, &shown, &in_plane(&z))?.raster()?,
            caption: format!("{count} normal rows, layer by layer back to samples, seed {seed}{of}"),
        });
    }
    Ok(all)
}

/// Rows as the first layer takes them.
fn prepared(fit: &Fit, rows: &Tensor<f32>) -> Var<f32> {
    let x = Var::from(rows.clone());
    fit.flow.preprocessing().map_or_else(|| x.clone(), |layer| layer.to_latent(&x, Context::default()).value)
}

/// The title of the prepared rows.
fn prepared_title(fit: &Fit, rows: &str) -> String {
    match fit.blueprint.space {
        Space::Table { standardized: true, .. } => format!("{rows}, standardized"),
        _ => rows.to_owned(),
    }
}

/// The maps from data to latents, with their names.
fn maps(fit: &Fit) -> Vec<(&dyn Bijection<f32>, String)> {
    let mut maps: Vec<(&dyn Bijection<f32>, String)> = Vec::new();
    for (i, layer) in fit.fitted.layers[..fit.kept].iter().enumerate() {
        maps.push((&layer.marginals, format!("marginals {}", i + 1)));
        if let (Some(rotation), true) = (&layer.rotation, i + 1 < fit.kept) {
            maps.push((rotation, format!("rotation {}", i + 1)));
        }
    }
    maps
}

/// From data to latents, step by step.
fn encode(fit: &Fit, rows: &Tensor<f32>) -> Vec<Stage> {
    let mut x = prepared(fit, rows);
    let mut stages = vec![Stage { title: prepared_title(fit, "data"), rows: x.value().clone() }];
    for (map, title) in maps(fit) {
        x = map.to_latent(&x, Context::default()).value;
        stages.push(Stage { title, rows: x.value().clone() });
    }
    stages
}

/// From latents to samples, step by step.
fn decode(fit: &Fit, z: &Tensor<f32>) -> Vec<Stage> {
    let mut z = Var::from(z.clone());
    let mut stages = vec![Stage { title: "normal".to_owned(), rows: z.value().clone() }];
    for (i, (map, name)) in maps(fit).into_iter().enumerate().rev() {
        z = map.to_data(&z, Context::default()).value;
        let title = if i == 0 { prepared_title(fit, "samples") } else { format!("{name} back") };
        stages.push(Stage { title, rows: z.value().clone() });
    }
    stages
}

/// The first two columns, x and y in turn.
fn in_plane(rows: &Tensor<f32>) -> Vec<f32> {
    rows.as_slice().chunks_exact(rows.shape()[1]).flat_map(|row| [row[0], row[1]]).collect()
}

/// Some of the stages as panels. The color of a point is that of its row in `first`.
fn panels(stages: &[Stage], shown: &[usize], first: &[f32]) -> Result<Canvas> {
    let colors = quarters(first);
    let points: Vec<Vec<f32>> = shown.iter().map(|&i| in_plane(&stages[i].rows)).collect();
    let titles = shown.iter().map(|&i| stages[i].title.as_str());
    let panel = |(title, points)| scatter::Panel { title, points, groups: &colors };
    let panels: Vec<scatter::Panel<'_>> = titles.zip(points.iter().map(Vec::as_slice)).map(panel).collect();
    scatter::draw(&panels, &LAYOUT)
}

/// The first steps, the last, and some between.
fn chosen(count: usize) -> Vec<usize> {
    if count <= PANELS {
        return (0..count).collect();
    }
    let (later, last) = (PANELS - FIRST, count - 1);
    let between = (1..=later).map(|i| FIRST - 1 + (last - FIRST + 1) * i / later);
    (0..FIRST).chain(between).collect()
}

/// The first column, mapped by the first layer through its CDF F to a uniform and to a normal distribution. F and its
/// derivative are computed at evenly spaced points, with the other columns as in the first row.
fn trick(fit: &Fit, rows: &Tensor<f32>) -> Result<Canvas> {
    let columns = rows.shape()[1];
    let layer = &fit.fitted.layers[0].marginals;
    let mapped = |rows: &Tensor<f32>| -> Vec<f32> {
        let z = layer.to_latent(&prepared(fit, rows), Context::default()).value.into_value();
        z.as_slice().iter().copied().step_by(columns).collect()
    };
    let units = Standardization::of(&fit.flow).map(|units| units.for_plots());
    let (mean, deviation) = units.map_or((0.0, 1.0), |units| (units.mean[0], units.deviation[0]));
    let plotted = |x: f32| (mean + deviation * f64::from(x)) as f32;
    let x: Vec<f32> = rows.as_slice().iter().copied().step_by(columns).collect();
    let z = mapped(rows);
    let u = uniform(&z);
    let (low, high) = x.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    let place = |i: usize| low + (high - low) * i as f32 / (PLACES - 1) as f32;
    let along = Tensor::from_fn([PLACES, columns], |i| {
        if i % columns == 0 { place(i / columns) } else { rows.as_slice()[i % columns] }
    });
    let cdf: Vec<f32> =
        uniform(&mapped(&along)).into_iter().enumerate().flat_map(|(i, u)| [plotted(place(i)), u]).collect();
    let slope = |pair: &[f32]| [f32::midpoint(pair[0], pair[2]), (pair[3] - pair[1]) / (pair[2] - pair[0])];
    let density: Vec<f32> = cdf.windows(4).step_by(2).flat_map(slope).collect();
    let x: Vec<f32> = x.into_iter().map(plotted).collect();
    steps::draw(&steps::Trick { x: &x, u: &u, z: &z, cdf: &cdf, density: &density })
}

/// Φ of each.
fn uniform(z: &[f32]) -> Vec<f32> {
    z.iter().map(|&z| special::log_normal_cdf(f64::from(z)).exp() as f32).collect()
}

/// The last layer's z against normal quantiles, one color per column, and |z|² after the first and the last layer against
/// χ² quantiles: columns that are each normal need not be jointly normal.
fn by_quantiles(first: &Tensor<f32>, last: &Tensor<f32>) -> Result<Canvas> {
    let columns = last.shape()[1];
    let column = |j: usize| last.as_slice()[j..].iter().step_by(columns).map(|&z| f64::from(z)).collect();
    let squares = |rows: &Tensor<f32>| -> Vec<f64> {
        rows.as_slice().chunks_exact(columns).map(|row| row.iter().map(|&z| f64::from(z).powi(2)).sum()).collect()
    };
    let chi_square = Reference::ChiSquare(columns as f64);
    let range = [0.0, 1.15 * chi_square.quantile(1.0 - 1e-4)];
    let each = if columns > GROUPS { format!("z of columns 1 to {GROUPS}") } else { "z of each column".to_owned() };
    let panel = |title: &str, rows: &Tensor<f32>| quantiles::Panel {
        title: title.to_owned(),
        groups: vec![squares(rows)],
        reference: chi_square,
        range,
    };
    quantiles::draw(&[
        quantiles::Panel {
            title: each,
            groups: (0..columns.min(GROUPS)).map(column).collect(),
            reference: Reference::Normal,
            range: [-4.0, 4.0],
        },
        panel("|z|^2 after the first marginals", first),
        panel("|z|^2 after the last", last),
    ])
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn shows_the_first_steps_and_the_last() {
        assert_eq!(chosen(3), [0, 1, 2]);
        assert_eq!(chosen(12).len(), 12);
        for count in [13, 14, 40, 399] {
            let shown = chosen(count);
            assert_eq!((shown.len(), shown[11]), (12, count - 1));
            assert!(shown.windows(2).all(|pair| pair[0] < pair[1]), "{shown:?}");
        }
    }
}
