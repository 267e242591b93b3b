//! The page: one HTML file with its pictures, formulas, sounds and sources inside, that asks for no other and runs no
//! script.

use super::measured::Measured;
use super::plan::{Plan, Step};
use super::record::Record;
use super::{Block, Chapter, sources};
use crate::runs::files;
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
    /// What was to be done for them.
    pub plan: &'a Plan,
    /// What was done.
    pub record: &'a Record,
    /// Why some steps could not be, by their keys.
    pub failed: &'a BTreeMap<String, String>,
}

impl Page<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// If the measurements that were kept are damaged.
    pub fn html(&self) -> Result<String> {
        let measured = Measured::all(self.plan, self.record)?;
        let files: Vec<&str> = self.chapters.iter().flat_map(|chapter| chapter.sources).copied().collect();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { "Normalizing flows: the lecture, computed" }
                    // An icon of nothing: browsers ask for a file otherwise.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(include_str!("page.css"))) }
                }
                body {
                    header {
                        h1 { "Normalizing flows: the lecture, computed" }
                        p {
                            "Beside Stanford's CS236, lectures 7 and 8: each model's idea, its formulas, and pictures and figures that "
                            code { "zoo lecture" } " made on one machine. Under most is the command that makes it alone. Throughout, z is the "
                            "latent and x = f(z) the data."
                        }
                        nav aria-label="Chapters" {
                            ol { @for chapter in self.chapters { li { a href={ "#" (chapter.id) } { (chapter.title) } } } }
                        }
                    }
                    main {
                        @for chapter in self.chapters { (self.chapter(chapter, &measured)) }
                        section #files {
                            h2 { "The files" }
                            p.where { "As they were when the program was built; the paths are those of its repository." }
                            @for (path, text) in sources::SOURCES.iter().filter(|(path, _)| files.contains(path)) {
                                (listing(path, text))
                            }
                        }
                    }
                }
            }
        };
        Ok(page.into_string())
    }

    fn chapter(&self, chapter: &'static Chapter, measured: &[Measured]) -> Markup {
        html! {
            section id=(chapter.id) {
                h2 { (chapter.title) }
                p.where {
                    (chapter.lecture)
                    @for paper in chapter.papers { br; (paper) }
                }
                @for block in chapter.blocks { (self.block(chapter, block, measured)) }
                @if !chapter.sources.is_empty() {
                    div.sources {
                        p { "In the code:" }
                        ul { @for path in chapter.sources { li { a href={ "#" (path) } { code { (path) } } } } }
                    }
                }
            }
        }
    }

    fn block(&self, chapter: &'static Chapter, block: &'static Block, measured: &[Measured]) -> Markup {
        match block {
            Block::Text(text) => html! { p { (text) } },
            Block::Formula(mathml) => html! { (PreEscaped(mathml)) },
            Block::Picture { file, alt, caption } => {
                let shown = match self.held(chapter, file) {
                    // Lines and letters of a drawing are too small on a phone: it is moved about in its frame there.
                    Some(data) if file.ends_with(".svg") => html! { div.wide.drawn { img src=(data) alt=(alt); } },
                    Some(data) => html! { img src=(data) alt=(alt); },
                    None => self.missing(chapter, file),
                };
                html! { figure { (shown) figcaption { (caption) } (self.made(chapter, file)) } }
            }
            Block::Sound { file, caption } => {
                let heard = match self.held(chapter, file) {
                    Some(data) => html! { audio controls preload="metadata" src=(data) {} },
                    None => self.missing(chapter, file),
                };
                html! { figure { (heard) figcaption { (caption) } } }
            }
            Block::Numbers(runs) => {
                let found: Vec<&Measured> = measured.iter().filter(|one| runs.contains(&one.name)).collect();
                if found.is_empty() {
                    html! {}
                } else {
                    Measured::sentences(&found)
                }
            }
            Block::Table => Measured::tables(measured),
        }
    }

    /// The command that made a file, and what it said.
    fn made(&self, chapter: &'static Chapter, file: &str) -> Markup {
        let Some(step) = self.maker(chapter, file) else { return html! {} };
        let command = format!("zoo {}", step.words.join(" "));
        let said = self.record.find(step).map(|done| self.plain(&done.said)).unwrap_or_default();
        // What it said of several pictures stands below the last of them.
        let last = chapter.blocks.iter().rev().find_map(|block| match block {
            Block::Picture { file, .. } if self.maker(chapter, file).is_some_and(|other| other.key == step.key) => {
                Some(*file)
            }
            _ => None,
        });
        html! {
            // Of a single line, all is said by the picture and its caption.
            @if !said.contains('\n') || last != Some(file) || step.words.iter().any(|word| word == "--json") {
                p.made { code { (command) } }
            } @else {
                details.made open { summary { (command) } (spoken(&said)) }
            }
        }
    }

    /// What a command said, without the folder of the pictures.
    fn plain(&self, said: &[String]) -> String {
        let folder = format!("{}{}", self.plan.figures.display(), std::path::MAIN_SEPARATOR);
        said.join("\n").replace(&folder, "")
    }

    /// The step that makes a file of a chapter: one of its commands, or a training.
    fn maker(&self, chapter: &'static Chapter, file: &str) -> Option<&Step> {
        match chapter.commands.iter().find(|making| making.makes.contains(&file)) {
            Some(making) => self.plan.step(making),
            None => self.plan.steps.iter().find(|step| {
                step.training
                    .as_ref()
                    .is_some_and(|training| Path::new(&self.plan.place(file)).starts_with(training.run.folder()))
            }),
        }
    }

    /// A file as a URL that holds it, if it is what its command made and not what an earlier one did.
    fn held(&self, chapter: &'static Chapter, file: &str) -> Option<String> {
        let made = self.maker(chapter, file).is_none_or(|step| self.record.find(step).is_some());
        if made { embedded(Path::new(&self.plan.place(file))) } else { None }
    }

    fn missing(&self, chapter: &'static Chapter, file: &str) -> Markup {
        let why = self.maker(chapter, file).and_then(|step| self.failed.get(&step.key));
        html! {
            p.missing {
                @match why {
                    Some(why) => { "This could not be made: " (why) }
                    None => { "This is not made yet: run the same command again, and it goes on." }
                }
            }
        }
    }
}

/// A file as a URL that holds it, or nothing where it is not there.
fn embedded(path: &Path) -> Option<String> {
    let kind = match path.extension()?.to_str()? {
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "wav" => "audio/wav",
        _ => return None,
    };
    Some(format!("data:{kind};base64,{}", STANDARD.encode(files::read(path).ok()?)))
}

/// Lines that a command said: rows of a table as they are, sentences as wide as the page.
fn spoken(said: &str) -> Markup {
    html! {
        pre {
            @for line in said.lines() {
                @if line.trim_start().contains("  ") { span.row { (line) } } @else { (line) }
                "\n"
            }
        }
    }
}

/// A source file, folded, its comments fainter than its code.
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
