//! Expressions, compiled when they are first met.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::definitions::TypeId;
use crate::path::{Error, Options, Program, Schema, compile};

type Compiled = Arc<Result<Program, Error>>;

/// Compiled expressions by text, for each type of their input.
#[derive(Default)]
pub(super) struct Programs(RwLock<HashMap<TypeId, HashMap<Box<str>, Compiled>>>);

impl Programs {
    /// The expression compiled for an input of this type.
    pub(super) fn get(
        &self,
        schema: &Arc<Schema>,
        (ty, name): (TypeId, &str),
        text: &str,
    ) -> Compiled {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&ty).and_then(|known| known.get(text)) {
            return Arc::clone(known);
        }
        drop(known);
        let options = Options { input: Some(name), strict: false, as_filters: true };
        let compiled = Arc::new(compile(text, schema, options));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(ty).or_default().insert(text.into(), Arc::clone(&compiled));
        compiled
    }
}
