//! A folder holds one run: its files belong together, and no other program writes to it.

use crate::folder::{Folder, TRAIN, texts};
use crate::made::{csv, rows};
use std::fs::{self, File};
use std::time::{Duration, Instant};

#[test]
fn a_folder_is_locked_before_anything_is_looked_at() {
    let folder = Folder::trained_on("two-moons");
    folder.run("train maf --preset quick --layers 1 --data two-moons --steps 1 --threads 1 --out maf");
    let lock = File::open(folder.path("run")).unwrap();
    lock.lock().unwrap();
    for line in [
        &format!("{TRAIN} --data nowhere.csv --out run"),
        "train nice --resume --out run",
        "train rbig --data nowhere.csv --out run",
        "gaussianize nowhere.csv --out run",
        "distill maf --resume --out run",
        "demo --out run",
        "lecture --out run",
    ] {
        folder.refuses(line, &["another zoo is running in run", "wait for it"]);
    }
    drop(lock);
    folder.run("train nice --resume --steps 60 --out run");
}

#[test]
fn a_demonstrations_folder_becomes_the_users_own() {
    let folder = Folder::new();
    fs::create_dir(folder.path("demo")).unwrap();
    folder.write("demo/.demo", "");
    folder.run(&format!("{TRAIN} --data two-moons --steps 2 --out demo"));
    folder.refuses("demo --minutes 0.001", &["demo holds a run that is not a demonstration"]);
    folder.write("demo/.demo", "");
    folder.run("train nice --resume --steps 3 --out demo");
    assert!(!folder.exists("demo/.demo"));
}

#[test]
fn a_lecture_does_not_touch_figures_of_others() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("paper/figures/gaussianized")).unwrap();
    folder.write("paper/figures/gaussianized/notes.txt", "mine");
    let line = "lecture --only gaussianization --steps 1 --out paper";
    folder.refuses(line, &["paper/figures is not of this program", "move it away"]);
    assert!(folder.exists("paper/figures/gaussianized/notes.txt"));
}

#[test]
fn a_run_that_is_still_reading_its_data_keeps_others_out() {
    let folder = Folder::new();
    folder.write("large.csv", csv(&rows(300_000, 3), 3));
    let running = folder.begin("train rbig --data large.csv --layers 2 --threads 1 --out run");
    let late = Instant::now() + Duration::from_secs(60);
    while !folder.exists("run") {
        assert!(Instant::now() < late, "no folder");
        std::thread::sleep(Duration::from_millis(1));
    }
    let (_, err) = texts(&folder.command(&format!("{TRAIN} --data two-moons --steps 1 --out run")).output().unwrap());
    assert!(err.starts_with("zoo: another zoo is running in run"), "{err}");
    assert!(!folder.exists("run/model.safetensors"));
    drop(running);
}

#[test]
fn a_model_of_another_run_is_never_replaced() {
    let folder = Folder::trained_on("two-moons");
    folder.run(&format!("{TRAIN} --data two-moons --steps 30 --lr 1e-4 --out other"));
    folder.run("train maf --preset quick --layers 1 --data two-moons --steps 1 --threads 1 --out maf");
    let (own, resume) = (folder.read("run/model.safetensors"), "train nice --out run --resume --steps 60");
    let parts = ["run/model.safetensors is not a model of this run", "move it away"];
    for other in ["other/model.safetensors", "maf/model.safetensors", "maf/training.safetensors", "run/curve.svg"] {
        folder.write("run/model.safetensors", folder.read(other));
        folder.refuses(resume, &parts);
    }
    folder.write("run/model.safetensors", "mine");
    folder.refuses(resume, &parts);
    fs::remove_file(folder.path("run/model.safetensors")).unwrap();
    folder.run(resume);
    // An earlier model of the same run is brought up to date, even if it is cut off.
    let whole = folder.read("run/model.safetensors");
    for earlier in [&own[..], &own[..own.len() - 1]] {
        folder.write("run/model.safetensors", earlier);
        folder.run("train nice --out run --resume");
        assert!(folder.read("run/model.safetensors") == whole);
    }
}

/// A run as the first version of the program wrote it.
fn age(folder: &Folder, run: &str) {
    for name in ["model", "training"] {
        let name = format!("{run}/{name}.safetensors");
        let mut file = folder.safetensors(&name);
        file.metadata.remove("run").unwrap();
        file.tensors.retain(|name, _| !name.starts_with("best."));
        if let Some(training) = file.metadata.get_mut("training") {
            let mut json: serde_json::Value = serde_json::from_str(training).unwrap();
            for key in ["threads", "run", "teacher"] {
                json.as_object_mut().unwrap().remove(key).unwrap();
            }
            *training = json.to_string();
        }
        folder.write(&name, file.write());
    }
}

#[test]
fn a_state_without_the_best_weights_takes_them_from_the_model() {
    let folder = Folder::trained_on("two-moons");
    for run in ["old", "lost"] {
        folder.copy("run", run);
        age(&folder, run);
    }
    // Trained on, from its last step.
    let resume = "train nice --resume --threads 1 --steps 31";
    folder.run(&format!("{resume} --out run"));
    folder.run(&format!("{resume} --out old"));
    for name in ["model", "training"] {
        let [run, old] = ["run", "old"].map(|run| folder.safetensors(&format!("{run}/{name}.safetensors")).tensors);
        assert!(run == old, "{name}");
    }
    fs::remove_file(folder.path("lost/model.safetensors")).unwrap();
    let err = texts(&folder.command(&format!("{resume} --out lost")).output().unwrap()).1;
    assert!(err.contains("lost no longer has its best weights, of step 30"), "{err}");
    folder.run("evaluate lost --limit 10 --threads 1");
}

#[test]
fn a_teacher_of_another_student_is_refused_and_a_missing_one_is_written_again() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(60, 2), 2));
    let teach = "train maf --preset quick --layers 1 --data table.csv --batch 24 --threads 1 --steps 5";
    folder.run(&format!("{teach} --out teacher"));
    // The same in all but its weights.
    folder.run(&format!("{teach} --lr 1e-4 --out twin"));
    let distill = "distill teacher --preset quick --batch 10 --steps 2 --threads 1 --out student";
    folder.write("student/teacher.safetensors", folder.read("twin/model.safetensors"));
    folder.refuses(distill, &["student/teacher.safetensors is not this teacher", "move it away"]);
    fs::remove_file(folder.path("student/teacher.safetensors")).unwrap();
    folder.run(distill);
    let resume = "distill teacher --resume --out student";
    let copy = folder.safetensors("student/teacher.safetensors");
    folder.refuses("distill twin --resume --out student", &["student was started with another teacher"]);
    folder.write("student/teacher.safetensors", folder.read("twin/model.safetensors"));
    folder.refuses(resume, &["student/teacher.safetensors is not this teacher", "move it away"]);
    fs::remove_file(folder.path("student/teacher.safetensors")).unwrap();
    folder.run(resume);
    assert!(folder.safetensors("student/teacher.safetensors") == copy);
}

#[test]
fn threads_are_remembered() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(200, 3), 3));
    folder.run("train nice --preset quick --batch 24 --data table.csv --threads 3 --steps 20 --out run");
    let resumed = |out: &str, more: &str| {
        folder.copy("run", out);
        let line = format!("train nice --resume --steps 40 --out {out} {more}");
        let err = texts(&folder.command(&line).output().unwrap()).1;
        (err, folder.safetensors(&format!("{out}/training.safetensors")).tensors)
    };
    let (err, without) = resumed("without", "");
    assert!(err.contains("at step 20 for 40 steps, 24 rows a step, 3 threads, into without"), "{err}");
    let (err, with) = resumed("with", "--threads 3");
    assert!(with == without && !err.contains("will not be"), "{err}");
    let (err, other) = resumed("other", "--threads 1");
    assert!(other != with, "this test needs numbers that depend on the threads");
    assert!(err.contains("started with --threads 3: with 1 its numbers will not be those"), "{err}");
}

#[test]
fn equal_commands_write_equal_bytes() {
    let folder = Folder::new();
    for run in ["run", "twin"] {
        folder.run(&format!("{TRAIN} --data two-moons --steps 60 --out {run}"));
        folder.run(&format!("train rbig --data two-moons --batch 500 --layers 2 --threads 1 --out {run}-rbig"));
    }
    for name in ["model.safetensors", "curve.svg", "grids/epoch-0001.png"] {
        assert!(folder.read(&format!("run/{name}")) == folder.read(&format!("twin/{name}")), "{name}");
    }
    assert!(folder.read("run-rbig/model.safetensors") == folder.read("twin-rbig/model.safetensors"));
    // But for the seconds, so is the state.
    let state = |run: &str| {
        let mut state = folder.safetensors(&format!("{run}/training.safetensors"));
        let mut training: serde_json::Value = serde_json::from_str(&state.metadata["training"]).unwrap();
        training.as_object_mut().unwrap().remove("seconds").unwrap();
        state.metadata.insert("training".to_owned(), training.to_string());
        state
    };
    assert!(state("run") == state("twin"));
}

#[test]
fn a_refused_run_leaves_no_folder() {
    let folder = Folder::new();
    folder.write("bad.csv", "a,b\n1,x\n");
    fs::create_dir_all(folder.path("there")).unwrap();
    for out in ["a/b/c", "there"] {
        folder.refuses(&format!("{TRAIN} --data bad.csv --out {out}"), &["bad.csv"]);
        folder.refuses(&format!("train rbig --data bad.csv --out {out}"), &["bad.csv"]);
        folder.refuses(&format!("train nice --resume --out {out}"), &["no training to resume"]);
    }
}

#[test]
fn unknown_settings_are_refused_at_every_depth() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(60, 2), 2));
    let mut runs = vec!["rbig --layers 2".to_owned()];
    for model in ["nice", "real-nvp", "made", "maf", "iaf", "gaussianization", "mint-net", "vae"] {
        runs.push(format!("{model} --batch 24 --steps 1"));
    }
    for run in runs {
        folder.run(&format!("train {run} --preset quick --data table.csv --threads 1 --out run"));
        refuses_keys(&folder, "model.safetensors", "config", "list --params run/model.safetensors");
        if folder.exists("run/training.safetensors") {
            let model = run.split_once(' ').unwrap().0;
            refuses_keys(&folder, "training.safetensors", "training", &format!("train {model} --resume --out run"));
        }
        fs::remove_dir_all(folder.path("run")).unwrap();
    }
}

/// Adds a key to every object of some JSON in a file's metadata, one after the other. The command must refuse it.
fn refuses_keys(folder: &Folder, name: &str, entry: &str, line: &str) {
    let name = format!("run/{name}");
    let whole = folder.safetensors(&name);
    let json: serde_json::Value = serde_json::from_str(&whole.metadata[entry]).unwrap();
    let mut places = Vec::new();
    objects(&json, String::new(), &mut places);
    assert!(places.len() > 1, "{json}");
    for place in places {
        let mut changed = json.clone();
        changed.pointer_mut(&place).unwrap().as_object_mut().unwrap().insert("typo".to_owned(), 1.into());
        let mut file = whole.clone();
        file.metadata.insert(entry.to_owned(), changed.to_string());
        folder.write(&name, file.write());
        folder.refuses(line, &[&name]);
    }
    folder.write(&name, whole.write());
    folder.run(line);
}

/// The places of all objects, as JSON pointers.
fn objects(json: &serde_json::Value, place: String, places: &mut Vec<String>) {
    if let Some(entries) = json.as_object() {
        entries.iter().for_each(|(key, value)| objects(value, format!("{place}/{key}"), places));
        places.push(place);
    } else if let Some(entries) = json.as_array() {
        entries.iter().enumerate().for_each(|(i, value)| objects(value, format!("{place}/{i}"), places));
    }
}
