//! Options that only some models have.

use super::{Kind, MODELS, join};
use anyhow::{Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use flows::models::Order;
use std::ops::RangeInclusive;

/// For models without options of their own.
#[derive(Debug, clap::Args)]
pub struct NoOptions {}

/// Parses a whole number within a range.
pub fn whole(range: RangeInclusive<usize>) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync {
    move |text| match text.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ if *range.end() == usize::MAX => Err(format!("{text:?} is not a whole number of at least {}", range.start())),
        _ => Err(format!("{text:?} is not a whole number between {} and {}", range.start(), range.end())),
    }
}

/// Parses one of some names into its value.
pub fn one_of<X, const N: usize>(values: [(&'static str, X); N]) -> impl TypedValueParser<Value = X>
where
    X: Clone + Send + Sync + 'static,
{
    let names = values.each_ref().map(|(name, _)| *name);
    PossibleValuesParser::new(names).try_map(move |name| {
        let found = values.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone()).ok_or("there is no such value")
    })
}

/// Parses an order of the dimensions. A random one is drawn from the seed that replaces 0.
pub fn order() -> impl TypedValueParser<Value = Order> {
    one_of([("given", Order::Given), ("reversed", Order::Reversed), ("random", Order::Random(0))])
}

/// The command with the options of these models under a heading, and with those of all other models hidden, so that
/// [`check`] can refuse them by name.
pub fn add(mut command: Command, models: &[Kind], heading: &'static str) -> Command {
    let (shown, hidden) = (models.iter().map(|model| (model, false)), MODELS.iter().map(|model| (model, true)));
    for (model, hide) in shown.chain(hidden) {
        for arg in model.options().get_arguments() {
            if command.get_arguments().all(|there| there.get_id() != arg.get_id()) {
                command = command.arg(arg.clone().help_heading(heading).hide(hide));
            }
        }
    }
    command
}

fn has(model: Kind, id: &str) -> bool {
    model.options().get_arguments().any(|arg| arg.get_id() == id)
}

/// The models' options that stand on the command line, of a command made by [`add`].
pub fn given(matches: &ArgMatches) -> Vec<String> {
    let mut given = Vec::new();
    for model in MODELS {
        for arg in model.options().get_arguments() {
            let id = arg.get_id().as_str();
            if matches.value_source(id) == Some(ValueSource::CommandLine) && !given.iter().any(|there| there == id) {
                given.push(id.to_owned());
            }
        }
    }
    given
}

/// Refuses options that this model does not have.
pub fn check(model: Kind, matches: &ArgMatches) -> Result<()> {
    let name = model.about().name;
    if let Some(id) = given(matches).into_iter().find(|id| !has(model, id)) {
        let others: Vec<&str> =
            MODELS.iter().filter(|other| has(**other, &id)).map(|other| other.about().name).collect();
        bail!("{name} has no --{id}, which is an option of {}: leave it out", join(&others));
    }
    Ok(())
}
