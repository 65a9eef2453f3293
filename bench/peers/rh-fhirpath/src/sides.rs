//! The two engines, and how their times are taken.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use fhir::path::{self, Environment, Options, Program, Schema};
use fhir::value::Moment;
use json::{Document, Limits};
use rh_fhirpath::{EvaluationContext, FhirPathEvaluator, FhirPathExpression, FhirPathParser};

/// Both take turns; the median of these counts.
const ROUNDS: usize = 101;
/// A round repeats its work until it takes about so long, so that the clock is fine enough.
const ROUND_MICROSECONDS: f64 = 500.0;

/// A resource as we read it.
pub struct Ours {
    document: Document,
    schema: Arc<Schema>,
    /// What an expression is compiled for, as everything that evaluates one knows it.
    ty: &'static str,
    now: Moment,
}

impl Ours {
    pub fn new(text: &[u8], ty: &'static str) -> Result<Self> {
        let document = Document::parse(text.to_vec(), &Limits::default())?;
        let now = Moment::parse_instant("2026-01-01T00:00:00Z").ok().context("a moment")?;
        Ok(Self { document, schema: Schema::r4(), ty, now })
    }

    fn compile(&self, text: &str) -> Result<Program, String> {
        let options = Options { input: Some(self.ty), as_filters: true, strict: false };
        let program = path::compile(text, &self.schema, options).map_err(|it| it.to_string())?;
        self.evaluate(&program).map(|_| program)
    }

    /// How many items there are.
    fn evaluate(&self, program: &Program) -> Result<usize, String> {
        let environment = Environment::at(self.now);
        let items = program.evaluate(&environment, self.document.root());
        items.map(|items| items.len()).map_err(|error| error.to_string())
    }
}

/// A resource as rh-fhirpath reads it.
pub struct Theirs {
    evaluator: FhirPathEvaluator,
    context: EvaluationContext,
}

impl Theirs {
    pub fn new(text: &[u8]) -> Result<Self> {
        let context = EvaluationContext::new(serde_json::from_slice(text)?);
        Ok(Self { evaluator: FhirPathEvaluator::new(), context })
    }

    fn compile(&self, text: &str) -> Result<FhirPathExpression, String> {
        let expression = FhirPathParser::new().parse(text).map_err(|error| error.to_string())?;
        self.evaluator.evaluate(&expression, &self.context).map_err(|error| error.to_string())?;
        Ok(expression)
    }
}

/// What both can evaluate, compiled by each.
pub struct Row<'s> {
    ours: &'s Ours,
    theirs: &'s Theirs,
    compiled: Vec<(Program, FhirPathExpression)>,
    pub left_out: Vec<String>,
}

impl<'s> Row<'s> {
    pub fn of(texts: &[String], ours: &'s Ours, theirs: &'s Theirs) -> Self {
        let mut row = Row { ours, theirs, compiled: Vec::new(), left_out: Vec::new() };
        for text in texts {
            match (ours.compile(text), theirs.compile(text)) {
                (Ok(a), Ok(b)) => row.compiled.push((a, b)),
                (Err(why), _) => row.left_out.push(format!("`{text}`: ours: {why}")),
                (_, Err(why)) => row.left_out.push(format!("`{text}`: rh-fhirpath: {why}")),
            }
        }
        row
    }

    /// Microseconds for all expressions, at the median: ours, and theirs.
    pub fn measure(&self) -> (f64, f64) {
        let ours = || {
            for (program, _) in &self.compiled {
                let _ = black_box(self.ours.evaluate(program));
            }
        };
        let theirs = || {
            for (_, expression) in &self.compiled {
                let Theirs { evaluator, context } = self.theirs;
                let _ = black_box(evaluator.evaluate(expression, context));
            }
        };
        let times = [repeats(&ours), repeats(&theirs)];
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            a.push(microseconds(times[0], &ours));
            b.push(microseconds(times[1], &theirs));
        }
        (median(a), median(b))
    }
}

fn repeats(work: &impl Fn()) -> usize {
    let warm = microseconds(10, work).max(0.01);
    ((ROUND_MICROSECONDS / warm) as usize).max(1)
}

/// What one turn takes.
fn microseconds(times: usize, work: &impl Fn()) -> f64 {
    let start = Instant::now();
    (0..times).for_each(|_| work());
    start.elapsed().as_secs_f64() * 1e6 / times as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
