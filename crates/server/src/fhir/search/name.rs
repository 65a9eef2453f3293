//! <https://hl7.org/fhir/R4/search.html#chaining>: the name of a parameter and what hangs on it:
//! modifiers, chains, `_has`.

use base::limits::SEARCH_HOPS;

/// What the left side of a parameter names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Path<'n> {
    /// `name:exact`
    Plain { code: &'n str, modifier: Option<&'n str> },
    /// `subject:Patient.…`
    Chain { code: &'n str, target: Option<&'n str>, rest: Box<Path<'n>> },
    /// `_has:Observation:patient:…`
    Has { source: &'n str, reference: &'n str, rest: Box<Path<'n>> },
}

/// Takes a name apart; the error says what is wrong with it.
pub(crate) fn path(name: &str) -> Result<Path<'_>, String> {
    hop(name, SEARCH_HOPS)
}

fn hop(name: &str, left: usize) -> Result<Path<'_>, String> {
    let rest = |rest| match left.checked_sub(1) {
        Some(left) => hop(rest, left).map(Box::new),
        None => Err(format!("A chain has at most {SEARCH_HOPS} steps.")),
    };
    if let Some(reverse) = name.strip_prefix("_has:") {
        let mut parts = reverse.splitn(3, ':');
        let (Some(source), Some(reference), Some(inner)) =
            (parts.next(), parts.next(), parts.next())
        else {
            let text = "_has names a type, its reference and its parameter: \
                        _has:Observation:patient:code.";
            return Err(text.to_owned());
        };
        return Ok(Path::Has { source, reference, rest: rest(inner)? });
    }
    let Some((head, inner)) = name.split_once('.') else {
        return Ok(match name.split_once(':') {
            Some((code, modifier)) => Path::Plain { code, modifier: Some(modifier) },
            None => Path::Plain { code: name, modifier: None },
        });
    };
    let (code, target) = match head.split_once(':') {
        Some((code, target)) => (code, Some(target)),
        None => (head, None),
    };
    Ok(Path::Chain { code, target, rest: rest(inner)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path<'_>) -> String {
        match path {
            Path::Plain { code, modifier: None } => (*code).to_owned(),
            Path::Plain { code, modifier: Some(modifier) } => format!("{code}:{modifier}"),
            Path::Chain { code, target, rest } => {
                format!("{code}>{} ({})", target.unwrap_or("*"), text(rest))
            }
            Path::Has { source, reference, rest } => {
                format!("{source}.{reference}> ({})", text(rest))
            }
        }
    }

    #[test]
    fn a_name_says_what_hangs_on_it() {
        for (name, expected) in [
            ("name", "name"),
            ("name:exact", "name:exact"),
            ("subject:Patient.name", "subject>Patient (name)"),
            ("subject.name:exact", "subject>* (name:exact)"),
            ("subject.organization.name", "subject>* (organization>* (name))"),
            ("_has:Observation:patient:code", "Observation.patient> (code)"),
            ("_has:Group:member:_has:List:item:_id", "Group.member> (List.item> (_id))"),
            ("patient._has:Group:member:_id", "patient>* (Group.member> (_id))"),
            (
                "_has:Observation:patient:encounter.status:not",
                "Observation.patient> (encounter>* (status:not))",
            ),
        ] {
            assert_eq!(path(name).as_ref().map(text), Ok(expected.to_owned()), "{name}");
        }
        assert!(path("_has:Observation:patient").is_err());
    }

    #[test]
    fn a_chain_has_its_limit() {
        let chain = |hops: usize| format!("{}name", "subject.".repeat(hops));
        assert!(path(&chain(SEARCH_HOPS)).is_ok());
        assert!(path(&chain(SEARCH_HOPS + 1)).is_err());
    }
}
