//! Every expression of R4's own definitions compiles, and evaluates on an example.

use fhir::path::{Options, Schema, compile};
use fhir::{Definitions, Element};

#[test]
fn every_expression_of_a_search_parameter_compiles() {
    let schema = Schema::r4();
    let mut count = 0;
    let mut faults = Vec::new();
    for parameter in Definitions::r4().search_parameters().iter() {
        let Some(expression) = parameter.expression() else { continue };
        count += 1;
        let options = Options { as_filters: true, ..Options::default() };
        if let Err(error) = compile(expression, &schema, options) {
            faults.push(format!("{}: {error}\n    {expression}", parameter.url()));
        }
    }
    assert_eq!(count, 1_384);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_invariant_compiles_for_the_type_it_is_of() {
    let definitions = Definitions::r4();
    let schema = Schema::r4();
    let mut count = 0;
    let mut faults = Vec::new();
    for ty in definitions.types() {
        for constraint in ty.element().into_iter().flat_map(Element::constraints) {
            let Some(expression) = constraint.expression else { continue };
            count += 1;
            let options =
                Options { input: Some(ty.name()), as_filters: true, ..Options::default() };
            if let Err(error) = compile(expression, &schema, options) {
                faults.push(format!("{} {}: {error}\n    {expression}", ty.name(), constraint.key));
            }
        }
    }
    assert!(count > 600, "{count}");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
