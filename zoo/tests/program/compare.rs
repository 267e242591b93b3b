//! `zoo compare`: every value is in the table, the JSON and the plot, and a bad run does not stop the others. Timings are
//! not tested.

use crate::folder::{Folder, TRAIN, texts};
use crate::made::{csv, image_folder, labeled_folder, rows};
use serde_json::Value;

/// A folder with two models of one table, and one of another.
fn trained() -> Folder {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(300, 3), 3));
    for (run, steps) in [("short", 10), ("long", 60)] {
        folder.run(&format!("{TRAIN} --data table.csv --steps {steps} --out {run}"));
    }
    folder.run(&format!("{TRAIN} --data two-moons --steps 20 --out moons"));
    folder
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

fn svg(folder: &Folder, name: &str) -> String {
    String::from_utf8(folder.read(name)).unwrap()
}

#[test]
fn values_agree_with_evaluate_list_and_the_log() {
    let folder = trained();
    let all = folder.json("compare short moons long --limit 25 --threads 1 --json --out here.svg");
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["short", "moons", "long"]);
    for one in all.as_array().unwrap() {
        let run = one["name"].as_str().unwrap();
        let evaluated = folder.json(&format!("evaluate {run} --limit 25 --threads 1 --json"));
        assert_eq!((&one["model"], &one["data"], &one["unit"]), (&"nice".into(), &evaluated["data"], &"nats".into()));
        assert_eq!((&one["run"], &one["score"]["n"]), (&run.into(), &25.into()));
        assert_eq!(number(&one["loss"]), -number(&evaluated["nats"]), "{run}");
        assert_eq!(one["loss_error"], evaluated["nats_error"]);
        assert_eq!(one["steps"], evaluated["step"]);
        let listed = folder.run(&format!("list --params {run}"));
        assert_eq!(listed.lines().last().unwrap(), format!("{} trained parameters", one["parameters"]));
        let log = folder.log(run);
        let line = log.iter().rfind(|line| line["step"] == one["steps"]).unwrap();
        assert_eq!((&one["training"]["step"], &one["training"]["seconds"]), (&line["step"], &line["seconds"]));
        assert_eq!((&one["batch"], &one["round_trip_rows"]), (&100.into(), &25.into()));
        let (greatest, rms) = (number(&one["round_trip"]["max_abs"]), number(&one["round_trip"]["rms"]));
        assert!(0.0 < rms && rms < greatest && greatest < 1e-4, "{one}");
        assert!(number(&one["sample_ms"]) > 0.0 && number(&one["density_ms"]) > 0.0);
        assert_eq!(one["notes"], serde_json::json!([]));
    }
    assert!(svg(&folder, "here.svg").contains("short"));
}

#[test]
fn there_is_a_table_and_a_row_of_panels_for_each_data_set() {
    let folder = trained();
    let said = folder.run("compare short moons long --threads 1");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("table.csv: rows of 3 numbers, 30 test rows") && lines[1].contains("−log p"),
        "{said}"
    );
    for (line, run) in [(3, "short"), (4, "long"), (9, "moons")] {
        let cells: Vec<&str> = lines[line].split_whitespace().collect();
        assert_eq!(&cells[..2], &[run, "nice"], "{said}");
        assert_eq!((cells[3], cells.len()), ("±", 12), "{said}");
    }
    assert!(lines[6].starts_with("two-moons: rows of 2 numbers, 10000 test rows"), "{said}");
    // Columns are right-aligned.
    let ends = |line: &str| line.chars().count();
    assert_eq!(ends(lines[3]), ends(lines[4]));
    assert!(lines.iter().take(10).all(|line| line.chars().count() <= 120));
    let picture = svg(&folder, "compare.svg");
    for measure in
        ["−log p, nats ± s.e.", "parameters", "training, minutes", "time per sample, ms", "time per density, ms"]
    {
        assert_eq!(picture.matches(&format!(">{measure}<")).count(), 2, "{measure}");
    }
    // Six panels with a disc for each run, and one of them also with a ring.
    assert_eq!(picture.matches("<circle").count(), 3 * 7);
    for number in [4, 9].map(|line: usize| lines[line].split_whitespace().nth(2).unwrap()) {
        let shorter = &number[..number.len() - 2];
        assert!(picture.contains(shorter), "{shorter} is not in the picture");
    }
}

#[test]
fn images_are_measured_in_bits_and_conditional_models_are_noted() {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", 4);
    folder.run(&format!("{TRAIN} --data bars --conditional --steps 10 --out given"));
    folder.run(&format!("{TRAIN} --data bars --steps 10 --out plain"));
    folder.run("train rbig --preset quick --data bars --layers 2 --threads 1 --out fitted");
    let all = folder.json("compare given plain fitted --threads 1 --seed 4 --json");
    for (one, run) in all.as_array().unwrap().iter().zip(["given", "plain", "fitted"]) {
        let bits = &folder.json(&format!("evaluate {run} --threads 1 --seed 4 --json"))["bits_per_dim"];
        assert_eq!((&one["unit"], &one["loss"], &one["score"]["bits_per_dim"]), (&"bits/dim".into(), bits, bits));
        assert!(number(&one["round_trip"]["max_abs"]) < 1e-3);
    }
    let said = folder.run("compare given plain fitted --threads 1");
    assert!(said.contains("given: its density is that of each row given the class"), "{said}");
    assert!(!said.contains("plain: ") && said.contains("fitted: its parameters are fitted"), "{said}");
    assert!(number(&all[2]["parameters"]) > 0.0, "{all}");
}

#[test]
fn students_are_compared_with_their_teachers() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(300, 3), 3));
    folder.run("train maf --preset quick --layers 2 --data table.csv --batch 50 --steps 60 --threads 1 --out teacher");
    let said = folder.run("distill teacher --preset quick --batch 40 --steps 40 --threads 1 --out student");
    assert!(said.contains("KL(student ‖ teacher), nats"), "{said}");
    let judged = number(&folder.read_json("student/comparison.json")["reverse"]["nats"]);
    let all = folder.json("compare teacher student --threads 1 --seed 3 --json");
    assert!(all[0]["divergence"].is_null());
    let (found, error) = (number(&all[1]["divergence"]["nats"]), number(&all[1]["divergence"]["nats_error"]));
    // From other samples than in training.
    assert!((found - judged).abs() < 6.0 * error + 0.01, "{found} ± {error}, {judged}");
    assert!(
        all[1]["notes"][0].as_str().unwrap().starts_with("a student; from its teacher, KL(student ‖ teacher) = "),
        "{all}"
    );
}

#[test]
fn a_bad_run_does_not_stop_the_others() {
    let folder = trained();
    image_folder(&folder, "bars", 4, false);
    folder.run(&format!("{TRAIN} --data bars --steps 3 --out orphan"));
    std::fs::remove_dir_all(folder.path("bars")).unwrap();
    let cut = folder.read("moons/model.safetensors");
    folder.write("moons/model.safetensors", &cut[..cut.len() / 2]);
    let output = folder.command("compare orphan short moons --threads 1 --json").output().unwrap();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["name"]), (1, &"short".into()));
    let lost: Vec<&str> = err.lines().filter(|line| line.starts_with("zoo: ")).collect();
    assert!(lost[0].starts_with("zoo: orphan is left out: ") && lost[0].contains("bars"), "{err}");
    assert!(lost[1].starts_with("zoo: moons is left out: ") && lost[1].contains("safetensors"), "{err}");
    assert_eq!(lost.len(), 2, "{err}");
    assert!(folder.exists("compare.svg"));

    std::fs::remove_file(folder.path("compare.svg")).unwrap();
    let output = folder.command("compare orphan --threads 1").output().unwrap();
    assert_eq!((output.status.code(), texts(&output).0), (Some(1), String::new()));
    assert!(!folder.exists("compare.svg"));
}

#[test]
fn a_log_that_ends_before_the_weights_is_noted() {
    let folder = trained();
    let log = String::from_utf8(folder.read("long/log.jsonl")).unwrap();
    let first = log.lines().next().unwrap();
    assert!(first.contains("\"step\":10,"), "{first}");
    folder.write("long/log.jsonl", first);
    folder.copy("short", "quiet");
    std::fs::remove_file(folder.path("quiet/log.jsonl")).unwrap();
    folder.write("alone.safetensors", folder.read("short/model.safetensors"));
    let all = folder.json("compare long quiet alone.safetensors --threads 1 --json");
    assert_eq!((&all[0]["training"]["step"], &all[0]["steps"]), (&10.into(), &60.into()));
    assert!(all[1]["training"].is_null() && all[2]["training"].is_null());
    assert_eq!(all[2]["name"], "alone");
    let said = folder.run("compare long quiet alone.safetensors --threads 1");
    assert!(said.contains("long: its log has no line of step 60: the time of training is that of step 10"), "{said}");
    let cells = |line: usize| said.lines().nth(line).unwrap().split_whitespace().nth(6).unwrap().to_owned();
    assert!(cells(3).ends_with('*') && cells(4) == "—" && cells(5) == "—", "{said}");
}

#[test]
fn bad_arguments_are_refused_before_anything_is_measured() {
    let folder = trained();
    folder.write("empty/log.jsonl", "");
    folder.refuses("compare short nowhere", &["there is no run nowhere"]);
    folder.refuses("compare short empty", &["empty holds no model.safetensors", "train there first"]);
    for again in ["short", "./short/", "short/model.safetensors", "long/../short"] {
        folder.refuses(&format!("compare short long {again}"), &["short and", "are the same run", "name it once"]);
    }
    folder.refuses("compare short --out c.png", &["c.png", "must end in .svg"]);
    folder.refuses("compare short --out no/c.svg", &["no/c.svg", "mkdir -p no"]);
    folder.misuses("compare", &["<RUN>... is missing"]);
    folder.misuses("compare short --limit 0", &["--limit"]);
}
