//! `sentinel analyze`: tables whose shares are known beforehand, in every format and order.

mod ieee_cis;
mod mistakes;
mod round_trip;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::process::{Folder, sentinel, stderr};

/// Runs `sentinel analyze` with these arguments.
fn analyze(arguments: &[&str]) -> Output {
    sentinel().arg("analyze").args(arguments).output().unwrap()
}

/// The result as JSON, without the name of the input.
fn result(arguments: &[&str]) -> Value {
    let ended = analyze(&[arguments, &["-o", "json"]].concat());
    assert!(ended.status.success(), "{arguments:?}: {}", stderr(&ended));
    let mut result: Value = serde_json::from_slice(&ended.stdout).unwrap();
    result.as_object_mut().unwrap().remove("input");
    result
}

/// The entry of a list with this name.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {list}"))
}

/// A level of a column of words; null for the missing ones.
fn level<'a>(result: &'a Value, column: &str, level: &Value) -> &'a Value {
    let levels = named(&result["words"], column)["levels"]
        .as_array()
        .unwrap();
    let found = levels.iter().find(|one| one["level"] == *level);
    found.unwrap_or_else(|| panic!("{level} is not in {levels:?}"))
}

fn near(what: &str, value: &Value, wanted: f64, tolerance: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{what}: {value}"));
    assert!(
        (value - wanted).abs() <= tolerance,
        "{what}: {value} is not {wanted}"
    );
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
