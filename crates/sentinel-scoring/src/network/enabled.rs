//! The plan of a network: [tract](tract_onnx) reads our own spelling of it and evaluates rows.
//!
//! Everything is evaluated in f64. For f32, tract has kernels for many kinds of processors, which add in
//! different orders; for f64 it has plain loops in Rust, the same on each. The functions of one number that
//! it would take from elsewhere are ours, by `libm`.
//!
//! Promises one number a row, the same in whatever company. Must never be given bytes that [`super::onnx`]
//! did not write, or find an operator that is not on the list: all others are struck off.

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_hir::internal::*;

use super::onnx::{self, Precision};
use super::{Activation, Network};

/// How many rows are evaluated together where there are many: enough to spread what each call costs, few
/// enough that values stay in the cache.
const BLOCK_ROWS: usize = 32;

/// The operators that are left to tract.
const OPERATORS: [&str; 8] = [
    "Add",
    "BatchNormalization",
    "Clip",
    "Concat",
    "Div",
    "MatMul",
    "Mul",
    "Sub",
];

/// A network ready to be evaluated.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    columns: usize,
    one: Arc<TypedRunnableModel>,
    block: Arc<TypedRunnableModel>,
}

impl Plan {
    /// Makes the plan, and evaluates it once. The error is what tract says.
    pub(crate) fn new(network: &Network) -> Result<Self, String> {
        let bytes = onnx::write(network, Precision::Double);
        let columns = network.columns();
        let told = |error: TractError| format!("tract cannot evaluate this network: {error:#}");
        let plan = Self {
            columns,
            one: runnable(&bytes, 1, columns).map_err(told)?,
            block: runnable(&bytes, BLOCK_ROWS, columns).map_err(told)?,
        };
        for (runnable, rows) in [(&plan.one, 1), (&plan.block, BLOCK_ROWS)] {
            let found = run(runnable, columns, &vec![0.0; rows * columns]).map_err(told)?;
            if found.len() != rows {
                let count = found.len();
                return Err(format!("tract makes {count} numbers of {rows} rows"));
            }
        }
        Ok(plan)
    }

    /// The last value for each of these rows, which lie one after another.
    pub(crate) fn outputs(&self, rows: &[f64]) -> Vec<f64> {
        if rows.len() == self.columns {
            return evaluated(&self.one, self.columns, rows);
        }
        let mut outputs = Vec::with_capacity(rows.len() / self.columns);
        for rows in rows.chunks(BLOCK_ROWS * self.columns) {
            let mut block = rows.to_vec();
            block.resize(BLOCK_ROWS * self.columns, 0.0);
            let mut found = evaluated(&self.block, self.columns, &block);
            found.truncate(rows.len() / self.columns);
            outputs.append(&mut found);
        }
        outputs
    }
}

fn evaluated(runnable: &Arc<TypedRunnableModel>, columns: usize, rows: &[f64]) -> Vec<f64> {
    let found = run(runnable, columns, rows);
    assert!(
        found.is_ok(),
        "a plan that has evaluated rows of this shape evaluates others: {found:?}"
    );
    found.unwrap_or_default()
}

fn run(runnable: &Arc<TypedRunnableModel>, columns: usize, rows: &[f64]) -> TractResult<Vec<f64>> {
    let input = Tensor::from_shape(&[rows.len() / columns, columns], rows)?;
    let outputs = runnable.run(tvec!(input.into()))?;
    let Some(output) = outputs.first() else {
        bail!("there is no output");
    };
    Ok(output.try_as_plain_ram()?.as_slice::<f64>()?.to_vec())
}

fn runnable(bytes: &[u8], rows: usize, columns: usize) -> TractResult<Arc<TypedRunnableModel>> {
    reader()
        .model_for_read(&mut &*bytes)?
        .with_input_fact(0, f64::fact([rows, columns]).into())?
        .into_optimized()?
        .into_runnable()
}

/// A reader of ONNX that knows nothing but our steps.
fn reader() -> Onnx {
    let mut reader = tract_onnx::onnx();
    reader
        .op_register
        .0
        .retain(|word, _| OPERATORS.contains(&word.as_str()));
    reader
        .op_register
        .insert("Relu", |_, _| Ok(ours(Activation::Relu)));
    reader
        .op_register
        .insert("Sigmoid", |_, _| Ok(ours(Activation::Sigmoid)));
    reader
        .op_register
        .insert("Tanh", |_, _| Ok(ours(Activation::Tanh)));
    reader.op_register.insert("LeakyRelu", leaky_relu);
    reader
}

/// An operator, and the names that it would take from the graph around it.
type Built = (Box<dyn InferenceOp>, Vec<String>);

fn leaky_relu(_context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<Built> {
    let alpha = node.get_attr("alpha")?;
    Ok(ours(Activation::LeakyRelu { alpha }))
}

fn ours(kind: Activation) -> Built {
    let operator = ElementWiseOp(Box::new(Exact(kind)), None);
    (operator.into_hir(), Vec::new())
}

/// An activation that gives the same bits everywhere.
#[derive(Debug, Clone, PartialEq)]
struct Exact(Activation);

// No number in it is not-a-number: a network holds finite ones.
impl Eq for Exact {}

impl ElementWiseMiniOp for Exact {
    fn name(&self) -> String {
        format!("Exact{}", self.0.word())
    }

    fn eval_in_place(&self, tensor: &mut Tensor, _type: Option<DatumType>) -> TractResult<()> {
        let mut plain = tensor.try_as_plain_ram_mut()?;
        for number in plain.as_slice_mut::<f64>()? {
            *number = self.0.at(*number);
        }
        Ok(())
    }
}
