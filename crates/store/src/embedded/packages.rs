//! The table `package`: written beside the commits, since it is not part of any snapshot.

use std::sync::atomic::Ordering;

use base::Fault;

use super::Store;
use super::engine::View;
use super::read::broken;
use super::tables::PACKAGE;
use crate::package::{KeptPackage, PackageRow};

impl Store {
    /// Keeps a package, in place of the one of the same name; `archive` is the package as it was
    /// given. It is on the disk when this returns. Blocking.
    ///
    /// # Errors
    /// A [`Fault`], for which [`Fault::is_no_room`] tells a full disk or map apart; nothing is then
    /// changed.
    pub fn put_package(&self, package: &KeptPackage, archive: &[u8]) -> Result<(), Fault> {
        self.shared.engine.write_growing(|writer| {
            let last = rows(writer.view())?.into_iter().map(|(_, row)| row.order).max();
            let (about, pack) = (&package.about[..], &package.pack[..]);
            let row = PackageRow { order: last.unwrap_or(0) + 1, about, pack, archive }.write();
            let row = row.ok_or_else(|| Fault::because("a package of more than 4 GiB"))?;
            writer.put(PACKAGE, package.name.as_bytes(), &row)
        })?;
        self.shared.package_changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Removes a package; `false` when there is none of this name. Blocking.
    ///
    /// # Errors
    /// As [`Store::put_package`].
    pub fn remove_package(&self, name: &str) -> Result<bool, Fault> {
        let delete =
            |writer: &mut super::engine::Writer<'_>| writer.delete(PACKAGE, name.as_bytes());
        let removed = self.shared.engine.write_growing(delete)?;
        self.shared.package_changes.fetch_add(1, Ordering::Release);
        Ok(removed)
    }

    /// All packages, the one added last at the end.
    ///
    /// # Errors
    /// A [`Fault`] when the file cannot be read.
    pub fn packages(&self) -> Result<Vec<KeptPackage>, Fault> {
        let reader = self.shared.engine.read()?;
        let mut rows = rows(reader.view())?;
        rows.sort_by_key(|(_, row)| row.order);
        let kept = rows.into_iter().map(|(name, row)| KeptPackage {
            name: name.to_owned(),
            about: row.about.to_vec(),
            pack: row.pack.to_vec(),
        });
        Ok(kept.collect())
    }

    /// A package as it was given.
    ///
    /// # Errors
    /// As [`Store::packages`].
    pub fn package_archive(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let reader = self.shared.engine.read()?;
        let Some(row) = reader.view().get(PACKAGE, name.as_bytes())? else { return Ok(None) };
        let row = PackageRow::read(row).ok_or_else(|| broken("package"))?;
        Ok(Some(row.archive.to_vec()))
    }

    /// Rises whenever the packages change, from 0 when the store is opened.
    #[must_use]
    pub fn package_changes(&self) -> u64 {
        self.shared.package_changes.load(Ordering::Acquire)
    }
}

/// All rows, by name.
pub(super) fn rows(view: View<'_>) -> Result<Vec<(&str, PackageRow<'_>)>, Fault> {
    let rows = view.all(PACKAGE)?.map(|entry| {
        let (name, row) = entry?;
        let name = std::str::from_utf8(name).map_err(|_| broken("package"))?;
        Ok((name, PackageRow::read(row).ok_or_else(|| broken("package"))?))
    });
    rows.collect()
}
