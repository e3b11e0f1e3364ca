//! Where a network begins and ends within a graph, and which operators lie between.
//!
//! Promises that what only gives the output another shape, or makes a probability of it, is no part of the
//! network, and that operators for other outputs are not looked at. Must never follow a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::ensemble::numbered;
use super::super::graph::{Graph, Operator};
use super::{floating, shown, whole};
use crate::error::ImportError;
use crate::network::{STEPS_MAX, WIDTH_MAX};

/// How the output follows from the last value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// It is the last value.
    Plain,
    /// It is the logistic function of it.
    Logistic,
    /// It is the softmax over two columns.
    Softmax,
}

/// For every value, the place of the operator that makes it.
pub(super) fn makers<'a>(graph: &Graph<'a>) -> BTreeMap<&'a str, usize> {
    let mut makers = BTreeMap::new();
    for (place, operator) in graph.operators.iter().enumerate() {
        for output in &operator.outputs {
            makers.entry(*output).or_insert(place);
        }
    }
    makers
}

/// The value before whatever makes a probability of it, or another shape.
pub(super) fn head<'a>(
    graph: &Graph<'a>,
    makers: &BTreeMap<&str, usize>,
) -> Result<(&'a str, Head), ImportError> {
    let Some(mut value) = graph.outputs.last().copied() else {
        return Err(whole("the graph has no output"));
    };
    let maker = |value: &str| {
        let operator = graph.operators.get(*makers.get(value)?)?;
        Some((operator, *operator.inputs.first()?))
    };
    for _ in 0..STEPS_MAX {
        let Some((operator, input)) = maker(value) else {
            return Ok((value, Head::Plain));
        };
        match operator.kind {
            "Identity" | "Dropout" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "ZipMap" => {
                value = input;
            }
            "Cast" if floating(operator)? => value = input,
            "Sigmoid" => return Ok((input, Head::Logistic)),
            "Softmax" if matches!(operator.integer("axis", -1)?, 1 | -1) => {
                return Ok((input, Head::Softmax));
            }
            "Concat" => match complement(graph, operator, &maker)? {
                Some(share) => value = share,
                None => return Ok((value, Head::Plain)),
            },
            _ => return Ok((value, Head::Plain)),
        }
    }
    Err(whole("too many operators stand behind the network"))
}

/// Where an operator joins `1 - p` and `p`: `p`, if a logistic function makes it.
fn complement<'g, 'a>(
    graph: &Graph<'a>,
    operator: &Operator<'a>,
    maker: &impl Fn(&str) -> Option<(&'g Operator<'a>, &'a str)>,
) -> Result<Option<&'a str>, ImportError>
where
    'a: 'g,
{
    let [other, share] = operator.inputs.as_slice() else {
        return Ok(None);
    };
    let is_logistic = maker(share).is_some_and(|(maker, _)| maker.kind == "Sigmoid");
    let Some((difference, one)) = maker(other) else {
        return Ok(None);
    };
    let is_difference = difference.kind == "Sub" && difference.inputs.get(1) == Some(share);
    Ok(
        (is_logistic && is_difference && graph.constant(one)?.as_deref() == Some(&[1.0]))
            .then_some(*share),
    )
}

/// The places of the operators that lead to a value, rising.
pub(super) fn needed(
    graph: &Graph<'_>,
    makers: &BTreeMap<&str, usize>,
    output: &str,
) -> Result<BTreeSet<usize>, ImportError> {
    let mut needed = BTreeSet::new();
    let mut open = vec![output];
    while let Some(value) = open.pop() {
        let Some(place) = makers.get(value) else {
            continue;
        };
        if let Some(operator) = graph.operators.get(*place)
            && needed.insert(*place)
        {
            if operator.inputs.len() > WIDTH_MAX {
                return Err(operator.fault("it reads too many values"));
            }
            open.extend(operator.inputs.iter().filter(|input| !input.is_empty()));
        }
    }
    Ok(needed)
}

/// What a network reads.
pub(super) struct Inputs<'a> {
    /// The value that holds all columns.
    pub(super) name: &'a str,
    /// The names of the columns.
    pub(super) features: Vec<String>,
}

/// One input of a stated width, or inputs that one operator joins.
pub(super) fn inputs<'a>(
    graph: &Graph<'a>,
    operators: &[&Operator<'a>],
    output: &str,
) -> Result<Inputs<'a>, ImportError> {
    let read = |name: &str| {
        name == output
            || operators
                .iter()
                .any(|operator| operator.inputs.contains(&name))
    };
    let mut used = Vec::new();
    for (name, width) in &graph.inputs {
        if read(name) {
            let Some(width) = width else {
                return Err(whole(format!(
                    "the input {:?} does not state how many columns it has: export it as rows of a fixed \
                     number of columns",
                    shown(name)
                )));
            };
            if *width > WIDTH_MAX {
                return Err(whole(format!(
                    "a network reads at most {WIDTH_MAX} columns"
                )));
            }
            used.push((*name, *width));
        }
    }
    match used.as_slice() {
        [] => Err(whole("the network reads no input")),
        [(name, 1)] => Ok(Inputs {
            name,
            features: vec![(*name).to_owned()],
        }),
        [(name, width)] => Ok(Inputs {
            name,
            features: numbered(*width),
        }),
        _ => joined(&used, operators),
    }
}

fn joined<'a>(
    used: &[(&'a str, usize)],
    operators: &[&Operator<'a>],
) -> Result<Inputs<'a>, ImportError> {
    let is_input = |name: &&str| used.iter().any(|(input, _)| input == name);
    let mut readers = operators
        .iter()
        .filter(|operator| operator.inputs.iter().any(is_input));
    let (Some(join), None) = (readers.next(), readers.next()) else {
        return Err(whole("several inputs are not joined by one Concat"));
    };
    let [name] = join.outputs.as_slice() else {
        return Err(join.fault("it makes several values"));
    };
    if join.kind != "Concat" || !matches!(join.integer("axis", 1)?, 1 | -1) {
        return Err(join.fault("it reads several inputs and is no Concat of columns"));
    }
    let mut features = Vec::new();
    let mut seen = BTreeSet::new();
    for input in &join.inputs {
        let width = used.iter().find(|(name, _)| name == input);
        match width {
            Some((_, 1)) if seen.insert(*input) => features.push((*input).to_owned()),
            _ => return Err(join.fault("the inputs that it joins are not one column each")),
        }
    }
    Ok(Inputs { name, features })
}
