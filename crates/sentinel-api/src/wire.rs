//! The spelling of everything that goes out: one file a noun, types with `serde` and schemas.
//!
//! Inner values are not serialisable; what the wire promises stands here and nowhere else.

pub mod decision;
pub mod transaction;
pub mod alert;
pub mod case;
pub mod feature;
pub mod model;
pub mod list;
pub mod erasure;
pub mod label;
pub mod overrides;
pub mod statistics;
pub mod replay;
pub mod problem;
pub mod live;
pub mod alias;
