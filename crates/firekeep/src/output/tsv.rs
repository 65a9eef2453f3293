//! `--output tsv`: one row per item, values separated by tabs, no header.

use serde_json::Value;

use super::query::Shape;

pub(super) fn render(value: &Value, shape: &Shape) -> String {
    let one = std::slice::from_ref(value);
    let rows = value.as_array().map_or(one, Vec::as_slice);
    rows.iter().map(|row| line(row, shape) + "\n").collect()
}

fn line(row: &Value, shape: &Shape) -> String {
    match row {
        Value::Object(members) => {
            let cells = shape.ordered(members).into_iter().map(|(_key, value)| cell(value));
            cells.collect::<Vec<_>>().join("\t")
        }
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join("\t"),
        // A row that is only a truth value is written in lower case, a cell is not.
        Value::Bool(truth) => truth.to_string(),
        scalar => cell(scalar),
    }
}

/// As Python prints it; a list is its length, an object nothing.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.len().to_string(),
        Value::Object(_) => String::new(),
    }
}
