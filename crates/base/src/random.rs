//! Randomness as an argument, so that a test can say what comes.

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`. The system source cannot fail once the process runs; see [`SystemRandom`].
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's entropy.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::panic, reason = "without entropy no secret is a secret: going on is worse")]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no random bytes: {error}");
        }
    }
}
