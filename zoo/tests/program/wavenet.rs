//! WaveNet and its student, on signals; other data is refused.

use crate::folder::Folder;
use crate::formats::png_size;

/// A folder with a teacher of short signals, trained with these options too.
fn taught(options: &str) -> Folder {
    let folder = Folder::new();
    let line = "train wavenet --preset quick --layers 5 --data speech:128 --steps 210 --threads 1 --out teacher";
    folder.run(&format!("{line} {options}"));
    folder
}

#[test]
fn a_wavenet_learns_signals_and_its_student_learns_from_it() {
    let folder = taught("");
    // An epoch is 200 steps, enough to improve.
    let losses: Vec<f64> = folder.log("teacher").iter().filter_map(|line| line["train"].as_f64()).collect();
    assert!(losses[losses.len() - 1] < losses[0] - 0.5, "{losses:?}");
    let check = folder.json("check teacher --samples 5 --jacobians 1 --threads 1 --json");
    assert_eq!((&check["model"], &check["sound"]), (&"wavenet".into(), &true.into()));
    let said = folder.run("sample teacher --grid 3x1 --threads 1");
    assert!(said.contains("samples.wav: 3 signals"), "{said}");
    let said = folder.run("evaluate teacher --limit 5 --threads 1");
    assert!(said.contains("nats a time step given the track, log p(x | track)"), "{said}");
    folder.refuses("logprob teacher --input x.npy --output p.npy", &["teacher", "track", "--unconditional"]);

    let line = "distill teacher --preset quick --layers 5 --batch 4 --threads 1 --out student";
    let said = folder.run(&format!("{line} --steps 500"));
    for part in [
        "KL(student ‖ teacher), nats a time step",
        "nats a time step",
        "by D = 128 passes",
        "student, parallel-wavenet",
        "dB",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    for sound in ["data.wav", "teacher.wav", "student.wav"] {
        let wav = folder.read(&format!("student/{sound}"));
        assert_eq!((&wav[..4], &wav[8..12]), (&b"RIFF"[..], &b"WAVE"[..]), "{sound}");
    }
    assert!(png_size(&folder.read("student/compare-student.png")).0 > 500);
    let compared: serde_json::Value = serde_json::from_slice(&folder.read("student/comparison.json")).unwrap();
    let (of_teacher, of_student) = (&compared["teacher"]["speech"], &compared["student"]["speech"]);
    assert!(of_teacher["voiced"].is_f64() && of_student["distance"].as_f64().unwrap() > 3.0, "{compared}");
    let score = folder.json("evaluate student --limit 5 --threads 1 --json");
    assert!(score["nats_per_step"].as_f64().unwrap().is_finite(), "{score}");
    let check = folder.json("check student --samples 3 --jacobians 1 --threads 1 --json");
    assert_eq!((&check["model"], &check["sound"]), (&"parallel-wavenet".into(), &true.into()));
    // A resumed training takes as many steps as requested.
    let said = folder.run("distill teacher --resume --steps 505 --threads 1 --out student");
    assert!(said.contains("trained 505 steps"), "{said}");
}

#[test]
fn a_killed_distillation_of_signals_resumes_to_the_same_bits() {
    let folder = taught("--unconditional");
    let line =
        |out: &str| format!("distill teacher --preset quick --layers 3 --batch 2 --steps 120 --threads 1 --out {out}");
    folder.run(&line("whole"));
    let mut running = folder.begin(&format!("{} --save-every 1e-9", line("cut")));
    folder.wait_for(&mut running, "cut", 50, true);
    assert_eq!(running.kill().code(), None, "it ended before it could be killed");
    folder.run("distill teacher --resume --threads 1 --out cut");
    for name in ["model.safetensors", "training.safetensors"] {
        let [whole, cut] = ["whole", "cut"].map(|run| folder.safetensors(&format!("{run}/{name}")));
        for (tensor, stored) in &whole.tensors {
            assert!(cut.tensors[tensor] == *stored, "{name}: {tensor} differs");
        }
    }
}

#[test]
fn data_other_than_signals_is_refused() {
    let folder = taught("");
    folder.refuses("train wavenet --data two-moons --out run", &["two-moons", "model of signals", "--data speech"]);
    folder.refuses("train parallel-wavenet", &["learns from a wavenet", "zoo distill runs/wavenet-speech"]);
    folder.refuses("distill teacher --student iaf --out run", &["no student of wavenet", "parallel-wavenet"]);
    folder.refuses("train wavenet --data speech:7 --out run", &["\"7\" samples", "speech:64"]);
    folder.refuses("train wavenet --unconditional --from teacher --out run", &["other sizes", "--unconditional"]);
    folder.refuses("train wavenet --order reversed --out run", &["--order"]);
    folder.refuses("train wavenet --layers 30 --out run", &["wavenet cannot have the sizes"]);
}
