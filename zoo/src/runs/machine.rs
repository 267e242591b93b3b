//! The machine that a training runs on.

use std::env::consts::ARCH;
use std::fs;

/// What the processor calls itself, or its architecture where the system does not say.
pub fn name() -> String {
    fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text)).unwrap_or_else(|| ARCH.to_owned())
}

/// The first model that is named.
fn model(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    let name = line.split_once(':')?.1.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(name.replace("(R)", "").replace("(TM)", "")).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_named_without_marks() {
        let text = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R)  Processor @ 2.10GHz\nmodel name\t: another\n";
        assert_eq!(model(text).as_deref(), Some("Intel Xeon Processor @ 2.10GHz"));
        assert_eq!(model("processor : 0\n"), None);
        assert!(!name().is_empty());
    }
}
