//! `zoo list`: its parameters have the names and shapes of a checkpoint.

use crate::folder::Folder;
use crate::made::image_folder;
use std::collections::BTreeMap;

#[test]
fn models_are_listed_for_people_and_for_programs() {
    let folder = Folder::new();
    let text = folder.run("list");
    let rows = folder.json("list --json");
    let rows = rows.as_array().unwrap();
    assert!(rows.iter().any(|row| row["model"] == "nice"));
    for row in rows {
        let (name, parameters) = (row["model"].as_str().unwrap(), row["parameters"].as_u64().unwrap());
        // One of them is fitted, not trained.
        assert!(parameters > 0 || name == "rbig");
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        assert!(line.contains(row["paper"].as_str().unwrap()) && line.contains(row["lecture"].as_str().unwrap()));
        assert!(line.contains(&parameters.to_string()), "{line}");
    }
}

#[test]
fn listed_parameters_match_a_checkpoint() {
    let folder = Folder::new();
    image_folder(&folder, "digits", 28, false);
    folder.train("--data digits --steps 2");
    let written = folder.safetensors("run/model.safetensors").shapes();

    let rows = folder.json("list --params nice --preset quick --json");
    let listed: BTreeMap<String, Vec<usize>> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap().to_owned(), serde_json::from_value(row["shape"].clone()).unwrap()))
        .collect();
    assert_eq!(listed, written);

    let trained = rows.as_array().unwrap().iter().filter(|row| row["trained"] == true);
    let numbers = trained.map(|row| listed[row["name"].as_str().unwrap()].iter().product::<usize>()).sum::<usize>();
    let text = folder.run("list --params nice --preset quick");
    assert_eq!(text.lines().last(), Some(&*format!("{numbers} trained parameters")));
    for name in written.keys() {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in\n{text}");
    }
    let models = folder.json("list --preset quick --json");
    let nice = models.as_array().unwrap().iter().find(|row| row["model"] == "nice").unwrap();
    assert_eq!(nice["parameters"].as_u64(), Some(numbers as u64));
}

#[test]
fn every_command_has_a_help_text() {
    let folder = Folder::new();
    let help = folder.run("--help");
    for command in [
        "demo",
        "list",
        "train maf",
        "sample",
        "evaluate",
        "compare",
        "logprob",
        "encode",
        "decode",
        "check",
        "interpolate",
        "density",
        "reconstruct",
    ] {
        let name = command.split(' ').next().unwrap();
        assert!(help.lines().any(|line| line.trim_start().starts_with(name)), "{name} is not in\n{help}");
        let text = folder.run(&format!("{command} --help"));
        assert!(text.contains("Usage: zoo ") && text.contains(command), "{text}");
        // Every option has a description.
        let options = text.lines().skip_while(|line| *line != "Options:").skip(1);
        assert!(options.filter(|line| line.trim_start().starts_with('-')).count() > 1, "{text}");
    }
}
