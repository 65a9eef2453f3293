//! <https://hl7.org/fhir/R4/valueset-operation-validate-code.html>,
//! <https://hl7.org/fhir/R4/codesystem-operation-validate-code.html>

use super::contains::{Contains, Found, Verdict};
use super::given::{Shape, codings};
use super::{
    Coding, Failure, Missing, OwnedCoding, Parameters, Reason, Scope, VersionRules, concept,
    display, grammar, version,
};
use crate::definitions::{CodeSystem, Include, ValueSet};

/// What is asked about codes.
#[derive(Clone, Debug)]
pub struct Question {
    /// The codes; more than one in a CodeableConcept.
    pub codings: Vec<OwnedCoding>,
    /// How they were given.
    pub shape: Shape,
    /// Languages of the displays, the best first.
    pub languages: Vec<String>,
    /// Whether codes that only group others are good.
    pub allows_abstract: bool,
    /// A code without a system is that of the value set which has it.
    pub infers_system: bool,
    /// A wrong display is only a warning.
    pub is_lenient: bool,
    /// Codes that are no longer used are not good.
    pub active_only: bool,
}

impl Question {
    /// What the parameters of a request ask; `system` is the name of the parameter with the code
    /// system of `code`.
    #[must_use]
    pub fn of(given: &Parameters<'_>, system: &str) -> Self {
        let (codings, shape) = codings(given, system);
        let flag = |name: &str| given.flag(name).unwrap_or(false);
        Self {
            codings,
            shape,
            languages: given.languages(),
            allows_abstract: given.flag("abstract").unwrap_or(true),
            infers_system: flag("inferSystem"),
            is_lenient: flag("lenient-display-validation"),
            active_only: flag("activeOnly"),
        }
    }
}

/// How bad an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The code is not good.
    Error,
    /// It is, but.
    Warning,
    /// Only to know.
    Information,
}

impl Severity {
    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// Something to say about a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// A code of <http://hl7.org/fhir/issue-type>.
    pub code: &'static str,
    /// A code of the code system `tx-issue-type`, which terminology servers share.
    pub kind: &'static str,
    /// A sentence.
    pub text: String,
    /// The element: `Coding.display`.
    pub expression: String,
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct Validated {
    /// Whether the code is good.
    pub result: bool,
    /// The code that was looked at, of several the one that is good.
    pub coding: OwnedCoding,
    /// The code as the system writes it, when that is another.
    pub normalized: Option<String>,
    /// Whether it is no longer used.
    pub is_inactive: bool,
    /// Everything there is to say.
    pub issues: Vec<Issue>,
    /// Code systems that are not loaded, `url` or `url|version`.
    pub unknown: Vec<String>,
}

/// Whether codes are good: in `set`, if there is one, and codes of their systems.
pub fn validate<'a>(
    scope: &Scope<'a>,
    set: Option<ValueSet<'a>>,
    question: &Question,
) -> Result<Validated, Failure> {
    for supplement in set.into_iter().flat_map(ValueSet::supplements) {
        if scope.supplement(supplement).is_none() {
            return Err(Failure::NoSupplement(supplement.to_owned()));
        }
    }
    let mut all = Vec::new();
    for (place, coding) in question.codings.iter().enumerate() {
        let at = match question.shape {
            Shape::Code => String::new(),
            Shape::Coding => "Coding".to_owned(),
            Shape::CodeableConcept => format!("CodeableConcept.coding[{place}]"),
        };
        let mut one = Judge { scope, set, question, at, answer: Validated::default() };
        let is_in = one.coding(coding.view())?;
        all.push((is_in, one.answer));
    }
    let is_in = all.iter().any(|(is_in, _)| *is_in);
    let is_one = question.shape != Shape::CodeableConcept;
    if is_in && !is_one {
        // One good coding is enough: what nobody here can know of the others takes nothing from it.
        let others = all.iter_mut().filter(|(is_in, _)| !is_in);
        let unknown = others.flat_map(|(_, one)| &mut one.issues);
        unknown.filter(|issue| issue.kind == "not-found").for_each(|issue| {
            issue.severity = Severity::Warning;
        });
    }
    let chosen = all.iter().find(|(is_in, _)| *is_in || is_one);
    let mut answer = Validated::default();
    if let Some((_, one)) = chosen {
        answer = Validated { issues: Vec::new(), unknown: Vec::new(), ..one.clone() };
    }
    for (_, one) in all {
        answer.issues.extend(one.issues);
        answer.unknown.extend(one.unknown);
    }
    if let (false, Some(set), Shape::CodeableConcept) = (is_in, set, question.shape) {
        let text = format!("No coding is in the value set {}.", set.url());
        let expression = "CodeableConcept.coding".to_owned();
        let severity = Severity::Error;
        let issue = Issue { severity, code: "code-invalid", kind: "not-in-vs", text, expression };
        answer.issues.insert(0, issue);
    }
    answer.result = is_in && !answer.issues.iter().any(|one| one.severity == Severity::Error);
    Ok(answer)
}

/// Looks at one coding.
struct Judge<'q, 'a> {
    scope: &'q Scope<'a>,
    set: Option<ValueSet<'a>>,
    question: &'q Question,
    at: String,
    answer: Validated,
}

impl<'a> Judge<'_, 'a> {
    fn say(
        &mut self,
        severity: Severity,
        (code, kind): (&'static str, &'static str),
        element: &str,
        text: String,
    ) {
        let expression = match (self.at.as_str(), element) {
            (at, "") => at.to_owned(),
            ("", element) => element.to_owned(),
            (at, element) => format!("{at}.{element}"),
        };
        self.answer.issues.push(Issue { severity, code, kind, text, expression });
    }

    fn wrong(&mut self, codes: (&'static str, &'static str), element: &str, text: String) {
        self.say(Severity::Error, codes, element, text);
    }

    /// Whether it is in the value set; what else is wrong becomes issues.
    fn coding(&mut self, coding: Coding<'_>) -> Result<bool, Failure> {
        self.answer.coding = OwnedCoding {
            system: coding.system.map(str::to_owned),
            code: coding.code.to_owned(),
            ..<_>::default()
        };
        let Some(url) = self.system_of(coding) else { return Ok(false) };
        self.answer.coding.system = Some(url.clone());
        let coding = Coding { system: Some(&url), ..coding };
        let Some((system, rules)) = self.version_of(&url, coding) else {
            return self.unloaded(coding);
        };
        self.answer.coding.version = Some(system.version().to_owned()).filter(|v| !v.is_empty());
        let Some(concept) = system.concept(coding.code) else {
            return self.no_such_code(system, coding, &rules);
        };
        let mut found = Found::of(system, concept);
        let is_in = self.membership(coding, &rules, &mut found)?;
        self.concept(&found, coding);
        Ok(is_in)
    }

    /// The system of a coding, or of the code in the value set.
    fn system_of(&mut self, coding: Coding<'_>) -> Option<String> {
        if let Some(system) = coding.system {
            return Some(system.to_owned());
        }
        if let (true, Some(set)) = (self.question.infers_system, self.set)
            && let Verdict::In(found) = Contains::new(self.scope, coding).value_set(set)
        {
            return Some(found.url.to_owned());
        }
        if self.question.infers_system {
            let text = format!("No system of the value set has the code '{}'.", coding.code);
            self.wrong(("not-found", "cannot-infer"), "code", text);
        } else {
            let text = "A code without a system has no meaning.".to_owned();
            self.say(Severity::Warning, ("invalid", "invalid-data"), "", text);
        }
        self.not_in_set(coding);
        None
    }

    /// The version of the system in which the coding is looked up, and the rules under which the
    /// value set is asked.
    fn version_of(
        &mut self,
        url: &str,
        coding: Coding<'_>,
    ) -> Option<(CodeSystem<'a>, VersionRules)> {
        let mut rules = self.scope.versions().clone();
        let include = self.set.and_then(|set| first_of(self.scope, set, url, 0));
        let own = coding.version.and_then(|v| self.scope.exact_system(url, Some(v)).ok());
        let mut wanted = include.and_then(Include::version);
        // The value set leaves the choice open, `1.x`: then the coding chooses.
        if let Some(own) = own.filter(|own| self.leaves_open(url, wanted, *own)) {
            rules.force.push((url.to_owned(), own.version().to_owned()));
            wanted = Some(own.version());
        }
        let is_pinned = wanted.is_some()
            || [&rules.system, &rules.check, &rules.force]
                .into_iter()
                .flatten()
                .any(|(known, _)| known == url);
        let mut system = match self.scope.allowed_system(url, wanted) {
            Ok(system) => Some(system),
            Err(Failure::Version { .. }) => {
                let allowed = self.scope.allowed_system(url, wanted);
                let text = allowed.err().map(|failure| failure.to_string()).unwrap_or_default();
                self.wrong(("exception", "version-error"), "version", text);
                self.scope.code_system(url, wanted).ok()
            }
            Err(failure) => {
                self.not_loaded(&failure);
                own.or_else(|| self.scope.code_system(url, None).ok())
            }
        };
        if let (Some(version), Some(base)) = (coding.version, system) {
            let own = self.scope.exact_system(url, Some(version));
            let fits = own.as_ref().is_ok_and(|own| own.version() == base.version());
            let mismatch = || {
                format!("The version {version} of {url} is not {}, which is used.", base.version())
            };
            match own {
                Ok(own) if !fits && !is_pinned => {
                    rules.system.push((url.to_owned(), own.version().to_owned()));
                    system = Some(own);
                }
                Ok(_) if !fits => {
                    self.wrong(("invalid", "vs-invalid"), "version", mismatch());
                }
                Ok(_) => {}
                Err(missing) => {
                    self.not_loaded(&Failure::NoCodeSystem(missing));
                    let severity = if wanted.is_some() || is_pinned {
                        Severity::Error
                    } else {
                        Severity::Warning
                    };
                    self.say(severity, ("invalid", "vs-invalid"), "version", mismatch());
                }
            }
        }
        system.map(|system| (system, rules))
    }

    /// Whether the version that the value set wants is a pattern that fits `own` as well.
    fn leaves_open(&self, url: &str, wanted: Option<&str>, own: CodeSystem<'a>) -> bool {
        let is_forced = self.scope.versions().force.iter().any(|(known, _)| known == url);
        let fits = wanted.is_some_and(|wanted| version::matches(wanted, own.version()));
        fits && !is_forced
    }

    fn not_loaded(&mut self, failure: &Failure) {
        if let Failure::NoCodeSystem(missing) = failure {
            if let Missing::System(url) = missing
                && grammar::has(url, "").is_some()
            {
                return;
            }
            self.answer.unknown.push(missing.canonical());
        }
        self.wrong(("not-found", "not-found"), "system", failure.to_string());
    }

    /// A code of a system that is not loaded: a grammar may know it.
    fn unloaded(&mut self, coding: Coding<'_>) -> Result<bool, Failure> {
        let known = coding.system.and_then(|url| grammar::has(url, coding.code));
        if known == Some(false) {
            let text = format!("'{}' is no code of that system.", coding.code);
            self.wrong(("code-invalid", "invalid-code"), "code", text);
        }
        let rules = self.scope.versions().clone();
        let verdict = self.ask(coding, &rules)?;
        if verdict != Some(true) {
            self.not_in_set(coding);
        }
        Ok(verdict == Some(true))
    }

    fn no_such_code(
        &mut self,
        system: CodeSystem<'a>,
        coding: Coding<'_>,
        rules: &VersionRules,
    ) -> Result<bool, Failure> {
        let text =
            Failure::NoSuchCode { system: system.url().to_owned(), code: coding.code.to_owned() };
        let codes = ("code-invalid", "invalid-code");
        if system.content() == "complete" {
            self.wrong(codes, "code", text.to_string());
            self.not_in_set(coding);
            return Ok(false);
        }
        self.say(Severity::Warning, codes, "code", text.to_string());
        let is_in = self.ask(coding, rules)? != Some(false);
        if !is_in {
            self.not_in_set(coding);
        }
        Ok(is_in)
    }

    /// Whether the value set has the code; true without one. `None`: that is not known.
    fn ask(&mut self, coding: Coding<'_>, rules: &VersionRules) -> Result<Option<bool>, Failure> {
        let Some(set) = self.set else { return Ok(Some(true)) };
        let scope = self.scope.under(rules);
        match Contains::new(&scope, Coding { version: None, ..coding }).value_set(set) {
            Verdict::In(_) => Ok(Some(true)),
            Verdict::Out(_) => Ok(Some(false)),
            Verdict::Unknown(Reason::Cycle(url)) => Err(Failure::Cycle(url)),
            Verdict::Unknown(Reason::Filter(text)) => Err(Failure::Filter(text)),
            Verdict::Unknown(Reason::NoValueSet(url)) => {
                let failure = Failure::NoValueSet(url);
                self.wrong(("not-found", "not-found"), "", failure.to_string());
                Ok(None)
            }
            Verdict::Unknown(_) => Ok(None),
        }
    }

    fn membership(
        &mut self,
        coding: Coding<'_>,
        rules: &VersionRules,
        found: &mut Found<'a>,
    ) -> Result<bool, Failure> {
        let Some(set) = self.set else { return Ok(true) };
        if let Some(url) = coding.system {
            let listed = first_listing(self.scope, set, url, found.code());
            found.listed = listed.and_then(|include| include.concept(found.code()));
        }
        let mut is_in = self.ask(coding, rules)?;
        let only_active = self.question.active_only || set.inactive() == Some(false);
        if is_in == Some(true) && only_active && found.is_inactive() {
            let text = format!("The concept '{}' is not active.", coding.code);
            self.wrong(("business-rule", "code-rule"), "code", text);
            is_in = Some(false);
        }
        match is_in {
            Some(true) => Ok(true),
            Some(false) => {
                self.not_in_set(coding);
                Ok(false)
            }
            None => Ok(false),
        }
    }

    fn not_in_set(&mut self, coding: Coding<'_>) {
        let Some(set) = self.set else { return };
        let reason = Reason::NotListed {
            value_set: set.url().to_owned(),
            code: coding.system.map_or_else(
                || coding.code.to_owned(),
                |system| format!("{system}#{}", coding.code),
            ),
        };
        // Of several codings one is enough; that none is in the set is said apart.
        if self.question.shape == Shape::CodeableConcept {
            let codes = ("code-invalid", "this-code-not-in-vs");
            self.say(Severity::Information, codes, "code", reason.to_string());
        } else {
            self.wrong(("code-invalid", "not-in-vs"), "code", reason.to_string());
        }
    }

    /// What a concept itself says: case, use, display.
    fn concept(&mut self, found: &Found<'a>, coding: Coding<'_>) {
        let supplements = self.scope.supplementing(found);
        let languages = &display::wanted(self.set, &self.question.languages);
        let shown = display::display(found, &supplements, languages);
        self.answer.coding.display = shown.map(str::to_owned);
        if found.code() != coding.code {
            let text = format!("The system writes the code '{}'.", found.code());
            self.answer.normalized = Some(found.code().to_owned());
            self.say(Severity::Information, ("business-rule", "code-rule"), "code", text);
        }
        if found.is_abstract() && !self.question.allows_abstract {
            let text = format!("The code '{}' only groups others.", coding.code);
            self.wrong(("business-rule", "code-rule"), "code", text);
        }
        if found.is_inactive() {
            self.answer.is_inactive = true;
            let status = found.system.zip(found.concept);
            let status = status.and_then(|(system, own)| concept::status(system, own));
            let status = status.unwrap_or("inactive");
            let text =
                format!("The code '{}' is {status}: its use is to be reviewed.", coding.code);
            self.say(Severity::Warning, ("business-rule", "code-comment"), "code", text);
        }
        let Some(given) = coding.display.filter(|text| !text.is_empty()) else { return };
        if display::is_said(found, &supplements, languages, given) {
            return;
        }
        let expected = shown.unwrap_or_default();
        let text = format!("'{given}' is no display of '{}'. It is '{expected}'.", coding.code);
        let severity = if self.question.is_lenient { Severity::Warning } else { Severity::Error };
        self.say(severity, ("invalid", "invalid-display"), "display", text);
    }
}

/// The first part of a value set that is about a code system.
fn first_of<'a>(
    scope: &Scope<'a>,
    set: ValueSet<'a>,
    url: &str,
    depth: usize,
) -> Option<Include<'a>> {
    first(scope, set, depth, &|include| include.system() == Some(url))
}

fn first_listing<'a>(
    scope: &Scope<'a>,
    set: ValueSet<'a>,
    url: &str,
    code: &str,
) -> Option<Include<'a>> {
    first(scope, set, 0, &|include| {
        include.system() == Some(url) && include.concept(code).is_some()
    })
}

/// The first part of a value set, or of those that it includes, that fulfils `test`.
fn first<'a>(
    scope: &Scope<'a>,
    set: ValueSet<'a>,
    depth: usize,
    test: &dyn Fn(Include<'a>) -> bool,
) -> Option<Include<'a>> {
    if depth > 8 {
        return None;
    }
    set.includes().find_map(|include| {
        if test(include) {
            return Some(include);
        }
        let mut sets = include.value_sets().filter_map(|canonical| scope.value_set(canonical));
        sets.find_map(|set| first(scope, set, depth + 1, test))
    })
}
