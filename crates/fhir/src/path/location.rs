//! Where an element stands in its resource: `Patient.name[0].given[1]`.

use json::{Kind as Json, Value};

/// The path from a resource to a value in the same document, as FHIRPath; None if the value is
/// not in it.
#[must_use]
pub fn location(resource: Value<'_>, value: Value<'_>) -> Option<String> {
    let wanted = value.span();
    let mut path = match resource.get("resourceType").and_then(Value::as_str) {
        Some(name) => name.into_owned(),
        None => "$this".to_owned(),
    };
    let mut at = resource;
    while at.index() != value.index() {
        let inside = |child: &Value<'_>| {
            let span = child.span();
            span.start <= wanted.start && wanted.end <= span.end
        };
        at = match at.kind() {
            Json::Object => {
                let member = at.members().find(|member| inside(&member.value()))?;
                path.push('.');
                path.push_str(member.key().trim_start_matches('_'));
                member.value()
            }
            _ => {
                let (index, element) = at.elements().enumerate().find(|(_, e)| inside(e))?;
                path.push_str(&format!("[{index}]"));
                element
            }
        };
    }
    Some(path)
}
