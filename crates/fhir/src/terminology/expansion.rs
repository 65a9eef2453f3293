//! <https://hl7.org/fhir/R4/valueset-operation-expand.html>: an expansion as a resource.

use json::Writer;

use super::write::{flag, text};
use super::{Expanded, Line, Wanted};
use crate::definitions::{Designation, Include, ValueSet};

impl Expanded<'_> {
    /// The value set with its expansion, made now and under this identifier.
    #[must_use]
    pub fn to_json(&self, identifier: &str, now: &str, wanted: &Wanted) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.lines.len() * 128);
        let mut writer = Writer::new(&mut out);
        let set = self.set;
        writer.begin_object().key("resourceType").string("ValueSet");
        let status = Some(set.status()).filter(|status| !status.is_empty());
        let head = [
            ("url", Some(set.url())),
            ("version", Some(set.version())),
            ("name", Some(set.name())),
            ("title", set.title()),
            ("status", status.or(Some("active"))),
        ];
        for (key, value) in head {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                writer.key(key).string(value);
            }
        }
        if wanted.definition {
            compose(&mut writer, set);
        }
        writer.key("expansion").begin_object().key("identifier").string(identifier);
        writer.key("timestamp").string(now).key("total").integer(self.total as u64);
        if let Some(offset) = wanted.offset {
            writer.key("offset").integer(offset as u64);
        }
        self.parameters(&mut writer, wanted);
        if !self.lines.is_empty() {
            writer.key("contains").begin_array();
            self.lines(&mut writer);
            writer.end_array();
        }
        writer.end_object().end_object();
        out
    }

    fn parameters(&self, writer: &mut Writer<'_>, wanted: &Wanted) {
        writer.key("parameter").begin_array();
        text(writer, "filter", "String", wanted.filter.as_deref());
        text(writer, "displayLanguage", "Code", Some(&wanted.languages.join(",")));
        for (system, code) in &wanted.designated {
            let token = if system.is_empty() { code.clone() } else { format!("{system}|{code}") };
            text(writer, "designation", "String", Some(&token));
        }
        for canonical in &wanted.without {
            text(writer, "exclude-system", "Uri", Some(canonical));
        }
        let numbers = [("count", wanted.count), ("offset", wanted.offset)];
        for (name, number) in numbers {
            if let Some(number) = number {
                writer.begin_object().key("name").string(name);
                writer.key("valueInteger").integer(number as u64).end_object();
            }
        }
        let flags = [
            ("activeOnly", wanted.active_only),
            ("includeDesignations", wanted.designations),
            ("includeDefinition", wanted.definition),
            ("excludeNotForUI", wanted.selectable_only),
            ("excludePostCoordinated", wanted.composed_excluded),
        ];
        flags.into_iter().filter(|(_, up)| *up).for_each(|(name, up)| flag(writer, name, up));
        for (url, version) in &self.systems {
            let canonical =
                if version.is_empty() { (*url).to_owned() } else { format!("{url}|{version}") };
            text(writer, "used-codesystem", "Uri", Some(&canonical));
        }
        writer.end_array();
    }

    /// The lines, each inside the one that it stands below.
    fn lines(&self, writer: &mut Writer<'_>) {
        let mut open = 0;
        for (place, line) in self.lines.iter().enumerate() {
            while open > line.depth {
                writer.end_array().end_object();
                open -= 1;
            }
            self.line(writer, line);
            let next = self.lines.get(place + 1).map_or(0, |next| next.depth);
            if next > line.depth {
                writer.key("contains").begin_array();
                open += 1;
            } else {
                writer.end_object();
            }
        }
        for _ in 0..open {
            writer.end_array().end_object();
        }
    }

    /// A line, still open.
    fn line(&self, writer: &mut Writer<'_>, line: &Line<'_>) {
        writer.begin_object().key("system").string(line.system);
        if let Some(version) = line.version.filter(|_| self.is_versioned) {
            writer.key("version").string(version);
        }
        for (key, up) in [("abstract", line.is_abstract), ("inactive", line.is_inactive)] {
            if up {
                writer.key(key).bool(true);
            }
        }
        writer.key("code").string(line.code);
        if let Some(display) = line.display {
            writer.key("display").string(display);
        }
        if !line.designations.is_empty() {
            writer.key("designation").begin_array();
            line.designations.iter().for_each(|designation| designated(writer, designation));
            writer.end_array();
        }
    }
}

/// What a value set is defined by.
fn compose(writer: &mut Writer<'_>, set: ValueSet<'_>) {
    let sides: [(_, Vec<_>); 2] =
        [("include", set.includes().collect()), ("exclude", set.excludes().collect())];
    if sides.iter().all(|(_, all)| all.is_empty()) {
        return;
    }
    writer.key("compose").begin_object();
    if let Some(inactive) = set.inactive() {
        writer.key("inactive").bool(inactive);
    }
    for (key, all) in sides.iter().filter(|(_, all)| !all.is_empty()) {
        writer.key(key).begin_array();
        all.iter().for_each(|one| include(writer, *one));
        writer.end_array();
    }
    writer.end_object();
}

fn include(writer: &mut Writer<'_>, one: Include<'_>) {
    writer.begin_object();
    for (key, value) in [("system", one.system()), ("version", one.version())] {
        if let Some(value) = value {
            writer.key(key).string(value);
        }
    }
    list(writer, "concept", one.concepts(), |writer, concept| {
        writer.begin_object().key("code").string(concept.code());
        if let Some(display) = concept.display() {
            writer.key("display").string(display);
        }
        list(writer, "designation", concept.designations(), |writer, one| designated(writer, &one));
        writer.end_object();
    });
    list(writer, "filter", one.filters(), |writer, filter| {
        writer.begin_object().key("property").string(filter.property);
        writer.key("op").string(filter.op).key("value").string(filter.value).end_object();
    });
    list(writer, "valueSet", one.value_sets(), |writer, canonical| {
        writer.string(canonical);
    });
    writer.end_object();
}

/// An array, unless it is empty.
fn list<T>(
    writer: &mut Writer<'_>,
    key: &str,
    all: impl Iterator<Item = T>,
    write: impl Fn(&mut Writer<'_>, T),
) {
    let mut all = all.peekable();
    if all.peek().is_some() {
        writer.key(key).begin_array();
        all.for_each(|one| write(writer, one));
        writer.end_array();
    }
}

fn designated(writer: &mut Writer<'_>, designation: &Designation<'_>) {
    writer.begin_object();
    if let Some(language) = designation.language {
        writer.key("language").string(language);
    }
    if let Some(code) = designation.use_code {
        writer.key("use").begin_object();
        if let Some(system) = designation.use_system {
            writer.key("system").string(system);
        }
        writer.key("code").string(code).end_object();
    }
    writer.key("value").string(designation.value).end_object();
}
