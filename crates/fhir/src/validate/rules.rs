//! The element tables as the structural checks read them.

use std::sync::LazyLock;

use crate::Definitions;

/// What may stand where, for all types of a version of FHIR.
#[derive(Debug, Default)]
pub struct Rules {}

impl Rules {
    /// Those of R4, shared by all of the process.
    #[must_use]
    pub fn r4() -> &'static Rules {
        static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::of(Definitions::r4()));
        &RULES
    }

    /// Those of other definitions.
    #[must_use]
    pub fn of(_: &'static Definitions) -> Rules {
        Rules::default()
    }
}
