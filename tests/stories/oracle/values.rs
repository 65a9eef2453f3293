//! Values at random for what a parameter is asked, in every form that its type has.

use super::elements::{CODES, DATES, NAMES, NUMBERS, SYSTEMS, UNITS, URLS};
use super::extract::{Found, Token};
use super::parameters::{IMPLIED, Kind, Parameter};
use super::queries::Asker;
use super::text::{escape, fold};
use super::world::Key;

const PREFIXES: [&str; 9] = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

impl Asker<'_> {
    pub(super) fn values(&mut self, parameter: &Parameter, modifier: Option<&str>) -> String {
        let count = if self.random.chance(75) { 1 } else { 2 + self.random.below(2) };
        let mut values = Vec::new();
        for _ in 0..count {
            let sample = self.sample(parameter);
            values.push(self.value(parameter, modifier, sample.as_ref()));
        }
        values.join(",")
    }

    /// What some resource has, so that not everything that is asked finds nothing.
    fn sample(&mut self, parameter: &Parameter) -> Option<Found> {
        let of_type = self.world.of_type(parameter.of);
        let all: Vec<&Found> = of_type.flat_map(|it| it.values(parameter.code)).collect();
        (!all.is_empty() && self.random.chance(75)).then(|| self.random.pick(&all).clone())
    }

    fn value(
        &mut self,
        parameter: &Parameter,
        modifier: Option<&str>,
        sample: Option<&Found>,
    ) -> String {
        match (parameter.kind, modifier) {
            (Kind::Str, modifier) => {
                let text = match sample {
                    Some(Found::Text(text)) => text.clone(),
                    _ => self.random.pick(NAMES).to_owned(),
                };
                self.part(&text, modifier)
            }
            (Kind::Token, modifier) => self.token(parameter, modifier, sample),
            (Kind::Reference, Some("identifier")) => self.identifier(sample),
            (Kind::Reference, only) => self.reference(parameter, only, sample),
            (Kind::Date, _) => format!("{}{}", self.prefix(), self.date()),
            (Kind::Number, _) => format!("{}{}", self.prefix(), self.random.pick(NUMBERS)),
            (Kind::Quantity, _) => self.quantity(sample),
            (Kind::Uri, modifier) => self.uri(parameter, modifier),
            (Kind::Composite, _) => {
                let mut parts = Vec::new();
                for (place, component) in parameter.components.iter().enumerate() {
                    let sample = match sample {
                        Some(Found::Composite(parts)) => parts[place].first(),
                        _ => None,
                    };
                    parts.push(self.value(component, None, sample));
                }
                parts.join("$")
            }
        }
    }

    fn prefix(&mut self) -> &'static str {
        if self.random.chance(30) { "" } else { self.random.pick(&PREFIXES) }
    }

    fn date(&mut self) -> &'static str {
        const OTHERS: &[&str] = &[
            "2020-01-01T10:00",
            "2020-01-01T10:00:00.1Z",
            "2019",
            "2020-02-29T23:59Z",
            "2020-03-01",
        ];
        if self.random.chance(70) { self.random.pick(DATES) } else { self.random.pick(OTHERS) }
    }

    /// A text, or what it begins with, or a part of it.
    fn part(&mut self, text: &str, modifier: Option<&str>) -> String {
        let letters: Vec<char> = text.chars().collect();
        let (from, to) = match modifier {
            Some("exact") => (0, letters.len()),
            Some("contains") => {
                let from = self.random.below(letters.len());
                (from, from + 1 + self.random.below(letters.len() - from))
            }
            _ => (0, 1 + self.random.below(letters.len())),
        };
        let part: String = letters[from..to].iter().collect();
        let part = if self.random.chance(20) && modifier != Some("exact") {
            part.to_uppercase()
        } else {
            part
        };
        // What is asked for does not begin or end with space: R4 does not say what that means. Nor
        // is it an accent alone, which is refused.
        if fold(&part).trim().is_empty() { escape(text) } else { escape(part.trim()) }
    }

    fn token(
        &mut self,
        parameter: &Parameter,
        modifier: Option<&str>,
        sample: Option<&Found>,
    ) -> String {
        let token = match sample {
            Some(Found::Token(token)) => token.clone(),
            _ => self.any_token(),
        };
        match modifier {
            Some("text") => {
                let text = token.text.unwrap_or_else(|| self.random.pick(NAMES).to_owned());
                return self.part(&text, None);
            }
            Some("of-type") => {
                let (system, code) = token.types.first().cloned().unwrap_or((None, "a".to_owned()));
                let value = token.code.unwrap_or_else(|| "b".to_owned());
                let parts = [system.unwrap_or_default(), code, value];
                return parts.map(|part| escape(&part)).join("|");
            }
            _ => {}
        }
        let implied = |it: &&(&str, &str, &str)| it.0 == parameter.of && it.1 == parameter.code;
        let Some((.., system)) = IMPLIED.iter().find(implied) else { return self.form(&token) };
        let code = token.code.unwrap_or_else(|| "final".to_owned());
        match self.random.below(4) {
            0 => format!("{system}|"),
            1 => format!("{system}|{}", escape(&code)),
            _ => escape(&code),
        }
    }

    fn any_token(&mut self) -> Token {
        let (system, code) = (self.random.pick(SYSTEMS), self.random.pick(CODES));
        Token { system: Some(system.to_owned()), code: Some(code.to_owned()), ..Token::default() }
    }

    /// A token in one of its forms.
    fn form(&mut self, token: &Token) -> String {
        let code = escape(token.code.as_deref().unwrap_or("a"));
        let system = escape(token.system.as_deref().unwrap_or_default());
        match self.random.below(5) {
            0 if !system.is_empty() => format!("{system}|"),
            1 => format!("|{code}"),
            2 | 3 => format!("{system}|{code}"),
            _ => code,
        }
    }

    fn identifier(&mut self, sample: Option<&Found>) -> String {
        let token = match sample {
            Some(Found::Reference(reference)) => reference.identifier.clone(),
            _ => None,
        };
        let token = token.unwrap_or_else(|| self.any_token());
        self.form(&token)
    }

    fn reference(
        &mut self,
        parameter: &Parameter,
        only: Option<&str>,
        sample: Option<&Found>,
    ) -> String {
        let local = match sample {
            Some(Found::Reference(reference)) => {
                reference.text.as_ref().and_then(|text| self.world.local(text))
            }
            _ => None,
        };
        let fits = |((of, _), _): &(Key, Option<String>)| only.is_none_or(|only| only == of);
        let (of, id) = match local.filter(fits) {
            Some((key, _)) => key,
            None => {
                let of = only.unwrap_or_else(|| self.random.pick(&parameter.targets)).to_owned();
                let id = self.id(&of);
                (of, id)
            }
        };
        match self.random.below(14) {
            0 => format!("{}/{of}/{id}", self.world.bases[0]),
            1 => format!("http://other.example/fhir/{of}/{id}"),
            2 if only.is_none() => "https://example.org/elsewhere".to_owned(),
            3 => format!("{of}/{id}/_history/1"),
            4..9 => id,
            _ => format!("{of}/{id}"),
        }
    }

    fn quantity(&mut self, sample: Option<&Found>) -> String {
        let number = format!("{}{}", self.prefix(), self.random.pick(NUMBERS));
        let unit = match sample {
            // In the unit that it has, or in another one.
            Some(Found::Quantity { code: Some(code), .. }) if self.random.chance(60) => {
                code.clone()
            }
            _ => self.random.pick(UNITS).to_owned(),
        };
        match self.random.below(9) {
            0..3 => number,
            3 => format!("{number}||{unit}"),
            4 => format!("{number}|http://units|{unit}"),
            5 => format!("{number}|urn:iso:std:iso:4217|EUR"),
            _ => format!("{number}|http://unitsofmeasure.org|{unit}"),
        }
    }

    fn uri(&mut self, parameter: &Parameter, modifier: Option<&str>) -> String {
        let urls: &[&str] = match parameter.code {
            "_profile" => &["http://a/p", "http://a/p/q", "http://a"],
            "reference" => SYSTEMS,
            _ => URLS,
        };
        let url = escape(self.random.pick(urls));
        match parameter.code {
            "url" if modifier.is_none() && self.random.chance(30) => {
                format!("{url}|{}", self.random.pick(&["1", "1.0", "2"]))
            }
            "_profile" if modifier.is_none() && self.random.chance(40) => format!("{url}|1"),
            _ => url,
        }
    }
}
