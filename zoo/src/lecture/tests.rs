//! The page of the whole lecture, with pictures of one pixel instead of the real ones.

use super::agenda::{Agenda, Options};
use super::browser;
use super::page::Page;
use super::record::Record;
use super::trained::{self, RUNS};
use super::{Block, CHAPTERS, sources};
use crate::data::wav;
use crate::models::{self, Blueprint, Kind, Preset};
use crate::runs::checkpoint::{self, Header};
use crate::runs::folder::Run;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A white pixel.
fn dot() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_pixel(1, 1, image::Luma([255])).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
const LINE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='9'><path d='M0 0L900 9'/></svg>";

/// What `zoo compare --json` would print of one run.
fn compared(run: &Path) -> String {
    let text = r#"[{"run": "RUN", "data": "mnist", "unit": "bits/dim", "steps": 12345, "training": {"seconds": 90.0, "step": 12345},
        "loss": 4.25, "loss_error": 0.0125, "score": {"n": 10000, "given_class": false}, "divergence": null,
        "parameters": 1234567, "sample_ms": 0.01234, "density_ms": 1.5, "round_trip": {"max_abs": 3.25e-5, "rms": 1e-6}, "notes": ["so & so"]}]"#;
    text.replace("RUN", &run.display().to_string())
}

/// The agenda for all chapters in a folder, with every file it makes, and its page.
fn made(folder: &Path) -> (Agenda, String) {
    let options =
        Options { chapters: &all(), out: folder, from: None, shipped: false, preset: Preset::Quick, steps: None };
    let agenda = Agenda::new(&options);
    let mut record = Record::open(folder).unwrap();
    let files = agenda.tasks.iter().flat_map(|task| task.outputs.iter().cloned());
    let curves = agenda.runs.values().map(|run| run.join("curve.svg"));
    for file in files.chain(curves) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("wav") => drop(wav::write(&file, &[0.0, 0.5], 2, 8000).unwrap()),
            Some("svg") => fs::write(file, LINE).unwrap(),
            _ => fs::write(file, dot()).unwrap(),
        }
    }
    for task in &agenda.tasks {
        let output =
            if task.words[0] == "compare" { compared(&agenda.runs["nice-mnist"]) } else { "a < b\nc".to_owned() };
        record.add(task, output.lines().map(str::to_owned).collect(), 1.0).unwrap();
    }
    let record = Record::open(folder).unwrap();
    assert!(agenda.tasks.iter().all(|task| record.find(task).is_some()));
    let page = Page { chapters: &all(), agenda: &agenda, record: &record, failed: &BTreeMap::new() };
    let html = page.html().unwrap();
    (agenda, html)
}

fn all() -> Vec<&'static super::Chapter> {
    CHAPTERS.iter().collect()
}

/// The values of an attribute, as they stand in the text.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let opening = format!(" {attribute}=\"");
    html.split(&opening).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_page_contains_everything_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (agenda, html) = made(folder.path());
    let shown = |chapter: &super::Chapter| {
        chapter.blocks.iter().filter(|block| matches!(block, Block::Picture { .. } | Block::Sound { .. })).count()
    };
    let count: usize = CHAPTERS.iter().map(shown).sum();
    let sources = values(&html, "src");
    assert_eq!(sources.len(), count);
    assert!(sources.iter().all(|url| url.starts_with("data:")), "a picture of another file");
    let alts = values(&html, "alt");
    assert!(alts.len() + 3 == count && alts.iter().all(|alt| alt.len() > 20), "pictures that say nothing: {alts:?}");

    let ids: Vec<&str> = values(&html, "id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "two places of one name");
    let links: Vec<&str> = values(&html, "href").into_iter().filter(|url| *url != "data:,").collect();
    for link in &links {
        assert!(link.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "{link} leads nowhere");
    }
    for chapter in CHAPTERS.iter() {
        assert!(ids.contains(&chapter.id.as_str()) && links.contains(&format!("#{}", chapter.id).as_str()));
    }
    assert!(!html.contains("<script") && html.contains("name=\"viewport\""));
    assert_eq!(html.matches("<math").count(), html.matches("</math>").count());
    // The output of commands is escaped; measurements are in their chapter and in the table.
    assert!(html.contains("a &lt; b") && !html.contains("a < b"));
    assert!(
        html.contains(
            "4.250 ± 0.013 bits/dim on 10000 test rows (published: 4.36); 1\u{202f}234\u{202f}567 parameters"
        )
    );
    assert!(html.contains("<td>4.250 ± 0.013</td><td>4.36</td>"), "no such row in the table");
    assert!(agenda.found.is_empty());
}

#[test]
fn missing_pictures_are_reported_in_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let (agenda, _) = made(folder.path());
    let [_, command] = CHAPTERS[1].blocks.iter().find_map(Block::file).unwrap();
    let task = agenda.task(command).unwrap();
    fs::remove_file(&task.outputs[0]).unwrap();
    let record = Record::open(folder.path()).unwrap();
    assert!(record.find(task).is_none(), "a task whose picture is gone is not done");
    let html = |failed: BTreeMap<String, String>| {
        Page { chapters: &all(), agenda: &agenda, record: &record, failed: &failed }.html().unwrap()
    };
    assert!(html(BTreeMap::new()).contains("This is not made yet"));
    let failed = BTreeMap::from([(task.key.clone(), "no <room>".to_owned())]);
    assert!(html(failed).contains("This could not be made: no &lt;room&gt;"));
}

#[test]
fn tasks_with_another_model_or_other_options_are_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let (agenda, _) = made(folder.path());
    let record = Record::open(folder.path()).unwrap();
    let sampled = agenda.tasks.iter().find(|task| task.key.starts_with("sample {nice-mnist}")).unwrap();
    assert!(record.find(sampled).is_some());
    fs::write(&sampled.inputs[0], b"another model").unwrap();
    assert!(record.find(sampled).is_none());
    let training = agenda.tasks.iter().find(|task| task.training.is_some()).unwrap();
    assert!(record.find(training).is_some());
    let mut longer = training.clone();
    longer.words.extend(["--steps", "400"].map(str::to_owned));
    assert!(record.find(&longer).is_none());
}

#[test]
fn pictures_of_an_earlier_command_are_not_shown_under_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let (agenda, _) = made(folder.path());
    let record = Record::open(folder.path()).unwrap();
    let mut later = agenda;
    let sampled = later.tasks.iter_mut().find(|task| task.key.starts_with("sample {nice-mnist}")).unwrap();
    sampled.words.push("--show".to_owned());
    let html = Page { chapters: &all(), agenda: &later, record: &record, failed: &BTreeMap::new() }.html().unwrap();
    assert_eq!(html.matches("This is not made yet").count(), 1);
}

#[test]
fn an_existing_student_needs_no_teacher() {
    let folder = tempfile::tempdir().unwrap();
    let student = trained::find("iaf-of-maf-mnist-conditional").unwrap();
    let chapters: Vec<_> = CHAPTERS.iter().filter(|chapter| chapter.id == "iaf").collect();
    let agenda = || {
        let (out, from) = (folder.path(), Some(folder.path()));
        Agenda::new(&Options { chapters: &chapters, out, from, shipped: false, preset: Preset::Quick, steps: None })
    };
    let trained = |agenda: &Agenda| agenda.tasks.iter().filter(|task| task.training.is_some()).count();
    assert_eq!((trained(&agenda()), agenda().found.len()), (2, 0), "teacher and student");

    let (blueprint, _) = models::student(&blueprint_of_maf(), None, Preset::Quick).unwrap();
    let header = Header { blueprint, data: "mnist".to_owned(), step: 1, seed: 0 };
    let run = Run::at(&folder.path().join("mine"));
    fs::create_dir_all(run.folder()).unwrap();
    checkpoint::write(&run.model(), &header, &[], &[("x".to_owned(), autograd::Tensor::zeros([3]))]).unwrap();
    assert_eq!(student.find(folder.path()), None, "there is no teacher in its folder");
    fs::write(run.teacher(), "a teacher").unwrap();
    assert_eq!((trained(&agenda()), agenda().found), (0, vec![student.name]));
    // A truncated copy does not count.
    let bytes = fs::read(run.model()).unwrap();
    fs::write(run.model(), &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(student.find(folder.path()), None);
}

fn blueprint_of_maf() -> Blueprint {
    Kind::Maf.blueprint(Preset::Quick, Kind::Maf.default_space(), 10).unwrap()
}

#[test]
fn each_picture_has_a_command_that_makes_it() {
    for chapter in CHAPTERS.iter() {
        assert!(!chapter.id.is_empty() && !chapter.lecture.is_empty(), "{}", chapter.title);
        for block in &chapter.blocks {
            assert!(!matches!(block, Block::Formula("")), "{}: a formula is missing", chapter.id);
            if let Some([file, command]) = block.file() {
                let is_curve = file.ends_with("}/curve.svg");
                assert_eq!(command.is_empty(), is_curve, "{}: nothing makes {file}", chapter.id);
            }
        }
        for path in &chapter.sources {
            assert!(sources::SOURCES.iter().any(|(known, _)| known == path), "{path} is not shown");
        }
    }
    for (path, _) in sources::SOURCES {
        assert!(
            CHAPTERS.iter().any(|chapter| chapter.sources.iter().any(|source| source == path)),
            "no chapter shows {path}"
        );
    }
}

#[test]
fn every_run_is_of_a_model_of_the_zoo() {
    for run in &RUNS {
        let model = models::find(run.model).unwrap();
        assert_eq!(model.about().taught_by().is_some() || run.model == "iaf", run.teacher.is_some());
        let before = |teacher| {
            RUNS.iter().position(|other| other.name == teacher) < RUNS.iter().position(|other| other.name == run.name)
        };
        assert!(run.teacher.is_none_or(before), "{} comes before its teacher", run.name);
    }
}

#[test]
fn a_browser_shows_all_of_it_on_a_phone_and_on_a_desktop() {
    let folder = tempfile::tempdir().unwrap();
    let (_, html) = made(folder.path());
    let images = values(&html, "alt").len();
    for width in [360, 1100] {
        // Without a browser, only the other tests check the page.
        let Some((found, console)) = browser::found(&html, width, folder.path()) else { return };
        assert_eq!(found, serde_json::json!({ "images": images, "width": width, "faults": [] }));
        assert_eq!(console, "");
    }
}
