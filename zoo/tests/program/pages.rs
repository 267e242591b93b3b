//! Every model has a page in the documentation that says where it comes from and what draws its figure.

use clap::Parser as _;
use std::fs;
use std::path::Path;
use zoo::commands::Cli;
use zoo::models::MODELS;

/// What a page says at its end.
struct Page {
    lecture: String,
    paper: String,
    command: String,
}

/// Adds the pages of the files in a folder and below; `within` is the folder as the pages write it.
fn collect(folder: &Path, within: &str, pages: &mut Vec<Page>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let place = format!("{within}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &place, pages);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let all = |what: &str| -> Vec<String> {
            let start = format!(" - **{what}:** ");
            let lines = source.lines().filter_map(|line| line.strip_prefix("///").or(line.strip_prefix("//!")));
            lines.filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
        };
        let [lectures, papers, commands, files] = ["Lecture", "Paper", "Command", "File"].map(all);
        let counts = [papers.len(), commands.len(), files.len()];
        assert_eq!(counts, [lectures.len(); 3], "{place}: each page has all four");
        assert!(files.iter().all(|file| *file == format!("`{place}`")), "{place} is not {files:?}");
        for ((lecture, paper), command) in lectures.into_iter().zip(papers).zip(commands) {
            pages.push(Page { lecture, paper, command });
        }
    }
}

#[test]
fn every_model_has_a_page_with_its_lecture_its_paper_and_its_command() {
    let mut pages = Vec::new();
    for folder in ["flows/src/models", "flows/src/rbig"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), folder, &mut pages);
    }
    for page in &pages {
        let year = page.paper.split(['(', ')']).nth(1).and_then(|year| year.parse::<u32>().ok());
        assert!(page.lecture.starts_with("lecture") && year.is_some(), "{}: {}", page.lecture, page.paper);
        let commands: Vec<&str> = page.command.split('`').skip(1).step_by(2).collect();
        assert!(!commands.is_empty(), "no command in {:?}", page.command);
        for command in commands {
            Cli::try_parse_from(command.split_whitespace()).unwrap_or_else(|error| panic!("`{command}`: {error}"));
        }
    }
    for model in MODELS {
        let model = model.about();
        let has = pages.iter().any(|page| page.lecture == model.lecture && page.paper.starts_with(model.paper));
        assert!(has, "{}: no page has {:?} and {:?}", model.name, model.lecture, model.paper);
    }
}
