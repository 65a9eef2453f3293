//! Placeholder.
pub fn compare(_data: &std::path::Path) -> anyhow::Result<(f64, f64)> {
    anyhow::bail!("not yet")
}
