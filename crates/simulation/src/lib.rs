//! Bursar's payments under every fault, the same way each time.
//!
//! The real `payments` code runs on one thread, by a virtual clock, with randomness that follows from a seed: a seed
//! is a run, and a run can be had again. Processes end anywhere and begin anew ([`node`]); the store and the bank
//! survive, and each way to them is faulty ([`disk`], [`bank`]); in some runs the shop has a webhook endpoint ([`receiver`]). Shops pay, capture, cancel, refund, repeat and give up
//! ([`shop`]). After every commit the rules are checked on what it changed ([`audit`]); at the end, when faults have
//! stopped and nothing is open any more, everything is ([`run`]).
//!
//! Absent on purpose: HTTP, and the engines that keep things on disks: their own tests are beside them.

pub mod audit;
pub mod bank;
pub mod disk;
pub mod engine;
pub mod node;
pub mod receiver;
pub mod run;
pub mod shop;
pub mod world;
