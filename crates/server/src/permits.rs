//! <https://hl7.org/fhir/R4/http.html#Status-Codes> 429: how many queries that read much may run at
//! one time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Leave to run one such query. Move it to where the work is done: that may go on when the request
/// was given up.
#[derive(Debug)]
pub(crate) struct Permit(
    #[expect(dead_code, reason = "it counts until it is dropped")] OwnedSemaphorePermit,
);

/// The permits of a service.
#[derive(Debug)]
pub(crate) struct Permits(Arc<Semaphore>);

impl Permits {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// `None` when all are taken.
    pub(crate) fn take(&self) -> Option<Permit> {
        Arc::clone(&self.0).try_acquire_owned().ok().map(Permit)
    }
}

#[cfg(test)]
mod tests {
    use base::limits::EXPENSIVE_QUERIES;

    use super::*;

    #[test]
    fn one_query_more_has_to_wait() {
        let permits = Permits::new(EXPENSIVE_QUERIES);
        let mut taken: Vec<_> = std::iter::from_fn(|| permits.take()).collect();
        assert_eq!(taken.len(), EXPENSIVE_QUERIES);
        taken.pop();
        assert!(permits.take().is_some());
    }
}
