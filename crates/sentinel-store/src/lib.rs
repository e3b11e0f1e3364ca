//! Operational truth for people: alerts, cases, overrides, the outbox, and how far each follower has come.
//!
//! **Enters:** what a follower derived from recorded decisions, one [`FollowerCommit`] at a time, and
//! the outcome of deliveries. **Leaves:** pages of alerts and cases, due outbox rows, progress.
//!
//! ```text
//!   decision log ──▶ follower ──commit(from, to, rows)──▶ Store ──▶ alerts(), cases()  (people)
//!                       ▲                                   │
//!                       └────────── progress() ◀────────────┴─────▶ outbox_due()       (delivery)
//! ```
//!
//! # Contract, the same on every backend (`tests/it/contract.rs` holds each to it)
//!
//! - **A commit is one transaction.** Its rows and the follower's progress appear together or not at
//!   all, so a row exists exactly once however often its entry is read.
//! - **The owner is the one who took over last.** [`Store::take_over`] raises the epoch; a commit under
//!   an older epoch, or from an offset that is not the next one, is [`StoreError::Fenced`] and writes
//!   nothing. A commit whose outcome is unknown (its future was dropped, the connection broke) is
//!   settled by reading [`Store::progress`], never by guessing.
//! - **First write wins.** A row that is already there stays as it is: what people have since set on it
//!   is never touched by a replay.
//! - **A store that is laid out otherwise is refused**, before anything is asked of it: tables, indices and views are
//!   those that this version makes, word for word, or [`StoreError::Layout`] names what differs.
//! - **A damaged row is refused.** Every row carries a hash over the columns that never change; a row
//!   that does not match it is [`StoreError::Damaged`], never an answer.
//! - **Pages are stable.** Newest first, ties by id; a cursor goes on after the last row seen, whatever
//!   has been added since.
//! - **One log.** Progress of another log generation is [`StoreError::OtherLog`].
//!
//! **Must never:** stand between a transaction and its decision; read a clock (instants are handed in);
//! invent an identifier; let a backend's own error type out.
//!
//! Start reading at [`FollowerCommit`], then [`Store`].

mod error;
mod store;
mod layout;
mod page;
mod row;
mod follower;
mod alert;
mod case;
mod outbox;
mod overrides;
mod integrity;

pub use alert::{AlertQuery, FollowedBy};
pub use case::CaseQuery;
pub use error::StoreError;
pub use follower::{FollowerCommit, Progress};
pub use outbox::OutboxRow;
pub use overrides::Overridden;
pub use page::{Cursor, LIMIT_DEFAULT, LIMIT_MAX, Page};
pub use store::{Counts, Store};
