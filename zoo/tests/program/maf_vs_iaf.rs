//! `zoo maf-vs-iaf`: everything requested is measured, printed and plotted. The times themselves are not tested.

use crate::folder::Folder;

/// Models that are measured in no time.
const SMALL: &str = "maf-vs-iaf --hidden 6 --rows 3 --threads 1";

#[test]
fn the_table_and_the_plot_have_all_times() {
    let folder = Folder::new();
    let said = folder.run(&format!("{SMALL} --dims 5,1,3,5 --layers 2 --naive-up-to 3"));
    let lines: Vec<&str> = said.lines().collect();
    let caption = "batches of 3 rows, 2 layers of 6 hidden units, 1 thread, f32";
    assert_eq!(lines[0], format!("Microseconds per row: {caption}"));
    let heads: Vec<&str> = lines[1].split("  ").map(str::trim).filter(|head| !head.is_empty()).collect();
    assert_eq!(
        heads,
        ["D", "MAF density", "MAF sample", "IAF sample", "IAF density", "by D passes", "MAF step", "IAF step"]
    );
    let table: Vec<Vec<&str>> = lines[2..5].iter().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(table.iter().map(|row| row[0]).collect::<Vec<_>>(), ["1", "3", "5"]);
    for row in &table {
        assert_eq!(row.len(), 8, "{said}");
        let times = row[1..].iter().filter(|cell| cell.parse::<f64>().is_ok_and(|time| time > 0.0)).count();
        assert_eq!((times, row[5] == "-"), if row[0] == "5" { (6, true) } else { (7, false) }, "{said}");
    }
    assert_eq!(lines[5..], ["maf-vs-iaf.svg: the same, plotted"]);
    let svg = String::from_utf8(folder.read("maf-vs-iaf.svg")).unwrap();
    for name in [
        "MAF density, one pass",
        "MAF sample, in order",
        "IAF sample, one pass",
        "IAF density, in order",
        "MAF sample by D passes",
        "MAF training step",
        "IAF training step",
        "dimensions D",
        "time per row (µs)",
        caption,
    ] {
        assert!(svg.contains(name), "{name}");
    }
    // One dot per time.
    assert_eq!(svg.matches("<circle").count(), 3 * 6 + 2);
}

#[test]
fn json_has_the_times() {
    let folder = Folder::new();
    let found = folder.json(&format!("{SMALL} --dims 2,4 --naive-up-to 0 --json --out here.svg"));
    for (key, value) in [("rows", 3), ("layers", 1), ("hidden", 6), ("threads", 1)] {
        assert_eq!(found[key], value, "{key}");
    }
    assert_eq!(found["unit"], "microseconds per row");
    assert_eq!(found["picture"], "here.svg");
    let times = found["times"].as_array().unwrap();
    assert_eq!(times.iter().map(|times| times["dims"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 4]);
    for times in times {
        for key in ["maf_density", "maf_sample", "iaf_sample", "iaf_density", "maf_step", "iaf_step"] {
            assert!(times[key].as_f64().unwrap() > 0.0, "{key}");
        }
        assert!(times["by_passes"].is_null());
    }
    // What was not measured is not in the legend.
    let svg = String::from_utf8(folder.read("here.svg")).unwrap();
    assert!(svg.contains("IAF sample, one pass") && !svg.contains("by D passes"));
}

#[test]
fn bad_options_are_refused_before_anything_is_measured() {
    let folder = Folder::new();
    folder.write("file", "a file is no folder");
    // Dimensions that would take minutes, if they were measured.
    let long = "maf-vs-iaf --dims 8192 --hidden 8192";
    folder.refuses(&format!("{long} --out t.png"), &["t.png", "must end in .svg"]);
    folder.refuses(&format!("{long} --out no/t.svg"), &["no/t.svg", "mkdir -p no"]);
    folder.refuses(&format!("{long} --out file/t.svg"), &["file/t.svg"]);
    for dims in ["0", "8193", "-1", "x", "2,,3", "2,0", "1.5", "", "99999999999999999999"] {
        let said = "is not a whole number between 1 and 8192";
        folder.misuses(&format!("maf-vs-iaf --dims={dims}"), &["--dims", said]);
    }
    for option in ["--hidden=0", "--hidden=8193", "--layers=0", "--layers=21", "--rows=0", "--rows=x", "--threads=0"] {
        folder.misuses(&format!("maf-vs-iaf {option}"), &[option.split('=').next().unwrap()]);
    }
    folder.misuses("maf-vs-iaf --naive-up-to=-1", &["--naive-up-to"]);
}
