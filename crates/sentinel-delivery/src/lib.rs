//! From the outbox to the outside: messages leave the house, at least once, each under a stable id.
//!
//! **Enters:** messages that somebody else keeps until they are delivered. **Leaves:** one JSON line a
//! message, `{"id": …, "payload": …}`, and one result a message.
//!
//! ```text
//!   alert ──alert_message()──▶ outbox row ──▶ deliver(sink, messages) ──▶ file, standard output
//!                                  ▲                    │
//!                                  └── backoff(attempts) ┴ a result for each
//! ```
//!
//! # Contract, the same for every sink (`tests/it/contract.rs` holds each to it)
//!
//! - **`Ok` means handed over:** a file has it on disk, a writer was flushed.
//! - **At least once.** After a failure, or a crash before the result was noted, the same message is sent
//!   again under the same id; a reader drops the ids it has seen.
//! - **Whole lines, in order.** A line is never mixed with another. A file holds whole lines only: what a
//!   crash tore is cut off when it is opened again, kept beside it and reported.
//! - **One bad message harms no other.** A payload that is not JSON is refused for good, alone.
//!
//! **Must never:** know the store (rooms do not import each other); read a clock; decide by itself to
//! drop a message.
//!
//! Start reading at [`deliver`], then [`Sink`].

mod error;
mod message;
mod backoff;
mod alert;
mod sinks;
mod deliver;

pub use alert::alert_message;
pub use backoff::{ATTEMPTS_MAX, backoff, is_exhausted};
pub use deliver::deliver;
pub use error::{DeliveryError, DeliveryResult};
pub use message::Message;
pub use sinks::Sink;
pub use sinks::file::TornLine;
pub use sinks::memory::Inbox;
