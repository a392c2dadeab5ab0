//! Entering events into the lists of those that are to hear of them, in the commits that make them.

use domain::id::EventId;
use domain::scope::Scope;

use super::lanes::{Offered, Origin};
use super::{Of, pending};
use crate::error::Error;
use crate::platform::Platform;
use crate::ports::Delivering;
use crate::writes::Writes;

/// An event for an endpoint.
pub(crate) struct Post {
    /// For which.
    of: Of,
    /// Which.
    event: EventId,
}

impl Platform {
    /// Enters the events of a commit for all that are to hear of them.
    pub(crate) async fn address(&self, scope: Scope, writes: &mut Writes) -> Result<Vec<Post>, Error> {
        if writes.events().is_empty() {
            return Ok(Vec::new());
        }
        let endpoints = self.endpoints(scope).await?;
        let mut posts = Vec::new();
        for endpoint in endpoints.enabled() {
            let of = (scope, endpoint.id);
            let heard = writes.events().iter().filter(|told| endpoint.hears(told.kind));
            posts.extend(heard.map(|told| Post { of, event: EventId::new(told.id) }));
        }
        for post in &posts {
            writes.link(pending(post.of), post.event.ulid());
        }
        Ok(posts)
    }

    /// Has what a commit that landed made known be told at once, if this process does that.
    pub(crate) fn post(&self, posts: &[Post]) {
        if matches!(self.delivering, Delivering::AtOnce(_)) {
            let now = self.now();
            for post in posts {
                if self.lanes.offer(post.of, post.event, Origin::Commit, now) == Offered::Begin {
                    self.lanes.begin(post.of);
                }
            }
        }
    }
}
