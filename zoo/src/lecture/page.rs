//! The page: one HTML file that contains its pictures, formulas, sounds, and sources. It works offline and runs no
//! scripts.

use super::agenda::{Agenda, Task};
use super::measured::Measurements;
use super::record::Record;
use super::{Block, Chapter, sources};
use crate::runs::files;
use crate::text::escaped;
use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeMap;
use std::path::Path;

/// What a page is made of.
#[derive(Debug)]
pub struct Page<'a> {
    /// The chapters, in order.
    pub chapters: &'a [&'static Chapter],
    /// The tasks for them.
    pub agenda: &'a Agenda,
    /// The tasks that are done.
    pub record: &'a Record,
    /// Why tasks failed, by their keys.
    pub failed: &'a BTreeMap<String, String>,
}

impl Page<'_> {
    /// The page as HTML.
    pub fn html(&self) -> Result<String> {
        let measured = Measurements::all(self.agenda, self.record)?;
        let files: Vec<&str> = self.chapters.iter().flat_map(|chapter| &chapter.sources).map(String::as_str).collect();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { "Normalizing flows: a computed lecture" }
                    // An empty icon, or else browsers ask for a file.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(include_str!("page.css"))) }
                }
                body {
                    header {
                        h1 { "Normalizing flows: a computed lecture" }
                        p {
                            "This page follows lectures 7 and 8 of Stanford's CS236. For each model it gives the idea, the formulas, and "
                            "results that " code { "zoo lecture" } " computed on this machine. Below most pictures is the command that "
                            "draws it. Throughout, x is the data, z the latent, and x = f(z); log is the natural logarithm."
                        }
                        nav aria-label="Chapters" {
                            ol { @for chapter in self.chapters { li { a href={ "#" (chapter.id) } { (chapter.title) } } } }
                        }
                    }
                    main {
                        @for chapter in self.chapters { (self.chapter(chapter, &measured)) }
                        section #files {
                            h2 { "Source files" }
                            p.where { "As of the build of the program. Paths are relative to the repository." }
                            @for (path, text) in sources::SOURCES.iter().filter(|(path, _)| files.contains(path)) {
                                (listing(path, text))
                            }
                        }
                    }
                }
            }
        };
        // Names and outputs come from files; a browser obeys some of their characters.
        Ok(escaped(&page.into_string(), &['\n', '\t']).into_owned())
    }

    fn chapter(&self, chapter: &'static Chapter, measured: &[Measurements]) -> Markup {
        html! {
            section id=(chapter.id) {
                h2 { (chapter.title) }
                p.where {
                    (chapter.lecture)
                    @for paper in &chapter.papers { br; (paper) }
                }
                @for block in &chapter.blocks { (self.block(chapter, block, measured)) }
                @if !chapter.sources.is_empty() {
                    div.sources {
                        p { "In the code:" }
                        ul { @for path in &chapter.sources { li { a href={ "#" (path) } { code { (path) } } } } }
                    }
                }
            }
        }
    }

    fn block(&self, chapter: &'static Chapter, block: &'static Block, measured: &[Measurements]) -> Markup {
        match block {
            Block::Text(text) => html! { p { (text) } },
            Block::Formula(mathml) => html! { (PreEscaped(mathml)) },
            Block::Picture { file, alt, caption, command } => {
                let shown = match self.embedded(file, command) {
                    // On a phone, lines and letters of a drawing would be too small: there it scrolls in a frame.
                    Some(data) if file.ends_with(".svg") => html! { div.wide.drawn { img src=(data) alt=(alt); } },
                    Some(data) => html! { img src=(data) alt=(alt); },
                    None => self.missing(file, command),
                };
                html! { figure { (shown) figcaption { (caption) } (self.source(chapter, file, command)) } }
            }
            Block::Sound { file, caption, command } => {
                let heard = match self.embedded(file, command) {
                    Some(data) => html! { audio controls preload="metadata" src=(data) {} },
                    None => self.missing(file, command),
                };
                html! { figure { (heard) figcaption { (caption) } } }
            }
            Block::Measured(runs) => {
                let found: Vec<_> = measured.iter().filter(|one| runs.iter().any(|run| run == one.name)).collect();
                if found.is_empty() {
                    html! {}
                } else {
                    Measurements::sentences(&found)
                }
            }
            Block::Table => Measurements::tables(measured),
        }
    }

    /// The command that made a picture, and its output.
    fn source(&self, chapter: &'static Chapter, file: &str, command: &str) -> Markup {
        let Some(task) = self.task(file, command) else { return html! {} };
        let line = format!("zoo {}", task.words.join(" "));
        let folder = format!("{}{}", self.agenda.figures.display(), std::path::MAIN_SEPARATOR);
        let output = self.record.find(task).map(|done| done.output.join("\n").replace(&folder, "")).unwrap_or_default();
        // If a command makes several pictures, its output is below the last of them.
        let pictures = chapter.blocks.iter().filter(|block| matches!(block, Block::Picture { .. }));
        let last =
            pictures.filter_map(Block::file).rfind(|[_, by]| *by == command).is_some_and(|[last, _]| last == file);
        // A single line only says what the caption says.
        let is_shown = output.contains('\n') && (last || command.is_empty()) && !command.contains("--json");
        html! {
            @if is_shown {
                details.made open { summary { (line) } (printed(&output)) }
            } @else {
                p.made { code { (line) } }
            }
        }
    }

    /// The task that makes a file: a command or, for a loss curve, a training run.
    fn task(&self, file: &str, command: &str) -> Option<&Task> {
        if !command.is_empty() {
            return self.agenda.task(command);
        }
        let path = self.agenda.fill(file);
        let trains = |task: &&Task| {
            task.training.as_ref().is_some_and(|training| Path::new(&path).starts_with(training.run.folder()))
        };
        self.agenda.tasks.iter().find(trains)
    }

    /// A file as a URL that contains it, unless an earlier version of the command made it.
    fn embedded(&self, file: &str, command: &str) -> Option<String> {
        let is_current = self.task(file, command).is_none_or(|task| self.record.find(task).is_some());
        if is_current { embedded(Path::new(&self.agenda.fill(file))) } else { None }
    }

    fn missing(&self, file: &str, command: &str) -> Markup {
        let why = self.task(file, command).and_then(|task| self.failed.get(&task.key));
        html! {
            p.missing {
                @match why {
                    Some(why) => { "This could not be made: " (why) }
                    None => { "This is not made yet: run the same command again to continue." }
                }
            }
        }
    }
}

/// A file as a URL that contains it. None if it cannot be read.
fn embedded(path: &Path) -> Option<String> {
    let kind = match path.extension()?.to_str()? {
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "wav" => "audio/wav",
        _ => return None,
    };
    Some(format!("data:{kind};base64,{}", STANDARD.encode(files::read(path).ok()?)))
}

/// The output of a command. Rows of a table keep their width, sentences are wrapped.
fn printed(output: &str) -> Markup {
    html! {
        pre {
            @for line in output.lines() {
                @if line.trim_start().contains("  ") { span.row { (line) } } @else { (line) }
                "\n"
            }
        }
    }
}

/// A source file, folded, its comments paler than its code.
fn listing(path: &str, text: &str) -> Markup {
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    html! {
        details.file id=(path) {
            summary { (path) }
            pre {
                code {
                    @for line in text.lines() {
                        @if is_comment(line) { span.comment { (line) } } @else { (line) }
                        "\n"
                    }
                }
            }
        }
    }
}
