//! Distillation: its quality, interruptions, and what is refused.

use crate::folder::Folder;
use crate::formats::png_size;
use crate::made::{csv, labeled_folder, rows};

/// A folder with a trained MAF of three columns.
fn taught() -> Folder {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(300, 3), 3));
    folder.run("train maf --preset quick --layers 2 --data table.csv --batch 50 --steps 300 --threads 1 --out teacher");
    folder
}

/// The command that distills it.
fn distill(steps: u64, out: &str) -> String {
    format!("distill teacher --preset quick --batch 40 --steps {steps} --threads 1 --out {out}")
}

/// The divergences in the log of a run, in order.
fn divergences(folder: &Folder, run: &str) -> Vec<f64> {
    folder.log(run).iter().filter_map(|line| line["validation"].as_f64()).collect()
}

#[test]
fn a_student_approaches_its_teacher_and_samples_in_one_pass() {
    let folder = taught();
    let said = folder.run(&distill(1500, "student"));
    let parts = ["KL(teacher ‖ student) = ", "time per sample by D = 3 passes", "teacher, maf", "student, iaf"];
    for part in parts {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    // The table's numbers, as JSON.
    let found = folder.read_json("student/comparison.json");
    for of in ["forward", "reverse"] {
        let nats = found[of]["nats"].as_f64().unwrap();
        assert!((-0.05..0.2).contains(&nats), "{of}: {nats}");
    }
    for side in ["teacher", "student"] {
        assert_eq!(found[side]["test"]["n"], 30, "{found}");
        assert!(found[side]["sample_seconds"].as_f64().unwrap() > 0.0, "{found}");
    }
    let found = divergences(&folder, "student");
    let (first, last) = (found[0], found[found.len() - 1]);
    assert!(last < 0.7 * first && last < 0.2, "{found:?}");
    // The student is a model of the teacher's data, in the data's units.
    let score = |run: &str| folder.json(&format!("evaluate {run} --threads 1 --json"))["nats"].as_f64().unwrap();
    assert!((score("student") - score("teacher")).abs() < 1.0, "{} {}", score("student"), score("teacher"));
    let check = folder.json("check student --samples 5 --jacobians 1 --threads 1 --json");
    assert_eq!((&check["model"], &check["sound"]), (&"iaf".into(), &true.into()));
}

#[test]
fn a_killed_distillation_resumes_to_the_same_bits() {
    const STEPS: u64 = 1200;
    let folder = taught();
    folder.run(&distill(STEPS, "whole"));
    let mut running = folder.begin(&format!("{} --save-every 1e-9", distill(STEPS, "cut")));
    folder.wait_for(&mut running, "cut", 550, true);
    assert_eq!(running.kill().code(), None, "it ended before it could be killed");
    // Resuming does not need the data.
    std::fs::remove_file(folder.path("table.csv")).unwrap();
    let said = folder.run("distill teacher --resume --threads 1 --out cut");
    assert!(said.contains("trained 1200 steps") && !said.contains("test rows"), "{said}");
    assert_eq!(divergences(&folder, "whole"), divergences(&folder, "cut"));
    for name in ["model.safetensors", "training.safetensors", "teacher.safetensors"] {
        let [whole, cut] = ["whole", "cut"].map(|run| folder.safetensors(&format!("{run}/{name}")));
        assert_eq!(whole.shapes(), cut.shapes());
        for (tensor, stored) in &whole.tensors {
            assert!(cut.tensors[tensor] == *stored, "{name}: {tensor} differs");
        }
    }
    assert_eq!(folder.leftovers(), Vec::<String>::new());
}

#[test]
fn a_student_can_start_from_an_iaf_that_was_trained_on_data() {
    let folder = taught();
    let train = "train iaf --preset quick --data table.csv --batch 50 --steps 300 --threads 1";
    folder.run(&format!("{train} --layers 2 --out first"));
    let last = |out: &str| *divergences(&folder, out).last().unwrap();
    folder.run(&format!("{} --lr 1e-6 --half", distill(10, "carried-on --from first")));
    folder.run(&format!("{} --lr 1e-6", distill(10, "fresh")));
    assert!(last("carried-on") < 0.5 * last("fresh"), "{} {}", last("carried-on"), last("fresh"));
    folder.run(&format!("{train} --layers 3 --out other"));
    for weights in ["other", "teacher"] {
        let said = ["has weights of another model or of other sizes than this student"];
        folder.refuses(&distill(10, &format!("none --from {weights}")), &said);
    }
}

#[test]
fn each_loss_brings_a_student_nearer() {
    let folder = taught();
    for losses in ["forward", "with-data", "jeffreys", "guided=1,forward=1"] {
        let out = losses.replace(['=', ','], "-");
        folder.run(&format!("{} --losses {losses}", distill(1000, &out)));
        let found = folder.read_json(&format!("{out}/comparison.json"));
        for of in ["forward", "reverse"] {
            let nats = found[of]["nats"].as_f64().unwrap();
            assert!((-0.05..0.4).contains(&nats), "{losses}, {of}: {nats}");
        }
    }
}

#[test]
fn images_and_their_classes_are_distilled_and_drawn_side_by_side() {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", 4);
    folder.run("train maf --layers 2 --data bars --conditional --batch 20 --steps 40 --threads 1 --out teacher");
    let said = folder.run("distill teacher --steps 10 --batch 20 --threads 1 --out student");
    assert!(said.contains("compare-student.png") && said.contains("given the class"), "{said}");
    let (width, height) = png_size(&folder.read("student/compare-student.png"));
    assert!(width > 2 * height - 80, "{width} x {height}");
    folder.run("sample student --class 1 --grid 2x2 --threads 1");
}

#[test]
fn what_cannot_be_distilled_is_refused() {
    let folder = taught();
    folder.refuses("distill nowhere", &["there is no run nowhere"]);
    folder.refuses("distill teacher --student nice --out s", &["\"nice\" is no student of maf", "--student iaf"]);
    folder.refuses("distill teacher --batch 0 --out s", &["a batch of 0", "--batch"]);
    folder.refuses("distill teacher --resume --out teacher", &["teacher holds no distillation", "zoo train"]);
    folder.run("train nice --preset quick --data table.csv --batch 50 --steps 2 --threads 1 --out nice");
    folder.refuses("distill nice --out s", &["nice cannot be a teacher", "made, maf and wavenet"]);
    folder.run(&distill(2, "s"));
    folder.refuses(&distill(2, "s"), &["s already holds a run", "--resume"]);
    folder.refuses("train iaf --resume --out s", &["s holds a distillation", "zoo distill"]);
    folder.refuses("distill s --resume --out s", &["iaf cannot be a teacher"]);
    folder.run("train maf --preset quick --layers 2 --data table.csv --batch 50 --steps 2 --threads 1 --out other");
    folder.refuses("distill other --resume --out s", &["s was started with another teacher: give that"]);
    folder.refuses("distill teacher --resume --layers 3 --out s", &["keeps its --layers"]);
    folder.refuses("distill teacher --resume --losses guided --out s", &["keeps its --losses"]);
    folder.misuses(
        "distill teacher --losses sideways --out t",
        &["sideways", "guided, forward, with-data, reverse and jeffreys"],
    );
    folder.misuses("distill teacher --losses forward=0 --out t", &["\"0\" is not a number above 0"]);
    std::fs::rename(folder.path("table.csv"), folder.path("gone.csv")).unwrap();
    folder.refuses("distill teacher --losses with-data --out u", &["table.csv", "choose --losses forward"]);
    let cut = folder.read("s/teacher.safetensors");
    folder.write("s/teacher.safetensors", &cut[..cut.len() / 2]);
    folder.refuses("distill teacher --resume --out s", &["s/teacher.safetensors is not this teacher", "move it away"]);
}
