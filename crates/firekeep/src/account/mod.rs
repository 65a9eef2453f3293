//! Signing in and getting tokens as `az` does: the cache of accounts, the authority, and the three
//! ways to sign in.

pub(crate) mod authority;
pub(crate) mod browser;
pub(crate) mod cache;
pub(crate) mod device;
pub(crate) mod session;
