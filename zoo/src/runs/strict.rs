//! JSON without keys that nobody reads.

use anyhow::{Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads JSON. Refuses a key at any depth that is not part of the value: a setting with a misspelled name, or one of
/// another version, must not be ignored.
pub fn parse<T: Serialize + DeserializeOwned>(text: &str) -> Result<T> {
    read(&serde_json::from_str(text)?)
}

/// As [`parse`], from a value.
pub fn read<T: Serialize + DeserializeOwned>(json: &Value) -> Result<T> {
    let value = T::deserialize(json)?;
    // What was understood is what is written again.
    if let Some(key) = stray(json, &serde_json::to_value(&value)?) {
        bail!("{key:?} is no setting of this version");
    }
    Ok(value)
}

/// A key that only the first of two values has.
fn stray<'a>(json: &'a Value, known: &Value) -> Option<&'a str> {
    match (json, known) {
        (Value::Object(entries), Value::Object(known)) => {
            entries.iter().find_map(|(key, value)| match known.get(key) {
                Some(known) => stray(value, known),
                None => Some(key),
            })
        }
        (Value::Array(entries), Value::Array(known)) => {
            entries.iter().zip(known).find_map(|(value, known)| stray(value, known))
        }
        _ => None,
    }
}
