//! Work that would hold up other connections: password checks, store openings, long reads.

use std::sync::Arc;

use base::Fault;
use tokio::sync::Semaphore;

/// Runs `work` on the blocking pool. Whatever it panics with becomes a [`Fault`].
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::new("running blocking work", error))
}

/// So many at one time: for work that takes much memory or a whole core. Clones share them.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(crate) fn new(at_one_time: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_one_time)))
    }

    /// Waits for its turn, without a thread, and then runs `work` on the blocking pool.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let turn = turn.map_err(|error| Fault::new("waiting for a turn", error))?;
        run(move || {
            // Goes with the work, and not with who waits for it: that one may give up.
            let _turn = turn;
            work()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use base::limits::PASSWORD_CHECKS;

    use super::*;

    #[tokio::test]
    async fn no_more_run_at_one_time_than_there_are_turns() -> Result<(), Fault> {
        let turns = Arc::new(Turns::new(PASSWORD_CHECKS));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let asked = (0..64).map(|_| {
            let (turns, running, most) =
                (Arc::clone(&turns), Arc::clone(&running), Arc::clone(&most));
            tokio::spawn(async move {
                turns
                    .run(move || {
                        most.fetch_max(
                            running.fetch_add(1, Ordering::SeqCst) + 1,
                            Ordering::SeqCst,
                        );
                        (0..100).for_each(|_| std::thread::yield_now());
                        running.fetch_sub(1, Ordering::SeqCst);
                    })
                    .await
            })
        });
        let asked: Vec<_> = asked.collect();
        for work in asked {
            work.await.map_err(|error| Fault::new("waiting", error))??;
        }
        assert_eq!(running.load(Ordering::SeqCst), 0);
        assert!((1..=PASSWORD_CHECKS).contains(&most.load(Ordering::SeqCst)));
        Ok(())
    }
}
