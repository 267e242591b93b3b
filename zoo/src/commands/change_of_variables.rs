//! `zoo change-of-variables`: densities and areas under simple maps.

use super::prelude::*;
use crate::pictures::change_of_variables::{MAPS, Map, Matrix, WIDTH, histogram};
use crate::pictures::volumes::{Density, Polygon, densities, polygons};
use rand::RngExt;

/// Plot the change of variables: X = 4Z, X = exp(Z), and the unit square under a matrix
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo change-of-variables --matrix 1,1,0,2")]
pub(super) struct Args {
    /// Number of samples
    #[arg(long, value_name = "N", default_value = "20000", value_parser = whole(1..=10_000_000))]
    samples: usize,
    /// Bars per histogram
    #[arg(long, value_name = "N", default_value = "40", value_parser = whole(1..=1000))]
    bins: usize,
    /// Matrix [[a, b], [c, d]] to map the unit square with
    #[arg(long, value_name = "a,b,c,d", default_value = "2,0.5,0.7,1.5", allow_hyphen_values = true, value_parser = matrix)]
    matrix: Matrix,
    /// Folder for change-of-variables.svg and parallelogram.svg
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    #[command(flatten)]
    seed: Seed,
}

/// Points at which a formula is drawn.
const PLACES: usize = 200;
/// Points that are drawn in the square, and the largest entry of a matrix.
const POINTS: usize = 400;
const GREATEST: f64 = 1e6;

fn matrix(text: &str) -> Result<Matrix, String> {
    match several::<f64, 4>(text, ',') {
        Some(rows) if rows.iter().all(|entry| entry.abs() <= GREATEST) => Ok(Matrix { rows }),
        _ => Err(format!("{text:?} is not four numbers a,b,c,d of at most {GREATEST:e}")),
    }
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let [a, b, c, d] = args.matrix.rows;
    let determinant = args.matrix.determinant();
    // The two products are rounded, each with a relative error of about 10⁻¹⁵.
    if determinant.abs() <= 1e-12 * ((a * d).abs() + (b * c).abs()) {
        bail!("{a},{b},{c},{d} has determinant 0 and flattens the square to a line: choose another --matrix");
    }
    make_folder(&args.out)?;
    let [first, second] = ["change-of-variables.svg", "parallelogram.svg"].map(|name| args.out.join(name));

    let all = MAPS.map(|map| density(map, args));
    densities(&all)?.save(&first)?;
    writeln!(out, "{}: densities of Z, uniform on [0, {WIDTH}], and of two functions of Z", first.display())?;
    for (map, density) in MAPS.into_iter().zip(&all) {
        let [low, high] = map.range();
        let width = (high - low) / density.bars.len() as f64;
        let middle = |bin: usize| map.density(low + (bin as f64 + 0.5) * width);
        let off = density.bars.iter().enumerate().map(|(bin, height)| (height / middle(bin) - 1.0).abs());
        let percent = 100.0 * off.sum::<f64>() / density.bars.len() as f64;
        let (Map { name, formula, .. }, samples) = (map, args.samples);
        let bars = format_args!("the bars of {samples} samples differ from it by {percent:.1}% on average");
        writeln!(out, "{name}: p = {formula} from {low:.3} to {high:.3}; {bars}")?;
    }

    polygons(&square(args, determinant))?.save(&second)?;
    let (path, area, density) = (second.display(), determinant.abs(), 1.0 / determinant.abs());
    let area_is = format_args!("area |{a}·{d} - {b}·{c}| = {area:.4}");
    let then = format_args!("density {density:.4}, log|det| {:.4} nats", area.ln());
    writeln!(out, "{path}: the unit square under [[{a}, {b}], [{c}, {d}]]: {area_is}, {then}")
}

/// The density of a function of Z, from samples and as a formula.
fn density(map: Map, args: &Args) -> Density {
    let is_stretched = map.name != MAPS[0].name;
    let range = map.range();
    let samples = map.samples(args.samples, args.seed.seed);
    let at = |i: usize| range[0] + (range[1] - range[0]) * i as f64 / PLACES as f64;
    Density {
        title: format!("{}: p{} = {}", map.name, if is_stretched { "(x)" } else { "" }, map.formula),
        range,
        bars: histogram(&samples, range, args.bins),
        line: (0..=PLACES).map(|i| map.density(at(i))).collect(),
        naive: is_stretched.then(|| vec![1.0 / WIDTH; PLACES + 1]),
    }
}

/// The unit square with points in it, and both under the matrix.
fn square(args: &Args, determinant: f64) -> [Polygon; 2] {
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed.seed);
    let points: Vec<[f64; 2]> = (0..POINTS).map(|_| [rng.random(), rng.random()]).collect();
    let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
    let mapped = |point: [f64; 2]| args.matrix.apply(point);
    let area = determinant.abs();
    [
        Polygon { title: "z: area 1, density 1".to_owned(), corners, points: points.clone() },
        Polygon {
            title: format!("x = A·z: area |det A| = {area:.4}, density {:.4}", 1.0 / area),
            corners: corners.map(mapped),
            points: points.into_iter().map(mapped).collect(),
        },
    ]
}
