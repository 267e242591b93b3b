//! The command line: how it is read, and what is wrong with one that cannot be, in one line.

use super::Cli;
use crate::models::join;
use crate::text::cut;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _, FromArgMatches as _};
use std::any::TypeId;
use std::error::Error as _;
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};
use std::path::PathBuf;
use std::process::ExitCode;

/// The exit code after a command line that cannot be read.
const MISUSED: u8 = 2;
/// The longest quotation of an argument, in characters.
const LONGEST: usize = 200;

/// Why there is no command to run.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The user asked for help or for the version.
    #[error("this only asks for help: name a command")]
    Asked(clap::Error),
    /// The words make no command. What is wrong with them, and what to do.
    #[error("{0}")]
    Misused(String),
}

impl Unread {
    /// Prints the help that was asked for, or what is wrong.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Asked(help) => {
                // A closed pipe is not an error.
                let _ = help.print();
                ExitCode::SUCCESS
            }
            Self::Misused(_) => {
                crate::stderr::print_line(format_args!("zoo: {self}"));
                ExitCode::from(MISUSED)
            }
        }
    }
}

impl Cli {
    /// The command of these words, the first of which is the program's name.
    /// Fails if they make no command, or only ask for help.
    pub fn read(words: &[OsString]) -> Result<Self, Unread> {
        let command = with_signed_values(Self::command());
        let read = command.clone().try_get_matches_from(words).and_then(|matches| Self::from_arg_matches(&matches));
        read.map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Unread::Asked(error),
            _ => Unread::Misused(explain(&error, command, words)),
        })
    }
}

/// The command, and its subcommands, with numbers that may begin with a minus: `--seed -1` is a wrong value, which the
/// error can name, and not an unknown option -1.
fn with_signed_values(command: Command) -> Command {
    let is_text = |arg: &Arg| {
        [TypeId::of::<String>(), TypeId::of::<PathBuf>()].iter().any(|id| arg.get_value_parser().type_id() == *id)
    };
    let command =
        command.mut_args(|arg| match arg.get_action().takes_values() && !arg.is_positional() && !is_text(&arg) {
            true => arg.allow_negative_numbers(false).allow_hyphen_values(true),
            false => arg,
        });
    command.mut_subcommands(with_signed_values)
}

/// What is wrong with the words of a command line, and what to do.
fn explain(error: &clap::Error, mut command: Command, words: &[OsString]) -> String {
    command.build();
    let (path, command) = chosen(&command, words);
    let text = |kind| texts(error, kind).into_iter().next();
    let arg = text(ContextKind::InvalidArg).unwrap_or_default();
    let (option, value) = (long(&arg), text(ContextKind::InvalidValue).unwrap_or_default());
    let help = format!("{path} --help");
    let wrong = match error.kind() {
        ErrorKind::UnknownArgument => match text(ContextKind::SuggestedArg) {
            Some(near) => format!("there is no option {}: did you mean {}?", quoted(&arg), long(&near)),
            None if arg.starts_with('-') => format!("there is no option {}", quoted(&arg)),
            None => format!("unexpected argument {}: leave it out", quoted(&arg)),
        },
        ErrorKind::InvalidSubcommand => {
            let name = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            match text(ContextKind::SuggestedSubcommand) {
                Some(near) => format!("there is no command {}: did you mean {near:?}?", quoted(&name)),
                None => format!("there is no command {}", quoted(&name)),
            }
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set()).map(Command::get_name);
            let names: Vec<&str> = shown.filter(|name| *name != "help").collect();
            let missing = command.get_subcommand_value_name().unwrap_or("command").to_lowercase();
            format!("the {missing} is missing: give one of {}", names.join(", "))
        }
        // `--seed --steps 3`: the next option stands in the place of the value.
        ErrorKind::ValueValidation if is_option(command, &value) => format!("{option} needs a value, {arg}"),
        ErrorKind::ValueValidation => format!("{option}: {}", invalid(error, &value)),
        ErrorKind::InvalidValue if value.is_empty() || is_option(command, &value) => {
            match texts(error, ContextKind::ValidValue).as_slice() {
                // Of `<RUN>`, which is not an option, there is no more to show.
                [] if option == arg => format!("{option} needs a value"),
                [] => format!("{option} needs a value, {arg}"),
                values => format!("{option} needs a value: one of {}", values.join(", ")),
            }
        }
        ErrorKind::InvalidValue => {
            let values = texts(error, ContextKind::ValidValue).join(", ");
            format!("{option}: {} is not one of {values}", quoted(&value))
        }
        ErrorKind::ArgumentConflict => match texts(error, ContextKind::PriorArg) {
            others if others.iter().all(|other| *other == arg) => format!("{option} is given twice: give it once"),
            others => {
                let others: Vec<String> = others.iter().map(|other| long(other)).collect();
                format!("{option} cannot be used with {}: leave one out", join(&others))
            }
        },
        ErrorKind::MissingRequiredArgument => {
            let missing = texts(error, ContextKind::InvalidArg);
            let is = if missing.len() == 1 { "is" } else { "are" };
            format!("{} {is} missing", join(&missing))
        }
        ErrorKind::InvalidUtf8 => {
            let word = words.iter().find(|word| word.to_str().is_none()).cloned().unwrap_or_default();
            format!("{word:?} is not UTF-8: rename it, or give the path of a folder")
        }
        _ => {
            let text = error.to_string();
            text.trim_start_matches("error: ").lines().next().unwrap_or_default().to_owned()
        }
    };
    format!("{wrong} ({help})")
}

/// Why a value is not valid.
fn invalid(error: &clap::Error, value: &str) -> String {
    let source = error.source();
    let is_whole = source.and_then(|source| source.downcast_ref::<ParseIntError>());
    match source {
        Some(_) if is_whole.is_some_and(|why| *why.kind() != IntErrorKind::Zero) => {
            format!("{} is not a whole number from 0 to 2^64 − 1", quoted(value))
        }
        Some(source) if source.is::<ParseFloatError>() => format!("{} is not a number", quoted(value)),
        Some(source) => cut(&source.to_string(), 2 * LONGEST),
        None => format!("{} is not valid", quoted(value)),
    }
}

/// The subcommand that the words begin with, and its words.
fn chosen<'a>(command: &'a Command, words: &[OsString]) -> (String, &'a Command) {
    let (mut path, mut at) = (command.get_name().to_owned(), command);
    for word in words.iter().skip(1) {
        let Some(next) = at.find_subcommand(word) else { break };
        path = format!("{path} {}", next.get_name());
        at = next;
    }
    (path, at)
}

/// Whether this is an option of the command.
fn is_option(command: &Command, word: &str) -> bool {
    let name = word.strip_prefix("--").map(|name| name.split('=').next().unwrap_or_default());
    name.is_some_and(|name| name == "help" || command.get_arguments().any(|arg| arg.get_long() == Some(name)))
}

/// An option without its value: `--seed` of `--seed <SEED>`.
fn long(arg: &str) -> String {
    arg.split([' ', '=']).next().unwrap_or_default().to_owned()
}

fn quoted(text: &str) -> String {
    format!("{:?}", cut(text, LONGEST))
}

/// What the error says of this kind.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> String {
        let words: Vec<OsString> = std::iter::once("zoo").chain(words.iter().copied()).map(OsString::from).collect();
        match Cli::read(&words) {
            Err(Unread::Misused(why)) => why,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn each_mistake_has_its_own_line() {
        let whole = "is not a whole number from 0 to 2^64 − 1";
        for (words, expected) in [
            (&["train", "nice", "--seed", "-1"][..], format!("--seed: \"-1\" {whole} (zoo train nice --help)")),
            (&["sample", "run", "--seed=1e3"], format!("--seed: \"1e3\" {whole} (zoo sample --help)")),
            (&["sample", "run", "--seed", "-inf"], format!("--seed: \"-inf\" {whole} (zoo sample --help)")),
            (
                &["sample", "run", "--seed", "18446744073709551616"],
                format!("--seed: \"18446744073709551616\" {whole} (zoo sample --help)"),
            ),
            (&["sample", "run", "--seed", "--show"], "--seed needs a value, --seed <SEED> (zoo sample --help)".into()),
            (&["sample", "run", "--out"], "--out needs a value, --out <FILE.png> (zoo sample --help)".into()),
            (
                &["train", "nice", "--preset"],
                "--preset needs a value: one of quick, standard, paper (zoo train nice --help)".into(),
            ),
            (
                &["list", "--preset", "huge"],
                "--preset: \"huge\" is not one of quick, standard, paper (zoo list --help)".into(),
            ),
            (
                &["list", "--prest", "quick"],
                "there is no option \"--prest\": did you mean --preset? (zoo list --help)".into(),
            ),
            (&["list", "--\x1b[2J"], "there is no option \"--\\u{1b}[2J\" (zoo list --help)".into()),
            (&["sample", ""], "<RUN> needs a value (zoo sample --help)".into()),
            (&["list", "nice"], "unexpected argument \"nice\": leave it out (zoo list --help)".into()),
            (&["list", "--json", "--json"], "--json is given twice: give it once (zoo list --help)".into()),
            (&["smaple"], "there is no command \"smaple\": did you mean \"sample\"? (zoo --help)".into()),
            (&["sample"], "<RUN> is missing (zoo sample --help)".into()),
            (&["encode", "run"], "--input <FILE.npy> and --output <FILE.npy> are missing (zoo encode --help)".into()),
            (
                &["train", "nice", "--steps", "3", "--epochs", "1"],
                "--steps cannot be used with --epochs: leave one out (zoo train nice --help)".into(),
            ),
        ] {
            assert_eq!(refused(words), expected);
        }
        assert!(refused(&[]).starts_with("the command is missing: give one of demo, list, "));
        assert!(refused(&["train"]).starts_with("the model is missing: give one of nice, real-nvp, "));
        assert!(refused(&["list", "--preset", &"x".repeat(5000)]).chars().count() < 300);
    }

    #[test]
    fn help_is_not_a_mistake() {
        for words in [&["zoo", "--help"][..], &["zoo", "train", "nice", "-h"], &["zoo", "--version"]] {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert!(matches!(Cli::read(&words), Err(Unread::Asked(_))), "{words:?}");
        }
    }

    /// The words of each command that has no subcommands, and the command.
    fn leaves(command: &Command, path: &[String], all: &mut Vec<(Vec<String>, Command)>) {
        let mut subcommands = command.get_subcommands().peekable();
        if subcommands.peek().is_none() {
            all.push((path.to_vec(), command.clone()));
        }
        for sub in subcommands {
            leaves(sub, &[path, &[sub.get_name().to_owned()]].concat(), all);
        }
    }

    #[test]
    fn odd_values_of_every_option_are_taken_or_refused_in_one_line_that_names_it() {
        let mut all = Vec::new();
        leaves(&Cli::command(), &["zoo".to_owned()], &mut all);
        let mut count = 0;
        for (path, command) in &all {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let Some(option) = arg.get_long().map(|name| format!("--{name}")) else { continue };
                for value in ["-1", "1e3", "0", "", "abc", "18446744073709551616", "nan", "-inf", "a\n\x1b[31mb"] {
                    let words = path.iter().map(String::as_str).chain([option.as_str(), value]).map(OsString::from);
                    let words: Vec<OsString> = words.collect();
                    count += 1;
                    let Err(Unread::Misused(why)) = Cli::read(&words) else { continue };
                    assert!(!why.chars().any(char::is_control), "{words:?}: {why:?}");
                    assert!(why.ends_with(" --help)") && !why.contains("'--"), "{words:?}: {why}");
                    // Otherwise the value is fine, and something that is required is missing.
                    let named = why.starts_with(&option) || why.contains(" missing (");
                    // A name or a path that begins with a minus is taken for an option.
                    assert!(
                        named || (value.starts_with('-') && why.contains("there is no option")),
                        "{words:?}: {why}"
                    );
                }
            }
        }
        assert!(count > 1000, "{count}");
    }
}
