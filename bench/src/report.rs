//! The table that is printed and kept under `docs/performance/`.

use std::fmt;

use crate::driver::Measured;

/// Measurements of ours and of the probe, one after the other in each round.
pub type Rounds = Vec<[Measured; 2]>;

/// Rows of a Markdown table.
#[derive(Default)]
pub struct Report {
    rows: Vec<[String; 5]>,
}

impl Report {
    /// Requests to ours and to the probe: of both the round in the middle, and of the ratios of all
    /// rounds the one in the middle, since what disturbs a round disturbs both.
    pub fn rounds(&mut self, name: &str, rounds: &Rounds, goal: &str) {
        let figure = |side: fn(&[Measured; 2]) -> &Measured| {
            let its = middle(rounds.iter().map(side), |it| it.per_second())?;
            let (median, p99) = (its.quantile(0.5), its.quantile(0.99));
            Some(format!("{:.0}/s ({median} / {p99} µs)", its.per_second()))
        };
        let pair = [figure(|[ours, _]| ours), figure(|[_, probe]| probe)];
        let ratios = rounds.iter().map(|[ours, probe]| ours.per_second() / probe.per_second());
        let ratio = middle(ratios, |ratio| *ratio).unwrap_or(f64::NAN);
        self.figures(name, pair.map(Option::unwrap_or_default), ratio, goal);
    }

    /// Any pair, ours and the probe's, whose ratio is what matters.
    pub fn figures(&mut self, name: &str, [ours, probe]: [String; 2], ratio: f64, goal: &str) {
        let ratio = format!("{:.0} %", ratio * 100.0);
        eprintln!("  {name}: ours {ours}, probe {probe}, {ratio}");
        self.rows.push([name.into(), ours, probe, ratio, goal.into()]);
    }
}

fn middle<T>(all: impl Iterator<Item = T>, by: impl Fn(&T) -> f64) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by(|one, two| by(one).total_cmp(&by(two)));
    let middle = all.len() / 2;
    all.into_iter().nth(middle)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| workload | ours (median / p99) | probe (median / p99) | ratio | goal |")?;
        writeln!(f, "| --- | --- | --- | --- | --- |")?;
        for [name, ours, probe, ratio, goal] in &self.rows {
            writeln!(f, "| {name} | {ours} | {probe} | {ratio} | {goal} |")?;
        }
        Ok(())
    }
}
