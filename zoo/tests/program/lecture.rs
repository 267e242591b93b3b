//! `zoo lecture`: what it makes, what it does not make again, and how it continues after an interruption.

use crate::folder::{Folder, texts};
use std::time::SystemTime;

/// The chapter that trains one model.
const NICE: &str = "lecture --only nice --out lec";

fn page(folder: &Folder) -> String {
    String::from_utf8(folder.read("lec/lecture.html")).unwrap()
}

fn changed(folder: &Folder, name: &str) -> SystemTime {
    std::fs::metadata(folder.path(name)).unwrap().modified().unwrap()
}

#[test]
fn existing_results_are_not_made_again() {
    let folder = Folder::new();
    let line = "lecture --only change-of-variables --out lec";
    let said = folder.run(line);
    assert!(said.starts_with("lec/lecture.html: 1 chapter, 1 step;"), "{said}");
    let html = page(&folder);
    assert!(html.contains("id=\"change-of-variables\"") && !html.contains("id=\"nice\""));
    assert_eq!(html.matches("src=\"data:image/svg+xml;base64,").count(), 2);
    assert!(html.contains("area |2·1.5 - 0.5·0.7| = 2.6500"), "the output of the command is missing");

    let figure = "lec/figures/change-of-variables.svg";
    let before = changed(&folder, figure);
    let output = folder.command(line).output().unwrap();
    assert_eq!((output.status.code(), texts(&output).1), (Some(0), String::new()));
    assert_eq!(changed(&folder, figure), before);
    std::fs::remove_file(folder.path(figure)).unwrap();
    folder.run(line);
    assert!(changed(&folder, figure) > before);
    assert_eq!(page(&folder), html);
}

#[test]
fn an_interrupted_training_continues_and_is_used_by_another_lecture() {
    const STEPS: u64 = 120;
    let folder = Folder::new();
    let line = format!("{NICE} --steps {STEPS}");
    let run = format!("lec/runs/steps-{STEPS}/nice-mnist");
    let mut running = folder.begin(&line);
    folder.wait_for(&mut running, &run, 50, false);
    let (status, said) = running.signal("INT");
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(said.contains("run the same command again to continue"), "{said}");
    assert!(page(&folder).contains("This is not made yet"));
    let stopped = folder.logged(&run);
    assert!(stopped < STEPS, "nothing was stopped");

    folder.run(&line);
    assert_eq!(folder.safetensors(&format!("{run}/training.safetensors")).metadata["step"], STEPS.to_string());
    let steps: Vec<u64> = folder.log(&run).iter().filter_map(|line| line["step"].as_u64()).collect();
    assert!(steps.contains(&50) && steps.contains(&100), "it began anew: {steps:?}");
    let html = page(&folder);
    assert!(!html.contains("not made yet") && html.contains("bits/dim on 10000 test rows (published: 4.36)"));
    assert_eq!(html.matches("src=\"data:").count(), 2, "samples and the comparison");

    // A run under another name is used as well.
    std::fs::rename(folder.path(&run), folder.path(&format!("{run}-of-mine"))).unwrap();
    folder.run(&format!("lecture --only nice --out other --from lec/runs/steps-{STEPS} --steps 3"));
    assert!(!folder.exists("other/runs"), "it was trained although a run exists");
    let other = String::from_utf8(folder.read("other/lecture.html")).unwrap();
    assert!(other.contains("nice-mnist-of-mine --temperature 0.8"));
}

#[test]
fn a_failed_step_does_not_stop_the_others() {
    let folder = Folder::new();
    // A lecture's folder, with a folder where a picture should be.
    folder.write("lec/lecture.json", "{}");
    folder.write("lec/figures/parallelogram.svg/file", "");
    let output = folder.command("lecture --only change-of-variables,nice --steps 2 --out lec").output().unwrap();
    let err = texts(&output).1;
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("parallelogram.svg is a folder, not a file"), "{err}");
    let last = err.lines().last().unwrap();
    assert!(last.starts_with("zoo: lec/lecture.html lacks the results of 1 of 4 steps"), "{err}");
    let html = page(&folder);
    assert!(html.contains("This could not be made: ") && html.contains("alt=\"A grid of handwritten digits"));
}

#[test]
fn impossible_requests_are_refused() {
    let folder = Folder::new();
    folder.write("file", "a file, not a folder");
    folder.refuses("lecture --from nowhere", &["there is no folder nowhere", "leave it out"]);
    folder.refuses("lecture --out file/lecture", &["cannot make the folder", "choose another --out"]);
    folder.misuses("lecture --only glow", &["glow"]);
    folder.write("lec/figures/x", "");
    folder.write("lec/lecture.json", "{\"half\":");
    folder.refuses(NICE, &["lecture.json is damaged", "remove it"]);
}
