//! The page in a real browser, if one is installed: headless Chromium, used for nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The names of Chromium's executable.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A script that looks for faults once everything has loaded, and reports them to the page around.
const PROBE: &str = r#"<script>
const faults = [];
addEventListener("error", event => faults.push(`error: ${event.message ?? event.target.tagName}`), true);
addEventListener("load", async () => {
  const images = [...document.images];
  await Promise.all(images.map(image => image.decode().catch(() => faults.push(`not loaded: ${image.alt}`))));
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll("main *, header *")) {
    const inside = element.closest(".wide, .formula, pre");
    if (!inside && element.getBoundingClientRect().right > innerWidth) faults.push(`too wide: ${element.tagName}`);
  }
  for (const box of document.querySelectorAll(".formula")) {
    if (innerWidth > 1000 && box.scrollWidth > box.clientWidth) faults.push(`cut off: ${box.textContent}`);
  }
  for (const math of document.querySelectorAll("math")) {
    if (math.getBoundingClientRect().height < 8) faults.push("a formula without height");
  }
  for (const text of document.querySelectorAll("main > section > p:not(.where)")) {
    if (parseFloat(getComputedStyle(text).fontSize) < 16) faults.push(`small: ${text.textContent}`);
  }
  parent.postMessage({ images: images.length, width: innerWidth, faults }, "*");
});
</script>"#;

/// The findings of the probe on a screen of this width in pixels, and the messages of the browser's console. None without
/// Chromium.
pub(super) fn found(html: &str, width: u32, folder: &Path) -> Option<(serde_json::Value, String)> {
    let chromium = NAMES.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok())?;
    fs::write(folder.join("page.html"), html.replacen("<head>", &format!("<head>{PROBE}"), 1)).unwrap();
    // Chromium's own windows are never narrower than 500 pixels; frames in them are.
    let around = format!(
        "<!DOCTYPE html><title>waiting</title><script>\
         addEventListener('message', event => document.title = JSON.stringify(event.data))</script>\
         <iframe src=page.html width={width} height=800 style='border: 0'></iframe>"
    );
    fs::write(folder.join("around.html"), around).unwrap();
    let url = format!("file://{}", folder.join("around.html").display());
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"])
        .args(["--virtual-time-budget=20000", "--window-size=1200,900", "--dump-dom", &url])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let title = dom.split("<title>").nth(1)?.split("</title>").next()?.to_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let console: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    let found = serde_json::from_str(&title).unwrap_or_else(|why| panic!("{why}: {title}\n{said}"));
    Some((found, console.join("\n")))
}
