//! <https://hl7.org/fhir/R4/valueset-operation-expand.html>

use base::ids;
use fhir::terminology::Wanted;

use super::Level;
use super::input::Input;
use super::terminology::{Asked, Refusal, answer};
use crate::exchange::Answer;
use crate::fhir::context::Context;

pub(crate) const PARAMETERS: [&str; 21] = [
    "url",
    "valueSet",
    "valueSetVersion",
    "filter",
    "offset",
    "count",
    "includeDesignations",
    "designation",
    "includeDefinition",
    "activeOnly",
    "excludeNested",
    "excludeNotForUI",
    "excludePostCoordinated",
    "displayLanguage",
    "exclude-system",
    "system-version",
    "check-system-version",
    "force-system-version",
    "default-valueset-version",
    "tx-resource",
    "useSupplement",
];

/// No system here has codes that are put together, so that there are none to exclude.
const FLAGS: [&str; 6] = [
    "includeDesignations",
    "includeDefinition",
    "activeOnly",
    "excludeNested",
    "excludeNotForUI",
    "excludePostCoordinated",
];

/// `/ValueSet/$expand`: the codes of a value set. Expansions are flat; with `excludeNested=false`
/// those that are not paged are nested as their code systems are.
pub(crate) fn expand(cx: &Context<'_>, level: Level, input: &Input) -> Result<Answer, Refusal> {
    let asked = Asked::of(cx, level, input, &PARAMETERS)?;
    input.number("count")?;
    input.number("offset")?;
    for name in FLAGS {
        input.flag(name)?;
    }
    let set = asked.value_set()?;
    let wanted = Wanted::of(&asked.given);
    let expanded = fhir::terminology::expand(&asked.scope(), set, &wanted)?;
    let identifier = format!("urn:uuid:{}", ids::ordered_guid(cx.now, &*cx.app.random));
    Ok(answer(expanded.to_json(&identifier, &cx.now.to_string(), &wanted)))
}
