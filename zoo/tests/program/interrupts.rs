//! Interrupts at every moment of a command. They are planned, in this process: the program would only get them at
//! moments that nobody can choose.

use crate::folder::Folder;
use crate::interrupted::assert_same;
use crate::made::{csv, rows};
use clap::Parser as _;
use zoo::commands::{self, Cli, Output};
use zoo::runs::interrupt;

/// Runs a command. Words that begin with a colon are paths in the folder.
fn run(folder: &Folder, line: &str) -> String {
    let words = line.split_whitespace().map(|word| match word.strip_prefix(':') {
        Some(name) => folder.path(name).to_str().unwrap().to_owned(),
        None => word.to_owned(),
    });
    let mut out = Vec::new();
    let cli = Cli::try_parse_from(std::iter::once("zoo".to_owned()).chain(words)).unwrap();
    let code = commands::run(cli, &mut Output::new(&mut out)).unwrap_or_else(|why| panic!("zoo {line}: {why:#}"));
    let success = format!("{code:?}") == format!("{:?}", std::process::ExitCode::SUCCESS);
    assert_eq!(success, !interrupt::requested(), "zoo {line}: {code:?}");
    String::from_utf8(out).unwrap()
}

/// How many moments a command can be interrupted at.
fn moments(folder: &Folder, line: &str) -> u64 {
    interrupt::plan(None);
    let before = interrupt::checks();
    run(folder, line);
    interrupt::checks() - before
}

/// Runs a command that is interrupted at one of its moments. It may ask once more, and then gives up.
fn cut(folder: &Folder, line: &str, moment: u64) -> String {
    let planned = interrupt::checks() + moment;
    interrupt::plan(Some(planned));
    let said = run(folder, line);
    let asked = interrupt::checks();
    assert!(interrupt::requested() && asked <= planned + 1, "zoo {line}: went on to {asked} after {planned}");
    interrupt::plan(None);
    said
}

/// One test, since all share the plan.
#[test]
fn an_interrupt_at_any_moment_loses_nothing() {
    let folder = Folder::new();
    folder.write("t.csv", csv(&rows(600, 2), 2));
    trainings(&folder);
    fits(&folder);
    let said = moments(&folder, "evaluate :whole --threads 1");
    assert!(said > 0);
    for line in ["evaluate :whole --threads 1", "sample :whole --grid 30x30 --threads 1 --out :s.png"] {
        for moment in 1..=moments(&folder, line) {
            assert_eq!(cut(&folder, line, moment), "", "{line}");
        }
    }
}

fn trainings(folder: &Folder) {
    // With statistics of batches to collect, 480 / 120 steps an epoch, and pictures.
    let train = "train real-nvp --preset paper --layers 2 --data :t.csv --batch 120 --steps 10 --threads 1 --out";
    let line = format!("{train} :whole");
    let all = moments(folder, &line);
    // Ten steps; three epochs of four batches of statistics, a batch of validation rows, and one of samples.
    assert_eq!(all, 10 + 3 * (4 + 1 + 1));
    for moment in 1..=all {
        let name = format!("cut-{moment}");
        let said = cut(folder, &format!("{train} :{name}"), moment);
        assert!(said.contains("stopped at step") && said.contains("continue with --resume"), "{said}");
        // Once more, a little later.
        if moment + 4 < all {
            cut(folder, &format!("train real-nvp --threads 1 --resume --out :{name}"), 3);
        }
        run(folder, &format!("train real-nvp --threads 1 --resume --out :{name}"));
        assert_same(folder, &name);
        for picture in ["1", "2", "3"] {
            let [whole, cut] =
                ["whole", &name].map(|run| folder.exists(&format!("{run}/grids/epoch-000{picture}.png")));
            assert_eq!(whole, cut, "{name}: the picture of epoch {picture}");
        }
    }
}

fn fits(folder: &Folder) {
    let train = "train rbig --data :t.csv --rotation ica --layers 3 --threads 1 --out";
    let all = moments(folder, &format!("{train} :fit"));
    let whole = folder.safetensors("fit/model.safetensors");
    // Most are iterations of a search for axes, which are alike.
    for moment in (1..all).step_by(9).chain(all.saturating_sub(4)..=all) {
        let name = format!("fit-{moment}");
        let said = cut(folder, &format!("{train} :{name}"), moment);
        let [state, model] = ["training", "model"].map(|file| folder.exists(&format!("{name}/{file}.safetensors")));
        assert_eq!(state, said.contains("(interrupted)"), "{moment}: {said}");
        match (state, model) {
            (true, _) => drop(run(folder, &format!("train rbig --resume --threads 1 --out :{name}"))),
            // The first layer has no model before it.
            (false, false) => drop(run(folder, &format!("{train} :{name}"))),
            // After the last layer, only the evaluation and the picture are cut short.
            (false, true) => {}
        }
        assert!(folder.safetensors(&format!("{name}/model.safetensors")) == whole, "{name}");
    }
}
