//! <https://hl7.org/fhir/packages.html>
//!
//! FHIR packages, from their bytes: a manifest, and definitions that become a pack, the compact
//! form in which a service keeps them ([`crate::definitions::Layer::load`] reads it).

#![deny(clippy::indexing_slicing)]

mod manifest;
mod unpack;

use std::collections::BTreeMap;
use std::fmt;

use base::limits;
use json::{Document, Limits};

use crate::definitions::build::Builder;
use crate::definitions::{About, Registry, STORED_TYPES};
use crate::snapshot::complete;

pub use manifest::{Dependency, Manifest};

/// A package that was read.
#[derive(Debug)]
pub struct Package {
    /// What it says about itself.
    pub manifest: Manifest,
    /// Its definitions as a pack without types.
    pub pack: Vec<u8>,
    /// How many resources of each type the pack has.
    pub counts: BTreeMap<String, usize>,
    /// Members that could not be read, and why.
    pub left_out: Vec<(String, String)>,
}

/// Why bytes are not a package that can be used.
#[derive(Debug)]
pub enum PackageError {
    /// Neither gzip nor zstd.
    NotAnArchive,
    /// Compressed data or archive are damaged.
    Damaged(std::io::Error),
    /// An archive, but `package/package.json` is not in it, or names no package.
    NotAPackage(&'static str),
    /// It unpacks to more than [`limits::PACKAGE_UNPACKED_BYTES`].
    TooLarge,
    /// It has more than [`limits::PACKAGE_MEMBERS`] members.
    TooMany,
    /// It is for other FHIR versions.
    OtherVersion {
        /// Its name and version.
        package: String,
        /// Those that it is for.
        found: Vec<String>,
        /// The one of the service.
        expected: String,
    },
    /// The pack could not be written, for want of memory.
    Pack(std::io::Error),
}

impl fmt::Display for PackageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArchive => out.write_str(
                "this is no FHIR package: a package is a .tgz or a .tar.zst. Download it from a \
                 package registry, or pack the folder 'package' with tar",
            ),
            Self::Damaged(error) => {
                write!(out, "the package is damaged: {error}. Download it again")
            }
            Self::NotAPackage(why) => write!(
                out,
                "this is no FHIR package: {why}. A package has the file package/package.json with \
                 its name and version"
            ),
            Self::TooLarge => write!(
                out,
                "the package unpacks to more than {} MiB",
                limits::PACKAGE_UNPACKED_BYTES >> 20
            ),
            Self::TooMany => {
                write!(out, "the package has more than {} files", limits::PACKAGE_MEMBERS)
            }
            Self::OtherVersion { package, found, expected } => write!(
                out,
                "{package} is for FHIR {}, and this service has FHIR {expected}. Take the package \
                 of the same name that was made for it",
                found.join(", ")
            ),
            Self::Pack(error) => write!(out, "the package could not be packed: {error}"),
        }
    }
}

impl std::error::Error for PackageError {}

/// Reads a package, `.tgz` or `.tar.zst`, for a service of this FHIR version (`4.0.1`). Profiles
/// with differentials only get snapshots over what the package has and what is `known`. One member
/// is in memory at a time, beside the profiles and the tables that the rest becomes.
///
/// # Errors
/// [`PackageError`], whose text says what to do.
pub fn read(archive: &[u8], fhir_version: &str, known: &Registry) -> Result<Package, PackageError> {
    let mut builder = Builder::new();
    let (mut counts, mut profiles) = (BTreeMap::new(), Vec::new());
    let contents = visit(archive, |definition| {
        let ty = definition.root().get("resourceType");
        let ty = ty.and_then(json::Value::as_str).unwrap_or_default();
        if ty == "StructureDefinition" {
            profiles.push(definition.clone());
        } else if STORED_TYPES.contains(&&*ty) && builder.add_to_layer(definition.root()) {
            *counts.entry(ty.into_owned()).or_default() += 1;
        }
    })?;
    let Contents { manifest, left_out } = contents;
    if !manifest.is_for(fhir_version) {
        return Err(PackageError::OtherVersion {
            package: manifest.id(),
            found: manifest.fhir_versions,
            expected: fhir_version.to_owned(),
        });
    }
    for profile in complete(known, &profiles) {
        if builder.add_to_layer(profile.root()) {
            *counts.entry("StructureDefinition".to_owned()).or_default() += 1;
        }
    }
    let about = About {
        version: fhir_version.to_owned(),
        sources: manifest.id(),
        licence: manifest.licence.clone().unwrap_or_default(),
    };
    let pack = builder.layer_pack(&about).map_err(PackageError::Pack)?;
    Ok(Package { manifest, pack, counts, left_out })
}

/// What a package is, beside its resources.
#[derive(Debug)]
pub struct Contents {
    /// What it says about itself.
    pub manifest: Manifest,
    /// Members that could not be read, and why.
    pub left_out: Vec<(String, String)>,
}

/// Gives every resource of a package to `take`, in the order of the archive; its examples are no
/// part of it.
///
/// # Errors
/// As [`read`], but for the FHIR version, which is not looked at.
pub fn visit(archive: &[u8], mut take: impl FnMut(&Document)) -> Result<Contents, PackageError> {
    let (mut manifest, mut left_out) = (None, Vec::new());
    unpack::members(archive, unpack::Bounds::default(), |name, bytes| {
        let text =
            bytes.strip_prefix(b"\xef\xbb\xbf").map_or_else(|| bytes.clone(), <[u8]>::to_vec);
        match Document::parse(text, &Limits::default()) {
            Ok(document) if name == "package.json" => manifest = Some(Manifest::of(&document)),
            Ok(document) => take(&document),
            Err(error) => left_out.push((name.to_owned(), error.to_string())),
        }
    })?;
    let manifest = manifest.ok_or(PackageError::NotAPackage("it has no package/package.json"))?;
    if manifest.name.is_empty() || manifest.version.is_empty() {
        return Err(PackageError::NotAPackage("its package.json has no name or no version"));
    }
    Ok(Contents { manifest, left_out })
}
