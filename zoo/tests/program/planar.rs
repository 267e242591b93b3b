//! `zoo planar`: the pictures have all panels, and the fits are close to their energies.

use crate::folder::Folder;
use crate::formats::png_size;
use image::RgbImage;

/// A panel with its axis labels, and the square inside.
const STEP: u32 = 260 + 76;

/// The color in a panel, at fractions of its square's width and height from the upper left.
fn at(picture: &RgbImage, [column, row]: [u32; 2], [across, down]: [f64; 2]) -> [u8; 3] {
    let place = |panel: u32, before: u32, share: f64| panel * STEP + before + (share * 260.0) as u32;
    picture.get_pixel(place(column, 62, across), place(row, 38, down)).0
}

/// The brightness of a color of the color map: its green rises from 1 to 231.
fn bright(color: [u8; 3]) -> bool {
    color[1] > 120
}

#[test]
fn layers_and_fits_are_plotted_and_printed() {
    let folder = Folder::new();
    let line = "planar --layers 0,2,3 --fit 1,3 --steps 150 --resolution 60 --threads 2";
    let said = folder.run(line);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2 + 2 * 4, "{said}");
    assert!(lines[0].starts_with("./planar-layers.png: ") && lines[1].starts_with("./planar-energies.png: "), "{said}");
    let kl = |line: &str| -> (String, f64) {
        let (what, rest) = line.split_once(": KL ").unwrap();
        (what.to_owned(), rest.split(' ').next().unwrap().parse().unwrap())
    };
    let fits: Vec<(String, f64)> = lines[2..].iter().map(|line| kl(line)).collect();
    let names: Vec<&str> = fits.iter().map(|(what, _)| what.as_str()).collect();
    let one = ["U1 by 1 layer", "U2 by 1 layer", "U3 by 1 layer", "U4 by 1 layer"];
    assert_eq!((&names[..4], names[4]), (&one[..], "U1 by 3 layers"), "{said}");
    // So few steps give a rough fit; more layers give a better one.
    for (short, long) in fits[..4].iter().zip(&fits[4..]) {
        assert!(long.1 > 0.0 && long.1 < short.1 && short.1 < 4.0, "{said}");
    }
    assert_eq!(png_size(&folder.read("planar-layers.png")), (3 * STEP, 2 * STEP));
    assert_eq!(png_size(&folder.read("planar-energies.png")), (4 * STEP, 3 * STEP));

    // Without layers the panels show the bases: a Gaussian is brightest in the middle alone, a square
    // everywhere.
    let layers = image::open(folder.path("planar-layers.png")).unwrap().to_rgb8();
    for corner in [[0.02, 0.02], [0.98, 0.02], [0.02, 0.98], [0.98, 0.98]] {
        assert!(!bright(at(&layers, [0, 0], corner)) && !bright(at(&layers, [0, 1], corner)));
    }
    let lit = |row: u32| {
        let places = (0..100 * 100).map(|i| [f64::from(i % 100), f64::from(i / 100)].map(|at| (at + 0.5) / 100.0));
        places.filter(|&place| at(&layers, [0, row], place)[1] > 220).count()
    };
    assert!(lit(0) > 0 && lit(1) > 3 * lit(0), "{} and {}", lit(1), lit(0));
    // The ring of U1 is dark in its middle and bright at x₁ = ±2.
    let energies = image::open(folder.path("planar-energies.png")).unwrap().to_rgb8();
    assert!(!bright(at(&energies, [0, 0], [0.5, 0.5])));
    assert!(bright(at(&energies, [0, 0], [0.7, 0.5])) && bright(at(&energies, [0, 0], [0.3, 0.5])));

    // The result does not depend on the number of threads.
    let before = folder.contents();
    assert_eq!(folder.run(&line.replace("--threads 2", "--threads 1")), said);
    assert!(folder.contents() == before);
}

#[test]
fn bad_options_are_refused_at_once() {
    let folder = Folder::new();
    folder.write("file", "a file, not a folder");
    folder.refuses("planar --out file", &["file", "choose another --out"]);
    for layers in ["101", "-1", "x", "1,,2", "", "1.5"] {
        let said = "is not a whole number between 0 and 100";
        folder.misuses(&format!("planar --layers={layers}"), &["--layers", said]);
        folder.misuses(&format!("planar --fit={layers}"), &["--fit", said]);
    }
    for option in ["--steps=0", "--steps=x", "--resolution=9", "--resolution=2001", "--threads=0", "--seed=-1"] {
        folder.misuses(&format!("planar {option}"), &[option.split('=').next().unwrap()]);
    }
}
