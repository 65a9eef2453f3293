//! The walk: each value once, with all rules that hold for it.

use std::sync::Arc;

use json::Value;
use smallvec::smallvec;

use super::rule::{Rule, Rules};
use super::scope::{Bases, Member, Scope, Spot, Trail, members};
use super::{Depth, Request, Validator};
use crate::definitions::{Definitions, Structure, TypeKind, TypeRef};
use crate::validate::{IssueCode, Issues, Place, Severity};

/// One validation of one document.
pub(super) struct Pass<'v, 'd> {
    pub(super) validator: &'v Validator,
    pub(super) request: &'v Request<'v>,
    pub(super) place: Place<'d, 'v>,
    pub(super) entries: super::reference::Entries<'d>,
}

impl<'v, 'd> Pass<'v, 'd> {
    pub(super) fn base(&self) -> &'v Definitions {
        self.validator.registry().base()
    }

    /// Whether a value is of the named type or one made from it.
    pub(super) fn is_a(&self, spot: &Spot<'d>, name: &str) -> bool {
        let wanted = self.base().type_named(name);
        wanted.is_some_and(|wanted| self.base().ty(spot.ty).is_a(wanted))
    }

    pub(super) fn note(
        &self,
        value: Value<'d>,
        (severity, code, key): (Severity, IssueCode, &str),
        text: impl Into<String>,
        out: &mut Issues,
    ) {
        let key = (!key.is_empty()).then(|| Arc::from(key));
        out.note(&self.place, value, (severity, code, key), text);
    }

    /// The resource of the document with the profiles that were asked for.
    pub(super) fn root(&self, value: Value<'d>, out: &mut Issues) {
        let mut rules = Rules::new();
        for url in self.request.profiles {
            match self.validator.structure(url) {
                Some(profile) => self.add_profile(value, profile, &mut rules, out),
                None => {
                    let text = format!(
                        "The profile {url} is not known here. Store its StructureDefinition, or \
                         add the package that has it."
                    );
                    let what = (Severity::Error, IssueCode::NotFound, *url);
                    self.note(value, what, text, out);
                }
            }
        }
        self.resource((value, ""), None, rules, out);
    }

    fn add_profile(
        &self,
        value: Value<'d>,
        profile: Structure<'v>,
        rules: &mut Rules<'v>,
        out: &mut Issues,
    ) {
        let name = value.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let fits = [profile.ty(), "Resource", "DomainResource"];
        if profile.ty() != name && !fits.get(1..).is_some_and(|any| any.contains(&profile.ty())) {
            let text = format!(
                "The profile {} is for {}, and this is a {name}.",
                profile.url(),
                profile.ty()
            );
            let what = (Severity::Error, IssueCode::Structure, profile.url());
            return self.note(value, what, text, out);
        }
        match Rule::root(profile) {
            Some(rule) if rules.iter().any(|known| known.is(&rule)) => {}
            Some(rule) => rules.push(rule),
            None => {
                let text = format!("The profile {} has no elements to check.", profile.url());
                let what = (Severity::Warning, IssueCode::NotSupported, profile.url());
                self.note(value, what, text, out);
            }
        }
    }

    /// The scope of a resource inside `up`, or of the document.
    pub(super) fn resource_scope<'s>(
        &self,
        (value, key): (Value<'d>, &'s str),
        up: Option<&'s Scope<'s, 'v, 'd>>,
        trail: Option<&'s Trail<'s>>,
    ) -> Option<Scope<'s, 'v, 'd>> {
        let name = value.get("resourceType")?.as_str()?;
        let ty = self.base().type_named(&name)?;
        let container = up.filter(|_| key == "contained").map_or(value, |up| up.container);
        let bases = if trail.is_some() {
            Bases::new()
        } else {
            self.base().ty(ty).element().into_iter().collect()
        };
        Some(Scope { spot: Spot::of(value, ty), key, bases, resource: value, container, up, trail })
    }

    fn resource(
        &self,
        (value, key): (Value<'d>, &str),
        up: Option<&Scope<'_, 'v, 'd>>,
        mut rules: Rules<'v>,
        out: &mut Issues,
    ) {
        let trail = up.and_then(|up| up.trail);
        let Some(scope) = self.resource_scope((value, key), up, trail) else { return };
        if self.request.declared && trail.is_none() {
            let declared = value.get("meta").and_then(|meta| meta.get("profile"));
            for named in declared.into_iter().flat_map(Value::elements) {
                let Some(url) = named.as_str() else { continue };
                match self.validator.structure(&url) {
                    Some(profile) => self.add_profile(value, profile, &mut rules, out),
                    None => {
                        let text = format!(
                            "The profile {url} is not known here, so it was not checked. Store \
                             its StructureDefinition, or add the package that has it."
                        );
                        self.note(named, (Severity::Warning, IssueCode::NotFound, &url), text, out);
                    }
                }
            }
        }
        self.node(&scope, &rules, out);
    }

    /// Holds a value, and all in it, against its types and the rules.
    pub(super) fn node(&self, scope: &Scope<'_, 'v, 'd>, rules: &Rules<'v>, out: &mut Issues) {
        if out.is_full() {
            return;
        }
        let mut rules = rules.clone();
        self.demanded(scope, &mut rules, out);
        self.extension(scope, &mut rules, out);
        self.invariants(scope, &rules, out);
        for rule in &rules {
            self.given(scope, rule, out);
        }
        self.bindings(scope, &rules, out);
        if self.request.depth == Depth::Full {
            self.coding(scope, out);
            self.attachment(scope, out);
            self.reference(scope, &rules, out);
            self.bundle(scope, out);
        }
        self.children(scope, &rules, out);
    }

    /// Adds the profiles that the rules demand of this value. Of several, one has to hold.
    fn demanded(&self, scope: &Scope<'_, 'v, 'd>, rules: &mut Rules<'v>, out: &mut Issues) {
        let mut at = 0;
        while let Some(rule) = rules.get(at).copied() {
            at += 1;
            self.type_fits(scope, &rule, out);
            let types = rule.element.types();
            for ty in types.filter(|ty| self.is_a(&scope.spot, ty.code())) {
                let mut roots: Rules<'v> = self.validator.profiles_of(ty).collect();
                roots.retain(|root| !rules.iter().any(|known| known.is(root)));
                match roots.as_slice() {
                    [] => {}
                    [one] => rules.push(*one),
                    many => {
                        if !many.iter().any(|one| self.conforms(scope, one)) {
                            let names: Vec<&str> =
                                many.iter().map(|one| one.structure.url()).collect();
                            let text = format!(
                                "This has to conform to one of {}, and does to none.",
                                names.join(", ")
                            );
                            let what =
                                (Severity::Error, IssueCode::Structure, rule.structure.url());
                            self.note(scope.spot.value, what, text, out);
                        }
                    }
                }
            }
        }
    }

    fn type_fits(&self, scope: &Scope<'_, 'v, 'd>, rule: &Rule<'v>, out: &mut Issues) {
        let mut types = rule.element.types().map(TypeRef::code).peekable();
        if types.peek().is_none() || types.any(|code| self.is_a(&scope.spot, code)) {
            return;
        }
        let is_open = rule.element.is_choice() || rule.element.slice_name().is_some();
        let is_resource = self.base().ty(scope.spot.ty).kind() == TypeKind::Resource;
        if is_open || is_resource {
            let allowed: Vec<&str> = rule.element.types().map(TypeRef::code).collect();
            let text = format!(
                "{} is not a type that {} allows here: {}.",
                self.base().ty(scope.spot.ty).name(),
                rule.source(),
                allowed.join(", ")
            );
            let what = (Severity::Error, IssueCode::Structure, rule.structure.url());
            self.note(scope.spot.value, what, text, out);
        }
    }

    /// Whether a value conforms to a rule, tried without telling.
    pub(super) fn conforms(&self, scope: &Scope<'_, 'v, 'd>, rule: &Rule<'v>) -> bool {
        let named = (rule.element.id(), rule.structure.url());
        if rule.element.depth() == 0 && !self.is_a(&scope.spot, rule.structure.ty()) {
            return false;
        }
        if Trail::has(scope.trail, scope.spot.value, named) {
            return true;
        }
        let trail = Trail::new(scope.spot.value, named, scope.trail);
        let inner = Scope { trail: Some(&trail), bases: Bases::new(), ..*scope };
        let mut issues = Issues::new();
        self.node(&inner, &smallvec![*rule], &mut issues);
        !issues.has_errors()
    }

    fn children(&self, scope: &Scope<'_, 'v, 'd>, rules: &Rules<'v>, out: &mut Issues) {
        if scope.trail.is_some() && rules.is_empty() {
            return;
        }
        let members = members(self.base(), &scope.spot);
        let mut assigned = vec![Rules::new(); members.len()];
        for rule in rules {
            self.assign(scope, (rule, &members), &mut assigned, out);
        }
        for (member, rules) in members.iter().zip(assigned) {
            if self.base().ty(member.spot.ty).kind() == TypeKind::Resource {
                self.resource((member.spot.value, &member.key), Some(scope), rules, out);
            } else {
                self.node(&self.member_scope(scope, member), &rules, out);
            }
        }
    }

    pub(super) fn member_scope<'s>(
        &self,
        up: &'s Scope<'s, 'v, 'd>,
        member: &'s Member<'v, 'd>,
    ) -> Scope<'s, 'v, 'd> {
        let mut bases = Bases::new();
        if up.trail.is_none() {
            bases.push(member.child.element);
            let own = self.base().ty(member.spot.ty).element();
            bases.extend(own.filter(|own| own.id() != member.child.element.id()));
        }
        let (spot, key) = (member.spot, &*member.key);
        Scope { spot, key, bases, up: Some(up), ..*up }
    }

    /// Gives each member the rules of a profile's elements, and counts.
    fn assign(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        (rule, members): (&Rule<'v>, &[Member<'v, 'd>]),
        assigned: &mut [Rules<'v>],
        out: &mut Issues,
    ) {
        let children: Vec<Rule<'v>> = rule.children().collect();
        for same in children.chunk_by(|one, other| one.element.path() == other.element.path()) {
            let Some((head, slices)) = same.split_first() else { continue };
            let name = head.element.name();
            let mine: Vec<usize> = (0..members.len())
                .filter(|at| {
                    members.get(*at).is_some_and(|member| {
                        member.child.element.name() == name || member.key == name
                    })
                })
                .collect();
            let values: Vec<Value<'d>> =
                mine.iter().filter_map(|at| Some(members.get(*at)?.spot.value)).collect();
            self.count(scope, head, &values, out);
            for at in &mine {
                if let Some(rules) = assigned.get_mut(*at) {
                    rules.push(*head);
                }
            }
            if !slices.is_empty() {
                self.slices(scope, (head, slices), (members, &mine, &mut *assigned), out);
            }
        }
    }

    pub(super) fn count(
        &self,
        scope: &Scope<'_, 'v, 'd>,
        rule: &Rule<'v>,
        values: &[Value<'d>],
        out: &mut Issues,
    ) {
        let count = values.len();
        let name = rule.element.name();
        let url = rule.structure.url();
        if count < rule.element.min() as usize {
            let text = format!(
                "{name} is missing: {} demands at least {}, and there {} {count}.",
                rule.source(),
                rule.element.min(),
                if count == 1 { "is" } else { "are" },
            );
            let what = (Severity::Error, IssueCode::Required, url);
            self.note(scope.spot.value, what, text, out);
        }
        let Some(max) = rule.element.max().filter(|max| count > *max as usize) else { return };
        let text = match max {
            0 => format!("{} does not allow {name} here.", rule.source()),
            _ => format!("{} allows {name} at most {max} times, not {count}.", rule.source()),
        };
        let value = values.get(max as usize).copied().unwrap_or(scope.spot.value);
        self.note(value, (Severity::Error, IssueCode::Structure, url), text, out);
    }
}
