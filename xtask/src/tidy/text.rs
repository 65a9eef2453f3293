//! Rules for every file, whatever its language: spaces, line ends, sizes, and words that tie the
//! project to one machine.

use anyhow::{Context, Result};

use super::{Finding, Tree};

/// Bytes of a file that is neither generated nor data.
const FILE_BYTES: u64 = 1 << 20;

/// Characters of a line of Rust or TOML.
pub(super) const LINE_CHARACTERS: usize = 100;

/// Folders of machines. In two halves, so that this file passes its own rule.
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/fa", "rm/"), concat!("/ho", "me/")];

/// Hosts of package registries: an ordinary client knows its own.
const REGISTRY_HOSTS: [&str; 9] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("proxy.golang", ".org"),
    concat!("maven.apache", ".org"),
    concat!("maven", ".org"),
    concat!("debian", ".org"),
];

/// A file that is too big to be looked at.
pub(super) fn check_size(tree: &Tree, path: &str, findings: &mut Vec<Finding>) -> Result<()> {
    let bytes = std::fs::metadata(tree.root.join(path)).with_context(|| format!("stat {path}"))?;
    let folder = |name: &str| path.split('/').any(|part| part == name);
    if bytes.len() > FILE_BYTES && !folder("gen") && !folder("data") {
        let what = format!("{} bytes; over 1 MiB belongs under gen/ or data/", bytes.len());
        findings.push(Finding::new(path, 0, what));
    }
    Ok(())
}

/// What may stand on no line of any text.
pub(super) fn check(path: &str, text: &str, findings: &mut Vec<Finding>) {
    if path.ends_with(".lock") || path.split('/').any(|part| part == "gen") {
        return;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::new(path, text.lines().count(), "no newline at the end"));
    }
    for (index, line) in text.lines().enumerate() {
        let line_rules = line_findings(path, line);
        findings.extend(line_rules.into_iter().map(|what| Finding::new(path, index + 1, what)));
    }
}

fn line_findings(path: &str, line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let ours = path.ends_with(".rs") || path.ends_with(".toml");
    // Two spaces at the end of a line mean something in Markdown; `LICENSE` is not our text.
    if line.ends_with([' ', '\t', '\r']) && path != "LICENSE" {
        found.push("a space at the end of the line".to_owned());
    }
    if line.contains('\t') && !path.ends_with("Makefile") {
        found.push("a tab".to_owned());
    }
    let characters = line.chars().count();
    if ours && characters > LINE_CHARACTERS && !line.contains("://") {
        found.push(format!("{characters} characters; at most {LINE_CHARACTERS}"));
    }
    if let Some(folder) = machine_folder(line) {
        found.push(format!("`{folder}` is a folder of one machine"));
    }
    if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(**host)) {
        found.push(format!("`{host}` is the host of a package registry"));
    }
    found
}

/// A folder of one machine at the start of an absolute path.
fn machine_folder(line: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.into_iter().find(|folder| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let starts =
                before.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'));
            // Somebody's home needs a name behind it.
            let named = folder != &MACHINE_FOLDERS[3]
                || line[at + folder.len()..].starts_with(|c: char| c.is_ascii_lowercase());
            starts && named
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Finding, check};

    /// Findings as `line what`, first words only.
    fn findings(path: &str, text: &str, expected: &[&str]) {
        let mut found: Vec<Finding> = Vec::new();
        check(path, text, &mut found);
        let shown: Vec<String> = found.iter().map(|f| format!("{} {}", f.line, f.what)).collect();
        assert_eq!(shown.len(), expected.len(), "{text:?}: {shown:?}");
        for (shown, expected) in shown.iter().zip(expected) {
            assert!(shown.starts_with(expected), "{shown} should start with {expected}");
        }
    }

    #[test]
    fn spaces_tabs_and_ends() {
        findings("a.md", "a\nb\n", &[]);
        findings("a.md", "a \nb\t\n", &["1 a space", "2 a space", "2 a tab"]);
        findings("a.md", "a", &["1 no newline"]);
        findings("a.md", "", &[]);
        findings("LICENSE", "a \n", &[]);
        findings("Cargo.lock", "a ", &[]);
        findings("crates/fhir/gen/a.rs", "a\t", &[]);
    }

    #[test]
    fn a_line_of_code_has_100_characters_at_most() {
        let longest = "é".repeat(100);
        findings("a.rs", &format!("{longest}\n"), &[]);
        findings("a.rs", &format!("{longest}é\n"), &["1 101 characters"]);
        findings("a.toml", &format!("{longest}é\n"), &["1 101 characters"]);
        findings("a.md", &format!("{longest}é\n"), &[]);
        findings("a.rs", &format!("//! <https://{longest}>\n"), &[]);
    }

    #[test]
    fn no_path_and_no_registry_of_one_machine() {
        findings("a.md", concat!("see /wo", "rk/x\n"), &["1 `/wo"]);
        findings("a.md", concat!("(/ro", "ot/x)\n"), &["1 `/ro"]);
        findings("a.md", concat!("/ho", "me/anna/x\n"), &["1 `/ho"]);
        findings("a.md", concat!("/ho", "me/$USER/x\n"), &[]);
        findings("a.md", concat!("a/wo", "rk/x ./ro", "ot/x\n"), &[]);
        findings("a.md", concat!("index.crates", ".io\n"), &["1 `crates"]);
        findings("a.md", concat!("https://pypi", ".org/x\n"), &["1 `pypi"]);
    }
}
