//! Work that would hold up other connections: password checks, store openings, long reads.

use base::Fault;

/// Runs `work` on the blocking pool. Whatever it panics with becomes a [`Fault`].
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::new("running blocking work", error))
}
