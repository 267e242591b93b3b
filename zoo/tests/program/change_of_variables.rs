//! `zoo change-of-variables`: the change of variables in pictures and in numbers.

use crate::folder::Folder;

#[test]
fn densities_and_areas_are_plotted_and_printed() {
    let folder = Folder::new();
    let said = folder.run("change-of-variables --samples 50000 --bins 10 --matrix 3,1,-1,2 --out figures");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    for (line, start) in lines[1..4].iter().zip([
        "Z: p = 1/2 from 0.000 to 2.000; ",
        "X = 4Z: p = 1/2 · 1/4 = 1/8 from 0.000 to 8.000; ",
        "X = exp(Z): p = 1/2 · 1/x from 1.000 to 7.389; ",
    ]) {
        assert!(line.starts_with(start), "{line}");
        let off: f64 = line.rsplit_once("by ").unwrap().1.split('%').next().unwrap().parse().unwrap();
        // With 1,400 to 5,000 samples per bar, chance alone gives 1.1% to 2.2% on average.
        assert!(off < 3.0, "{line}");
    }
    assert!(lines[4].contains("area |3·2 - 1·-1| = 7.0000, density 0.1429, log|det| 1.9459 nats"), "{said}");
    let svg = |name: &str| String::from_utf8(folder.read(&format!("figures/{name}.svg"))).unwrap();
    let densities = svg("change-of-variables");
    for part in
        ["Z: p = 1/2", "X = 4Z: p(x) = 1/2 · 1/4 = 1/8", "X = exp(Z): p(x) = 1/2 · 1/x", "samples", "p(z) alone"]
    {
        assert!(densities.contains(part), "{part}");
    }
    let parallelogram = svg("parallelogram");
    assert!(parallelogram.contains("area |det A| = 7.0000, density 0.1429"));
    assert_eq!(parallelogram.matches("<polygon").count(), 2);
    // The seed decides the samples.
    let before = folder.contents();
    folder.run("change-of-variables --samples 50000 --bins 10 --matrix 3,1,-1,2 --out figures");
    assert!(folder.contents() == before);
    folder.run("change-of-variables --samples 50000 --bins 10 --matrix 3,1,-1,2 --out figures --seed 1");
    assert!(folder.contents() != before);
}

#[test]
fn invalid_matrices_and_options_are_refused() {
    let folder = Folder::new();
    folder.write("file", "a file, not a folder");
    folder.refuses("change-of-variables --matrix 1,2,2,4", &["1,2,2,4", "determinant 0", "choose another --matrix"]);
    folder.refuses("change-of-variables --matrix 0,0,0,0", &["determinant 0"]);
    folder.refuses("change-of-variables --matrix 0.1,0.3,0.2,0.6", &["determinant 0"]);
    folder.refuses("change-of-variables --out file", &["file", "choose another --out"]);
    for matrix in ["1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,NaN", "1,2,3,inf", "1e7,0,0,1", ""] {
        folder.misuses(&format!("change-of-variables --matrix={matrix}"), &["--matrix", "is not four numbers a,b,c,d"]);
    }
    for option in ["--samples=0", "--samples=10000001", "--bins=0", "--bins=1001", "--seed=x"] {
        folder.misuses(&format!("change-of-variables {option}"), &[option.split('=').next().unwrap()]);
    }
}
