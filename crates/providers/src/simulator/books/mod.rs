//! The bank's books: one SQLite file of its own, written only by appending.
//!
//! - `operations`: one row an operation, by its provider key, with a fingerprint of its parameters, the verdict, and
//!   the verdict that replaces it after `settles_at` (or, for a challenge, after the buyer has authenticated).
//! - `decisions`: what replaced a challenge.
//! - `challenges`: where a challenge page finds its operation and its way back.
//! - `notices`: what changed after it was answered, numbered; `promises`: what is going to.
//! - `lost`: keys whose first try was lost on the way; it makes sure that the next try is not.
//!
//! Invariants: no row is changed, and none removed but a promise that was kept; a key has at most one row in `operations`; what an operation amounts to
//! at a given time is a function of its rows and that time, so nothing has to run for it to settle. `moves` is the
//! amount that an operation takes, gives back or releases; while the bank is undecided about a follow-up, it counts
//! as if made. Absent on purpose: card numbers (the last four digits and a keyed fingerprint stand for them), and
//! running totals, which would be one hot row.

mod challenge;
mod follow_up;
mod notices;
mod operation;
mod schema;
mod totals;

pub(super) use challenge::{ChallengeState, ChallengeView, challenge, decide};
pub(super) use follow_up::{NewFollowUp, follow_up};
pub(super) use notices::{Noticed, notices};
pub(super) use operation::{NewAuthorization, Recorded, authorize, query};
pub(super) use schema::{open, open_reader, secret};
pub use totals::{Books, OperationRecord, Totals};
pub(super) use totals::{list, totals};
