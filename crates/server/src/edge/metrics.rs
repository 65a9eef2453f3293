//! Figures for Prometheus: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

/// Upper bounds of the duration histogram, in microseconds.
const BOUNDS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 2_000_000, 10_000_000];
/// Room for pairs of area and interaction; what comes later is counted with the last one.
const KINDS: usize = 128;

/// Counters of this process. Counting takes no lock.
#[derive(Debug)]
pub(crate) struct Metrics {
    kinds: [OnceLock<Kind>; KINDS],
    connections: AtomicI64,
    connections_total: AtomicU64,
}

/// What is counted of one interaction of one area.
#[derive(Debug)]
struct Kind {
    area: &'static str,
    interaction: &'static str,
    /// By the first digit of the status.
    statuses: [AtomicU64; 5],
    durations: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            kinds: [const { OnceLock::new() }; KINDS],
            connections: AtomicI64::new(0),
            connections_total: AtomicU64::new(0),
        }
    }
}

/// A connection that counts as open until it is dropped.
pub(crate) struct OpenConnection<'a>(&'a Metrics);

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the stores of all services say together.
#[derive(Debug, Default)]
pub(crate) struct StoreFigures {
    /// Label of the service and its figures.
    pub(crate) services: Vec<(String, Vec<StoreFigure>)>,
}

/// Name, help and value.
pub(crate) type StoreFigure = (&'static str, &'static str, u64);

impl Metrics {
    pub(crate) fn connection(&self) -> OpenConnection<'_> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.connections_total.fetch_add(1, Ordering::Relaxed);
        OpenConnection(self)
    }

    /// Counts one answered request.
    pub(crate) fn request(
        &self,
        area: &'static str,
        interaction: &'static str,
        status: StatusCode,
        took: Duration,
    ) {
        let Some(kind) = self.kind(area, interaction) else { return };
        let class = usize::from(status.as_u16() / 100).saturating_sub(1).min(4);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        for counter in [kind.statuses.get(class), kind.durations.get(bucket)].into_iter().flatten()
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        kind.microseconds.fetch_add(micros, Ordering::Relaxed);
    }

    fn kind(&self, area: &'static str, interaction: &'static str) -> Option<&Kind> {
        self.kinds.iter().find_map(|slot| {
            let kind = slot.get_or_init(|| Kind::new(area, interaction));
            (kind.interaction == interaction && kind.area == area).then_some(kind)
        })
    }

    /// The page that Prometheus reads.
    pub(crate) fn page(&self, stores: &StoreFigures) -> String {
        let mut page = String::with_capacity(8 << 10);
        // Writing into a String cannot fail.
        let _ = self.write_requests(&mut page).and_then(|()| self.write_rest(&mut page, stores));
        page
    }

    fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().map_while(OnceLock::get)
    }

    fn write_requests(&self, page: &mut String) -> std::fmt::Result {
        heading(page, "firekeep_requests_total", "Answered requests.", "counter")?;
        for kind in self.kinds() {
            for (class, counter) in (1..).zip(&kind.statuses) {
                let count = counter.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = kind.labels();
                    writeln!(
                        page,
                        "firekeep_requests_total{{{labels},status=\"{class}xx\"}} {count}"
                    )?;
                }
            }
        }
        let help = "Time from the headers of a request to its answer.";
        heading(page, "firekeep_request_duration_seconds", help, "histogram")?;
        for kind in self.kinds() {
            kind.write_histogram(page)?;
        }
        Ok(())
    }

    fn write_rest(&self, page: &mut String, stores: &StoreFigures) -> std::fmt::Result {
        heading(page, "firekeep_connections", "Open connections.", "gauge")?;
        writeln!(page, "firekeep_connections {}", self.connections.load(Ordering::Relaxed))?;
        heading(page, "firekeep_connections_total", "Accepted connections.", "counter")?;
        let total = self.connections_total.load(Ordering::Relaxed);
        writeln!(page, "firekeep_connections_total {total}")?;
        let first = stores.services.first().map_or(&[][..], |(_, figures)| figures);
        for (at, (name, help, _)) in first.iter().enumerate() {
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            heading(page, name, help, kind)?;
            for (service, figures) in &stores.services {
                if let Some((_, _, value)) = figures.get(at) {
                    writeln!(page, "{name}{{service=\"{service}\"}} {value}")?;
                }
            }
        }
        if let Some(bytes) = resident_bytes() {
            heading(page, "process_resident_memory_bytes", "Resident memory.", "gauge")?;
            writeln!(page, "process_resident_memory_bytes {bytes}")?;
        }
        Ok(())
    }
}

impl Kind {
    fn new(area: &'static str, interaction: &'static str) -> Self {
        Self {
            area,
            interaction,
            statuses: Default::default(),
            durations: Default::default(),
            microseconds: AtomicU64::new(0),
        }
    }

    fn labels(&self) -> String {
        format!("area=\"{}\",interaction=\"{}\"", self.area, self.interaction)
    }

    fn write_histogram(&self, page: &mut String) -> std::fmt::Result {
        let (name, labels) = ("firekeep_request_duration_seconds", self.labels());
        let mut count = 0;
        for (at, counter) in self.durations.iter().enumerate() {
            count += counter.load(Ordering::Relaxed);
            let bound = BOUNDS.get(at).map_or("+Inf".to_owned(), |bound| seconds(*bound));
            writeln!(page, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}")?;
        }
        let sum = seconds(self.microseconds.load(Ordering::Relaxed));
        writeln!(page, "{name}_sum{{{labels}}} {sum}")?;
        writeln!(page, "{name}_count{{{labels}}} {count}")
    }
}

fn heading(page: &mut String, name: &str, help: &str, kind: &str) -> std::fmt::Result {
    writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Resident memory as Linux tells it; `None` elsewhere.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_counts_by_area_interaction_and_status() {
        let metrics = Metrics::default();
        let micros = Duration::from_micros;
        metrics.request("fhir", "read", StatusCode::OK, micros(90));
        metrics.request("fhir", "read", StatusCode::NOT_FOUND, micros(2_000));
        metrics.request("oauth", "token", StatusCode::OK, micros(20_000_000));
        let stores = StoreFigures {
            services: vec![("main-demo".into(), vec![("firekeep_store_bytes", "Bytes.", 7)])],
        };
        let page = metrics.page(&stores);
        let read = "area=\"fhir\",interaction=\"read\"";
        for line in [
            format!("firekeep_requests_total{{{read},status=\"2xx\"}} 1"),
            format!("firekeep_requests_total{{{read},status=\"4xx\"}} 1"),
            format!("firekeep_request_duration_seconds_bucket{{{read},le=\"0.000100\"}} 1"),
            format!("firekeep_request_duration_seconds_bucket{{{read},le=\"+Inf\"}} 2"),
            format!("firekeep_request_duration_seconds_sum{{{read}}} 0.002090"),
            format!("firekeep_request_duration_seconds_count{{{read}}} 2"),
            "# TYPE firekeep_store_bytes gauge".to_owned(),
            "firekeep_store_bytes{service=\"main-demo\"} 7".to_owned(),
            "firekeep_connections 0".to_owned(),
        ] {
            assert!(page.lines().any(|said| said == line), "{line} is not in {page}");
        }
    }
}
