//! What the use cases need from outside: time, randomness, and someone who writes answers.

use async_trait::async_trait;
use domain::flow::Mint;
use domain::id::{Ulid, UlidSequence};
use domain::scope::{Mode, Scope};
use domain::time::Timestamp;
use domain::webhook_delivery::Told;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::error::Error;
use crate::outcome::Outcome;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes fit for keys and secrets.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the slice.
    ///
    /// # Errors
    /// The source failed; nothing secret may be made.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error>;
}

/// An answer as it goes over the wire, and as it is kept for a repeated request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; the use cases only carry it.
    pub status: u16,
    /// The bytes.
    pub body: Vec<u8>,
}

/// Who reads an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The shop's server: it may see everything of its own.
    #[default]
    Shop,
    /// A buyer's browser: it may see what a buyer may.
    Browser,
}

/// How an answer is to be written; kept with a request under way, for whoever comes to answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rendering {
    /// References to replace by the objects themselves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expand: Vec<String>,
    /// Who reads it.
    pub audience: Audience,
}

/// Writes answers. Called before the last commit, so that the answer is kept with what it tells.
#[async_trait]
pub trait Presenter: Send + Sync + 'static {
    /// The answer for an outcome.
    ///
    /// # Errors
    /// A reference could not be read or does not exist.
    async fn present(&self, scope: Scope, outcome: &Outcome, rendering: &Rendering) -> Result<Answer, Error>;
}

/// Something to be posted to a shop's endpoint.
pub struct Parcel<'a> {
    /// Where to.
    pub url: &'a str,
    /// Of a shop's test or live events.
    pub mode: Mode,
    /// Headers beside those that every such request has.
    pub headers: Vec<(&'static str, String)>,
    /// The event.
    pub body: Vec<u8>,
}

/// Carries events to shops' endpoints, and nothing to where it may not.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Whether an endpoint can have that address.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    fn check(&self, url: &str, mode: Mode) -> Result<(), String>;

    /// Posts it once; answers within a bounded time.
    async fn post(&self, parcel: Parcel<'_>) -> Told;
}

/// What a process does about deliveries. What it makes known is kept for whichever delivers.
#[derive(Clone, Default)]
pub enum Delivering {
    /// Nothing.
    #[default]
    Never,
    /// It delivers what is due when it is told to, and nothing goes on beside that: for one that stands still in between.
    WhenTold(Arc<dyn Courier>),
    /// It delivers what it makes known at once, and all that is due.
    AtOnce(Arc<dyn Courier>),
}

impl Delivering {
    /// Who carries.
    pub(crate) const fn courier(&self) -> Option<&Arc<dyn Courier>> {
        match self {
            Self::Never => None,
            Self::WhenTold(courier) | Self::AtOnce(courier) => Some(courier),
        }
    }
}

/// Makes identifiers from the two ports.
pub struct IdMint {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    state: Mutex<MintState>,
}

#[derive(Default)]
struct MintState {
    sequence: UlidSequence,
    /// Randomness drawn at once for many identifiers: a draw costs the same for a few bytes as for hundreds.
    drawn: std::vec::IntoIter<u64>,
}

/// For so many identifiers randomness is drawn at once.
const DRAW: usize = 64;

impl IdMint {
    /// One for the whole process: identifiers increase within it.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, state: Mutex::default() }
    }

    /// A fresh identifier.
    #[must_use]
    pub fn next(&self) -> Ulid {
        let mut state = self.state.lock();
        let random = state.drawn.next().unwrap_or_else(|| {
            state.drawn = self.draw().into_iter();
            state.drawn.next().unwrap_or_default()
        });
        state.sequence.next(self.clock.now(), random)
    }

    /// All further identifiers come after that one, whatever the clock says.
    pub(crate) fn not_before(&self, id: Ulid) {
        self.state.lock().sequence.not_before(id.created_at().plus_millis(1));
    }

    fn draw(&self) -> Vec<u64> {
        let mut bytes = [0u8; DRAW * 8];
        // A failing source costs unguessability, not uniqueness: time and sequence alone are unique.
        let _ = self.entropy.fill(&mut bytes);
        bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect()
    }
}

/// [`Mint`] over a shared [`IdMint`].
pub struct Minting<'a>(pub &'a IdMint);

impl Mint for Minting<'_> {
    fn ulid(&mut self) -> Ulid {
        self.0.next()
    }
}
