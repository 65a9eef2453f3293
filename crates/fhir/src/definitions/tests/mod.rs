//! What the pack of R4 says, and what happens to packs that are not whole.

mod counts;
mod damage;
mod overlay;
mod package;
mod search;
mod stored;
mod terminology;
mod types;

use std::fmt::Write;

use super::{Child, Definitions};

/// `min..max` and types of an element, `string 0..*`, with what the types point to.
fn describe(child: Child<'_>) -> String {
    let definitions = Definitions::r4();
    let (element, ty) = (child.element, definitions.ty(child.ty).name());
    let max = element.max().map_or("*".to_owned(), |max| max.to_string());
    let mut text = format!("{ty} {}..{max}", element.min());
    if child.choice {
        text.push_str(if child.named_type { " choice" } else { " choice of" });
    }
    if !child.named_type {
        for ty in element.types() {
            write!(text, " {}", ty.code()).unwrap();
        }
    }
    let targets = element.types().filter(|known| known.ty() == Some(child.ty));
    for target in targets.flat_map(super::TypeRef::targets) {
        write!(text, " -> {}", target.rsplit('/').next().unwrap()).unwrap();
    }
    text
}

/// The child that a path of JSON names leads to, and what it is.
fn follow(path: &str) -> String {
    let definitions = Definitions::r4();
    let mut names = path.split('.');
    let Some(mut ty) = definitions.type_named(names.next().unwrap()) else {
        return "no such type".to_owned();
    };
    let mut last = String::new();
    for name in names {
        let Some(child) = definitions.ty(ty).child(name) else {
            return format!("{} has no {name}", definitions.ty(ty).name());
        };
        last = describe(child);
        ty = child.ty;
    }
    last
}
