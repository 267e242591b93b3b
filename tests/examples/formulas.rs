//! Makes `flows/formulas/*.html` of the `.tex` beside them: `cargo run -p tests --example formulas`.

#[path = "../suite/formulas/render.rs"]
mod render;

use std::error::Error;
use std::fs;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = render::folder();
    let names = render::names("tex")?;
    for name in &names {
        let source = fs::read_to_string(folder.join(format!("{name}.tex")))?;
        let html = render::html(&source).map_err(|why| format!("{name}.tex: {why}"))?;
        fs::write(folder.join(format!("{name}.html")), html)?;
    }
    for left_over in render::names("html")?.difference(&names) {
        fs::remove_file(folder.join(format!("{left_over}.html")))?;
    }
    println!("{} formulas", names.len());
    Ok(())
}
