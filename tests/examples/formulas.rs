//! Generates `flows/formulas/*.html` from the `.tex` beside them, and the plain text above each formula in the sources:
//! `cargo run -p tests --example formulas`.

#[path = "../suite/formulas/plain.rs"]
mod plain;
#[path = "../suite/formulas/render.rs"]
mod render;
#[path = "../suite/formulas/sources.rs"]
mod sources;

use std::error::Error;
use std::fs;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = render::folder();
    let names = render::names("tex")?;
    let tex =
        |name: &str| fs::read_to_string(folder.join(format!("{name}.tex"))).map_err(|why| format!("{name}: {why}"));
    for name in &names {
        let html = render::html(&tex(name)?).map_err(|why| format!("{name}.tex: {why}"))?;
        fs::write(folder.join(format!("{name}.html")), html)?;
    }
    for left_over in render::names("html")?.difference(&names) {
        fs::remove_file(folder.join(format!("{left_over}.html")))?;
    }
    for path in sources::all()? {
        let source = fs::read_to_string(&path)?;
        let new = sources::rewritten(&source, |name| render::lines(&tex(name)?))?;
        if new != source {
            fs::write(&path, new)?;
        }
    }
    println!("{} formulas", names.len());
    Ok(())
}
