//! Queries at random: every type of parameter, modifier and prefix, chains both ways, sorts,
//! includes, counts.

use super::evaluate::{Query, knows, matches};
use super::parameters::{ALL, COMPARTMENTS, Kind, Parameter, TYPES, find};
use super::random::Random;
use super::world::World;

const COUNTS: [&str; 8] = ["1", "2", "3", "7", "10", "25", "100", "1000"];

pub(super) struct Asker<'a> {
    pub(super) random: &'a mut Random,
    pub(super) world: &'a World,
}

impl Asker<'_> {
    /// A query that, as a rule, finds something.
    pub(super) fn query(&mut self) -> Query {
        loop {
            let query = self.any();
            if self.random.chance(30) || !matches(self.world, &query).is_empty() {
                return query;
            }
        }
    }

    fn any(&mut self) -> Query {
        let (path, types) = self.path();
        let mut pairs = Vec::new();
        if path.is_empty() || path.ends_with('*') {
            pairs.push(("_type".to_owned(), types.join(",")));
        }
        let criteria = self.random.pick(&[0, 1, 1, 1, 1, 1, 1, 2, 2, 3]);
        for _ in 0..criteria {
            let one = types[0];
            let (name, value) = self.criterion(one, 0);
            if types.iter().all(|of| knows(of, &name) || name == "_list") {
                pairs.push((name, value));
            }
        }
        self.result(&types, &mut pairs);
        Query { path, pairs, by_post: self.random.chance(10) }
    }

    fn path(&mut self) -> (String, Vec<&'static str>) {
        let one = self.random.pick(&TYPES);
        let likely = self.random.pick(&["Observation", "Patient", "Encounter", "Condition", one]);
        match self.random.below(100) {
            0..8 => {
                let other = self.random.pick(&TYPES);
                let types = if one == other { vec![one] } else { vec![one, other] };
                (String::new(), types)
            }
            8..16 => {
                let (of, inside, _) = self.random.pick(&COMPARTMENTS);
                (format!("{of}/{}/{inside}", self.id(of)), vec![inside])
            }
            16..18 => {
                let (of, inside, _) = self.random.pick(&COMPARTMENTS);
                let others = COMPARTMENTS.iter().filter(|(its, ..)| *its == of);
                let others: Vec<&str> = others.map(|(_, inside, _)| *inside).collect();
                let other = self.random.pick(&others);
                let types = if inside == other { vec![inside] } else { vec![inside, other] };
                (format!("{of}/{}/*", self.id(of)), types)
            }
            _ => (likely.to_owned(), vec![likely]),
        }
    }

    pub(super) fn id(&mut self, of: &str) -> String {
        let ids: Vec<&str> = self.world.of_type(of).map(|it| it.key.1.as_str()).collect();
        if ids.is_empty() || self.random.chance(5) {
            return "r1".to_owned();
        }
        self.random.pick(&ids).to_owned()
    }

    fn parameters(of: &str) -> Vec<&'static Parameter> {
        ALL.iter().filter(|it| it.of == of).collect()
    }

    fn references(of: &str) -> Vec<&'static Parameter> {
        ALL.iter().filter(|it| it.of == of && it.kind == Kind::Reference).collect()
    }

    fn criterion(&mut self, of: &str, depth: usize) -> (String, String) {
        match self.random.below(100) {
            0..6 => self.ids(of),
            6..10 => ("_lastUpdated".to_owned(), self.updated()),
            10..26 if depth < 3 => self.chain(of, depth).unwrap_or_else(|| self.plain(of)),
            26..38 if depth < 3 => self.has(of, depth).unwrap_or_else(|| self.plain(of)),
            38..40 if depth == 0 => ("_list".to_owned(), self.id("List")),
            _ => self.plain(of),
        }
    }

    fn ids(&mut self, of: &str) -> (String, String) {
        let count = 1 + self.random.below(4);
        let ids: Vec<String> = (0..count).map(|_| self.id(of)).collect();
        let name = if self.random.chance(15) { "_id:not" } else { "_id" };
        (name.to_owned(), ids.join(","))
    }

    fn updated(&mut self) -> String {
        let prefix = self.random.pick(&["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]);
        let exact = match self.world.resources.as_slice() {
            [] => "2020-01-01T00:00:00.000000Z".to_owned(),
            all => self.random.pick(all).updated.clone(),
        };
        let text = match self.random.below(4) {
            0 => format!("{}Z", &exact[..19]),
            1 => format!("{}Z", &exact[..23]),
            2 => exact[..10].to_owned(),
            _ => exact,
        };
        format!("{prefix}{text}")
    }

    fn chain(&mut self, of: &str, depth: usize) -> Option<(String, String)> {
        let references = Self::references(of);
        let parameter = (!references.is_empty()).then(|| self.random.pick(&references))?;
        let target = self.random.pick(&parameter.targets);
        let (rest, value) = self.criterion(target, depth + 1);
        let typed = format!("{}:{target}.{rest}", parameter.code);
        let name =
            if self.random.chance(50) { typed } else { format!("{}.{rest}", parameter.code) };
        // What another target understands in another way is not asked.
        let is_one_kind =
            name.contains(&format!(":{target}.")) || !parameter.targets.contains(&"ValueSet");
        (knows(of, &name) && is_one_kind).then_some((name, value))
    }

    fn has(&mut self, of: &str, depth: usize) -> Option<(String, String)> {
        let leads = |it: &&Parameter| it.kind == Kind::Reference && it.targets.contains(&of);
        let all: Vec<&Parameter> = ALL.iter().filter(leads).collect();
        let parameter = (!all.is_empty()).then(|| self.random.pick(&all))?;
        let (rest, value) = self.criterion(parameter.of, depth + 1);
        let name = format!("_has:{}:{}:{rest}", parameter.of, parameter.code);
        knows(of, &name).then_some((name, value))
    }

    fn plain(&mut self, of: &str) -> (String, String) {
        // Numbers have more forms than names: they are asked for more often.
        let all = Self::parameters(of).into_iter().flat_map(|it| {
            let times = match it.kind {
                Kind::Quantity | Kind::Number => 8,
                Kind::Composite | Kind::Date => 5,
                _ if it.code.starts_with('_') => 1,
                _ => 3,
            };
            std::iter::repeat_n(it, times)
        });
        let parameter = self.random.pick(&all.collect::<Vec<_>>());
        if self.random.chance(8) {
            let value = if self.random.chance(50) { "true" } else { "false" };
            return (format!("{}:missing", parameter.code), value.to_owned());
        }
        let modifier = if self.random.chance(35) { self.modifier(parameter) } else { None };
        let Some(modifier) = modifier else {
            return (parameter.code.to_owned(), self.values(parameter, None));
        };
        let name = format!("{}:{modifier}", parameter.code);
        let value = match modifier {
            "in" | "not-in" => self.set().expect("there is one"),
            modifier => self.values(parameter, Some(modifier)),
        };
        (name, value)
    }

    /// A ValueSet by its id or its address, if one has an address of its own.
    fn set(&mut self) -> Option<String> {
        let sets = self.world.of_type("ValueSet").filter_map(|it| {
            let url = it.body["url"].as_str().filter(|url| url.starts_with("http://sets/"))?;
            Some([format!("ValueSet/{}", it.key.1), url.to_owned()])
        });
        let all: Vec<String> = sets.flatten().collect();
        (!all.is_empty()).then(|| self.random.pick(&all))
    }

    fn modifier(&mut self, parameter: &Parameter) -> Option<&'static str> {
        let has_sets = self.set().is_some();
        let data_type = parameter.paths[0].1;
        let known: &[&'static str] = match parameter.kind {
            Kind::Str => &["exact", "contains"],
            Kind::Token if data_type == "Identifier" => &["not", "of-type", "text"],
            Kind::Token if data_type == "CodeableConcept" && has_sets => {
                &["not", "text", "in", "not-in"]
            }
            Kind::Token => &["not", "text"],
            Kind::Reference if self.random.chance(50) => &["identifier"],
            Kind::Reference => return Some(self.random.pick(&parameter.targets)),
            Kind::Uri => &["below", "above"],
            Kind::Date | Kind::Number | Kind::Quantity | Kind::Composite => &[],
        };
        (!known.is_empty()).then(|| self.random.pick(known))
    }

    fn result(&mut self, types: &[&'static str], pairs: &mut Vec<(String, String)>) {
        let mut push = |name: &str, value: String| pairs.push((name.to_owned(), value));
        if self.random.chance(30) {
            let keys: Vec<String> =
                (0..1 + self.random.below(3)).map(|_| self.sort_key(types)).collect();
            push("_sort", keys.join(","));
        }
        if self.random.chance(70) {
            push("_count", self.random.pick(&COUNTS).to_owned());
        }
        match self.random.below(30) {
            0 => push("_summary", "count".to_owned()),
            1 => push("_count", "0".to_owned()),
            2..8 => push("_total", "accurate".to_owned()),
            8 => push("_total", "none".to_owned()),
            _ => {}
        }
        if self.random.chance(20) {
            for _ in 0..1 + self.random.below(3) {
                let (name, value) = self.include(types[0]);
                push(name, value);
            }
        }
    }

    fn sort_key(&mut self, types: &[&'static str]) -> String {
        let falling = if self.random.chance(40) { "-" } else { "" };
        // Several types are sorted by what is of one kind in all of them.
        let fits = |it: &&Parameter| {
            let of_kind = |of: &&str| find(of, it.code).is_none_or(|its| its.kind == it.kind);
            it.kind != Kind::Composite && types.iter().all(of_kind)
        };
        let sortable: Vec<&Parameter> =
            Self::parameters(types[0]).into_iter().filter(fits).collect();
        let parameter = self.random.pick(&sortable);
        let name = match self.random.below(10) {
            0 => "_id".to_owned(),
            1 => "_lastUpdated".to_owned(),
            2 | 3 if types.len() == 1 && parameter.kind == Kind::Reference => {
                let target = self.random.pick(&parameter.targets);
                let inner =
                    Self::parameters(target).into_iter().filter(|it| it.kind != Kind::Composite);
                let inner = self.random.pick(&inner.collect::<Vec<_>>());
                format!("{}:{target}.{}", parameter.code, inner.code)
            }
            _ => parameter.code.to_owned(),
        };
        format!("{falling}{name}")
    }

    fn include(&mut self, of: &str) -> (&'static str, String) {
        let iterate = self.random.chance(40);
        let reverse = self.random.chance(45);
        let name = match (reverse, iterate) {
            (false, false) => "_include",
            (false, true) => "_include:iterate",
            (true, false) => "_revinclude",
            (true, true) => "_revinclude:iterate",
        };
        let leads = |it: &&Parameter| {
            it.kind == Kind::Reference
                && (iterate || if reverse { it.targets.contains(&of) } else { it.of == of })
        };
        let all: Vec<&Parameter> = ALL.iter().filter(leads).collect();
        if all.is_empty() || self.random.chance(6) {
            return (name, "*".to_owned());
        }
        let parameter = self.random.pick(&all);
        let target = self.random.pick(&parameter.targets);
        let value = match self.random.below(6) {
            0 => format!("{}:*", parameter.of),
            1 => format!("{}:{}:{target}", parameter.of, parameter.code),
            _ => format!("{}:{}", parameter.of, parameter.code),
        };
        (name, value)
    }
}
