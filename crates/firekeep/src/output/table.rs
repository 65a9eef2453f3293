//! `--output table`: columns under a header and a line of dashes.

use serde_json::Value;

use super::Column;
use super::query::Shape;

/// Keys that `az` leaves out of its tables.
const SKIPPED: [&str; 3] = ["id", "type", "etag"];

type Row = Vec<(String, String)>;

pub(super) fn render(value: &Value, shape: &Shape) -> String {
    let one = std::slice::from_ref(value);
    let rows: Vec<Row> =
        value.as_array().map_or(one, Vec::as_slice).iter().map(|item| row(item, shape)).collect();
    lay_out(&rows)
}

/// A command's own table: these columns, in this order.
pub(super) fn columns(value: &Value, columns: &[Column]) -> String {
    let one = std::slice::from_ref(value);
    let items = value.as_array().map_or(one, Vec::as_slice);
    let row = |item: &Value| {
        let cells = columns.iter().map(|(title, pointer)| {
            let value = item.pointer(pointer).map(text).unwrap_or_default();
            ((*title).to_owned(), value)
        });
        cells.collect::<Row>()
    };
    lay_out(&items.iter().map(row).collect::<Vec<_>>())
}

fn row(item: &Value, shape: &Shape) -> Row {
    match item {
        Value::Object(members) => shape
            .ordered(members)
            .into_iter()
            .filter(|(key, value)| {
                let skipped = SKIPPED.contains(&key.as_str());
                !(skipped || value.is_null() || value.is_array() || value.is_object())
            })
            .map(|(key, value)| (capitalized(key), text(value)))
            .collect(),
        Value::Array(cells) => {
            let numbered = cells.iter().enumerate();
            numbered.map(|(index, cell)| (format!("Column{}", index + 1), text(cell))).collect()
        }
        scalar => vec![("Result".to_owned(), text(scalar))],
    }
}

fn capitalized(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Left-aligned columns, two spaces between them, nothing after the last word of a line.
fn lay_out(rows: &[Row]) -> String {
    let mut titles: Vec<&str> = Vec::new();
    for (title, _) in rows.iter().flatten() {
        if !titles.contains(&title.as_str()) {
            titles.push(title);
        }
    }
    if titles.is_empty() {
        return "\n".to_owned();
    }
    let cell = |row: &Row, title: &str| {
        row.iter().find(|(key, _)| key == title).map_or_else(String::new, |(_, text)| text.clone())
    };
    let table: Vec<Vec<String>> =
        rows.iter().map(|row| titles.iter().map(|title| cell(row, title)).collect()).collect();
    let widths: Vec<usize> = (0..titles.len())
        .map(|column| {
            let cells = table.iter().filter_map(|row| row.get(column)).map(|it| it.chars().count());
            let title = titles.get(column).map_or(0, |title| title.chars().count() + 2);
            cells.chain([title]).max().unwrap_or(0)
        })
        .collect();
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let header: Vec<String> = titles.into_iter().map(str::to_owned).collect();
    let lines = [header, dashes].into_iter().chain(table);
    lines.map(|cells| line(&cells, &widths)).collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
}
