//! Figures for Prometheus: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

/// Counters of this process.
#[derive(Debug, Default)]
pub(crate) struct Metrics;
