//! The figures of shipped weights: `zoo results`, `zoo list`, and what `demo` and `lecture` make of the weights.

use crate::folder::{Folder, texts};
use crate::formats::png_size;
use crate::made::image_folder;
use std::path::Path;
use zoo::measure::shipped::{MARKERS, all, records, tables};
use zoo::runs::shipped;

/// All weights that are part of the program, whichever they are.
#[test]
fn every_shipped_figure_is_measured_again_on_the_first_test_rows() {
    assert!(shipped::size() <= 40_000_000, "{} bytes are more than 40 MB", shipped::size());
    for entry in all() {
        let entry = entry.unwrap();
        let [stored, found] = entry.again(true).unwrap();
        assert!((stored - found).abs() <= 1e-3, "{}: {found}, but its file says {stored}", entry.name);
        let cost = entry.figures.test.loss() - entry.figures.unrounded;
        assert!(cost <= 0.002, "rounding {} costs {cost}", entry.name);
    }
}

#[test]
fn the_page_of_results_has_the_figures_of_the_shipped_weights() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(here.join("../RESULTS.md")).unwrap();
    let records = records(&here.join("results")).unwrap();
    let [begin, end] = MARKERS;
    let found = page.split_once(begin).unwrap().1.split_once(end).unwrap().0;
    let entries: Vec<_> = all().into_iter().collect::<Result<_, _>>().unwrap();
    let advice = "RESULTS.md is out of date: run `zoo results --page RESULTS.md`";
    assert_eq!(found.trim(), tables(&entries, &records).unwrap().trim(), "{advice}");
}

#[test]
fn results_are_written_into_a_page_and_measured_again() {
    let folder = Folder::new();
    assert_eq!(folder.run("results").trim(), "No weights are shipped yet.");
    image_folder(&folder, "bars", 4, false);
    folder.run("train nice --preset quick --batch 24 --threads 1 --data bars --steps 30 --out run");
    folder.write("shipped/.keep", "");
    folder.run("ship run --out shipped --threads 1");

    let table = folder.run("results");
    let file = folder.safetensors("shipped/nice-bars.safetensors");
    let figures: serde_json::Value = serde_json::from_str(&file.metadata["figures"]).unwrap();
    let loss = format!(
        "{:.4} ± {:.4}",
        figures["test"]["bits_per_dim"].as_f64().unwrap(),
        figures["test"]["bits_error"].as_f64().unwrap()
    );
    let row = table.lines().find(|line| line.starts_with("| `nice-bars` |")).unwrap();
    // 30 steps of 24 images, on data without a published figure.
    assert!(row.contains(&format!("| {loss} | – | – |")) && row.contains("| 720 |"), "{table}");
    let listed = folder.run("list");
    assert!(
        listed.lines().any(|line| line.starts_with("nice-bars ") && line.ends_with(&format!("{loss} bits/dim"))),
        "{listed}"
    );
    let json = folder.json("list --json");
    assert_eq!(json[0]["shipped"][0]["loss"], figures["test"]["bits_per_dim"]);

    let [begin, end] = MARKERS;
    folder.write("page.md", format!("Before.\n\n{begin}\nold\n{end}\n\nAfter.\n"));
    folder.run("results --page page.md");
    let page = String::from_utf8(folder.read("page.md")).unwrap();
    assert_eq!(page, format!("Before.\n\n{begin}\n\n{}\n\n{end}\n\nAfter.\n", table.trim_end()));
    folder.write("other.md", "No place.\n");
    folder.refuses("results --page other.md", &["other.md has no place for the tables", begin]);
    folder.misuses("results --page page.md --check", &["cannot be used with"]);

    // A run whose weights do not ship has a table of its own.
    folder.write("records/.keep", "");
    folder.run("ship run --record --name too-large --out records --threads 1");
    let both = folder.run("results --records records");
    let other = both.strip_prefix(&table).unwrap();
    assert!(other.contains("too large to ship") && other.contains("| `too-large` | "), "{both}");
    assert!(!folder.exists("shipped/too-large.safetensors"));
    folder.write("records/bad.json", "{}");
    folder.refuses("results --records records", &["records/bad.json", "zoo ship --record"]);

    let said = folder.run("results --check --threads 1");
    assert!(said.starts_with("nice-bars: ") && said.contains("the same"), "{said}");
    // A figure that is not that of the weights.
    let mut wrong = file;
    let mut changed = figures;
    changed["test"]["bits_per_dim"] = (changed["test"]["bits_per_dim"].as_f64().unwrap() - 0.002).into();
    wrong.metadata.insert("figures".to_owned(), changed.to_string());
    folder.write("shipped/nice-bars.safetensors", wrong.write());
    let (out, err) = texts(&folder.command("results --check --threads 1").output().unwrap());
    assert!(out.contains("ANOTHER") && err.contains("1 of 1 figures are not those in the files"), "{out}{err}");
    // A run's own file has none.
    folder.write("shipped/nice-bars.safetensors", folder.read("run/model.safetensors"));
    folder.refuses("results", &["shipped/nice-bars.safetensors has no figures", "zoo ship"]);
    let (out, err) = texts(&folder.command("list").output().unwrap());
    assert!(err.contains("warning: shipped/nice-bars.safetensors has no figures") && out.contains("gaussianization"));
}

#[test]
fn demo_and_lecture_draw_from_shipped_weights() {
    let folder = Folder::new();
    let train = "train nice --preset quick --threads 2 --batch 24 --steps 20";
    folder.run(&format!("{train} --out run"));
    // Figures of another model, since measuring this one takes long.
    image_folder(&folder, "bars", 4, false);
    folder.run(&format!("{train} --data bars --out small"));
    folder.write("records/.keep", "");
    folder.run("ship small --record --name small --out records --threads 1");
    let mut figures = folder.read_json("records/small.json")["figures"].clone();
    figures["sure"] = 0.5.into();
    let mut model = folder.safetensors("run/model.safetensors");
    model.metadata.insert("figures".to_owned(), figures.to_string());
    folder.write("shipped/nice.safetensors", model.write());
    let said = folder.run("demo --minutes 0.005 --out digits --threads 2");
    let first = said.lines().next().unwrap();
    assert!(first.starts_with("digits/shipped.png: 100 digits by the shipped nice in "), "{said}");
    assert_eq!(png_size(&folder.read("digits/shipped.png")), (582, 582));
    assert!(said.contains("digits/grid.png"), "{said}");

    // Nothing is trained, and no run appears.
    let output = folder.command("lecture --only nice --out page").output().unwrap();
    let (out, err) = texts(&output);
    assert!(output.status.success() && err.contains("nice-mnist: using nice"), "{out}{err}");
    assert!(!folder.exists("page/runs") && folder.exists("page/figures/nice.png"), "{out}{err}");
    let page = String::from_utf8(folder.read("page/lecture.html")).unwrap();
    assert!(page.contains("nice-mnist: ") && page.contains("published: 4.36"));
}
