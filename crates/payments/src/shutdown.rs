//! The end of a process: what was begun for clients, present or gone, is finished.
//!
//! What is not finished in time is not lost: its first commit has landed, and recovery ends it after the next start.

use std::future::Future;
use std::time::Duration;

use tracing::Instrument as _;

use crate::error::Error;
use crate::platform::Platform;

impl Platform {
    /// Begins at once what a client's hanging up must not stop; what is answered only waits for it.
    pub(crate) fn detached<T, W>(&self, work: W) -> impl Future<Output = Result<T, Error>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        // The runtime moves a task about as it begins and ends, and this one is large.
        let task = self.tasks.spawn(Box::pin(work.in_current_span()));
        async move { task.await.map_err(|e| Error::Internal(format!("an operation's task ended: {e}")))? }
    }

    /// Waits until all that was begun has ended, at most that long; answers how much has not.
    pub async fn finish(&self, at_most: Duration) -> usize {
        self.tasks.close();
        // Whether it came in time is told by what is left.
        let _ = tokio::time::timeout(at_most, self.tasks.wait()).await;
        self.tasks.len()
    }
}
