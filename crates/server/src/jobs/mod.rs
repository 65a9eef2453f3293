//! Work that goes on after its request was answered, one file each.

pub(crate) mod reindex;
pub(crate) mod vacuum;
