//! The table that is printed and kept under `docs/performance/`.

use std::fmt;

use crate::driver::Measured;

/// Rows of a Markdown table.
#[derive(Default)]
pub struct Report {
    rows: Vec<[String; 5]>,
}

impl Report {
    /// A pair of measurements of requests: ours and the probe's.
    pub fn pair(&mut self, name: &str, ours: &Measured, probe: &Measured, goal: &str) {
        let (a, b) = (ours.per_second(), probe.per_second());
        let latency = |measured: &Measured| {
            format!("{} / {} µs", measured.quantile(0.5), measured.quantile(0.99))
        };
        let (ours, probe) = (latency(ours), latency(probe));
        let pair = [format!("{a:.0}/s ({ours})"), format!("{b:.0}/s ({probe})")];
        self.figures(name, pair, a / b, goal);
    }

    /// Any pair, ours and the probe's, whose ratio is what matters.
    pub fn figures(&mut self, name: &str, [ours, probe]: [String; 2], ratio: f64, goal: &str) {
        let ratio = format!("{:.0} %", ratio * 100.0);
        eprintln!("  {name}: ours {ours}, probe {probe}, {ratio}");
        self.rows.push([name.into(), ours, probe, ratio, goal.into()]);
    }
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
